/* @model
description: What the weighted pipelines are made of - one row a metric, open deal and day. It is there for every day, so ask for a metric and a day.
grain: [metric, subject_id, date_day]
kind: view
owner: revops
tags: [crm, contribution, pipeline]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric"}
  part: {type: string, doc: "which part of the figure; value where it has one only"}
  subject: {type: string, doc: "what subject_id is the id of"}
  subject_id: {type: string, doc: "the deal"}
  rep_key: {type: int64, doc: "whose it is, as in dim_rep_tenure; joins bridge_rep_scope"}
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
  anchor: {type: string, doc: "which days are a period's: period (all of them), before (the day before it begins), end (its last day, or the as-of day), year (the twelve months up to that day)"}
  period_grain: {type: string, doc: "the one grain that the row is for; null: any"}
*/
with
span as (
    select * from mart.fct_weighted_span
),
day as (
    select date_day from mart.dim_date where not is_future
),
metric as (
    select metric
    from (
        values
            ('weighted_pipeline_deal'),
            ('weighted_pipeline_stage'),
            ('weighted_pipeline_historical')
    ) as listed (metric)
),
on_day as (
    select day.date_day, span.*
    from day
    inner join span on day.date_day >= span.valid_from and day.date_day < span.valid_to
),
weighed as (
    select
        metric.metric,
        on_day.*,
        case metric.metric
            when 'weighted_pipeline_deal' then on_day.weighted_deal
            when 'weighted_pipeline_stage' then on_day.weighted_stage
            else on_day.weighted_historical
        end as weighted,
        case metric.metric
            when 'weighted_pipeline_deal' then on_day.exclusion_deal
            when 'weighted_pipeline_stage' then on_day.exclusion_stage
            else on_day.exclusion_historical
        end as exclusion
    from metric
    cross join on_day
),
final as (
    select
        metric,
        'value' as part,
        'deal' as subject,
        opportunity_id as subject_id,
        rep_key,
        date_day,
        coalesce(stage_id, 'none') as stage_id,
        forecast_category,
        close_quarter_start as close_period_start,
        cast(null as varchar) as target_metric,
        cast(null as decimal(38, 6)) as numerator,
        cast(null as decimal(38, 6)) as denominator,
        cast(weighted as decimal(38, 6)) as measure,
        exclusion,
        cast(null as varchar) as substitute,
        'end' as anchor,
        cast(null as varchar) as period_grain
    from weighed
)
select
    metric, part, subject, subject_id, rep_key, date_day, stage_id, forecast_category,
    close_period_start, target_metric, numerator, denominator, measure, exclusion, substitute,
    anchor, period_grain
from final
