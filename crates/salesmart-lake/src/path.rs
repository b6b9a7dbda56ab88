//! Where tables live below the lake's URL.

use std::fmt;

use object_store::path::Path;
use salesmart_core::{ConnectionName, StreamName};

/// The place of one Delta table, relative to the lake.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TablePath(String);

impl TablePath {
    /// The append-only table of what a stream delivered.
    #[must_use]
    pub fn raw(connection: &ConnectionName, stream: &StreamName) -> Self {
        Self(format!("raw/{connection}/{stream}"))
    }

    /// The table of what could not be read from a stream.
    #[must_use]
    pub fn quarantine(connection: &ConnectionName, stream: &StreamName) -> Self {
        Self(format!("quarantine/{connection}/{stream}"))
    }

    /// A table that a model builds.
    #[must_use]
    pub fn warehouse(schema: &str, table: &str) -> Self {
        Self(format!("warehouse/{schema}/{table}"))
    }

    /// The path as text, without slashes at either end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn object(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.0))
    }
}

impl fmt::Display for TablePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
