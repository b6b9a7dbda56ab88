/* @model
description: Average and median amount of the deals won in the period, and of the open deals now in each stage (on the rows of the periods that hold the as-of day).
grain: [metric, period_grain, period_start, scope, scope_id, stage_id]
kind: table
owner: revops
tags: [crm, kpi, deal_size]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null, "accepted_values: [deal_size_won_average, deal_size_won_median, deal_size_stage_average, deal_size_stage_median]"]}
  period_grain: {type: string, doc: "day, week, month, quarter or year", checks: [not_null, "accepted_values: [day, week, month, quarter, year]"]}
  period_start: {type: date, doc: "first day of the period", checks: [not_null]}
  period_end: {type: date, doc: "last day of the period, inclusive", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  stage_id: {type: string, doc: "slice by stage; null in metrics that have none"}
  stage_name: {type: string, doc: "the stage's name"}
  numerator: {type: "decimal(38,6)", doc: "upper part of a ratio; null where the metric is no ratio or nothing was observed"}
  denominator: {type: "decimal(38,6)", doc: "lower part of a ratio"}
  value: {type: "decimal(38,6)", doc: "the figure; null: not measurable, see completeness"}
  unit: {type: string, doc: "ratio, days, pushes, a currency, or a currency per day", checks: [not_null]}
  n: {type: int64, doc: "deals in the figure", checks: ["between 0 and 1000000000000"]}
  n_excluded: {type: int64, doc: "deals that a rule leaves out of it, listed in ops.exclusion", checks: ["between 0 and 1000000000000"]}
  completeness: {type: string, doc: "complete, degraded (something left out or replaced) or partial (a source did not come in whole); reasons in ops.completeness", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
metrics:
  - id: deal_size_won_average
    title: Deal size of won deals, average
    definition: "Average amount of the deals won in the period."
    formula: "Σ amount ÷ won deals"
    unit: reporting currency
    grain: period × scope
    time_anchor: closed_date
    additive: false
    numerator: "Σ amount, in the reporting currency"
    denominator: "won deals with a usable amount"
    null_rule: "no deal with a usable amount: null; deals without an amount, without a currency or in one that is not converted are left out and counted"
  - id: deal_size_won_median
    title: Deal size of won deals, median
    definition: "Median amount of the deals won in the period."
    formula: "50th percentile of amount, interpolated"
    unit: reporting currency
    grain: period × scope
    time_anchor: closed_date
    additive: false
    null_rule: "no deal with a usable amount: null; deals without an amount, without a currency or in one that is not converted are left out and counted; medians do not roll up"
  - id: deal_size_stage_average
    title: Deal size by stage, average
    definition: "Average current amount of the open deals now in the stage."
    formula: "Σ amount ÷ open deals in the stage"
    unit: reporting currency
    grain: period × scope × stage
    time_anchor: the as-of instant
    additive: false
    numerator: "Σ amount, in the reporting currency"
    denominator: "open deals in the stage with a usable amount"
    null_rule: "no deal with a usable amount: null; deals without an amount, without a currency or in one that is not converted are left out and counted"
  - id: deal_size_stage_median
    title: Deal size by stage, median
    definition: "Median current amount of the open deals now in the stage."
    formula: "50th percentile of amount, interpolated"
    unit: reporting currency
    grain: period × scope × stage
    time_anchor: the as-of instant
    additive: false
    null_rule: "no deal with a usable amount: null; deals without an amount, without a currency or in one that is not converted are left out and counted; medians do not roll up"
*/
with
deal as (
    select * from mart.fct_opportunity where deal_exclusion is null
),
stage as (
    select * from mart.dim_stage
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
business as (
    select * from system.business
),
metric as (
    select metric, is_by_stage, statistic
    from (
        values
            ('deal_size_won_average', false, 'average'),
            ('deal_size_won_median', false, 'median'),
            ('deal_size_stage_average', true, 'average'),
            ('deal_size_stage_median', true, 'median')
    ) as listed (metric, is_by_stage, statistic)
),
-- Won deals stand on the day of their outcome, under stage 0; open ones on the as-of day, under
-- the stage they are in. An amount is null where a rule leaves the deal out.
sized as (
    select
        0 as stage_key,
        rep_key,
        closed_date as date_day,
        case when amount_exclusion is null then amount_reporting end as amount
    from deal
    where outcome = 'won'
    union all
    select
        stage.stage_key,
        deal.rep_key,
        $as_of_date as date_day,
        case when deal.amount_exclusion is null then deal.amount_reporting end as amount
    from deal
    inner join stage on deal.stage_id = stage.stage_id
    where deal.outcome = 'open'
),
-- The window is there for its order, as in kpi.sales_cycle: one group at a time is in memory.
ranked as (
    select
        sized.stage_key,
        rep_scope.scope_key,
        date_period.period_key,
        sized.amount,
        row_number() over (
            partition by sized.stage_key, rep_scope.scope_key, date_period.period_key
            order by sized.amount
        ) as place
    from sized
    inner join date_period on sized.date_day = date_period.date_day
    inner join rep_scope on sized.rep_key = rep_scope.rep_key
),
collected as (
    select
        stage_key,
        scope_key,
        period_key,
        count(*) as deals,
        count(amount) as n,
        sum(amount) as total,
        array_agg(amount order by place) as amounts
    from ranked
    group by stage_key, scope_key, period_key
),
-- The middle one of N, or the middle two. Arrays count from 1, and nulls come last.
read_off as (
    select
        stage_key,
        scope_key,
        period_key,
        deals,
        n,
        total,
        amounts[(n - 1) / 2 + 1] as median_low,
        amounts[n / 2 + 1] as median_high
    from collected
),
parts as (
    select
        metric.metric,
        read_off.stage_key,
        read_off.scope_key,
        read_off.period_key,
        case
            when metric.statistic = 'average' and read_off.n > 0
                then cast(read_off.total as decimal(38, 6))
        end as numerator,
        case
            when metric.statistic = 'average' and read_off.n > 0
                then cast(read_off.n as decimal(38, 6))
        end as denominator,
        case
            when read_off.n = 0 then null
            when metric.statistic = 'average'
                then
                    cast(
                        cast(read_off.total as decimal(38, 6))
                        / cast(read_off.n as decimal(38, 6))
                        as decimal(38, 6)
                    )
            when metric.statistic = 'median'
                then
                    cast(
                        cast(read_off.median_low + read_off.median_high as decimal(38, 6))
                        / cast(2 as decimal(38, 6))
                        as decimal(38, 6)
                    )
        end as value,
        read_off.n,
        read_off.deals - read_off.n as n_excluded
    from metric
    inner join read_off on metric.is_by_stage = (read_off.stage_key > 0)
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
        stage.stage_id,
        stage.stage_name,
        parts.numerator,
        parts.denominator,
        parts.value,
        (select reporting_currency from business) as unit,
        parts.n,
        parts.n_excluded,
        case
            when not scope.is_whole then 'partial'
            when parts.n_excluded > 0 then 'degraded'
            else 'complete'
        end as completeness,
        $as_of as as_of
    from parts
    inner join scope on parts.scope_key = scope.scope_key
    inner join period on parts.period_key = period.period_key
    left join stage on parts.stage_key = stage.stage_key
)
select
    metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
    stage_name, numerator, denominator, value, unit, n, n_excluded, completeness, as_of
from final
