//! What a person sees when a model is wrong.

use crate::settings::BusinessSettings;
use crate::testing::{load, mart, problems, render, small};
use crate::{Catalog, RawStream, plan_all};

async fn wrong(path: &str, text: &str) -> String {
    problems(&small(&[(path, text)])).await
}

async fn wrong_mart(sql: &str) -> String {
    wrong("marts/x/fct_x.sql", &mart(sql)).await
}

#[tokio::test]
async fn a_right_catalog_has_no_problem() {
    assert_eq!(problems(&small(&[])).await, "no problem");
}

#[tokio::test]
async fn unknown_column() {
    insta::assert_snapshot!(wrong_mart("with deal as (\n    select * from intermediate.int_deal\n)\nselect cast(deal.amout as bigint) as x\nfrom deal").await, @r#"
    `deal` has no column `amout`
      at sql/marts/x/fct_x.sql:10:13
      hint: did you mean `amount`?
    "#);
    insta::assert_snapshot!(wrong_mart("select cast(sum(colour) as bigint) as x\nfrom intermediate.int_deal\nwhere amount > 0").await, @r#"
    no column is called `colour` here
      at sql/marts/x/fct_x.sql:7:17
      hint: columns there are: `deal_id`, `amount`, `stage`, `closed`
    "#);
}

#[tokio::test]
async fn unknown_table() {
    insta::assert_snapshot!(wrong_mart("select 1 as x\nfrom intermediate.int_deals").await, @r#"
    table `intermediate.int_deals` does not exist
      at sql/marts/x/fct_x.sql:8:6
      hint: did you mean `intermediate.int_deal`?
    "#);
    insta::assert_snapshot!(wrong_mart("select 1 as x\nfrom raw.crm.contacts").await, @r#"
    table `raw.crm.contacts` does not exist
      at sql/marts/x/fct_x.sql:8:6
      hint: declare its columns under `source:` in the staging model that reads `contacts` of `crm`
    "#);
}

#[tokio::test]
async fn unknown_function() {
    insta::assert_snapshot!(wrong_mart("select coalesc(1, 2) as x").await, @r#"
    invalid function `coalesc`
      at sql/marts/x/fct_x.sql:7:8
      hint: did you mean `coalesce`?
    "#);
}

#[tokio::test]
async fn syntax_error() {
    insta::assert_snapshot!(wrong_mart("select\n    1 as x\nform intermediate.int_deal").await, @r#"
    the SQL has a syntax error
      at sql/marts/x/fct_x.sql:9:1
      expected: end of statement
      found: `form`
    "#);
    insta::assert_snapshot!(wrong_mart("select (1 as x").await, @r#"
    the SQL has a syntax error
      at sql/marts/x/fct_x.sql:7:11
      expected: )
      found: `as`
    "#);
}

#[tokio::test]
async fn a_type_that_is_not_the_contracts() {
    insta::assert_snapshot!(wrong_mart("with final as (\n    select sum(amount) as x from intermediate.int_deal\n)\nselect * from final").await, @r#"
    column `x` of `mart.fct_x` has another type than its contract
      at sql/marts/x/fct_x.sql:8:27
      expected: int64 (sql/marts/x/fct_x.sql:5:3)
      found: decimal(28,2)
      hint: write `cast(x as bigint)`, or change the contract
    "#);
    insta::assert_snapshot!(wrong_mart("select null as x").await, @r#"
    column `x` of `mart.fct_x` has another type than its contract
      at sql/marts/x/fct_x.sql:7:16
      expected: int64 (sql/marts/x/fct_x.sql:5:3)
      found: null, which has no type
      hint: write `cast(x as bigint)`, or change the contract
    "#);
    insta::assert_snapshot!(wrong_mart("select cast(closed + stage as bigint) as x from intermediate.int_deal").await, @r#"
    cannot coerce arithmetic expression Date32 + Utf8 to valid types
      at sql/marts/x/fct_x.sql:7:13
    "#);
}

#[tokio::test]
async fn missing_and_extra_columns() {
    insta::assert_snapshot!(wrong_mart("select 1 as xx").await, @r#"
    `mart.fct_x` does not select its column `x`
      at sql/marts/x/fct_x.sql:5:3
      expected: `x` int64
      hint: the SQL selects `xx`: write one name in both places
    `mart.fct_x` selects `xx`, which its contract does not declare
      at sql/marts/x/fct_x.sql:7:13
      hint: declare it under `columns:` as `xx: {type: int64, doc: …}`, or do not select it
    "#);
    insta::assert_snapshot!(wrong_mart("select\n    1 as x,\n    cast(0 as decimal(9, 2)) as amount").await, @r#"
    `mart.fct_x` selects `amount`, which its contract does not declare
      at sql/marts/x/fct_x.sql:9:33
      hint: declare it under `columns:` as `amount: {type: "decimal(9,2)", doc: …}`, or do not select it
    "#);
    insta::assert_snapshot!(wrong_mart("select 1 as x, 2 as x").await, @r#"
    two columns of one select have the same name
      at sql/marts/x/fct_x.sql:7
      engine: Projections require unique expression names but the expression "Int64(1) AS x" at position 0 and "Int64(2) AS x" at position 1 have the same name. Consider aliasing ("AS") one of them
      hint: give one of them another name, or select it only once
    "#);
}

#[test]
fn a_circle() {
    let error = load(&[
        ("marts/a/fct_a.sql", &mart("select x\nfrom mart.fct_b")),
        ("marts/a/fct_b.sql", &mart("select x\nfrom mart.fct_c")),
        ("marts/a/fct_c.sql", &mart("select x\nfrom mart.fct_a")),
    ])
    .unwrap_err();
    insta::assert_snapshot!(render(&error), @r#"
    models read each other in a circle: mart.fct_a → mart.fct_b → mart.fct_c → mart.fct_a
      at sql/marts/a/fct_c.sql:8:6
      hint: move what they share into a model that both read
    "#);
}

#[tokio::test]
async fn a_layer_that_reads_what_it_may_not() {
    insta::assert_snapshot!(wrong_mart("select 1 as x\nfrom staging.stg_crm__deals").await, @r#"
    `mart.fct_x` may not read `staging.stg_crm__deals`: mart reads intermediate, mart and system
      at sql/marts/x/fct_x.sql:8:6
      hint: read it through the layer between, or move the model
    "#);
    insta::assert_snapshot!(wrong("kpis/x/kpi_x.sql", &mart("select 1 as x\nfrom intermediate.int_deal")).await, @r#"
    `kpi.x` may not read `intermediate.int_deal`: kpi reads mart, kpi and system
      at sql/kpis/x/kpi_x.sql:8:6
      hint: read it through the layer between, or move the model
    "#);
}

#[tokio::test]
async fn the_clock() {
    insta::assert_snapshot!(wrong_mart("select cast(date_part('year', now()) as bigint) as x").await, @r#"
    `now` is not allowed: the same inputs must give the same rows
      at sql/marts/x/fct_x.sql:7:31
      hint: use `$as_of` (a timestamp) or `$as_of_date` (a date in the company's zone)
    "#);
}

#[tokio::test]
async fn an_unknown_key_in_the_header() {
    let text = "/* @model\ndescription: A test.\ngrian: [x]\ncolumns:\n  x: {type: int64}\n*/\nselect 1 as x";
    insta::assert_snapshot!(wrong("marts/x/fct_x.sql", text).await, @r#"
    `grian` is not a known key
      at sql/marts/x/fct_x.sql:3:1
      expected: `description`, `grain`, `kind`, `incremental`, `owner`, `tags`, `source`, `columns`, `checks`, `metrics`
      hint: did you mean `grain`?
    "#);
    let text = "/* @model\ndescription: A test.\ncolumns:\n  x: {type: number, checks: [notnull]}\n*/\nselect 1 as x";
    insta::assert_snapshot!(wrong("marts/x/fct_x.sql", text).await, @r#"
    `number` is not a column type
      at sql/marts/x/fct_x.sql:4:13
      expected: string, int64, float64, decimal(p,s), date, timestamp or boolean
    "#);
    let text = "/* @model\ndescription: A test.\ngrain: [y]\ncolumns:\n  x: {type: int64, checks: [\"between 0 and lots\"]}\n*/\nselect 1 as x";
    insta::assert_snapshot!(wrong("marts/x/fct_x.sql", text).await, @r#"
    `mart.fct_x` has no column `y`
      at sql/marts/x/fct_x.sql:3:8
      hint: columns there are: `x`
    "#);
    let text = "/* @model\ndescription: A test.\ncolumns:\n  x: {type: int64, checks: [\"between 0 and lots\", notnull]}\n*/\nselect 1 as x";
    insta::assert_snapshot!(wrong("marts/x/fct_x.sql", text).await, @r#"
    `notnull` is not a check
      at sql/marts/x/fct_x.sql:4:51
      hint: did you mean `not_null`?
    "#);
    insta::assert_snapshot!(wrong("marts/x/fct_x.sql", "select 1 as x").await, @r#"
    the file has no `/* @model … */` header
      at sql/marts/x/fct_x.sql:1
      hint: begin the file with `/* @model`, a `description:`, and `*/`
    "#);
}

#[tokio::test]
async fn a_pipeline_that_delivers_another_type() {
    let catalog = Catalog::load(&small(&[]), None).unwrap();
    let column = |name: &str, column_type: &str| salesmart_core::Column {
        name: name.to_owned(),
        column_type: column_type.parse().unwrap(),
    };
    let stream = RawStream {
        system: salesmart_core::SystemName::new("crm").unwrap(),
        stream: salesmart_core::StreamName::new("deals").unwrap(),
        connection: salesmart_core::ConnectionName::new("crm_prod").unwrap(),
        columns: vec![
            column("deal_id", "string"),
            column("amount", "float64"),
            column("stages", "string"),
            column("closed", "date"),
        ],
        location: Some(salesmart_core::Location::line("pipelines/crm.yml", 9)),
    };
    let error = plan_all(&catalog, &[stream], &BusinessSettings::default()).await.unwrap_err();
    insta::assert_snapshot!(render(&error), @r#"
    column `amount` of stream `deals` of connection `crm_prod` has another type than its staging model reads
      at pipelines/crm.yml:9
      expected: decimal(18,2) (sql/staging/crm/stg_crm__deals.sql:5:27)
      found: float64
      hint: declare `amount: "decimal(18,2)"` in the stream, or change `source:` in the staging model
    stream `deals` of connection `crm_prod` has no column `stage`, which its staging model reads
      at pipelines/crm.yml:9
      expected: `stage` string (sql/staging/crm/stg_crm__deals.sql:5:52)
      hint: is `stages` this column under another name? rename it: `stage: {type: string, from: …}`
    "#);
}

#[test]
fn a_project_adds_and_replaces_by_path() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join("sql").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("marts/deal/fct_deal.sql", &mart("select 1 as x"));
    write("marts/own/dim_own.sql", &mart("select 1 as x"));
    write("README.md", "not a model");
    let catalog = Catalog::load(&small(&[]), Some(&folder.path().join("sql"))).unwrap();
    let origins: Vec<String> =
        catalog.models().map(|model| format!("{} {}", model.name, model.origin)).collect();
    assert_eq!(
        origins,
        [
            "intermediate.int_deal built in",
            "mart.dim_own project",
            "mart.fct_deal project, replaces the built-in",
            "staging.stg_crm__deals built in",
        ]
    );
}

#[test]
fn selectors() {
    let catalog = Catalog::load(&small(&[]), None).unwrap();
    let select = |selector: &str| -> Vec<String> {
        catalog.select(&[selector]).unwrap().iter().map(ToString::to_string).collect()
    };
    assert_eq!(select("mart.fct_deal"), ["mart.fct_deal"]);
    assert_eq!(select("fct_deal"), ["mart.fct_deal"]);
    assert_eq!(select("+int_deal"), ["intermediate.int_deal", "staging.stg_crm__deals"]);
    assert_eq!(select("int_deal+"), ["intermediate.int_deal", "mart.fct_deal"]);
    assert_eq!(select("+int_deal+").len(), 3);
    assert_eq!(select("tag:crm"), ["mart.fct_deal", "staging.stg_crm__deals"]);
    assert_eq!(select("path:sql/marts"), ["mart.fct_deal"]);
    assert_eq!(select("path:sql/marts/deal/fct_deal.sql"), ["mart.fct_deal"]);
    let hint = |selector: &str| catalog.select(&[selector]).unwrap_err().hint().unwrap().to_owned();
    assert_eq!(hint("fct_deel"), "did you mean `fct_deal`?");
    assert_eq!(hint("tag:crn"), "did you mean `crm`?");
    assert_eq!(hint("path:sql/mart"), "did you mean `sql/marts`?");
}

#[test]
fn what_reads_check_results_is_built_after_the_checks() {
    let ops = |sql: &str| mart(sql);
    let catalog = load(&[
        ("ops/ops_check_result.sql", &ops("select offending_rows as x\nfrom system.check_result")),
        ("ops/ops_summary.sql", &ops("select x\nfrom ops.check_result")),
        ("ops/ops_repair.sql", &ops("select rows as x\nfrom system.repair")),
    ])
    .unwrap();
    let late: Vec<String> = catalog
        .models()
        .filter(|model| catalog.is_after_checks(&model.name))
        .map(|model| model.name.to_string())
        .collect();
    assert_eq!(late, ["ops.check_result", "ops.summary"]);
}
