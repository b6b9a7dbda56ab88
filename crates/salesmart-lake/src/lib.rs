//! The lake: Delta tables, documents, releases and leases on one object store.
//!
//! All state of Salesmart is here, below one URL, and nothing beside it. This is the only room
//! that knows Delta. Everything durable happens by a put that either creates an object or does
//! not, so a process that is killed leaves the state before the put or the state after it.
//!
//! ```text
//! raw/<connection>/<stream>/          Delta: append-only, rows and cursor in one commit
//! quarantine/<connection>/<stream>/   Delta: what could not be read, with reason and position
//! warehouse/<schema>/<table>/         Delta: what models build
//! releases/<id>.json                  which version of each table a release consists of
//! releases/current/<n>.json           the pointer log: its last entry names the current release
//! runs/<id>.json                      run records
//! leases/<name>/<epoch>.json          who may write
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

mod commit;
pub mod crash;
mod document;
mod history;
mod lease;
mod path;
mod read;
mod release;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub use commit::{Commit, CommitMode};
pub use history::{StoredFile, TableCommit};
pub use lease::{Lease, LeaseRecord};
pub use path::TablePath;
pub use release::{PointerEntry, Release, ReleasedTable};
pub use store::{Lake, open_store};
pub use table::{DataFile, Table};
pub use writer::{NewFile, TableWriter, Uncommitted};
