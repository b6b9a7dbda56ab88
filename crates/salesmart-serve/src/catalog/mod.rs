//! What PostgreSQL's clients expect of a server beside tables: its catalog, its functions, its
//! ways of writing SQL.

mod answer;
mod cluster;
mod expand;
mod functions;
mod information_schema;
mod names;
mod references;
mod relations;
mod rewrite;
mod rows;
mod schemas;
mod statistics;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

use datafusion::common::DataFusionError;
use datafusion::error::Result;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::generate_series_arg_coercion::CoerceIntArgsToBigInt;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::oid_type_planner::PgOidTypePlanner;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::{
    self, PgCatalogSchemaProvider, PgCatalogStaticTables,
};

use self::names::Oids;
use crate::engine::Description;

/// The version of PostgreSQL that clients are told.
pub(crate) use self::cluster::SERVER_VERSION;

/// Tables and views of `pg_catalog` beside those of datafusion-pg-catalog.
const MORE_TABLES: &[&str] = &[
    "pg_available_extensions",
    "pg_cursors",
    "pg_group",
    "pg_indexes",
    "pg_locks",
    "pg_parameter_acl",
    "pg_policies",
    "pg_prepared_statements",
    "pg_prepared_xacts",
    "pg_publication_tables",
    "pg_rules",
    "pg_sequences",
    "pg_shadow",
    "pg_stat_activity",
    "pg_stat_all_tables",
    "pg_stat_database",
    "pg_stat_replication",
    "pg_stats",
    "pg_timezone_names",
    "pg_transform",
    "pg_ts_config_map",
    "pg_user",
];

/// The tables that are the same on every server: read once, shared by all sessions.
static STATIC_TABLES: LazyLock<Result<Arc<PgCatalogStaticTables>, String>> =
    LazyLock::new(|| PgCatalogStaticTables::try_new().map(Arc::new).map_err(|e| e.to_string()));

/// Reads what a client sent: no statement, one or more.
///
/// # Errors
/// Where it is no SQL.
pub(crate) fn parse(sql: &str) -> Result<Vec<Statement>, ParserError> {
    Parser::parse_sql(&PostgreSqlDialect {}, sql)
}

/// Rewrites a statement from what clients write to what the engine knows.
pub(crate) fn rewrite(statement: Statement) -> Statement {
    rewrite::rewrite(statement)
}

/// Makes a session look like PostgreSQL to those who ask its catalog. The session's catalog is
/// named `description.database` and holds the visible schemas already.
pub(crate) fn register(context: &SessionContext, description: &Description) -> Result<()> {
    let static_tables = STATIC_TABLES
        .as_ref()
        .map_err(|e| DataFusionError::Internal(format!("PostgreSQL's own tables: {e}")))?;
    let oids = Arc::new(Oids::new(description));
    let description = Arc::new(description.clone());
    let catalog = context.catalog(&description.database).ok_or_else(|| {
        DataFusionError::Internal(format!("there is no catalog `{}`", description.database))
    })?;

    upstream_functions(context, static_tables);
    functions::register(context, &description, &oids);
    references::register(context, &description, &oids, static_tables);
    context.register_udf(ScalarUDF::new_from_impl(expand::ExpandArray::default()));

    {
        let reference = context.state_ref();
        let mut state = reference.write();
        let mut builder = SessionStateBuilder::new_from_existing(state.clone());
        // The engine's own `information_schema` would be found before ours.
        if let Some(config) = builder.config() {
            config.options_mut().catalog.information_schema = false;
        }
        *state = builder.with_type_planner(Arc::new(PgOidTypePlanner)).build();
    }
    CoerceIntArgsToBigInt::widen(context);

    let upstream = PgCatalogSchemaProvider::try_new(
        context.state().catalog_list().clone(),
        Arc::clone(static_tables),
        EmptyContextProvider,
    )?;
    let own = schemas::PgCatalog {
        description: Arc::clone(&description),
        oids,
        upstream: Arc::new(upstream),
    };
    catalog.register_schema("pg_catalog", Arc::new(own))?;
    let own = schemas::InformationSchema { description };
    catalog.register_schema("information_schema", Arc::new(own))?;
    Ok(())
}

/// What datafusion-pg-catalog has and is right.
fn upstream_functions(context: &SessionContext, static_tables: &PgCatalogStaticTables) {
    use pg_catalog::{array_bounds_udf, format_type, quote_ident_udf};
    context.register_udf(pg_catalog::create_pg_table_is_visible());
    context.register_udf(format_type::create_format_type_udf());
    context.register_udf(pg_catalog::create_pg_backend_pid_udf());
    context.register_udf(pg_catalog::create_pg_stat_get_numscans());
    context.register_udf(quote_ident_udf::create_quote_ident_udf());
    context.register_udf(quote_ident_udf::create_parse_ident_udf());
    context.register_udf(array_bounds_udf::create_array_upper_udf());
    context.register_udf(array_bounds_udf::create_array_lower_udf());
    context.register_udtf("pg_get_keywords", static_tables.pg_get_keywords.clone());
}
