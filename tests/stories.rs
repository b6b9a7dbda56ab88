//! The stories, in folders named after the stages and after what they are about.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod crash;
mod forecast;
mod golden;
mod line;
mod models;
mod publish;
mod sources;
mod stores;
mod wrong;
