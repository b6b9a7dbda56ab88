//! Quarantine as a catalog: `quarantine.<connection>.<stream>`, in its newest version. It belongs
//! to no release, since what is in it never became a figure.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider,
};
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use salesmart_core::{Error, Result};
use salesmart_lake::Lake;

use crate::store;

/// The name of the catalog.
pub(crate) const CATALOG: &str = "quarantine";

/// Makes every quarantine table of the lake readable.
pub(crate) async fn attach(context: &SessionContext, lake: &Lake) -> Result<()> {
    let failed =
        |e: DataFusionError| Error::bug("a quarantine table cannot be registered").with_source(e);
    let mut schemas: BTreeMap<String, Arc<MemorySchemaProvider>> = BTreeMap::new();
    for (connection, stream) in lake.quarantine_tables().await? {
        let path = salesmart_lake::TablePath::quarantine(&connection, &stream);
        let Some(table) = lake.table(&path).await? else { continue };
        let provider = store::provider(lake, &table.files, Arc::clone(&table.schema))?;
        let schema = schemas.entry(connection.to_string()).or_default();
        schema.register_table(stream.to_string(), provider).map_err(failed)?;
    }
    let catalog = MemoryCatalogProvider::new();
    for (name, schema) in schemas {
        catalog.register_schema(&name, schema).map_err(failed)?;
    }
    context.register_catalog(CATALOG, Arc::new(catalog));
    Ok(())
}
