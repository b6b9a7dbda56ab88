//! Landing: what a connector sends becomes rows of a raw table, and what cannot be used becomes
//! rows of a quarantine table.
//!
//! Raw tables are append-only. A row that is new or different is appended with its provenance; a
//! row that is there already exactly as it came is counted as unchanged; a key that a complete
//! reading no longer delivers gets a delete marker. Rows and cursor are one Delta commit, so a
//! killed run repeats work and never loses or doubles a row. Every row that was read is counted
//! as landed, quarantined or unchanged, or landing fails.
//!
//! Memory is bounded: by a few batches on a first reading, and beyond that by
//! an index of six million rows of what is there. The exception are streams without a key, whose
//! identities are all held while a snapshot of them is read.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

mod batch;
mod hash;
mod index;
mod key_log;
mod lander;
mod provenance;
mod quarantine;
mod refusal;
mod schema;
mod spill;
#[cfg(test)]
mod tests;

pub use lander::{Fence, LandRequest, land, saved_cursor};
pub use provenance::{Operation, columns as provenance_columns};
