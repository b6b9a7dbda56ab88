//! Landing: what a connector sends becomes rows of a raw table, and what cannot be used becomes
//! rows of a quarantine table.
//!
//! Raw tables are append-only. A row that is new or different is appended with its provenance; a
//! row that is there already exactly as it came is counted as unchanged; new values of some
//! columns are merged into the whole row before it is appended; a key that is gone from the source
//! gets a delete marker, whether the source says so, a complete reading no longer delivers it, or
//! a list of all keys no longer names it. Rows and cursor are one Delta commit, so a killed run
//! repeats work and never loses or doubles a row. Every row that was read is counted as landed,
//! quarantined or unchanged, or landing fails; and what the source itself counts is compared with
//! what came.
//!
//! Memory is bounded: by a few batches on a first reading, and beyond that by an index of part of
//! what is there. The exception are streams without a key, whose identities are all held while a
//! snapshot of them is read.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

mod batch;
mod census;
mod conform;
mod hash;
mod index;
mod judge;
mod key_log;
mod lander;
mod patch;
mod provenance;
mod quarantine;
mod refusal;
mod request;
mod schema;
mod spill;
#[cfg(test)]
mod tests;

pub use lander::land;
pub use provenance::{Operation, columns as provenance_columns, source_columns};
pub use request::{Fence, LandRequest, Outcome, saved_cursor};
