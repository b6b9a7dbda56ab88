//! What one user sees of one release, in words: the ground of every catalog that clients ask.

use datafusion::arrow::datatypes::SchemaRef;
use salesmart_core::ReleaseId;

/// What one user sees of one release. Nothing that the user may not see is in it.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    /// The release.
    pub(crate) release: ReleaseId,
    /// The database that the client is connected to; the engine's catalog has the same name.
    pub(crate) database: String,
    /// All databases a client may connect to: `warehouse`, and each release by its id.
    pub(crate) databases: Vec<String>,
    /// Who asks.
    pub(crate) user: String,
    /// The schema in which names without one are looked up.
    pub(crate) default_schema: String,
    /// The visible schemas, by name.
    pub(crate) schemas: Vec<SchemaDescription>,
}

/// A schema and its tables, by name.
#[derive(Clone, Debug)]
pub(crate) struct SchemaDescription {
    /// `kpi`.
    pub(crate) name: String,
    /// What the schema is for; `None` for one that this program does not know.
    pub(crate) description: Option<&'static str>,
    /// Its tables.
    pub(crate) tables: Vec<TableDescription>,
}

/// A table: what it says, a row for what, which columns.
#[derive(Clone, Debug)]
pub(crate) struct TableDescription {
    /// `win_rate`.
    pub(crate) name: String,
    /// What it says, and what its metrics mean; `None` where no model of that name is known.
    pub(crate) description: Option<String>,
    /// The columns that are unique together; empty where no model of that name is known.
    pub(crate) grain: Vec<String>,
    /// Rows, as the release says.
    pub(crate) rows: u64,
    /// The columns: type, nullability, and the key [`COMMENT`] of their metadata.
    pub(crate) columns: SchemaRef,
}

/// The key of a column's documentation in its metadata.
pub(crate) const COMMENT: &str = "comment";
