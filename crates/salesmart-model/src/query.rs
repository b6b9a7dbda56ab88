//! Reading a release with SQL: `SELECT`, `EXPLAIN`, `SHOW` and `DESCRIBE`, and nothing that writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, SchemaProvider, TableProvider};
use datafusion::common::DataFusionError;
use datafusion::error::Result as EngineResult;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, SessionStateBuilder};
use datafusion::prelude::{DataFrame, SQLOptions, SessionContext};
use salesmart_core::{Error, Location, Result};
use salesmart_lake::{Lake, Table};

use crate::diagnostics::Source;
use crate::name::{Layer, TableName};
use crate::nearest::nearest;
use crate::session::{WAREHOUSE, config};
use crate::settings::BusinessSettings;
use crate::{functions, quarantine, store};

/// What messages call the text of a query.
pub(crate) const FILE: &str = "query";

/// One schema of a release. Tables are opened when a query asks for them.
#[derive(Debug)]
struct ReleaseSchema {
    lake: Lake,
    schema: String,
    versions: BTreeMap<String, u64>,
}

#[async_trait]
impl SchemaProvider for ReleaseSchema {
    fn table_names(&self) -> Vec<String> {
        self.versions.keys().cloned().collect()
    }

    async fn table(&self, name: &str) -> EngineResult<Option<Arc<dyn TableProvider>>> {
        let Some(version) = self.versions.get(name) else { return Ok(None) };
        let external = |e: Error| DataFusionError::External(Box::new(e));
        let name = TableName::new(&self.schema, name);
        let provider = open(&self.lake, &name, *version).await.map_err(external)?;
        Ok(Some(provider))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.versions.contains_key(name)
    }
}

/// One version of a table, open for reading.
#[derive(Clone, Debug)]
pub struct OpenTable {
    /// What the engine scans.
    pub provider: Arc<dyn TableProvider>,
    /// The columns, with what they mean under the key `comment`.
    pub columns: SchemaRef,
}

/// Opens a version of a table for a session that [`reader`] made.
///
/// # Errors
/// When the store fails, or the version is not there.
pub async fn open_table(lake: &Lake, name: &TableName, version: u64) -> Result<OpenTable> {
    let table = lake.table_at(&store::path(name), version).await?;
    let columns = Arc::clone(&table.schema);
    Ok(OpenTable { provider: provider(lake, &table)?, columns })
}

/// A session without tables that reads the files of a lake, with the settings and the functions
/// that [`query`] has. Names without a catalog are looked up in `catalog`, which is not there yet;
/// names without a schema, in its schema `kpi`.
#[must_use]
pub fn reader(
    lake: &Lake,
    business: &BusinessSettings,
    catalog: &str,
    runtime: Arc<RuntimeEnv>,
) -> SessionContext {
    let settings = config()
        .with_information_schema(true)
        .with_default_catalog_and_schema(catalog, Layer::Kpi.schema());
    let state = SessionStateBuilder::new()
        .with_config(settings)
        .with_runtime_env(runtime)
        .with_default_features()
        .build();
    let context = SessionContext::new_with_state(state);
    functions::register(&context, business);
    store::attach(&context, lake);
    context
}

/// What is wrong with a query that could not be planned or run: place, reason, what was meant.
#[must_use]
pub fn problem(sql: &str, error: &DataFusionError) -> Error {
    unwrapped(error).unwrap_or_else(|| Source { file: FILE, text: sql }.plan_error(error))
}

/// A version of a table, with the columns it has.
pub(crate) async fn open(
    lake: &Lake,
    name: &TableName,
    version: u64,
) -> Result<Arc<dyn TableProvider>> {
    let table = lake.table_at(&store::path(name), version).await?;
    provider(lake, &table)
}

fn provider(lake: &Lake, table: &Table) -> Result<Arc<dyn TableProvider>> {
    // Comments are for catalogs; in the engine they would make equal schemas differ.
    let fields: Vec<Field> = table
        .schema
        .fields()
        .iter()
        .map(|field| Field::new(field.name(), field.data_type().clone(), field.is_nullable()))
        .collect();
    store::provider(lake, &table.files, Arc::new(Schema::new(fields)))
}

/// Runs a query over a release: the exact table versions in `tables`, by `schema.table`. What is
/// in quarantine now can be asked as `quarantine.<connection>.<stream>`.
///
/// # Errors
/// When the text is not one reading statement, names what is not there, or the store fails.
pub async fn query(
    lake: &Lake,
    tables: &BTreeMap<String, u64>,
    business: &BusinessSettings,
    sql: &str,
) -> Result<SendableRecordBatchStream> {
    let context = session(lake, tables, business)?;
    if sql.to_ascii_lowercase().contains(quarantine::CATALOG) {
        quarantine::attach(&context, lake).await?;
    }
    let source = Source { file: FILE, text: sql };
    let failed = |e: &DataFusionError| unwrapped(e).unwrap_or_else(|| source.plan_error(e));
    let state = context.state();
    let dialect = state.config().options().sql_parser.dialect;
    let statement = state.sql_to_statement(sql, &dialect).map_err(|e| failed(&e))?;
    let plan =
        state.statement_to_plan(statement).await.map_err(|e| suggest_table(failed(&e), tables))?;
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)
        .map_err(|_| {
            Error::configuration("the query would change something, and releases are only read")
                .at(Location::line(FILE, 1))
                .with("expected", "`select`, `explain`, `show` or `describe`")
                .with_hint("models change tables: put the SQL into `sql/` and run the pipeline")
        })?;
    let frame = DataFrame::new(state, plan);
    frame.execute_stream().await.map_err(|e| unwrapped(&e).unwrap_or_else(|| source.running(&e)))
}

/// Our own error inside the engine's, where a table of the release could not be opened.
pub(crate) fn unwrapped(error: &DataFusionError) -> Option<Error> {
    let DataFusionError::External(inner) = error.find_root() else { return None };
    let own = inner.downcast_ref::<Error>()?;
    let mut error = Error::new(own.kind(), own.message());
    for (key, value) in own.context() {
        error = error.with(key, value);
    }
    if let Some(hint) = own.hint() {
        error = error.with_hint(hint);
    }
    Some(error.with_retryable(own.is_retryable()))
}

fn session(
    lake: &Lake,
    tables: &BTreeMap<String, u64>,
    business: &BusinessSettings,
) -> Result<SessionContext> {
    let context = reader(lake, business, WAREHOUSE, Arc::new(RuntimeEnv::default()));
    let mut schemas: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (name, version) in tables {
        let name: TableName = name.parse()?;
        schemas.entry(name.schema).or_default().insert(name.table, *version);
    }
    let catalog = MemoryCatalogProvider::new();
    for (schema, versions) in schemas {
        let provider = ReleaseSchema { lake: lake.clone(), schema: schema.clone(), versions };
        catalog.register_schema(&schema, Arc::new(provider)).map_err(|e| {
            Error::bug(format!("schema `{schema}` cannot be registered")).with_source(e)
        })?;
    }
    context.register_catalog(WAREHOUSE, Arc::new(catalog) as Arc<dyn CatalogProvider>);
    Ok(context)
}

/// Names the table that was meant, when the engine only says that there is none.
fn suggest_table(error: Error, tables: &BTreeMap<String, u64>) -> Error {
    let Some(typed) = error
        .message()
        .strip_prefix("table `")
        .and_then(|rest| rest.split('`').next())
        .map(|typed| typed.trim_start_matches("warehouse.").to_owned())
    else {
        return error;
    };
    let bare = typed.trim_start_matches("kpi.");
    let found = nearest(&typed, tables.keys().map(String::as_str)).or_else(|| {
        tables.keys().map(String::as_str).find(|name| name.rsplit('.').next() == Some(bare))
    });
    let hint = match found {
        Some(name) => format!("did you mean `{name}`?"),
        None => "`show tables` lists them".to_owned(),
    };
    let mut better = Error::configuration(format!("table `{typed}` is not in the release"));
    if let Some(location) = error.location() {
        better = better.at(location.clone());
    }
    better.with_hint(hint)
}
