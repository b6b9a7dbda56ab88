/* @model
description: Days from the start of a deal to the won moment, mean, median and 90th percentile, of the deals won in the period.
grain: [metric, period_grain, period_start, scope, scope_id, stage_id, forecast_category, close_period_start, target_metric]
kind: incremental
incremental:
  key: opportunity_id
  periods: select * from mart.fct_sales_cycle_contribution
  changed_by: {mart.fct_opportunity: opportunity_id}
  matters:
    mart.dim_period: select period_key, period_grain, period_start, period_end from mart.dim_period
  as_of: harmless
owner: revops
tags: [crm, kpi, sales_cycle]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null, "accepted_values: [sales_cycle_mean, sales_cycle_median, sales_cycle_p90, sales_cycle_qualified_mean, sales_cycle_qualified_median, sales_cycle_qualified_p90]"]}
  period_grain: {type: string, doc: "day, week, month, quarter or year", checks: [not_null, "accepted_values: [day, week, month, quarter, year]"]}
  period_start: {type: date, doc: "first day of the period", checks: [not_null]}
  period_end: {type: date, doc: "last day of the period, inclusive", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  stage_id: {type: string, doc: "slice by stage; null: all stages"}
  stage_name: {type: string, doc: "the stage's name"}
  forecast_category: {type: string, doc: "slice by forecast category; null: all"}
  close_period_start: {type: date, doc: "slice by the fiscal quarter of the planned close date: its first day; null: all"}
  target_metric: {type: string, doc: "the metric that a target is for; null where there is none"}
  numerator: {type: "decimal(38,6)", doc: "upper part of a ratio; null where the metric is no ratio or nothing was observed"}
  denominator: {type: "decimal(38,6)", doc: "lower part of a ratio"}
  value: {type: "decimal(38,6)", doc: "the figure; null: not measurable, see completeness"}
  unit: {type: string, doc: "ratio, days, pushes, a currency, or a currency per day", checks: [not_null]}
  n: {type: int64, doc: "rows in the figure, mostly deals", checks: ["between 0 and 1000000000000"]}
  n_excluded: {type: int64, doc: "rows that a rule leaves out of it, listed in ops.exclusion", checks: ["between 0 and 1000000000000"]}
  completeness: {type: string, doc: "complete, degraded (something left out or replaced) or partial (a source did not come in whole); reasons in ops.completeness", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
metrics:
  - id: sales_cycle_mean
    title: Sales cycle, mean
    definition: "Mean days from creation (where the source has none: entry into the first qualified stage) to the won moment, of the deals won in the period."
    formula: "Σ days ÷ won deals"
    unit: days
    grain: period × scope
    time_anchor: closed_date
    additive: false
    numerator: "Σ days"
    denominator: "won deals with a cycle"
    null_rule: "no won deal with a cycle: null; a won deal without a start or with a negative cycle is left out and counted"
  - id: sales_cycle_median
    title: Sales cycle, median
    definition: "Median days from creation (where the source has none: entry into the first qualified stage) to the won moment, of the deals won in the period."
    formula: "50th percentile of days, interpolated"
    unit: days
    grain: period × scope
    time_anchor: closed_date
    additive: false
    null_rule: "no won deal with a cycle: null; a won deal without a start or with a negative cycle is left out and counted; percentiles do not roll up"
  - id: sales_cycle_p90
    title: Sales cycle, 90th percentile
    definition: "90th percentile of days from creation (where the source has none: entry into the first qualified stage) to the won moment, of the deals won in the period."
    formula: "90th percentile of days, interpolated"
    unit: days
    grain: period × scope
    time_anchor: closed_date
    additive: false
    null_rule: "no won deal with a cycle: null; a won deal without a start or with a negative cycle is left out and counted; percentiles do not roll up"
  - id: sales_cycle_qualified_mean
    title: Sales cycle from qualification, mean
    definition: "Mean days from entry into the first qualified stage to the won moment, of the deals won in the period."
    formula: "Σ days ÷ won deals"
    unit: days
    grain: period × scope
    time_anchor: closed_date
    additive: false
    numerator: "Σ days"
    denominator: "won deals with a cycle"
    null_rule: "no won deal with a cycle: null; a won deal without a start or with a negative cycle is left out and counted"
  - id: sales_cycle_qualified_median
    title: Sales cycle from qualification, median
    definition: "Median days from entry into the first qualified stage to the won moment, of the deals won in the period."
    formula: "50th percentile of days, interpolated"
    unit: days
    grain: period × scope
    time_anchor: closed_date
    additive: false
    null_rule: "no won deal with a cycle: null; a won deal without a start or with a negative cycle is left out and counted; percentiles do not roll up"
  - id: sales_cycle_qualified_p90
    title: Sales cycle from qualification, 90th percentile
    definition: "90th percentile of days from entry into the first qualified stage to the won moment, of the deals won in the period."
    formula: "90th percentile of days, interpolated"
    unit: days
    grain: period × scope
    time_anchor: closed_date
    additive: false
    null_rule: "no won deal with a cycle: null; a won deal without a start or with a negative cycle is left out and counted; percentiles do not roll up"
*/
with
-- The mean's rows carry the days of the percentiles too: each deal is looked at once a start.
contribution as (
    select *
    from mart.fct_sales_cycle_contribution
    where metric in ('sales_cycle_mean', 'sales_cycle_qualified_mean')
),
rep_scope as (
    select * from mart.bridge_rep_scope
),
date_period as (
    select * from mart.bridge_date_period
),
scope as (
    select * from mart.dim_scope
),
period as (
    select * from mart.dim_period
),
metric as (
    select metric, start_kind, statistic, tenths
    from (
        values
            ('sales_cycle_mean', 1, 'mean', 0),
            ('sales_cycle_median', 1, 'percentile', 5),
            ('sales_cycle_p90', 1, 'percentile', 9),
            ('sales_cycle_qualified_mean', 2, 'mean', 0),
            ('sales_cycle_qualified_median', 2, 'percentile', 5),
            ('sales_cycle_qualified_p90', 2, 'percentile', 9)
    ) as listed (metric, start_kind, statistic, tenths)
),
-- Days are null where a rule leaves the deal out.
timed as (
    select
        case when metric = 'sales_cycle_mean' then 1 else 2 end as start_kind,
        rep_key,
        date_day,
        cast(measure as bigint) as days,
        case when substitute is null then 0 else 1 end as substitutes
    from contribution
),
-- The deals of a group in the order of their days, nulls last. The sort may spill, and one group
-- at a time is in memory.
ranked as (
    select
        timed.start_kind,
        rep_scope.scope_key,
        date_period.period_key,
        timed.days,
        timed.substitutes,
        row_number() over in_order - 1 as place,
        count(timed.days) over whole as n
    from timed
    inner join date_period on timed.date_day = date_period.date_day
    inner join rep_scope on timed.rep_key = rep_scope.rep_key
    window
        whole as (partition by timed.start_kind, rep_scope.scope_key, date_period.period_key),
        in_order as (
            partition by timed.start_kind, rep_scope.scope_key, date_period.period_key
            order by timed.days
        )
),
-- percentile_cont: of N values, counted from 0, the one at place p × (N − 1), interpolated
-- between its two neighbours. In tenths, so that everything is a whole number.
summed as (
    select
        start_kind,
        scope_key,
        period_key,
        count(*) as won,
        count(days) as n,
        sum(days) as total,
        sum(substitutes) as substitutes,
        max(case when place = 5 * (n - 1) / 10 then days end) as median_low,
        max(case when place = (5 * (n - 1) + 9) / 10 then days end) as median_high,
        max(case when place = 9 * (n - 1) / 10 then days end) as p90_low,
        max(case when place = (9 * (n - 1) + 9) / 10 then days end) as p90_high
    from ranked
    group by start_kind, scope_key, period_key
),
chosen as (
    select
        metric.metric,
        metric.statistic,
        metric.tenths,
        summed.scope_key,
        summed.period_key,
        summed.won,
        summed.n,
        summed.total,
        case metric.tenths when 5 then summed.median_low when 9 then summed.p90_low end as low,
        case metric.tenths when 5 then summed.median_high when 9 then summed.p90_high end as high,
        summed.substitutes > 0 as has_substitute
    from metric
    inner join summed on metric.start_kind = summed.start_kind
),
parts as (
    select
        metric,
        scope_key,
        period_key,
        case
            when statistic = 'mean' and n > 0 then cast(total as decimal(38, 6))
        end as numerator,
        case
            when statistic = 'mean' and n > 0 then cast(n as decimal(38, 6))
        end as denominator,
        case
            when n = 0 then null
            when statistic = 'mean'
                then
                    cast(
                        cast(total as decimal(38, 6)) / cast(n as decimal(38, 6))
                        as decimal(38, 6)
                    )
            else
                cast(
                    cast(10 * low + (tenths * (n - 1) % 10) * (high - low) as decimal(38, 6))
                    / cast(10 as decimal(38, 6))
                    as decimal(38, 6)
                )
        end as value,
        n,
        won - n as n_excluded,
        has_substitute
    from chosen
),
final as (
    select
        parts.metric,
        period.period_grain,
        period.period_start,
        period.period_end,
        scope.scope,
        scope.scope_id,
        scope.scope_name,
        cast(null as varchar) as stage_id,
        cast(null as varchar) as stage_name,
        cast(null as varchar) as forecast_category,
        cast(null as date) as close_period_start,
        cast(null as varchar) as target_metric,
        parts.numerator,
        parts.denominator,
        parts.value,
        'days' as unit,
        parts.n,
        parts.n_excluded,
        case
            when not scope.is_whole then 'partial'
            when parts.n_excluded > 0 or parts.has_substitute then 'degraded'
            else 'complete'
        end as completeness,
        $as_of as as_of
    from parts
    inner join scope on parts.scope_key = scope.scope_key
    inner join period on parts.period_key = period.period_key
)
select
    metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
    stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
    value, unit, n, n_excluded, completeness, as_of
from final
