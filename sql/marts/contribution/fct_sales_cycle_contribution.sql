/* @model
description: What the sales cycles are made of - one row a metric and won deal, on the day of its outcome.
grain: [metric, subject_id]
kind: view
owner: revops
tags: [crm, contribution, sales_cycle]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null]}
  part: {type: string, doc: "which part of the figure; value where it has one only", checks: [not_null]}
  subject: {type: string, doc: "what subject_id is the id of", checks: [not_null]}
  subject_id: {type: string, doc: "the deal", checks: [not_null]}
  rep_key: {type: int64, doc: "whose it is, as in dim_rep_tenure; joins bridge_rep_scope", checks: [not_null]}
  date_day: {type: date, doc: "the day that puts it into a period, see anchor"}
  stage_id: {type: string, doc: "slice by stage; null where the metric has none"}
  forecast_category: {type: string, doc: "slice by forecast category; null where the metric has none"}
  close_period_start: {type: date, doc: "slice by the quarter of the planned close; null where the metric has none"}
  target_metric: {type: string, doc: "the metric that a target is for; null where there is none"}
  numerator: {type: "decimal(38,6)", doc: "what it adds to the numerator"}
  denominator: {type: "decimal(38,6)", doc: "what it adds to the denominator"}
  measure: {type: "decimal(38,6)", doc: "what percentiles are taken of"}
  exclusion: {type: string, doc: "null: it counts; else why a rule leaves it out"}
  substitute: {type: string, doc: "what stands in for something unknown and makes the figure degraded; null: nothing"}
  anchor: {type: string, doc: "which days are a period's: period (all of them), before (the day before it begins), end (its last day, or the as-of day), year (the twelve months up to that day)", checks: [not_null]}
  period_grain: {type: string, doc: "the one grain that the row is for; null: any"}
*/
with
won as (
    select * from mart.fct_opportunity where deal_exclusion is null and outcome = 'won'
),
metric as (
    select metric, start_kind, statistic
    from (
        values
            ('sales_cycle_mean', 'start', 'mean'),
            ('sales_cycle_median', 'start', 'percentile'),
            ('sales_cycle_p90', 'start', 'percentile'),
            ('sales_cycle_qualified_mean', 'qualification', 'mean'),
            ('sales_cycle_qualified_median', 'qualification', 'percentile'),
            ('sales_cycle_qualified_p90', 'qualification', 'percentile')
    ) as listed (metric, start_kind, statistic)
),
timed as (
    select
        'start' as start_kind,
        opportunity_id,
        rep_key,
        closed_date,
        cycle_days as days,
        cycle_exclusion as exclusion,
        case
            when cycle_exclusion is null and cycle_start_source = 'engaged'
                then 'cycle_starts_at_engagement'
        end as substitute
    from won
    union all
    select
        'qualification' as start_kind,
        opportunity_id,
        rep_key,
        closed_date,
        qualified_cycle_days as days,
        qualified_cycle_exclusion as exclusion,
        cast(null as varchar) as substitute
    from won
),
measured as (
    select
        metric.metric,
        metric.statistic,
        timed.*,
        cast(case when timed.exclusion is null then timed.days end as decimal(38, 6)) as measure
    from metric
    inner join timed on metric.start_kind = timed.start_kind
),
final as (
    select
        metric,
        'value' as part,
        'deal' as subject,
        opportunity_id as subject_id,
        rep_key,
        closed_date as date_day,
        cast(null as varchar) as stage_id,
        cast(null as varchar) as forecast_category,
        cast(null as date) as close_period_start,
        cast(null as varchar) as target_metric,
        case when statistic = 'mean' then measure end as numerator,
        case
            when statistic = 'mean' and exclusion is null then cast(1 as decimal(38, 6))
        end as denominator,
        measure,
        exclusion,
        substitute,
        'period' as anchor,
        cast(null as varchar) as period_grain
    from measured
)
select
    metric, part, subject, subject_id, rep_key, date_day, stage_id, forecast_category,
    close_period_start, target_metric, numerator, denominator, measure, exclusion, substitute,
    anchor, period_grain
from final
