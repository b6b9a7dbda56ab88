//! Walking one pipeline down the line: extract, land, model, publish.
//!
//! [`Workspace`] is a project folder that was read and found well-formed. [`run`] takes one of its
//! pipelines through the stages that are asked for, under a lease, and leaves a [`RunRecord`] in
//! the lake after every stage, so that a run that ends early can be seen and run again.
//!
//! Architecture invariant: this crate knows no connector; which kinds there are is told to it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

mod check;
mod discovery;
mod forecast;
mod leases;
mod memory;
mod observe;
mod partial;
pub mod period;
mod record;
mod run;
mod settings;
mod spool;
mod stages;
mod system;
mod targets;
#[cfg(test)]
mod tests;
mod workspace;

pub use check::{CheckReport, check};
pub use memory::default_memory_limit;
pub use observe::{Observer, Progress, Stage};
pub use period::Period;
pub use record::{RunRecord, RunStatus, run_record, run_records};
pub use run::{Finished, RunOptions, Stages, run, walk};
pub use workspace::{ConnectedStream, Connection, PipelineTarget, Workspace};
