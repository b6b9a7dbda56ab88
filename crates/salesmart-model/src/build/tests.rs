//! Building the small catalog in a lake in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use salesmart_core::receipt::{CheckResult, Modeled, Severity};
use salesmart_core::{Column, ConnectionName, RunId, StreamName, SystemName};
use salesmart_lake::{Commit, CommitMode, Lake, TablePath, TableWriter};

use super::*;
use crate::testing::{mart, render, small};
use crate::{query, system};

mod discovered;
mod explained;
mod incremental;
mod periods;
mod snapshot;
mod sums;

type Deal<'a> = (&'a str, Option<i128>, &'a str, i32, &'a str);

fn connection() -> ConnectionName {
    ConnectionName::new("crm_prod").unwrap()
}

fn stream() -> StreamName {
    StreamName::new("deals").unwrap()
}

/// Lands deals: id, cents, stage, day closed (since 1970), operation.
async fn land(lake: &Lake, first_sequence: i64, deals: &[Deal<'_>]) {
    let text = |values: Vec<&str>| Arc::new(StringArray::from(values)) as ArrayRef;
    let cents = Decimal128Array::from(deals.iter().map(|deal| deal.1).collect::<Vec<_>>())
        .with_precision_and_scale(18, 2)
        .unwrap();
    let days = Date32Array::from(deals.iter().map(|deal| deal.3).collect::<Vec<_>>());
    let sequence = Int64Array::from(
        (0..).take(deals.len()).map(|n: i64| first_sequence + n).collect::<Vec<_>>(),
    );
    let schema = Arc::new(Schema::new(vec![
        Field::new("deal_id", DataType::Utf8, true),
        Field::new("amount", DataType::Decimal128(18, 2), true),
        Field::new("stage", DataType::Utf8, true),
        Field::new("closed", DataType::Date32, true),
        Field::new("_connection", DataType::Utf8, true),
        Field::new("_op", DataType::Utf8, true),
        Field::new("_sequence", DataType::Int64, true),
    ]));
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![
            text(deals.iter().map(|deal| deal.0).collect()),
            Arc::new(cents),
            text(deals.iter().map(|deal| deal.2).collect()),
            Arc::new(days),
            text(deals.iter().map(|_| "crm_prod").collect()),
            text(deals.iter().map(|deal| deal.4).collect()),
            Arc::new(sequence),
        ],
    )
    .unwrap();
    let path = TablePath::raw(&connection(), &stream());
    let mut writer = TableWriter::new(lake, &path, Arc::clone(&schema));
    writer.write(&batch).await.unwrap();
    let files = writer.finish().await.unwrap();
    let commit = Commit {
        files,
        mode: CommitMode::Append,
        schema,
        metadata: BTreeMap::new(),
        transaction: None,
        description: None,
    };
    lake.commit(&path, commit).await.unwrap();
}

struct House {
    lake: Lake,
    files: Vec<(String, String)>,
    selectors: Vec<&'static str>,
    last_release: Option<BTreeMap<String, u64>>,
    as_of: DateTime<Utc>,
    /// The streams, instead of the declared one.
    raw: Option<Vec<RawStream>>,
    rebuild: bool,
}

impl House {
    async fn new(extra: &[(&str, &str)]) -> Self {
        Self {
            lake: Lake::open("memory://house").await.unwrap(),
            files: small(extra),
            selectors: Vec::new(),
            last_release: None,
            as_of: "2026-01-31T12:00:00Z".parse().unwrap(),
            raw: None,
            rebuild: false,
        }
    }

    async fn build(&self) -> Result<Modeled> {
        let catalog = Arc::new(Catalog::load(&self.files, None)?);
        let selection = catalog.select(&self.selectors)?;
        let columns = ["deal_id: string", "amount: decimal(18,2)", "stage: string", "closed: date"]
            .iter()
            .map(|column| column.split_once(": ").unwrap())
            .map(|(name, text)| Column {
                name: name.to_owned(),
                column_type: text.parse().unwrap(),
            })
            .collect();
        build(BuildRequest {
            lake: self.lake.clone(),
            catalog,
            selection,
            raw: self.raw.clone().unwrap_or_else(|| {
                vec![RawStream {
                    system: SystemName::new("crm").unwrap(),
                    stream: stream(),
                    connection: connection(),
                    columns,
                    location: Some(salesmart_core::Location::line("pipelines/crm.yml", 1)),
                }]
            }),
            system: BTreeMap::new(),
            late_system: Box::new(|so_far| {
                Box::pin(async move {
                    let batch = system::check_result(&RunId::from_text("run"), &so_far.checks)?;
                    Ok(BTreeMap::from([("check_result".to_owned(), vec![batch])]))
                })
            }),
            business: BusinessSettings::default(),
            as_of: self.as_of,
            last_release: self.last_release.clone(),
            rebuild: self.rebuild,
            memory_limit: 256 << 20,
            on_progress: Arc::new(|_| {}),
        })
        .await
    }

    async fn show(&self, modeled: &Modeled, sql: &str) -> String {
        match self.try_show(modeled, sql).await {
            Ok(text) => text,
            Err(e) => render(&e),
        }
    }

    async fn try_show(&self, modeled: &Modeled, sql: &str) -> Result<String> {
        let stream =
            query(&self.lake, &versions(modeled), &BusinessSettings::default(), sql).await?;
        let batches: Vec<RecordBatch> = stream.try_collect().await.unwrap();
        Ok(pretty_format_batches(&batches).unwrap().to_string())
    }
}

fn versions(modeled: &Modeled) -> BTreeMap<String, u64> {
    modeled
        .tables
        .iter()
        .filter(|table| table.published)
        .map(|table| (format!("{}.{}", table.schema, table.table), table.version))
        .collect()
}

fn is_built(modeled: &Modeled) -> Vec<(String, bool)> {
    modeled.tables.iter().map(|table| (table.table.clone(), table.built)).collect()
}

fn check<'a>(
    modeled: &'a Modeled,
    table: &str,
    column: Option<&str>,
    text: &str,
) -> &'a CheckResult {
    modeled
        .checks
        .iter()
        .find(|result| {
            result.table == table
                && result.column.as_deref() == column
                && result.check.starts_with(text)
        })
        .unwrap_or_else(|| panic!("no check {text} in {:#?}", modeled.checks))
}

/// 2026-01-15.
const DAY: i32 = 20_468;

const DEALS: &[Deal<'static>] = &[
    ("d2", Some(500), "lost", DAY, "upsert"),
    ("d1", Some(1000), "open", DAY, "upsert"),
    ("d3", Some(100), "won", DAY, "upsert"),
    ("d1", Some(1200), "won", DAY, "upsert"),
    ("d3", None, "", DAY, "delete"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_go_from_raw_to_mart_and_a_second_build_does_nothing() {
    let house = House::new(&[]).await;
    land(&house.lake, 1, DEALS).await;
    let first = house.build().await.unwrap();
    insta::assert_snapshot!(house.show(&first, "select * from mart.fct_deal").await, @r#"
    +---------+--------+-------+------------+
    | deal_id | amount | stage | closed     |
    +---------+--------+-------+------------+
    | d1      | 12.00  | won   | 2026-01-15 |
    | d2      | 5.00   | lost  | 2026-01-15 |
    +---------+--------+-------+------------+
    "#);
    assert_eq!(is_built(&first), [("int_deal".to_owned(), true), ("fct_deal".to_owned(), true)]);
    let failed: Vec<&CheckResult> = first.checks.iter().filter(|check| !check.passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");

    let second = house.build().await.unwrap();
    assert_eq!(is_built(&second), [("int_deal".to_owned(), false), ("fct_deal".to_owned(), false)]);
    assert_eq!(versions(&first), versions(&second));
    assert_eq!(second.checks, first.checks);

    land(&house.lake, 6, &[("d4", Some(1), "won", DAY, "upsert")]).await;
    let third = house.build().await.unwrap();
    assert_eq!(is_built(&third), [("int_deal".to_owned(), true), ("fct_deal".to_owned(), true)]);
    assert_eq!(third.tables[1].rows, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_rows_are_the_same_bytes_whatever_order_they_came_in() {
    let files = |reverse: bool| async move {
        let house = House::new(&[]).await;
        let mut deals: Vec<Deal> = (0..20_000)
            .map(|n| {
                (&*Box::leak(format!("d{n:05}").into_boxed_str()), Some(n), "won", DAY, "upsert")
            })
            .collect();
        if reverse {
            deals.reverse();
        }
        land(&house.lake, 1, &deals).await;
        let modeled = house.build().await.unwrap();
        let table =
            house.lake.table(&TablePath::warehouse("mart", "fct_deal")).await.unwrap().unwrap();
        assert_eq!(modeled.tables[1].rows, 20_000);
        let mut bytes = Vec::new();
        for file in &table.files {
            let path = datafusion::object_store::path::Path::from(file.path.as_str());
            let object =
                house.lake.object_store().get_opts(&path, Default::default()).await.unwrap();
            bytes.push(object.bytes().await.unwrap());
        }
        bytes
    };
    assert_eq!(files(false).await, files(true).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failing_checks_are_counted_with_samples_and_do_not_fail_the_build() {
    let sql_check = "/* @check
description: No deal is worth a fortune.
severity: warn
table: mart.fct_deal
*/
select deal_id, amount from mart.fct_deal where amount > 10000
";
    let orphans = "/* @model
description: Deals against a list of stages.
grain: [stage]
columns:
  stage: {type: string, checks: [\"relationships: mart.dim_stage.name\"]}
  n: {type: int64, checks: [unique]}
*/
select stage, count(*) as n from mart.fct_deal group by stage
";
    let stages = "/* @model
description: Stages.
grain: [name]
columns:
  name: {type: string}
*/
select 'won' as name union all select 'won' as name
";
    let house = House::new(&[
        ("checks/check_no_deal_is_worth_a_fortune.sql", sql_check),
        ("marts/deal/fct_stage.sql", orphans),
        ("marts/deal/dim_stage.sql", stages),
        (
            "ops/ops_failed.sql",
            &mart("select count(*) as x from system.check_result where not passed"),
        ),
    ])
    .await;
    land(
        &house.lake,
        1,
        &[
            ("d1", Some(9_999_999), "won", DAY, "upsert"),
            ("d2", Some(-1), "unknown", DAY - 60, "upsert"),
            ("d3", None, "lost", DAY - 60, "upsert"),
        ],
    )
    .await;
    let modeled = house.build().await.unwrap();

    let between = check(&modeled, "mart.fct_deal", Some("amount"), "between");
    assert_eq!(
        (between.passed, between.offending_rows, between.severity),
        (false, 2, Severity::Warn)
    );
    assert_eq!(between.samples, ["deal_id=d1, amount=99999.99", "deal_id=d2, amount=-0.01"]);
    let accepted = check(&modeled, "mart.fct_deal", Some("stage"), "accepted_values");
    assert_eq!((accepted.offending_rows, accepted.severity), (1, Severity::Error));
    assert_eq!(accepted.samples, ["deal_id=d2, stage=unknown"]);
    assert_eq!(accepted.location.as_ref().unwrap().to_string(), "sql/marts/deal/fct_deal.sql:8:34");
    let fresh = check(&modeled, "mart.fct_deal", None, "freshness");
    assert!(fresh.passed, "{fresh:?}");
    let sql = check(&modeled, "mart.fct_deal", None, "no_deal_is_worth_a_fortune");
    assert_eq!((sql.passed, sql.offending_rows), (false, 1));
    assert_eq!(sql.samples, ["deal_id=d1, amount=99999.99"]);
    let relationships = check(&modeled, "mart.fct_stage", Some("stage"), "relationships");
    assert_eq!(relationships.offending_rows, 2);
    assert_eq!(relationships.samples, ["stage=lost", "stage=unknown"]);
    let unique = check(&modeled, "mart.fct_stage", Some("n"), "unique");
    assert_eq!((unique.offending_rows, unique.samples.clone()), (3, vec!["n=1".to_owned()]));
    let grain = check(&modeled, "mart.dim_stage", None, "grain");
    assert_eq!((grain.offending_rows, grain.samples.clone()), (2, vec!["name=won".to_owned()]));

    // What the checks found is in the tables of the same build.
    let found = house.show(&modeled, "select x from ops.failed").await;
    assert!(found.contains("| 6 |"), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_table_is_not_fresh_and_a_small_one_lost_rows() {
    let mut house = House::new(&[]).await;
    land(&house.lake, 1, DEALS).await;
    let first = house.build().await.unwrap();
    house.last_release = Some(versions(&first));
    house.as_of = "2026-03-31T12:00:00Z".parse().unwrap();
    land(
        &house.lake,
        6,
        &[
            ("d1", None, "", DAY, "delete"),
            ("d4", None, "won", DAY, "upsert"),
            ("d5", None, "won", DAY, "upsert"),
        ],
    )
    .await;
    let more = house.build().await.unwrap();
    assert!(check(&more, "mart.fct_deal", None, "row_count_change").passed);
    let fresh = check(&more, "mart.fct_deal", None, "freshness");
    assert!(!fresh.passed);
    assert_eq!(
        fresh.samples,
        ["the newest `closed` is 2026-01-15, 75.0 days before the as-of instant"]
    );

    land(&house.lake, 9, &[("d6", None, "won", DAY, "upsert"), ("d7", None, "won", DAY, "upsert")])
        .await;
    let again = house.build().await.unwrap();
    let rows = check(&again, "mart.fct_deal", None, "row_count_change");
    assert_eq!(rows.samples, ["5 rows, 2 in the last release (+150.0%)"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_connected_builds_empty_tables() {
    let house = House::new(&[]).await;
    let modeled = house.build().await.unwrap();
    assert_eq!(modeled.tables.iter().map(|table| table.rows).sum::<u64>(), 0);
    assert!(modeled.checks.iter().all(|check| check.passed));
    let shown = house.show(&modeled, "select count(*) as n from mart.fct_deal").await;
    assert!(shown.contains("| 0 |"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_selection_reads_what_is_there_and_says_what_is_not() {
    let mut house = House::new(&[]).await;
    house.selectors = vec!["fct_deal"];
    insta::assert_snapshot!(render(&house.build().await.unwrap_err()), @r#"
    `mart.fct_deal` reads `intermediate.int_deal`, which is not selected and was never built
      at sql/marts/deal/fct_deal.sql:2
      state: nothing was published, the last release is still current
      hint: select what it reads too: `+mart.fct_deal`
    "#);
    house.selectors = vec!["+fct_deal"];
    assert_eq!(house.build().await.unwrap().tables.len(), 2);
    house.selectors = vec!["int_deal"];
    let modeled = house.build().await.unwrap();
    assert_eq!(
        is_built(&modeled),
        [("int_deal".to_owned(), false), ("fct_deal".to_owned(), false)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_fails_names_its_file_and_the_state() {
    let house = House::new(&[(
        "marts/deal/fct_wrong.sql",
        &mart("select cast(stage as bigint) as x from intermediate.int_deal"),
    )])
    .await;
    land(&house.lake, 1, DEALS).await;
    insta::assert_snapshot!(render(&house.build().await.unwrap_err()), @r#"
    failed to build model `mart.fct_wrong` (sql/marts/deal/fct_wrong.sql)
      caused by: cannot cast string `won` to value of Int64 type
      at sql/marts/deal/fct_wrong.sql:7
      state: nothing was published, the last release is still current
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn comments_reach_the_tables() {
    let house = House::new(&[("marts/x/fct_x.sql", &mart("select 1 as x"))]).await;
    house.build().await.unwrap();
    let table = house.lake.table(&TablePath::warehouse("mart", "fct_x")).await.unwrap().unwrap();
    assert_eq!(
        table.schema.field(0).metadata().get("comment").map(String::as_str),
        Some("a number")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_stands_at_as_of() {
    let mut house = House::new(&[(
        "marts/x/fct_x.sql",
        &mart("select cast(date_part('day', $as_of_date) as bigint) * 100 + cast(date_part('hour', $as_of) as bigint) as x"),
    )])
    .await;
    let first = house.build().await.unwrap();
    assert!(house.show(&first, "select x from mart.fct_x").await.contains("| 3112 |"));
    // Only what reads the instant is built again when the instant moves.
    house.as_of = "2026-02-01T12:00:00Z".parse().unwrap();
    let second = house.build().await.unwrap();
    assert_eq!(
        is_built(&second),
        [
            ("int_deal".to_owned(), false),
            ("fct_deal".to_owned(), false),
            ("fct_x".to_owned(), true)
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_read_and_never_write() {
    let house = House::new(&[]).await;
    land(&house.lake, 1, DEALS).await;
    let modeled = house.build().await.unwrap();
    insta::assert_snapshot!(house.show(&modeled, "select amout from mart.fct_deal").await, @r#"
    no column is called `amout` here
      at query:1:8
      hint: did you mean `amount`?
    "#);
    insta::assert_snapshot!(house.show(&modeled, "select * from mart.fct_deel").await, @r#"
    table `mart.fct_deel` is not in the release
      at query:1:15
      hint: did you mean `mart.fct_deal`?
    "#);
    insta::assert_snapshot!(house.show(&modeled, "select * from fct_deal").await, @r#"
    table `kpi.fct_deal` is not in the release
      at query:1:15
      hint: did you mean `mart.fct_deal`?
    "#);
    insta::assert_snapshot!(house.show(&modeled, "create table x as select 1").await, @r#"
    the query would change something, and releases are only read
      at query:1
      expected: `select`, `explain`, `show` or `describe`
      hint: models change tables: put the SQL into `sql/` and run the pipeline
    "#);
    insta::assert_snapshot!(house.show(&modeled, "copy mart.fct_deal to '/tmp/stolen.parquet'").await, @r#"
    the query would change something, and releases are only read
      at query:1
      expected: `select`, `explain`, `show` or `describe`
      hint: models change tables: put the SQL into `sql/` and run the pipeline
    "#);
    insta::assert_snapshot!(house.show(&modeled, "select * from '/etc/passwd'").await, @r#"
    table `kpi./etc/passwd` is not in the release
      at query:1
      hint: `show tables` lists them
    "#);
    insta::assert_snapshot!(house.show(&modeled, "describe mart.fct_deal").await, @r#"
    +-------------+-------------------+-------------+
    | column_name | data_type         | is_nullable |
    +-------------+-------------------+-------------+
    | deal_id     | Utf8              | YES         |
    | amount      | Decimal128(18, 2) | YES         |
    | stage       | Utf8              | YES         |
    | closed      | Date32            | YES         |
    +-------------+-------------------+-------------+
    "#);
    insta::assert_snapshot!(house.show(&modeled, "show tables").await, @r#"
    +---------------+--------------------+-------------+------------+
    | table_catalog | table_schema       | table_name  | table_type |
    +---------------+--------------------+-------------+------------+
    | warehouse     | mart               | fct_deal    | BASE TABLE |
    | warehouse     | information_schema | tables      | VIEW       |
    | warehouse     | information_schema | views       | VIEW       |
    | warehouse     | information_schema | columns     | VIEW       |
    | warehouse     | information_schema | df_settings | VIEW       |
    | warehouse     | information_schema | schemata    | VIEW       |
    | warehouse     | information_schema | routines    | VIEW       |
    | warehouse     | information_schema | parameters  | VIEW       |
    +---------------+--------------------+-------------+------------+
    "#);
    assert!(
        house
            .show(&modeled, "explain select * from mart.fct_deal")
            .await
            .contains("DataSourceExec")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_from_before_a_column_was_there_is_not_read_as_if_it_were_empty() {
    let mut house = House::new(&[]).await;
    land(&house.lake, 1, DEALS).await;
    house.build().await.unwrap();
    for (path, text) in &mut house.files {
        if path.ends_with("int_deal.sql") {
            *text = text
                .replace("  closed: {type: date}", "  closed: {type: date}\n  n: {type: int64}");
            *text = text.replace("stage, closed from", "stage, closed, 1 as n from");
        }
    }
    house.selectors = vec!["fct_deal"];
    insta::assert_snapshot!(render(&house.build().await.unwrap_err()), @r#"
    `intermediate.int_deal` was built before its model had `n` as int64
      state: nothing was published, the last release is still current
      hint: build it too: select `intermediate.int_deal`, or `+` and what reads it
    "#);
}
