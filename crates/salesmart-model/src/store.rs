//! From a table version in the lake to a table the engine can scan: its exact files, read by
//! DataFusion's own Parquet source.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::prelude::SessionContext;
use salesmart_core::{Error, Result};
use salesmart_lake::{DataFile, Lake, TablePath};

use crate::name::TableName;
use crate::scan::Files;

/// The key in commit metadata under which a build says what it was made of.
pub(crate) const FINGERPRINT: &str = "fingerprint";
/// The key of the hash of a table's rows.
pub(crate) const CONTENT: &str = "content";
/// The key under which a build says how many rows share their grain with another.
pub(crate) const DUPLICATES: &str = "grain_duplicates";
/// The key under which a build names the checks that all rows of the table pass.
pub(crate) const PASSED: &str = "passed_checks";

/// The key under which an incremental build says what it was made of, input by input.
pub(crate) const INCREMENTAL: &str = "incremental";
/// The key under which it says which values of its key each file holds.
pub(crate) const RANGES: &str = "ranges";
/// The key under which a build of a part says which keys it replaced.
pub(crate) const CHANGED_KEYS: &str = "changed_keys";

/// The key under which a build that moved sums says by how many keys.
pub(crate) const MOVED_KEYS: &str = "moved_keys";

/// Makes the lake's files readable in a session.
pub(crate) fn attach(context: &SessionContext, lake: &Lake) {
    context.register_object_store(lake.store_url(), lake.object_store());
}

/// Where a model's table is.
pub(crate) fn path(name: &TableName) -> TablePath {
    TablePath::warehouse(&name.schema, &name.table)
}

/// A table over exactly these files. Columns that a file lacks are null, columns that the schema
/// lacks are not read: so several versions of a raw table, or several tables, are one.
pub(crate) fn provider(
    lake: &Lake,
    files: &[DataFile],
    schema: SchemaRef,
) -> Result<Arc<dyn TableProvider>> {
    if files.is_empty() {
        return Ok(Arc::new(EmptyTable::new(schema)));
    }
    let store = ObjectStoreUrl::parse(lake.store_url())
        .map_err(|e| Error::bug("the lake has no URL that the engine takes").with_source(e))?;
    Ok(Arc::new(Files::new(store, files.to_vec(), schema)))
}

/// What a commit's metadata says the rows are.
pub(crate) fn content(metadata: &BTreeMap<String, serde_json::Value>) -> Option<&str> {
    metadata.get(CONTENT).and_then(|value| value.as_str())
}

/// What a commit's metadata says the table was made of.
pub(crate) fn fingerprint(metadata: &BTreeMap<String, serde_json::Value>) -> Option<&str> {
    metadata.get(FINGERPRINT).and_then(|value| value.as_str())
}
