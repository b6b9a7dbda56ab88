//! Sums that are kept are what they would be if everything were added up.

use super::incremental::{Both, FILES, rows, table};
use super::*;

// Reads a table that knows its keys, one that does not, one of which some matters, and the clock.
const SUMS: &str = "/* @model
description: Versions by number and stage.
grain: [n, stage_key]
kind: incremental
incremental:
  key: deal_id
  sums: versions
  changed_by:
    intermediate.int_history: deal_id
    intermediate.int_deal: deal_id
  matters:
    mart.dim_clock: select max(week) from mart.dim_clock
  as_of: select deal_id from intermediate.int_deal where stage = 'open' and $as_of_date > $last_as_of_date
columns:
  n: {type: int64}
  stage_key: {type: int64}
  versions: {type: int64, checks: [not_null]}
  amount: {type: \"decimal(38,2)\", checks: [not_null]}
  age: {type: int64, checks: [not_null]}
  week: {type: int64, checks: [not_null]}
*/
select
    history.n,
    stage.stage_key,
    count(*) as versions,
    cast(sum(coalesce(history.amount, 0)) as decimal(38, 2)) as amount,
    sum(case when deal.stage = 'open' then cast($as_of_date - deal.closed as bigint) else 0 end) as age,
    cast(sum((select max(week) from mart.dim_clock)) as bigint) as week
from intermediate.int_history as history
inner join intermediate.int_deal as deal on history.deal_id = deal.deal_id
left join intermediate.int_stage as stage on history.stage = stage.stage
group by history.n, stage.stage_key
";

const CLOCK: &str = "/* @model
description: Another row each night.
grain: [day]
columns:
  day: {type: date}
  week: {type: int64}
*/
select $as_of_date as day, cast(date_part('week', $as_of_date) as bigint) as week
";

const NAME: (&str, &str) = ("mart", "fct_sum");

async fn both() -> Both {
    let mut files = FILES.to_vec();
    files.push(("marts/deal/fct_sum.sql", SUMS));
    files.push(("marts/deal/dim_clock.sql", CLOCK));
    Both::with(&files).await
}

/// Builds both and compares; how many keys were moved, or `None` where all was added up.
async fn moved(both: &Both) -> Option<u64> {
    both.build().await;
    assert_eq!(rows(&both.part, NAME).await, rows(&both.whole, NAME).await);
    table(&both.part, NAME).await.metadata.get("moved_keys").and_then(serde_json::Value::as_u64)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn night_after_night_sums_are_what_they_would_be() {
    let mut both = both().await;
    assert_eq!(moved(&both).await, None, "there was nothing");
    both.night(400, 900).await;
    // The first of February 2026 is the Sunday of week 5.
    both.clock(2);
    assert_eq!(moved(&both).await, None, "the week is another one");
    let mut nights = Vec::new();
    for day in 3..=8 {
        both.clock(day);
        if day != 5 {
            both.night(400, 12).await;
        }
        nights.push(moved(&both).await);
        assert_eq!(moved(&both).await, *nights.last().unwrap(), "nothing is looked at twice");
    }
    // A night of some changed deals and all open ones; one without changes.
    assert!(
        nights.iter().all(|moved| moved.is_some_and(|keys| 0 < keys && keys < 300)),
        "{nights:?}"
    );
    both.clock(9);
    assert_eq!(moved(&both).await, None, "the week is another one");

    // What nothing is left of goes.
    both.clock(10);
    let before = rows(&both.part, NAME).await.len();
    let deals: Vec<String> = (0..400).map(|id| format!("d{id:05}")).collect();
    let gone: Vec<Deal<'_>> = deals.iter().map(|id| (&**id, None, "", DAY, "delete")).collect();
    land(&both.part.lake, 100_000, &gone).await;
    land(&both.whole.lake, 100_000, &gone).await;
    assert!(moved(&both).await.is_some());
    assert!(before > 3);
    assert_eq!(rows(&both.part, NAME).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_that_cannot_be_what_is_taken_away_are_made_anew() {
    let mut both = both().await;
    both.night(100, 200).await;
    both.clock(3);
    assert_eq!(moved(&both).await, None);
    // Somebody meddled with the sums: a deal takes away more than there is.
    let path = TablePath::warehouse(NAME.0, NAME.1);
    let stored = both.part.lake.table(&path).await.unwrap().unwrap();
    let commit = Commit {
        files: Vec::new(),
        mode: CommitMode::Overwrite,
        schema: Arc::clone(&stored.schema),
        metadata: stored.metadata.clone(),
        transaction: None,
        description: None,
    };
    both.part.lake.commit(&path, commit).await.unwrap();
    for house in [&both.part, &both.whole] {
        land(&house.lake, 1_000, &[("d00099", None, "", DAY, "delete")]).await;
    }
    both.clock(4);
    assert_eq!(moved(&both).await, None);
}

#[tokio::test]
async fn a_wrong_sum_says_what_is_meant() {
    let say = |from: &'static str, to: &'static str| async move {
        let mut files = FILES.to_vec();
        let sums = SUMS.replace(from, to);
        assert_ne!(sums, SUMS);
        files.push(("marts/deal/fct_sum.sql", &sums));
        files.push(("marts/deal/dim_clock.sql", CLOCK));
        crate::testing::problems(&small(&files)).await
    };
    let mut all = Vec::new();
    for (from, to) in [
        ("sums: versions", "sums: version"),
        ("age: {type: int64, checks: [not_null]}", "age: {type: int64}"),
        ("select max(week) from mart.dim_clock\n  as_of", "all of it\n  as_of"),
        (
            "select max(week) from mart.dim_clock\n  as_of",
            "select max(n) from intermediate.int_history\n  as_of",
        ),
        ("mart.dim_clock: select", "mart.dim_clocks: select"),
        ("mart.dim_clock: select", "intermediate.int_deal: select"),
    ] {
        all.push(format!("{from} -> {to}\n{}", say(from, to).await));
    }
    insta::assert_snapshot!(all.join("\n\n"), @r#"
    sums: versions -> sums: version
    `mart.fct_sum` has no column `version`
      at sql/marts/deal/fct_sum.sql:6:3
      hint: did you mean `versions`?

    age: {type: int64, checks: [not_null]} -> age: {type: int64}
    `age` of `mart.fct_sum` is no sum
      at sql/marts/deal/fct_sum.sql:6:3
      expected: int64 or decimal, `checks: [not_null]`
      hint: columns outside of the grain are sums, and no sum is null

    select max(week) from mart.dim_clock
      as_of -> all of it
      as_of
    what matters is neither `nothing` nor a query
      caused by: the SQL has a syntax error
      at sql/marts/deal/fct_sum.sql:12:21

    select max(week) from mart.dim_clock
      as_of -> select max(n) from intermediate.int_history
      as_of
    what matters of `mart.dim_clock` reads `intermediate.int_history`
      at sql/marts/deal/fct_sum.sql:12:21

    mart.dim_clock: select -> mart.dim_clocks: select
    what matters of `mart.dim_clocks` reads `mart.dim_clock`
      at sql/marts/deal/fct_sum.sql:12:22
    `mart.fct_sum` does not read `mart.dim_clocks`
      at sql/marts/deal/fct_sum.sql:12:22
      hint: did you mean `mart.dim_clock`?

    mart.dim_clock: select -> intermediate.int_deal: select
    all that changes in `intermediate.int_deal` matters: it changes keys
      at sql/marts/deal/fct_sum.sql:12:5
      hint: name it in `changed_by:` or in `matters:`
    "#);
}
