//! Serving: releases, read by those who did not make them.
//!
//! It reads releases only and cannot write.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

mod catalog;
mod engine;
