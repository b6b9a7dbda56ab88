//! The statements that clients send when they connect, planned and run without a server.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::util::pretty::pretty_format_batches;
use datafusion::catalog::{
    CatalogProvider, MemTable, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider,
};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement as EngineStatement;
use datafusion::sql::sqlparser::ast::Statement;

use super::{parse, register, rewrite};
use crate::engine::{COMMENT, Description, SchemaDescription, TableDescription};

fn column(name: &str, data_type: DataType, required: bool, comment: &str) -> Field {
    Field::new(name, data_type, !required)
        .with_metadata(HashMap::from([(COMMENT.to_owned(), comment.to_owned())]))
}

fn described(name: &str, text: &str, grain: &[&str], columns: Vec<Field>) -> TableDescription {
    TableDescription {
        name: name.to_owned(),
        description: Some(text.to_owned()),
        grain: grain.iter().map(|name| (*name).to_owned()).collect(),
        rows: 42,
        columns: Arc::new(Schema::new(columns)),
    }
}

fn description() -> Description {
    let decimal = DataType::Decimal128(38, 6);
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Description {
        release: "r000007".parse().unwrap(),
        database: "warehouse".to_owned(),
        databases: vec!["warehouse".to_owned(), "r000007".to_owned()],
        user: "anna".to_owned(),
        default_schema: "kpi".to_owned(),
        schemas: vec![
            SchemaDescription {
                name: "kpi".to_owned(),
                description: Some("Key figures."),
                tables: vec![described(
                    "win_rate",
                    "Won deals over won and lost deals.",
                    &["metric", "period_start", "stage_id"],
                    vec![
                        column("metric", DataType::Utf8, true, "which figure"),
                        column("period_grain", DataType::Utf8, true, ""),
                        column("scope", DataType::Utf8, true, ""),
                        column("period_start", DataType::Date32, true, "first day of it's period"),
                        column("stage_id", DataType::Utf8, false, "slice by stage"),
                        column("value", decimal, false, "the figure"),
                        column("n", DataType::Int64, true, "rows in the figure"),
                        column("as_of", instant, true, ""),
                    ],
                )],
            },
            SchemaDescription {
                name: "mart".to_owned(),
                description: None,
                tables: vec![described(
                    "dim_rep",
                    "Sales reps.",
                    &["rep_id"],
                    vec![
                        column("rep_id", DataType::Utf8, true, "connection:source id"),
                        column("rep_key", DataType::Int64, false, ""),
                        column("is_active", DataType::Boolean, false, ""),
                        column("share", DataType::Float64, false, ""),
                    ],
                )],
            },
        ],
    }
}

/// A session over empty tables of the description.
pub(super) fn session() -> SessionContext {
    let description = description();
    let config = SessionConfig::new()
        .with_default_catalog_and_schema(&description.database, &description.default_schema);
    let context = SessionContext::new_with_config(config);
    context.state_ref().write().config_mut().options_mut().sql_parser.dialect =
        datafusion::config::Dialect::PostgreSQL;
    let catalog = MemoryCatalogProvider::new();
    for schema in &description.schemas {
        let tables = MemorySchemaProvider::new();
        for table in &schema.tables {
            let empty = MemTable::try_new(Arc::clone(&table.columns), vec![vec![]]).unwrap();
            tables.register_table(table.name.clone(), Arc::new(empty)).unwrap();
        }
        catalog.register_schema(&schema.name, Arc::new(tables)).unwrap();
    }
    context.register_catalog(&description.database, Arc::new(catalog));
    register(&context, &description).unwrap();
    context
}

/// Plans and runs what a client sent.
async fn run(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>, String> {
    let mut last = Vec::new();
    for statement in parse(sql).map_err(|e| e.to_string())? {
        // Settings are the server's affair.
        if !matches!(statement, Statement::Query(_)) {
            continue;
        }
        let statement = rewrite(statement);
        let said = statement.to_string();
        let state = context.state();
        let plan = state
            .statement_to_plan(EngineStatement::Statement(Box::new(statement)))
            .await
            .map_err(|e| format!("{e}\n    rewritten: {said}"))?;
        // What a driver prepares has no values yet.
        if said.contains("$1") {
            continue;
        }
        let frame = datafusion::prelude::DataFrame::new(state, plan);
        last = frame.collect().await.map_err(|e| format!("{e}\n    rewritten: {said}"))?;
    }
    Ok(last)
}

async fn shown(sql: &str) -> String {
    let batches = run(&session(), sql).await.unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

/// The first column as text.
async fn texts(sql: &str) -> Vec<String> {
    let batches = run(&session(), sql).await.unwrap();
    let mut texts = Vec::new();
    for batch in batches {
        let column = cast(batch.column(0), &DataType::Utf8).unwrap();
        let column = column.as_string::<i32>();
        for row in 0..column.len() {
            texts.push(if column.is_null(row) {
                "∅".into()
            } else {
                column.value(row).to_owned()
            });
        }
    }
    texts
}

/// The statements of a file: each ends with `;` at the end of a line.
fn statements(text: &str) -> Vec<String> {
    text.split(";\n").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

#[tokio::test]
async fn every_statement_that_a_tool_sends_at_its_start_runs() {
    let folder = std::env::var("SALESMART_STARTUP").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/clients/startup").to_owned()
    });
    let context = session();
    let mut failures = Vec::new();
    let mut ran = 0;
    let mut files: Vec<_> =
        Path::new(&folder).read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|end| end == "sql")) {
        for statement in statements(&std::fs::read_to_string(path).unwrap()) {
            ran += 1;
            if let Err(e) = run(&context, &statement).await {
                let name = path.file_name().unwrap().to_string_lossy();
                failures.push(format!("── {name}\n{statement}\n    ▶ {e}"));
            }
        }
    }
    assert!(ran > 20, "only {ran} statements were found in `{folder}`");
    assert!(failures.is_empty(), "{} of {ran} failed:\n{}", failures.len(), failures.join("\n\n"));
}

#[tokio::test]
async fn the_version_begins_with_postgresql_and_says_salesmart() {
    let version = texts("select version()").await.remove(0);
    assert!(version.starts_with("PostgreSQL 15."), "{version}");
    assert!(version.contains("Salesmart"), "{version}");
}

#[tokio::test]
async fn comments_are_the_definitions() {
    let table = "select obj_description('kpi.win_rate'::regclass, 'pg_class')";
    assert_eq!(texts(table).await, ["Won deals over won and lost deals."]);
    let column = "select col_description('\"kpi\".\"win_rate\"'::regclass, 4)";
    assert_eq!(texts(column).await, ["first day of it's period"]);
    let joined = "select d.description from pg_class c join pg_description d on d.objoid = c.oid \
                  and d.classoid = 'pg_class'::regclass and d.objsubid = 0 order by 1";
    assert_eq!(texts(joined).await, ["Sales reps.", "Won deals over won and lost deals."]);
}

#[tokio::test]
async fn a_grain_without_nulls_is_a_primary_key_and_another_is_a_unique_index() {
    let keys = "select conrelid::regclass::text from pg_constraint where contype = 'p'";
    assert_eq!(texts(keys).await, ["mart.dim_rep"]);
    let indexes = "select pg_get_indexdef(indexrelid) from pg_index order by 1";
    assert_eq!(
        texts(indexes).await,
        [
            "CREATE UNIQUE INDEX dim_rep_pkey ON mart.dim_rep USING btree (rep_id)",
            "CREATE UNIQUE INDEX win_rate_grain ON kpi.win_rate USING btree (metric, \
             period_start, stage_id) NULLS NOT DISTINCT",
        ]
    );
}

#[tokio::test]
async fn vectors_count_from_zero_and_are_shown_as_numbers() {
    let of = "from pg_index i where indrelid = 'kpi.win_rate'::regclass";
    let shown = texts(&format!("select indkey {of}")).await;
    assert_eq!(shown[0].split(' ').count(), 3, "{shown:?}");
    assert_eq!(texts(&format!("select i.indkey as keys {of}")).await, shown);
    for first in ["indkey[0]", "i.indkey[0]", "i.indkey[i.indnatts - 3]"] {
        let first = texts(&format!("select {first} {of}")).await;
        assert_eq!(first[0], shown[0].split(' ').next().unwrap());
    }
}

#[tokio::test]
async fn a_table_keeps_its_number_and_a_number_has_a_name() {
    let number = texts("select 'win_rate'::regclass::oid").await;
    assert_eq!(number, texts("select oid from pg_class where relname = 'win_rate'").await);
    let name = format!("select {}::regclass", number[0]);
    assert_eq!(texts(&name).await, ["win_rate"]);
}

#[tokio::test]
async fn unnamed_columns_have_the_names_that_postgresql_gives() {
    insta::assert_snapshot!(
        shown(
            "select count(*), max(n), count(n) > 0, 'a'::text, case when true then 1 end, \
             max(n)::int from kpi.win_rate"
        )
        .await
    );
}

#[tokio::test]
async fn a_subquery_that_looks_outside_is_answered() {
    let sql = "select a.attname, (select d.description from pg_description d \
               where d.objoid = a.attrelid and d.objsubid = a.attnum and a.attnum > 0) as said \
               from pg_attribute a where a.attrelid = 'kpi.win_rate'::regclass order by a.attnum";
    insta::assert_snapshot!(shown(sql).await);
}
