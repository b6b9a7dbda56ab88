/* @model
description: How far each target of the settings is reached, for every period that has begun, and whether that is ahead of or behind the working days that have passed.
grain: [metric, period_grain, period_start, scope, scope_id, stage_id, forecast_category, close_period_start, target_metric]
kind: table
owner: revops
tags: [crm, kpi, targets]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null, "accepted_values: [target_progress, target_pace]"]}
  period_grain: {type: string, doc: "day, week, month, quarter or year", checks: [not_null, "accepted_values: [day, week, month, quarter, year]"]}
  period_start: {type: date, doc: "first day of the period", checks: [not_null]}
  period_end: {type: date, doc: "last day of the period, inclusive", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  stage_id: {type: string, doc: "no slice"}
  stage_name: {type: string, doc: "no slice"}
  forecast_category: {type: string, doc: "no slice"}
  close_period_start: {type: date, doc: "no slice"}
  target_metric: {type: string, doc: "the metric that the target is for", checks: [not_null]}
  numerator: {type: "decimal(38,6)", doc: "value of the target's metric in the period, so far; null: not measured"}
  denominator: {type: "decimal(38,6)", doc: "the target; of the pace the part of it that is due by now"}
  value: {type: "decimal(38,6)", doc: "numerator ÷ denominator; 1 is reached, of the pace on time; null: not measured"}
  unit: {type: string, doc: "ratio", checks: [not_null]}
  n: {type: int64, doc: "1: a target whose metric has a value", checks: ["between 0 and 1"]}
  n_excluded: {type: int64, doc: "1 for a metric without a value, and further targets for the same metric, scope and period", checks: ["between 0 and 1000000000000"]}
  completeness: {type: string, doc: "that of the target's metric; degraded where it has no value", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
metrics:
  - id: target_progress
    title: Progress towards a target
    definition: "Value of a metric in the period, so far, over the target that the settings name for it."
    formula: "value of the metric ÷ target"
    unit: ratio
    grain: target
    time_anchor: as the target's metric
    additive: false
    numerator: "value of the target's metric, without slices"
    denominator: "target"
    null_rule: "null while the metric has no value in the period, and for a target of 0; no row before the period begins; of a metric that is better when lower, more than 1 is too much"
  - id: target_pace
    title: Pace towards a target
    definition: "Progress towards a target over the share of the period's working days that have passed; 1 is on pace."
    formula: "value of the metric ÷ (target × working days passed ÷ working days of the period)"
    unit: ratio
    grain: target
    time_anchor: as the target's metric
    additive: false
    numerator: "value of the target's metric so far"
    denominator: "part of the target that is due by the as-of day"
    null_rule: "only for metrics that add up over time, because the others do not grow with the days; null before the first working day"
*/
with
target as (
    select * from mart.fct_target_progress_contribution
),
scope as (
    select * from mart.dim_scope
),
period as (
    select * from mart.dim_period where not is_future
),
card as (
    select id, additive from system.metric
),
win_rate as (
    select * from kpi.win_rate
),
sales_cycle as (
    select * from kpi.sales_cycle
),
deal_size as (
    select * from kpi.deal_size
),
pipeline_efficiency as (
    select * from kpi.pipeline_efficiency
),
weighted_pipeline as (
    select * from kpi.weighted_pipeline
),
quota_achievement as (
    select * from kpi.quota_achievement
),
selling_time as (
    select * from kpi.selling_time
),
lead_response as (
    select * from kpi.lead_response
),
prospect_meetings as (
    select * from kpi.prospect_meetings
),
-- Figures without slices. The union of all KPIs is not read: this table is part of it.
figure as (
    select metric, period_grain, period_start, scope, scope_id, value, completeness
    from win_rate
    where stage_id is null and forecast_category is null and close_period_start is null
    union all
    select metric, period_grain, period_start, scope, scope_id, value, completeness
    from sales_cycle
    where stage_id is null and forecast_category is null and close_period_start is null
    union all
    select metric, period_grain, period_start, scope, scope_id, value, completeness
    from deal_size
    where stage_id is null and forecast_category is null and close_period_start is null
    union all
    select metric, period_grain, period_start, scope, scope_id, value, completeness
    from pipeline_efficiency
    where stage_id is null and forecast_category is null and close_period_start is null
    union all
    select metric, period_grain, period_start, scope, scope_id, value, completeness
    from weighted_pipeline
    where stage_id is null and forecast_category is null and close_period_start is null
    union all
    select metric, period_grain, period_start, scope, scope_id, value, completeness
    from quota_achievement
    where stage_id is null and forecast_category is null and close_period_start is null
    union all
    select metric, period_grain, period_start, scope, scope_id, value, completeness
    from selling_time
    where stage_id is null and forecast_category is null and close_period_start is null
    union all
    select metric, period_grain, period_start, scope, scope_id, value, completeness
    from lead_response
    where stage_id is null and forecast_category is null and close_period_start is null
    union all
    select metric, period_grain, period_start, scope, scope_id, value, completeness
    from prospect_meetings
    where stage_id is null and forecast_category is null and close_period_start is null
),
judged as (
    select
        target_metric,
        scope,
        scope_id,
        period_grain,
        period_start,
        max(case when exclusion is null then denominator end) as target,
        sum(case when exclusion is not null then 1 else 0 end) as repeated
    from target
    group by target_metric, scope, scope_id, period_grain, period_start
),
-- Working days count up to the as-of day, which is over at the end of it.
measured as (
    select
        judged.target_metric,
        judged.target,
        judged.repeated,
        period.period_grain,
        period.period_start,
        period.period_end,
        scope.scope,
        scope.scope_id,
        scope.scope_name,
        scope.is_whole,
        working_days(period.period_start, period.period_end) as days,
        working_days(period.period_start, least(period.period_end, $as_of_date)) as days_passed,
        coalesce(card.additive, false) as is_additive,
        figure.value as actual,
        figure.completeness
    from judged
    inner join scope on judged.scope = scope.scope and judged.scope_id = scope.scope_id
    inner join period
        on judged.period_grain = period.period_grain
        and judged.period_start = period.period_start
    left join card on judged.target_metric = card.id
    left join figure
        on judged.target_metric = figure.metric
        and judged.scope = figure.scope
        and judged.scope_id = figure.scope_id
        and judged.period_grain = figure.period_grain
        and judged.period_start = figure.period_start
),
compared as (
    select
        'target_progress' as metric,
        measured.*,
        target as due
    from measured
    union all
    select
        'target_pace' as metric,
        measured.*,
        case
            when days > 0
                then
                    cast(
                        cast(target * days_passed as decimal(38, 6)) / days as decimal(38, 6)
                    )
        end as due
    from measured
    where is_additive
),
final as (
    select
        metric,
        period_grain,
        period_start,
        period_end,
        scope,
        scope_id,
        scope_name,
        cast(null as varchar) as stage_id,
        cast(null as varchar) as stage_name,
        cast(null as varchar) as forecast_category,
        cast(null as date) as close_period_start,
        target_metric,
        actual as numerator,
        due as denominator,
        cast(actual / nullif(due, cast(0 as decimal(38, 6))) as decimal(38, 6)) as value,
        'ratio' as unit,
        case when actual is null then 0 else 1 end as n,
        repeated + case when actual is null then 1 else 0 end as n_excluded,
        case
            when not is_whole then 'partial'
            when actual is null or repeated > 0 then 'degraded'
            else completeness
        end as completeness,
        $as_of as as_of
    from compared
)
select
    metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
    stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
    value, unit, n, n_excluded, completeness, as_of
from final
