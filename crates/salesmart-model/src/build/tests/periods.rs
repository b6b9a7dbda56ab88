//! Figures of periods that are computed again where something changed are what they would be.

use super::incremental::{Both, FILES, rows, table};
use super::*;

const DATES: &str = "/* @model
description: Periods, numbered; which of them is now is told too.
grain: [period_key]
columns:
  period_key: {type: int64}
  period_grain: {type: string}
  period_start: {type: date}
  period_end: {type: date}
  is_current: {type: boolean}
*/
select
    cast(row_number() over (order by period_grain, period_start) as bigint) as period_key,
    period_grain, period_start, period_end,
    $as_of_date between period_start and period_end as is_current
from (
    select 'day' as period_grain, cast(unnest(generate_series(date '2026-01-01', date '2026-03-31', interval '1 day')) as date) as period_start,
        cast(unnest(generate_series(date '2026-01-01', date '2026-03-31', interval '1 day')) as date) as period_end
    union all
    select 'month' as period_grain, period_start, period_end
    from (values (date '2026-01-01', date '2026-01-31'), (date '2026-02-01', date '2026-02-28'), (date '2026-03-01', date '2026-03-31')) as month (period_start, period_end)
)
";

const BRIDGE: &str = "/* @model
description: Days of periods.
grain: [date_day, period_key]
columns:
  date_day: {type: date}
  period_key: {type: int64}
*/
select day.period_start as date_day, period.period_key
from mart.dim_period as day
inner join mart.dim_period as period
    on day.period_start between period.period_start and period.period_end
where day.period_grain = 'day'
";

// A version stands on a day of the first quarter that its amount says, and the first of an open deal
// on today.
const STANDING: &str = "/* @model
description: On which day a version counts.
grain: [deal_id, n]
kind: view
columns:
  deal_id: {type: string}
  n: {type: int64}
  date_day: {type: date}
  amount: {type: \"decimal(18,2)\"}
  stage_key: {type: int64}
*/
select
    deal_id, n,
    case
        when age is not null and n = 1 then $as_of_date
        else cast(date '2026-01-01' + cast(amount as int) % 90 as date)
    end as date_day,
    amount, stage_key
from mart.fct_aged
";

const FIGURES: &str = "/* @model
description: Figures by period; the middle one of amounts is no sum.
grain: [period_grain, period_start, stage_key]
kind: incremental
incremental:
  key: deal_id
  periods: select * from mart.fct_standing
  changed_by: {mart.fct_aged: deal_id}
  matters:
    mart.dim_period: select period_key, period_grain, period_start, period_end from mart.dim_period
  as_of: harmless
columns:
  period_grain: {type: string}
  period_start: {type: date}
  stage_key: {type: int64}
  n: {type: int64}
  middle: {type: \"decimal(18,2)\"}
  as_of: {type: timestamp}
*/
with
counted as (
    select period.period_key, standing.stage_key, count(*) as n, max(standing.amount) as middle
    from mart.fct_standing as standing
    inner join mart.bridge_date_period as period on standing.date_day = period.date_day
    group by period.period_key, standing.stage_key
)
select period.period_grain, period.period_start, counted.stage_key, counted.n, counted.middle, $as_of as as_of
from counted
inner join mart.dim_period as period on counted.period_key = period.period_key
";

const NAME: (&str, &str) = ("kpi", "figures");

async fn both(figures: &'static str) -> Both {
    let mut files = FILES.to_vec();
    files.push(("marts/dates/dim_period.sql", DATES));
    files.push(("marts/dates/bridge_date_period.sql", BRIDGE));
    files.push(("marts/deal/fct_standing.sql", STANDING));
    files.push(("kpis/figures/kpi_figures.sql", figures));
    Both::with(&files).await
}

/// Builds both and compares; how many keys had changed, or `None` where all was computed.
async fn changed(both: &Both) -> Option<u64> {
    both.build().await;
    assert_eq!(rows(&both.part, NAME).await, rows(&both.whole, NAME).await);
    table(&both.part, NAME).await.metadata.get("moved_keys").and_then(serde_json::Value::as_u64)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn night_after_night_figures_are_what_they_would_be() {
    let mut both = both(FIGURES).await;
    assert_eq!(changed(&both).await, None, "there was nothing");
    both.night(300, 600).await;
    both.clock(2);
    assert!(changed(&both).await.is_some());
    for day in 3..=8 {
        both.clock(day);
        if day != 5 {
            both.night(300, 3).await;
        }
        let keys = changed(&both).await.unwrap();
        assert!(keys < 200, "{keys} changed or are open");
        // The same instant again, with and without something new.
        if day > 6 {
            both.night(300, 2).await;
        }
        assert!(changed(&both).await.is_some());
    }
    // The instant goes back: nobody knows what that moved in what it reads.
    both.clock(4);
    assert_eq!(changed(&both).await, None);
    // An input without keys is another one.
    for house in [&mut both.part, &mut both.whole] {
        let dates = house.files.iter_mut().find(|(path, _)| path.ends_with("dim_period.sql"));
        let text = &mut dates.unwrap().1;
        *text = text.replace("date '2026-02-28'", "date '2026-02-27'");
    }
    assert_eq!(changed(&both).await, None);
}

#[tokio::test]
async fn a_wrong_declaration_of_periods_says_what_is_meant() {
    let say = |from: &'static str, to: &'static str| async move {
        let mut files = FILES.to_vec();
        let figures = FIGURES.replace(from, to);
        assert_ne!(figures, FIGURES);
        files.push(("marts/dates/dim_period.sql", DATES));
        files.push(("marts/dates/bridge_date_period.sql", BRIDGE));
        files.push(("marts/deal/fct_standing.sql", STANDING));
        files.push(("kpis/figures/kpi_figures.sql", &figures));
        crate::testing::problems(&small(&files)).await
    };
    let mut all = Vec::new();
    for (from, to) in [
        ("select * from mart.fct_standing", "select deal_id from mart.fct_standing"),
        ("select * from mart.fct_standing", "select *, closed as date_day from mart.fct_deal"),
        ("select * from mart.fct_standing", "mart.fct_standing"),
        ("  period_start: {type: date}\n", "  period_begin: {type: date}\n"),
    ] {
        all.push(format!("{from} -> {to}\n{}", say(from, to).await));
    }
    insta::assert_snapshot!(all.join("\n\n"), @r#"
    select * from mart.fct_standing -> select deal_id from mart.fct_standing
    `periods:` does not say of which day its rows are
      at sql/kpis/figures/kpi_figures.sql:7:12
      expected: a column `date_day`

    select * from mart.fct_standing -> select *, closed as date_day from mart.fct_deal
    `periods:` reads `mart.fct_deal`, which `kpi.figures` does not
      at sql/kpis/figures/kpi_figures.sql:7:12
      hint: read only what the model's SQL reads, itself or through views

    select * from mart.fct_standing -> mart.fct_standing
    `periods:` is no query
      caused by: the SQL has a syntax error
      at sql/kpis/figures/kpi_figures.sql:7:12

      period_start: {type: date}
     ->   period_begin: {type: date}

    `kpi.figures` has no column `period_start`
      at sql/kpis/figures/kpi_figures.sql:6:3
      hint: did you mean `period_grain`?
    `kpi.figures` has no column `period_start`
      at sql/kpis/figures/kpi_figures.sql:3:8
      hint: did you mean `period_grain`?
    "#);
}
