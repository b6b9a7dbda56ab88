/* @model
description: How near each series came to the actual, for every day of which there is a figure and every scope, of the quarters whose books are closed. The parts are there, so that any roll-up can sum them.
grain: [snapshot_date, period_start, scope, scope_id, series]
kind: table
owner: revops
tags: [forecast, accuracy]
columns:
  snapshot_date: {type: date, doc: "the day of the forecast", checks: [not_null]}
  period_start: {type: date, doc: "first day of the fiscal quarter", checks: [not_null]}
  period_end: {type: date, doc: "its last day", checks: [not_null]}
  period_name: {type: string, doc: "its name, such as FY26Q3", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  series: {type: string, doc: "which figure, as in forecast.figure", checks: [not_null]}
  provenance: {type: string, doc: "sealed or reconstructed, as in forecast.figure", checks: [not_null, "accepted_values: [sealed, reconstructed]"]}
  completeness: {type: string, doc: "that of the forecast, as in forecast.figure", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  horizon_days: {type: int64, doc: "days before the quarter's last day", checks: [not_null]}
  horizon_start_days: {type: int64, doc: "days before the quarter's first day; below 0 within the quarter", checks: [not_null]}
  is_checkpoint: {type: boolean, doc: "a configured number of days before the end", checks: [not_null]}
  is_start_checkpoint: {type: boolean, doc: "a configured number of days before the beginning, or the first day", checks: [not_null]}
  forecast: {type: "decimal(38,2)", doc: "F: the figure of that day; null: all its deals were left out"}
  actual: {type: "decimal(38,2)", doc: "A: what the quarter brought, as frozen", checks: [not_null]}
  error: {type: "decimal(38,2)", doc: "F − A"}
  abs_error: {type: "decimal(38,2)", doc: "|F − A|"}
  bias: {type: "decimal(38,6)", doc: "(F − A) ÷ A; positive: too much was forecast. Over several rows: sum of error ÷ sum of actual"}
  ratio: {type: "decimal(38,6)", doc: "F ÷ A"}
  accuracy_vs_actual: {type: "decimal(38,6)", doc: "1 − |F − A| ÷ A; may be below 0"}
  accuracy_vs_forecast: {type: "decimal(38,6)", doc: "1 − |F − A| ÷ F; may be below 0"}
  null_reason: {type: string, doc: "why bias, ratio and accuracy_vs_actual are null", checks: ["accepted_values: [actual_is_zero, forecast_unknown]"]}
  forecast_null_reason: {type: string, doc: "why accuracy_vs_forecast is null", checks: ["accepted_values: [forecast_is_zero, forecast_unknown]"]}
  is_within_5: {type: boolean, doc: "whether |F − A| is at most 5 % of A; null as bias"}
  is_within_10: {type: boolean, doc: "whether it is at most 10 %"}
  is_within_20: {type: boolean, doc: "whether it is at most 20 %"}
  unit_abs_error: {type: "decimal(38,2)", doc: "sum of |F − A| over the units one level below (of a rep: his own); a unit with an actual and no deal due that day forecast 0"}
  unit_actual: {type: "decimal(38,2)", doc: "sum of A over these units"}
  units: {type: int64, doc: "these units, those with an actual of 0 left out"}
  units_within_5: {type: int64, doc: "of them those whose |F − A| is at most 5 % of A"}
  units_within_10: {type: int64, doc: "at most 10 %"}
  units_within_20: {type: int64, doc: "at most 20 %"}
  wape: {type: "decimal(38,6)", doc: "unit_abs_error ÷ unit_actual"}
  hit_rate_5: {type: "decimal(38,6)", doc: "units_within_5 ÷ units", checks: ["between 0 and 1"]}
  hit_rate_10: {type: "decimal(38,6)", doc: "units_within_10 ÷ units", checks: ["between 0 and 1"]}
  hit_rate_20: {type: "decimal(38,6)", doc: "units_within_20 ÷ units", checks: ["between 0 and 1"]}
  unit_null_reason: {type: string, doc: "why wape or the hit rates are null", checks: ["accepted_values: [no_unit_figures, actual_is_zero]"]}
metrics:
  - id: forecast_error
    title: Forecast error
    definition: "What was forecast minus what came; positive: too much was forecast."
    formula: "F − A"
    unit: reporting currency
    grain: day × quarter × scope × series
    time_anchor: snapshot_date
    additive: true
    null_rule: "null where the forecast is unknown because all its deals were left out"
  - id: forecast_bias
    title: Forecast bias
    definition: "By how much more was forecast than came, as a share of what came; positive when over-forecast."
    formula: "sum of (F − A) ÷ sum of A"
    unit: ratio
    grain: day × quarter × scope × series
    time_anchor: snapshot_date
    additive: false
    numerator: "forecast minus actual"
    denominator: "actual, as frozen at books-close"
    null_rule: "null when the actual is 0 or the forecast unknown; the reason is in null_reason"
  - id: forecast_ratio
    title: Forecast to actual
    definition: "What was forecast over what came."
    formula: "F ÷ A"
    unit: ratio
    grain: day × quarter × scope × series
    time_anchor: snapshot_date
    additive: false
    numerator: "forecast"
    denominator: "actual, as frozen at books-close"
    null_rule: "as forecast_bias"
  - id: forecast_accuracy_vs_actual
    title: Forecast accuracy against the actual
    definition: "One minus the error as a share of what came; below 0 when the error is greater than the actual."
    formula: "1 − |F − A| ÷ A"
    unit: ratio
    grain: day × quarter × scope × series
    time_anchor: snapshot_date
    additive: false
    numerator: "|forecast − actual|, taken from 1"
    denominator: "actual, as frozen at books-close"
    null_rule: "as forecast_bias"
  - id: forecast_accuracy_vs_forecast
    title: Forecast accuracy against the forecast
    definition: "One minus the error as a share of what was forecast; below 0 when the error is greater than the forecast."
    formula: "1 − |F − A| ÷ F"
    unit: ratio
    grain: day × quarter × scope × series
    time_anchor: snapshot_date
    additive: false
    numerator: "|forecast − actual|, taken from 1"
    denominator: "forecast"
    null_rule: "null when the forecast is 0 or unknown; the reason is in forecast_null_reason"
  - id: forecast_wape
    title: Weighted absolute percentage error
    definition: "The errors of the units one level below the scope, none set off against another, as a share of what they brought."
    formula: "sum of |F − A| ÷ sum of A over the units one level below"
    unit: ratio
    grain: day × quarter × scope × series
    time_anchor: snapshot_date
    additive: false
    numerator: "|forecast − actual| of the units"
    denominator: "actual of the units"
    null_rule: "null when the units brought 0, or have no figure on that day (reps have them at checkpoints and week ends); the reason is in unit_null_reason"
  - id: forecast_hit_rate
    title: Forecast hit rate
    definition: "Of the units one level below the scope, the share whose forecast was within 5, 10 or 20 % of what they brought."
    formula: "units with |F − A| ÷ A within the band ÷ units"
    unit: ratio
    grain: day × quarter × scope × series
    time_anchor: snapshot_date
    additive: false
    numerator: "units within the band"
    denominator: "units with an actual other than 0"
    null_rule: "as forecast_wape"
*/
with
figure as (
    select * from forecast.figure
),
actual as (
    select * from forecast.actual where frozen_at is not null
),
business as (
    select * from system.business
),
checkpoint as (
    select cast(trim(days) as bigint) as days
    from (
        select unnest(string_to_array(forecast_checkpoints, ',')) as days
        from business
    ) as listed
    where trim(days) <> ''
),
tenure as (
    select * from mart.dim_rep_tenure
),
closed as (
    select distinct period_start from actual where scope = 'company'
),
of_closed as (
    select figure.*
    from closed
    inner join figure on closed.period_start = figure.period_start
    where figure.snapshot_date <= figure.period_end
),
-- A unit of a closed quarter without a row of its own brought nothing. The small sides of the joins
-- stand on the left: the engine holds them and streams the figures.
compared as (
    select
        figure.snapshot_date,
        figure.period_start,
        figure.period_end,
        figure.period_name,
        figure.scope,
        figure.scope_id,
        figure.scope_name,
        figure.series,
        figure.provenance,
        figure.completeness,
        cast(figure.period_end - figure.snapshot_date as bigint) as horizon_days,
        cast(figure.period_start - figure.snapshot_date as bigint) as horizon_start_days,
        figure.amount as forecast,
        coalesce(actual.amount, 0) as actual,
        figure.amount - coalesce(actual.amount, 0) as error,
        abs(figure.amount - coalesce(actual.amount, 0)) as abs_error
    from actual
    right join of_closed as figure
        on actual.period_start = figure.period_start
        and actual.scope = figure.scope
        and actual.scope_id = figure.scope_id
),
-- The unit above: a rep's team is the one he was in on the quarter's last day.
team_of_rep as (
    select closed.period_start, tenure.rep_id, tenure.team_id
    from closed
    inner join tenure
        on period_end('quarter', closed.period_start) >= tenure.valid_from
        and period_end('quarter', closed.period_start) < tenure.valid_to
),
region_of_team as (
    select team_id, max(region_id) as region_id
    from tenure
    group by team_id
),
above as (
    select
        period_start, 'rep' as scope, rep_id as scope_id,
        'team' as parent_scope, team_id as parent_id
    from team_of_rep
    union all
    select
        closed.period_start, 'team' as scope, region_of_team.team_id as scope_id,
        'region' as parent_scope, region_of_team.region_id as parent_id
    from closed
    cross join region_of_team
    union all
    select
        closed.period_start, 'region' as scope, region.region_id as scope_id,
        'company' as parent_scope, 'company' as parent_id
    from closed
    cross join (select distinct region_id from tenure) as region
),
judged as (
    select
        *,
        actual <> 0 and abs_error * 20 <= abs(actual) as is_within_5,
        actual <> 0 and abs_error * 10 <= abs(actual) as is_within_10,
        actual <> 0 and abs_error * 5 <= abs(actual) as is_within_20
    from compared
),
-- What the units below forecast that day. A call is compared with those who called; of all other
-- series a unit without a figure forecast nothing.
below as (
    select
        judged.snapshot_date,
        judged.period_start,
        judged.series,
        above.parent_scope as scope,
        above.parent_id as scope_id,
        sum(judged.abs_error) as abs_error,
        sum(case when judged.abs_error is not null then judged.actual end) as actual,
        sum(judged.actual) as actual_with_figure,
        sum(abs(judged.actual)) as abs_actual_with_figure,
        sum(case when judged.actual <> 0 and judged.abs_error is not null then 1 else 0 end)
            as units,
        sum(case when judged.actual <> 0 then 1 else 0 end) as units_with_figure,
        sum(case when judged.is_within_5 then 1 else 0 end) as units_within_5,
        sum(case when judged.is_within_10 then 1 else 0 end) as units_within_10,
        sum(case when judged.is_within_20 then 1 else 0 end) as units_within_20
    from above
    inner join judged
        on above.period_start = judged.period_start
        and above.scope = judged.scope
        and above.scope_id = judged.scope_id
    group by
        judged.snapshot_date, judged.period_start, judged.series, above.parent_scope,
        above.parent_id
),
below_in_all as (
    select
        actual.period_start,
        above.parent_scope as scope,
        above.parent_id as scope_id,
        sum(actual.amount) as actual,
        sum(abs(actual.amount)) as abs_actual,
        sum(case when actual.amount <> 0 then 1 else 0 end) as units
    from above
    inner join actual
        on above.period_start = actual.period_start
        and above.scope = actual.scope
        and above.scope_id = actual.scope_id
    group by actual.period_start, above.parent_scope, above.parent_id
),
with_units as (
    select
        judged.*,
        case
            when judged.scope = 'rep' then judged.abs_error
            when below.series is null then null
            when judged.series like '%\_call%' then below.abs_error
            else
                coalesce(below.abs_error, 0)
                + coalesce(below_in_all.abs_actual, 0) - below.abs_actual_with_figure
        end as unit_abs_error,
        case
            when judged.scope = 'rep' then judged.actual
            when below.series is null then null
            when judged.series like '%\_call%' then below.actual
            else
                coalesce(below.actual, 0)
                + coalesce(below_in_all.actual, 0) - below.actual_with_figure
        end as unit_actual,
        case
            when judged.scope = 'rep' then case when judged.actual <> 0 then 1 else 0 end
            when below.series is null then null
            when judged.series like '%\_call%' then below.units
            else below.units + coalesce(below_in_all.units, 0) - below.units_with_figure
        end as units,
        case
            when judged.scope = 'rep' then case when judged.is_within_5 then 1 else 0 end
            else below.units_within_5
        end as units_within_5,
        case
            when judged.scope = 'rep' then case when judged.is_within_10 then 1 else 0 end
            else below.units_within_10
        end as units_within_10,
        case
            when judged.scope = 'rep' then case when judged.is_within_20 then 1 else 0 end
            else below.units_within_20
        end as units_within_20
    from below_in_all
    right join (
        below
        right join judged
            on below.snapshot_date = judged.snapshot_date
            and below.period_start = judged.period_start
            and below.series = judged.series
            and below.scope = judged.scope
            and below.scope_id = judged.scope_id
    )
        on below_in_all.period_start = judged.period_start
        and below_in_all.scope = judged.scope
        and below_in_all.scope_id = judged.scope_id
),
-- Quotients of amounts; a divisor of 0 gives null, and the reason says so.
final as (
    select
        with_units.snapshot_date,
        with_units.period_start,
        with_units.period_end,
        with_units.period_name,
        with_units.scope,
        with_units.scope_id,
        with_units.scope_name,
        with_units.series,
        with_units.provenance,
        with_units.completeness,
        with_units.horizon_days,
        with_units.horizon_start_days,
        at_end.days is not null as is_checkpoint,
        at_start.days is not null or with_units.horizon_start_days = 0 as is_start_checkpoint,
        with_units.forecast,
        with_units.actual,
        with_units.error,
        with_units.abs_error,
        cast(
            cast(with_units.error as decimal(38, 6))
            / nullif(cast(with_units.actual as decimal(38, 6)), cast(0 as decimal(38, 6)))
            as decimal(38, 6)
        ) as bias,
        cast(
            cast(with_units.forecast as decimal(38, 6))
            / nullif(cast(with_units.actual as decimal(38, 6)), cast(0 as decimal(38, 6)))
            as decimal(38, 6)
        ) as ratio,
        cast(1 as decimal(38, 6)) - cast(
            cast(with_units.abs_error as decimal(38, 6))
            / nullif(cast(with_units.actual as decimal(38, 6)), cast(0 as decimal(38, 6)))
            as decimal(38, 6)
        ) as accuracy_vs_actual,
        cast(1 as decimal(38, 6)) - cast(
            cast(with_units.abs_error as decimal(38, 6))
            / nullif(cast(with_units.forecast as decimal(38, 6)), cast(0 as decimal(38, 6)))
            as decimal(38, 6)
        ) as accuracy_vs_forecast,
        case
            when with_units.actual = 0 then 'actual_is_zero'
            when with_units.forecast is null then 'forecast_unknown'
        end as null_reason,
        case
            when with_units.forecast is null then 'forecast_unknown'
            when with_units.forecast = 0 then 'forecast_is_zero'
        end as forecast_null_reason,
        case when with_units.actual <> 0 and with_units.error is not null then is_within_5 end
            as is_within_5,
        case when with_units.actual <> 0 and with_units.error is not null then is_within_10 end
            as is_within_10,
        case when with_units.actual <> 0 and with_units.error is not null then is_within_20 end
            as is_within_20,
        with_units.unit_abs_error,
        with_units.unit_actual,
        with_units.units,
        with_units.units_within_5,
        with_units.units_within_10,
        with_units.units_within_20,
        cast(
            cast(with_units.unit_abs_error as decimal(38, 6))
            / nullif(cast(with_units.unit_actual as decimal(38, 6)), cast(0 as decimal(38, 6)))
            as decimal(38, 6)
        ) as wape,
        cast(
            cast(with_units.units_within_5 as decimal(20, 6))
            / nullif(cast(with_units.units as decimal(20, 6)), cast(0 as decimal(20, 6)))
            as decimal(38, 6)
        ) as hit_rate_5,
        cast(
            cast(with_units.units_within_10 as decimal(20, 6))
            / nullif(cast(with_units.units as decimal(20, 6)), cast(0 as decimal(20, 6)))
            as decimal(38, 6)
        ) as hit_rate_10,
        cast(
            cast(with_units.units_within_20 as decimal(20, 6))
            / nullif(cast(with_units.units as decimal(20, 6)), cast(0 as decimal(20, 6)))
            as decimal(38, 6)
        ) as hit_rate_20,
        case
            when with_units.unit_abs_error is null then 'no_unit_figures'
            when with_units.unit_actual = 0 or with_units.units = 0 then 'actual_is_zero'
        end as unit_null_reason
    from checkpoint as at_end
    right join (
        checkpoint as at_start
        right join with_units on at_start.days = with_units.horizon_start_days
    )
        on at_end.days = with_units.horizon_days
)
select
    snapshot_date, period_start, period_end, period_name, scope, scope_id, scope_name, series,
    provenance, completeness, horizon_days, horizon_start_days, is_checkpoint, is_start_checkpoint,
    forecast, actual, error, abs_error, bias, ratio, accuracy_vs_actual, accuracy_vs_forecast, null_reason,
    forecast_null_reason, is_within_5, is_within_10, is_within_20, unit_abs_error, unit_actual,
    units, units_within_5, units_within_10, units_within_20, wape, hit_rate_5, hit_rate_10,
    hit_rate_20, unit_null_reason
from final
