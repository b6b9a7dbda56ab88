//! Snapshots: appended to once, never rebuilt.

use super::*;

const SEAL: &str = "/* @model
description: Deals as they stood, night by night.
grain: [day, deal_id]
kind: snapshot
columns:
  day: {type: date, checks: [not_null]}
  deal_id: {type: string}
  amount: {type: \"decimal(18,2)\"}
*/
with
seen as (
    select day, deal_id from forecast.seal
),
tonight as (
    select $as_of_date as day, deal_id, amount from mart.fct_deal
)
select tonight.day, tonight.deal_id, tonight.amount
from tonight
left anti join seen on tonight.day = seen.day and tonight.deal_id = seen.deal_id
";

const NIGHTS: &str = "/* @model
description: Rows a night.
grain: [day]
columns:
  day: {type: date}
  deals: {type: int64}
*/
select day, count(*) as deals from forecast.seal group by day
";

async fn house() -> House {
    let house = House::new(&[
        ("forecast/forecast_seal.sql", SEAL),
        ("forecast/forecast_night.sql", NIGHTS),
    ])
    .await;
    land(&house.lake, 1, DEALS).await;
    house
}

fn table<'a>(modeled: &'a Modeled, name: &str) -> &'a salesmart_core::receipt::ModeledTable {
    modeled.tables.iter().find(|table| table.table == name).unwrap()
}

fn rewrite(house: &mut House, path: &str, from: &str, to: &str) {
    let file = house.files.iter_mut().find(|(name, _)| name == path).unwrap();
    assert!(file.1.contains(from));
    file.1 = file.1.replace(from, to);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_added_once_and_stay_as_they_were() {
    let mut house = house().await;
    let first = house.build().await.unwrap();
    assert_eq!((table(&first, "seal").version, table(&first, "seal").rows), (0, 2));
    assert!(table(&first, "seal").published);

    // The process was killed before it published: the next one finds its rows.
    let again = house.build().await.unwrap();
    assert_eq!((table(&again, "seal").version, table(&again, "seal").built), (0, false));
    assert!(!table(&again, "night").built, "nothing new to read");
    house.rebuild = true;
    let rebuilt = house.build().await.unwrap();
    assert_eq!((table(&rebuilt, "seal").version, table(&rebuilt, "seal").rows), (0, 2));
    house.rebuild = false;

    // A night later another amount; and the release still names the first version.
    house.last_release = Some(versions(&first));
    house.as_of = "2026-02-01T12:00:00Z".parse().unwrap();
    land(&house.lake, 6, &[("d2", Some(900), "lost", DAY, "upsert")]).await;
    let second = house.build().await.unwrap();
    assert_eq!((table(&second, "seal").version, table(&second, "seal").rows), (1, 4));
    assert!(table(&second, "night").built);
    // Rolled back to the first release, the third night goes on from the newest rows.
    house.as_of = "2026-02-02T12:00:00Z".parse().unwrap();
    let third = house.build().await.unwrap();
    assert_eq!((table(&third, "seal").version, table(&third, "seal").rows), (2, 6));
    assert!(third.checks.iter().all(|check| check.passed), "{:#?}", third.checks);
    insta::assert_snapshot!(house.show(&third, "select * from forecast.seal order by 1, 2").await, @r#"
    +------------+---------+--------+
    | day        | deal_id | amount |
    +------------+---------+--------+
    | 2026-01-31 | d1      | 12.00  |
    | 2026-01-31 | d2      | 5.00   |
    | 2026-02-01 | d1      | 12.00  |
    | 2026-02-01 | d2      | 9.00   |
    | 2026-02-02 | d1      | 12.00  |
    | 2026-02-02 | d2      | 9.00   |
    +------------+---------+--------+
    "#);
    insta::assert_snapshot!(house.show(&third, "select * from forecast.night order by 1").await, @r#"
    +------------+-------+
    | day        | deals |
    +------------+-------+
    | 2026-01-31 | 2     |
    | 2026-02-01 | 2     |
    | 2026-02-02 | 2     |
    +------------+-------+
    "#);

    // What does not select it does not add to it; who reads it reads its newest rows.
    house.selectors = vec!["night"];
    house.as_of = "2026-02-03T12:00:00Z".parse().unwrap();
    let only = house.build().await.unwrap();
    assert_eq!((table(&only, "seal").version, table(&only, "seal").built), (2, false));
    house.selectors = vec!["fct_deal"];
    let other = house.build().await.unwrap();
    assert_eq!(table(&other, "seal").version, 0, "as the last release has it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_added_while_a_check_fails() {
    let mut house = house().await;
    house.build().await.unwrap();
    house.as_of = "2026-02-01T12:00:00Z".parse().unwrap();
    land(&house.lake, 6, &[("d9", Some(1), "unknown", DAY, "upsert")]).await;
    let broken = house.build().await.unwrap();
    let stage = check(&broken, "mart.fct_deal", Some("stage"), "accepted_values");
    assert_eq!((stage.passed, stage.severity), (false, Severity::Error));
    assert_eq!((table(&broken, "seal").version, table(&broken, "seal").rows), (0, 2));
    // A warning is no reason.
    land(
        &house.lake,
        7,
        &[("d9", Some(1), "won", DAY, "upsert"), ("d1", Some(-100), "won", DAY, "upsert")],
    )
    .await;
    let warned = house.build().await.unwrap();
    assert!(!check(&warned, "mart.fct_deal", Some("amount"), "between").passed);
    assert_eq!((table(&warned, "seal").version, table(&warned, "seal").rows), (1, 5));

    // Where the very first build fails its checks, the table is there and empty.
    let house = self::house().await;
    land(&house.lake, 6, &[("d9", Some(1), "unknown", DAY, "upsert")]).await;
    assert_eq!(table(&house.build().await.unwrap(), "seal").rows, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_are_added_and_never_taken_away() {
    let mut house = house().await;
    house.build().await.unwrap();
    let path = "forecast/forecast_seal.sql";
    rewrite(
        &mut house,
        path,
        "  amount: {type: \"decimal(18,2)\"}\n",
        "  stage: {type: string}\n  amount: {type: \"decimal(18,2)\"}\n",
    );
    rewrite(&mut house, path, "deal_id, amount from mart", "deal_id, amount, stage from mart");
    rewrite(
        &mut house,
        path,
        "tonight.deal_id, tonight.amount",
        "tonight.deal_id, tonight.stage, tonight.amount",
    );
    let same_night = house.build().await.unwrap();
    assert_eq!((table(&same_night, "seal").version, table(&same_night, "seal").rows), (1, 2));
    house.as_of = "2026-02-01T12:00:00Z".parse().unwrap();
    let next = house.build().await.unwrap();
    insta::assert_snapshot!(house.show(&next, "select * from forecast.seal order by 1, 2").await, @r#"
    +------------+---------+-------+--------+
    | day        | deal_id | stage | amount |
    +------------+---------+-------+--------+
    | 2026-01-31 | d1      |       | 12.00  |
    | 2026-01-31 | d2      |       | 5.00   |
    | 2026-02-01 | d1      | won   | 12.00  |
    | 2026-02-01 | d2      | lost  | 5.00   |
    +------------+---------+-------+--------+
    "#);

    rewrite(&mut house, path, "stage: {type: string}", "stage: {type: int64}");
    rewrite(&mut house, path, "tonight.stage,", "cast(null as bigint) as stage,");
    rewrite(&mut house, path, "  amount: {type: \"decimal(18,2)\"}\n", "");
    rewrite(&mut house, path, ", tonight.amount", "");
    insta::assert_snapshot!(render(&house.build().await.unwrap_err()), @r#"
    failed to build model `forecast.seal` (sql/forecast/forecast_seal.sql)
      caused by: column `stage` of the snapshot `forecast.seal` has another type than its rows so far
      at sql/forecast/forecast_seal.sql:8:3
      state: nothing was published, the last release is still current
      hint: what is in a snapshot is never rewritten: add a column of another name
    the snapshot `forecast.seal` no longer has the column `amount`, which its rows so far have
      at sql/forecast/forecast_seal.sql:2
      expected: `amount` decimal(18,2)
      hint: keep the column (new rows may have null in it), or give the model another name
    "#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_is_sealed_twice_is_found_among_all() {
    let mut house = house().await;
    rewrite(&mut house, "forecast/forecast_seal.sql", "seen.day and", "seen.day and false and");
    house.build().await.unwrap();
    let grain = |modeled: &Modeled| {
        let found = check(modeled, "forecast.seal", None, "grain");
        (found.offending_rows, found.samples.clone())
    };
    let again = house.build().await.unwrap();
    let both =
        vec!["day=2026-01-31, deal_id=d1".to_owned(), "day=2026-01-31, deal_id=d2".to_owned()];
    assert_eq!(grain(&again), (4, both.clone()));
    // It stays found when later nights are right.
    house.as_of = "2026-02-01T12:00:00Z".parse().unwrap();
    let next = house.build().await.unwrap();
    assert_eq!(table(&next, "seal").rows, 6);
    assert_eq!(grain(&next), (4, both));
}

#[tokio::test]
async fn only_a_snapshot_reads_itself() {
    let table = SEAL.replace("kind: snapshot", "kind: table");
    let files = small(&[("forecast/forecast_seal.sql", &table)]);
    insta::assert_snapshot!(crate::testing::problems(&files).await, @r#"
    models read each other in a circle: forecast.seal → forecast.seal
      at sql/forecast/forecast_seal.sql:12:30
      hint: move what they share into a model that both read
    "#);
    let hidden = SEAL.replace("forecast.seal", "intermediate.int_seal");
    let files = small(&[("intermediate/x/int_seal.sql", &hidden)]);
    insta::assert_snapshot!(crate::testing::problems(&files).await, @r#"
    `intermediate.int_seal` is not published and cannot be a snapshot
      at sql/intermediate/x/int_seal.sql:2
      expected: a snapshot in mart, kpi, funnel, forecast or ops
      hint: what is kept for ever is for readers: move it, or write `kind: table`
    `intermediate.int_seal` may not read `mart.fct_deal`: intermediate reads staging, intermediate and system
      at sql/intermediate/x/int_seal.sql:15:53
      hint: read it through the layer between, or move the model
    "#);
}

#[tokio::test]
async fn a_case_gives_the_rows_so_far() {
    let catalog = Catalog::load(&small(&[("forecast/forecast_seal.sql", SEAL)]), None).unwrap();
    let yaml = "
cases:
  - name: what is sealed is not sealed again
    as_of: 2026-01-31T12:00:00Z
    given:
      mart.fct_deal:
        - {deal_id: d1, amount: 10}
        - {deal_id: d2, amount: 5}
      forecast.seal:
        - {day: 2026-01-31, deal_id: d1, amount: 9}
        - {day: 2026-01-30, deal_id: d2, amount: 5}
    expect:
      - {day: 2026-01-31, deal_id: d2, amount: 5}
";
    let file = crate::CaseFile::parse("case.yml", yaml).unwrap();
    let name = "forecast.seal".parse().unwrap();
    crate::run_case(&catalog, &name, &file.cases[0], &BusinessSettings::default()).await.unwrap();
}

const BELIEF: &str = "/* @model
description: What was believed of each deal, whenever that changed.
grain: [deal_id, known_from]
kind: snapshot
incremental:
  key: deal_id
  changed_by: {mart.fct_deal: deal_id}
  matters: {mart.dim_clock: nothing}
  as_of: harmless
columns:
  deal_id: {type: string}
  known_from: {type: timestamp}
  amount: {type: \"decimal(18,2)\"}
  looked_at: {type: int64}
  day: {type: date}
*/
with
entry as (
    select deal_id, last_value(amount order by known_from) as amount
    from forecast.belief
    group by deal_id
)
select
    deal.deal_id,
    $as_of as known_from,
    deal.amount,
    (select count(*) from mart.fct_deal) as looked_at,
    (select max(day) from mart.dim_clock) as day
from mart.fct_deal as deal
left join entry on deal.deal_id = entry.deal_id
where entry.deal_id is null or entry.amount is distinct from deal.amount
";

const CLOCK: &str = "/* @model
description: Another row each night, and no deal is another one by that.
grain: [day]
columns:
  day: {type: date}
*/
select $as_of_date as day
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_declares_its_keys_looks_only_at_those_that_changed() {
    let models = [("forecast/forecast_belief.sql", BELIEF), ("marts/dim_clock.sql", CLOCK)];
    let mut house = House::new(&models).await;
    land(&house.lake, 1, DEALS).await;
    house.build().await.unwrap();
    for (day, sequence, deal) in [
        (1, 6, ("d2", Some(700), "lost", DAY, "upsert")),
        // A change that the belief does not show, and a new deal.
        (2, 7, ("d2", Some(700), "won", DAY, "upsert")),
        (3, 8, ("d7", Some(100), "won", DAY, "upsert")),
        (4, 9, ("d1", None, "", DAY, "delete")),
        (5, 10, ("d1", Some(1_300), "won", DAY, "upsert")),
    ] {
        house.as_of = format!("2026-02-0{day}T12:00:00Z").parse().unwrap();
        land(&house.lake, sequence, &[deal]).await;
        house.build().await.unwrap();
    }
    // An instant that is not later asks for everything: here one that nobody knew of.
    house.as_of = "2026-02-05T12:00:00Z".parse().unwrap();
    land(&house.lake, 11, &[("d8", Some(100), "won", DAY, "upsert")]).await;
    let last = house.build().await.unwrap();
    let shown = "select * from forecast.belief order by known_from, deal_id";
    insta::assert_snapshot!(house.show(&last, shown).await, @r#"
    +---------+----------------------+--------+-----------+------------+
    | deal_id | known_from           | amount | looked_at | day        |
    +---------+----------------------+--------+-----------+------------+
    | d1      | 2026-01-31T12:00:00Z | 12.00  | 2         | 2026-01-31 |
    | d2      | 2026-01-31T12:00:00Z | 5.00   | 2         | 2026-01-31 |
    | d2      | 2026-02-01T12:00:00Z | 7.00   | 1         | 2026-02-01 |
    | d7      | 2026-02-03T12:00:00Z | 1.00   | 1         | 2026-02-03 |
    | d1      | 2026-02-05T12:00:00Z | 13.00  | 1         | 2026-02-05 |
    | d8      | 2026-02-05T12:00:00Z | 1.00   | 4         | 2026-02-05 |
    +---------+----------------------+--------+-----------+------------+
    "#);
}
