//! The vocabulary of Salesmart: identifiers, column types, cursors, receipts, configuration
//! nodes with their place in a file, and the one error type.
//!
//! Everything here is a value. Architecture invariant: this crate opens no file and no socket,
//! starts no task, and knows neither DataFusion nor Delta.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

pub mod column;
pub mod contract;
pub mod cursor;
pub mod error;
pub mod finding;
pub mod id;
pub mod millionths;
pub mod receipt;
pub mod secret;
pub mod stream;
pub mod suggest;
pub mod threshold;
pub mod yaml;

pub use column::{Column, ColumnType};
pub use contract::{ColumnPromise, TableContract, ValueRule};
pub use cursor::Cursor;
pub use error::{Error, ErrorKind, Location, Result};
pub use finding::Finding;
pub use id::{ConnectionName, ReleaseId, RunId, StreamName, SystemName, TargetName};
pub use millionths::Millionths;
pub use secret::{Secret, SecretRef};
pub use threshold::Threshold;
