/* @model
description: What the win rates are made of - one row a metric and deal, on the day of its outcome, or for cohorts on that of its start.
grain: [metric, subject_id]
kind: view
owner: revops
tags: [crm, contribution, win_rate]
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
deal as (
    select * from mart.fct_opportunity where deal_exclusion is null
),
metric as (
    select metric, starts_at, measure
    from (
        values
            ('win_rate_count', 'outcome', 'count'),
            ('win_rate_value', 'outcome', 'value'),
            ('win_rate_cohort_count', 'start', 'count'),
            ('win_rate_cohort_value', 'start', 'value'),
            ('win_rate_cohort_open_share', 'start', 'open_share')
    ) as listed (metric, starts_at, measure)
),
-- A deal stands on two days: that of its outcome, with whoever had it then, and that of its start,
-- with whoever began it.
standing as (
    select
        'outcome' as starts_at,
        opportunity_id,
        rep_key,
        closed_date as date_day,
        outcome,
        amount_reporting,
        win_value_exclusion,
        cast(null as varchar) as substitute
    from deal
    where outcome in ('won', 'lost')
    union all
    select
        'start' as starts_at,
        opportunity_id,
        created_rep_key as rep_key,
        start_date as date_day,
        outcome,
        amount_reporting,
        win_value_exclusion,
        case when cycle_start_source = 'engaged' then 'cycle_starts_at_engagement' end
            as substitute
    from deal
    where start_date is not null
),
-- Open deals are in the open share only.
judged as (
    select
        metric.metric,
        metric.measure,
        standing.*,
        case when metric.measure = 'value' then standing.win_value_exclusion end as exclusion
    from metric
    inner join standing on metric.starts_at = standing.starts_at
    where metric.measure = 'open_share' or standing.outcome <> 'open'
),
final as (
    select
        metric,
        outcome as part,
        'deal' as subject,
        opportunity_id as subject_id,
        rep_key,
        date_day,
        cast(null as varchar) as stage_id,
        cast(null as varchar) as forecast_category,
        cast(null as date) as close_period_start,
        cast(null as varchar) as target_metric,
        cast(
            case
                when exclusion is not null then null
                when measure = 'open_share' then case when outcome = 'open' then 1 else 0 end
                when outcome <> 'won' then 0
                when measure = 'value' then amount_reporting
                else 1
            end
            as decimal(38, 6)
        ) as numerator,
        cast(
            case
                when exclusion is not null then null
                when measure = 'value' then amount_reporting
                else 1
            end
            as decimal(38, 6)
        ) as denominator,
        cast(null as decimal(38, 6)) as measure,
        exclusion,
        substitute,
        'period' as anchor,
        cast(null as varchar) as period_grain
    from judged
)
select
    metric, part, subject, subject_id, rep_key, date_day, stage_id, forecast_category,
    close_period_start, target_metric, numerator, denominator, measure, exclusion, substitute,
    anchor, period_grain
from final
