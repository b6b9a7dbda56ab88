//! The engine as models see it: two catalogs, our functions, exact decimals, no views of strings.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::common::{DataFusionError, Result as EngineResult};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Query, Statement as SqlStatement};

use crate::functions;
use crate::name::{Layer, Relation};
use crate::settings::BusinessSettings;

/// The catalog of what models build.
pub(crate) const WAREHOUSE: &str = "warehouse";
/// The catalog of what sources delivered.
pub(crate) const RAW: &str = "raw";
/// Partitions a query is split into: the machines we are measured on have two cores.
const TARGET_PARTITIONS: usize = 2;

/// The engine's settings. They are part of what a model means: a decimal literal is exact, text
/// has one type, nulls come last.
pub(crate) fn config() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(TARGET_PARTITIONS)
        .with_default_catalog_and_schema(WAREHOUSE, Layer::Kpi.schema())
        .with_create_default_catalog_and_schema(false);
    let options = config.options_mut();
    // Places in error messages.
    options.sql_parser.collect_spans = true;
    // `0.1` is a tenth, not the nearest float: no float for money.
    options.sql_parser.parse_float_as_decimal = true;
    // One text type everywhere, so that contracts and unions compare equal.
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.parquet.schema_force_view_types = false;
    options.execution.collect_statistics = true;
    config
}

/// Schemas by catalog and name.
type Schemas = BTreeMap<(String, String), Arc<MemorySchemaProvider>>;

/// A session with empty catalogs.
#[derive(Clone)]
pub(crate) struct Workspace {
    context: SessionContext,
    schemas: Arc<RwLock<Schemas>>,
    raw: Arc<MemoryCatalogProvider>,
    warehouse: Arc<MemoryCatalogProvider>,
}

impl Workspace {
    pub(crate) fn new(
        business: &BusinessSettings,
        runtime: Arc<RuntimeEnv>,
        config: SessionConfig,
    ) -> Self {
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(runtime)
            .with_default_features()
            .build();
        let context = SessionContext::new_with_state(state);
        functions::register(&context, business);
        let raw = Arc::new(MemoryCatalogProvider::new());
        let warehouse = Arc::new(MemoryCatalogProvider::new());
        context.register_catalog(RAW, Arc::clone(&raw) as Arc<dyn CatalogProvider>);
        context.register_catalog(WAREHOUSE, Arc::clone(&warehouse) as Arc<dyn CatalogProvider>);
        Self { context, schemas: Arc::default(), raw, warehouse }
    }

    /// A workspace without tables that shares this one's memory and stores.
    pub(crate) fn fresh(&self, business: &BusinessSettings, config: SessionConfig) -> Self {
        Self::new(business, self.context.runtime_env(), config)
    }

    /// The table that a relation is now.
    pub(crate) async fn provider(
        &self,
        relation: &Relation,
    ) -> EngineResult<Option<Arc<dyn TableProvider>>> {
        let (catalog, schema, name) = match relation {
            Relation::Model(name) => (WAREHOUSE, name.schema.as_str(), name.table.as_str()),
            Relation::System(name) => (WAREHOUSE, "system", name.as_str()),
            Relation::Raw { system, stream } => (RAW, system.as_str(), stream.as_str()),
        };
        let schema = {
            let schemas = self.schemas.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            schemas.get(&(catalog.to_owned(), schema.to_owned())).cloned()
        };
        match schema {
            Some(schema) => schema.table(name).await,
            None => Ok(None),
        }
    }

    pub(crate) fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Makes a table readable, instead of the one that had its name before.
    pub(crate) fn register(
        &self,
        relation: &Relation,
        table: Arc<dyn TableProvider>,
    ) -> EngineResult<()> {
        let (catalog, catalog_name, schema, name) = match relation {
            Relation::Model(name) => {
                (&self.warehouse, WAREHOUSE, name.schema.as_str(), name.table.as_str())
            }
            Relation::System(name) => (&self.warehouse, WAREHOUSE, "system", name.as_str()),
            Relation::Raw { system, stream } => (&self.raw, RAW, system.as_str(), stream.as_str()),
        };
        let provider = {
            let mut schemas =
                self.schemas.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            let key = (catalog_name.to_owned(), schema.to_owned());
            match schemas.get(&key) {
                Some(provider) => Arc::clone(provider),
                None => {
                    let provider = Arc::new(MemorySchemaProvider::new());
                    catalog.register_schema(
                        schema,
                        Arc::clone(&provider) as Arc<dyn SchemaProvider>,
                    )?;
                    schemas.insert(key, Arc::clone(&provider));
                    provider
                }
            }
        };
        provider.deregister_table(name)?;
        provider.register_table(name.to_owned(), table)?;
        Ok(())
    }

    /// The plan of a query, not yet optimised.
    pub(crate) async fn plan(&self, query: Query) -> Result<LogicalPlan, DataFusionError> {
        let statement = Statement::Statement(Box::new(SqlStatement::Query(Box::new(query))));
        self.context.state().statement_to_plan(statement).await
    }
}
