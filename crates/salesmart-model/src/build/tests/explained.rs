//! Views of the marts: planned into their readers, and over a release.

use super::*;
use crate::explain;

const CONTRIBUTION: &str = "/* @model
description: What the figure is made of.
grain: [deal_id]
kind: view
columns:
  deal_id: {type: string}
  share: {type: \"decimal(38,6)\"}
  day: {type: date}
*/
select
    deal_id,
    cast(amount / (select max(stale_after_days) from system.business) as decimal(38, 6)) as share,
    $as_of_date as day
from mart.fct_deal
";

fn house_files() -> [(&'static str, String); 3] {
    let total = mart("select cast(sum(share) * 1000000 as bigint) as x\nfrom mart.fct_upper");
    let upper = CONTRIBUTION
        .replace("mart.fct_deal", "mart.fct_deal_contribution")
        .replace("cast(amount / (select max(stale_after_days) from system.business) as decimal(38, 6)) as share", "share")
        .replace("$as_of_date as day", "day");
    [
        ("marts/contribution/fct_deal_contribution.sql", CONTRIBUTION.to_owned()),
        ("marts/contribution/fct_upper.sql", upper),
        ("kpis/total/kpi_total.sql", total),
    ]
}

async fn explained(house: &House, modeled: &Modeled, sql: &str) -> String {
    let catalog = Catalog::load(&house.files, None).unwrap();
    let stream = explain(
        &house.lake,
        &versions(modeled),
        "2026-01-31T12:00:00Z".parse().unwrap(),
        &catalog,
        &BusinessSettings::default(),
        sql,
    )
    .await;
    match stream {
        Ok(stream) => {
            let batches: Vec<RecordBatch> = stream.try_collect().await.unwrap();
            pretty_format_batches(&batches).unwrap().to_string()
        }
        Err(e) => render(&e),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_of_the_marts_is_in_no_release_and_explains_one() {
    let files = house_files();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, &**text)).collect();
    let house = House::new(&files).await;
    land(&house.lake, 1, DEALS).await;
    let modeled = house.build().await.unwrap();
    assert_eq!(
        versions(&modeled).keys().collect::<Vec<_>>(),
        ["kpi.total", "mart.fct_deal"],
        "views are not published"
    );
    let sql = "select deal_id, share, day, $as_of_date - day as age from mart.fct_upper order by 1";
    insta::assert_snapshot!(explained(&house, &modeled, sql).await, @r#"
    +---------+----------+------------+-----+
    | deal_id | share    | day        | age |
    +---------+----------+------------+-----+
    | d1      | 0.857142 | 2026-01-31 | 0   |
    | d2      | 0.357142 | 2026-01-31 | 0   |
    +---------+----------+------------+-----+
    "#);
    insta::assert_snapshot!(
        explained(&house, &modeled, "select t.x, b.reporting_currency from kpi.total as t cross join system.business as b").await,
        @r#"
    +---------+--------------------+
    | x       | reporting_currency |
    +---------+--------------------+
    | 1214284 | USD                |
    +---------+--------------------+
    "#
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_release_does_not_have_is_said() {
    let files = house_files();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, &**text)).collect();
    let mut house = House::new(&files).await;
    let modeled = house.build().await.unwrap();
    let mut said_all = Vec::new();
    for sql in [
        "select * from mart.fct_uper",
        "select * from intermediate.int_deal",
        "select * from raw.crm.deals",
        "select now() from mart.fct_upper",
        "drop table mart.fct_deal",
    ] {
        let said = explained(&house, &modeled, sql).await;
        said_all.push(said);
    }
    insta::assert_snapshot!(said_all.join("\n"), @r#"
    table `mart.fct_uper` is not in the release
      at query:1:15
      hint: did you mean `mart.fct_upper`?
    table `intermediate.int_deal` is not in the release
      at query:1:15
      hint: `show tables` lists what a release has
    table `raw.crm.deals` is not in the release
      at query:1:15
      hint: `show tables` lists what a release has
    `now` is not allowed: the same inputs must give the same rows
      at query:1:8
      hint: use `$as_of` (a timestamp) or `$as_of_date` (a date in the company's zone)
    the file holds another statement than a query
      at query:1
      expected: one `select` below the header
    "#);
    // A view of a newer catalog over the tables of an older release.
    for (path, text) in &mut house.files {
        if path.ends_with("fct_deal_contribution.sql") {
            *text = text.replace("cast(amount /", "cast(new_amount /");
        }
    }
    insta::assert_snapshot!(explained(&house, &modeled, "select * from mart.fct_upper").await, @r#"
    the view `mart.fct_deal_contribution` does not fit the release
      caused by: no column is called `new_amount` here
      at sql/marts/contribution/fct_deal_contribution.sql:12:10
      hint: the release is older than the model: run the pipeline, then ask again
    "#);
}

#[tokio::test]
async fn a_view_of_the_marts_reads_what_releases_have() {
    let view = CONTRIBUTION.replace("mart.fct_deal", "intermediate.int_deal");
    let files = small(&[("marts/contribution/fct_deal_contribution.sql", &view)]);
    insta::assert_snapshot!(crate::testing::problems(&files).await, @r#"
    the view `mart.fct_deal_contribution` may not read `intermediate.int_deal`, which a release does not have
      at sql/marts/contribution/fct_deal_contribution.sql:14:6
      expected: stored tables and views of mart, tables of funnel, `system.business`
      hint: store what it needs in a mart, or write `kind: table`
    "#);
}
