//! The stories, in folders named after the stages and after what they are about.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod clients;
mod crash;
mod docs;
mod forecast;
mod golden;
mod line;
mod models;
mod publish;
mod serve;
mod sources;
mod stores;
mod wrong;
