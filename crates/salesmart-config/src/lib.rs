//! Turns `pipelines/`, `config/` and the environment into validated structs with file and line.
//!
//! [`Project::load`] reads a project folder and reports everything that is wrong in any of its
//! files at once. A variable that is not set is a problem only of the pipeline that uses it, and
//! shows when that pipeline is asked for.
//!
//! Architecture invariant: this crate knows no connector. A connection's `with` section stays a
//! tree with places, which its connector decodes.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

pub mod business;
pub mod forecast;
pub mod holidays;
pub mod lake;
pub mod pipeline;
mod project;
pub mod schema;
pub mod serve;
pub mod targets;
#[cfg(test)]
mod tests;
pub mod variables;

pub use business::{Business, FiscalYear};
pub use pipeline::{Connection, Pipeline};
pub use project::Project;
pub use serve::Serve;
pub use targets::Target;
pub use variables::Variables;
