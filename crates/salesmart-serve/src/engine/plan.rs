//! From a statement to a plan that only reads, and only what the user may see.

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SQLOptions;
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast::{Query, SetExpr, Statement};

use salesmart_core::suggest::nearest;

use super::bounds::{self, Bounds};
use super::{Failure, View, code};
use crate::catalog;

/// A statement that was planned over one release.
#[derive(Clone)]
pub(crate) struct Planned {
    pub(crate) view: View,
    pub(crate) state: Arc<SessionState>,
    pub(crate) plan: LogicalPlan,
    /// The text, for places in messages.
    pub(crate) sql: Arc<str>,
}

/// What a session has set that plans depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PlanSettings {
    /// The schema in which names without one are looked up.
    pub(crate) schema: Option<String>,
}

/// Says no to every statement that does more than read tables.
///
/// # Errors
/// 25006 where it would write, 42501 where it would reach files, 0A000 where nothing is meant by it.
pub(crate) fn reading(statement: &Statement) -> Result<(), Failure> {
    match statement {
        Statement::Query(query) => query_reads(query),
        Statement::Explain { statement, .. } => reading(statement),
        Statement::ExplainTable { .. }
        | Statement::ShowTables { .. }
        | Statement::ShowColumns { .. }
        | Statement::ShowFunctions { .. } => Ok(()),
        Statement::Copy { .. } | Statement::CopyIntoSnowflake { .. } => {
            Err(Failure::new(code::PRIVILEGE, "permission denied to COPY")
                .with_detail("No file and no program of the server can be reached.")
                .with_hint("Read with SELECT, or with COPY (SELECT …) TO STDOUT."))
        }
        other => {
            let text = other.to_string();
            let mut words = text.split_whitespace().map(str::to_ascii_uppercase);
            let first = words.next().unwrap_or_default();
            let what = match (first.as_str(), words.next()) {
                ("CREATE" | "DROP" | "ALTER" | "REFRESH", Some(second)) => {
                    format!("{first} {second}")
                }
                _ => first.clone(),
            };
            Err(match first.as_str() {
                "LOAD" | "ATTACH" | "DETACH" | "UNLOAD" | "EXPORT" | "INSTALL" | "PRAGMA" => {
                    Failure::new(code::PRIVILEGE, format!("permission denied to {what}"))
                }
                _ if is_writing(&first) => Failure::read_only(&what),
                _ => Failure::new(
                    code::FEATURE_NOT_SUPPORTED,
                    format!("{what} is not a statement of this server"),
                ),
            })
        }
    }
}

fn is_writing(word: &str) -> bool {
    [
        "INSERT",
        "UPDATE",
        "DELETE",
        "MERGE",
        "TRUNCATE",
        "CREATE",
        "DROP",
        "ALTER",
        "GRANT",
        "REVOKE",
        "DENY",
        "COMMENT",
        "CALL",
        "VACUUM",
        "ANALYZE",
        "LOCK",
        "REINDEX",
        "CLUSTER",
        "REFRESH",
        "REPLACE",
        "RENAME",
        "CACHE",
        "UNCACHE",
        "OPTIMIZE",
        "MSCK",
        "DIRECTORY",
        "SECURITY",
        "REASSIGN",
        "IMPORT",
    ]
    .contains(&word)
}

fn query_reads(query: &Query) -> Result<(), Failure> {
    if let Some(lock) = query.locks.first() {
        return Err(Failure::read_only(&format!("SELECT {lock}")));
    }
    for table in query.with.iter().flat_map(|with| &with.cte_tables) {
        query_reads(&table.query)?;
    }
    body_reads(&query.body)
}

fn body_reads(body: &SetExpr) -> Result<(), Failure> {
    match body {
        SetExpr::Select(select) if select.into.is_some() => Err(Failure::read_only("SELECT INTO")),
        SetExpr::Query(query) => query_reads(query),
        SetExpr::SetOperation { left, right, .. } => {
            body_reads(left)?;
            body_reads(right)
        }
        SetExpr::Insert(_) => Err(Failure::read_only("INSERT")),
        SetExpr::Update(_) => Err(Failure::read_only("UPDATE")),
        SetExpr::Delete(_) => Err(Failure::read_only("DELETE")),
        SetExpr::Merge(_) => Err(Failure::read_only("MERGE")),
        _ => Ok(()),
    }
}

/// Plans a statement.
///
/// # Errors
/// When it does more than read, cannot be planned, or reaches what the user may not see.
pub(crate) async fn plan(
    view: View,
    settings: PlanSettings,
    sql: Arc<str>,
    statement: Statement,
) -> Result<Planned, Failure> {
    reading(&statement)?;
    let mut state = view.context.state();
    let options = state.config_mut().options_mut();
    options
        .catalog
        .default_schema
        .clone_from(settings.schema.as_ref().unwrap_or(&view.description.default_schema));
    // Without a zone of the session, the engine takes `timestamptz` for a type without one.
    options.execution.time_zone = Some("UTC".to_owned());
    let memory = view.reader.role.memory;
    options.execution.batch_size = bounds::batch_size(memory, &statement);
    state.add_analyzer_rule(Arc::new(Bounds { memory }));
    let statement = catalog::rewrite(statement);
    let statement = EngineStatement::Statement(Box::new(statement));
    let references = state.resolve_table_references(&statement).unwrap_or_default();
    let plan = match state.statement_to_plan(statement).await {
        Ok(plan) => plan,
        Err(error) => {
            let denied = references.iter().find_map(|reference| denied(&view, reference));
            if let Some(denied) = denied {
                return Err(denied);
            }
            let failure = Failure::of_engine(&sql, &error);
            return Err(match failure.code {
                code::UNDEFINED_TABLE => missing(&view, &references, failure),
                _ => failure,
            });
        }
    };
    // What reads was told by the statement's form; this is what the engine made of it.
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)
        .map_err(|_| Failure::read_only("a statement that changes something"))?;
    Ok(Planned { view, state: Arc::new(state), plan, sql })
}

/// Names the table that was meant, when there is none of the name that was written.
fn missing(view: &View, references: &[TableReference], failure: Failure) -> Failure {
    let description = &view.description;
    let names: Vec<String> = description
        .schemas
        .iter()
        .flat_map(|schema| schema.tables.iter().map(|t| format!("{}.{}", schema.name, t.name)))
        .collect();
    let written = references.iter().find_map(|reference| {
        let schema = reference.schema().unwrap_or(&description.default_schema);
        let name = format!("{schema}.{}", reference.table());
        (!names.contains(&name)).then_some((name, reference.table()))
    });
    let Some((written, table)) = written else { return failure };
    let mut better =
        Failure::new(code::UNDEFINED_TABLE, format!("relation \"{written}\" does not exist"));
    better.position = failure.position;
    let elsewhere = || names.iter().find(|name| name.rsplit('.').next() == Some(table));
    let near = nearest(&written, names.iter().map(String::as_str));
    match near.or_else(|| elsewhere().map(String::as_str)) {
        Some(near) => better.with_hint(format!("Did you mean {near}?")),
        None => better,
    }
}

/// Why a table could not be found that is in the release.
fn denied(view: &View, reference: &TableReference) -> Option<Failure> {
    let schema = reference.schema()?;
    let hidden =
        view.release.has_schema(schema) && !view.reader.role.schemas.iter().any(|s| s == schema);
    hidden.then(|| Failure::new(code::PRIVILEGE, format!("permission denied for schema {schema}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(sql: &str) -> Result<(), &'static str> {
        let statements = catalog::parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        statements.iter().try_for_each(reading).map_err(|failure| failure.code)
    }

    #[test]
    fn what_reads_is_taken() {
        for sql in [
            "select 1",
            "with a as (select 1) select * from a union all select 2",
            "explain select 1",
            "explain analyze select 1",
            "values (1), (2)",
            "show tables",
        ] {
            assert_eq!(judged(sql), Ok(()), "{sql}");
        }
    }

    #[test]
    fn what_writes_or_reaches_files_is_refused() {
        for (sql, code) in [
            ("insert into kpi.win_rate values (1)", code::READ_ONLY),
            ("update kpi.win_rate set value = 1", code::READ_ONLY),
            ("delete from kpi.win_rate", code::READ_ONLY),
            ("truncate kpi.win_rate", code::READ_ONLY),
            ("drop table kpi.win_rate", code::READ_ONLY),
            ("alter table kpi.win_rate add column x int", code::READ_ONLY),
            ("create table t (a int)", code::READ_ONLY),
            ("create table t as select 1", code::READ_ONLY),
            ("create view v as select 1", code::READ_ONLY),
            ("create schema s", code::READ_ONLY),
            ("create function f() returns int language sql as 'select 1'", code::READ_ONLY),
            ("grant select on kpi.win_rate to public", code::READ_ONLY),
            ("select 1 into t", code::READ_ONLY),
            ("select * from kpi.win_rate for update", code::READ_ONLY),
            ("with a as (insert into t values (1) returning *) select * from a", code::READ_ONLY),
            ("explain analyze insert into t values (1)", code::READ_ONLY),
            ("explain delete from kpi.win_rate", code::READ_ONLY),
            ("copy kpi.win_rate to '/tmp/x.csv'", code::PRIVILEGE),
            ("copy kpi.win_rate from '/etc/passwd'", code::PRIVILEGE),
            ("copy kpi.win_rate to program 'sh'", code::PRIVILEGE),
            ("load 'library'", code::PRIVILEGE),
            ("vacuum", code::READ_ONLY),
            ("comment on table kpi.win_rate is 'x'", code::READ_ONLY),
            ("listen x", code::FEATURE_NOT_SUPPORTED),
        ] {
            assert_eq!(judged(sql), Err(code), "{sql}");
        }
    }
}
