//! Serving: releases, read by those who did not make them.
//!
//! It reads releases only and cannot write.
