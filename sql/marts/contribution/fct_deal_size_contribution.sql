/* @model
description: What the deal sizes are made of - one row a metric and won deal, open deal in its stage, or entry of a deal into a stage.
grain: [metric, subject_id, entered_at]
kind: view
owner: revops
tags: [crm, contribution, deal_size]
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
  entered_at: {type: timestamp, doc: "moment of the entry into the stage; null where the figure is of no entry"}
*/
with
deal as (
    select * from mart.fct_opportunity where deal_exclusion is null
),
version as (
    select * from mart.fct_opportunity_version
),
tenure as (
    select * from mart.dim_rep_tenure
),
metric as (
    select metric, of_what, statistic
    from (
        values
            ('deal_size_won_average', 'won', 'average'),
            ('deal_size_won_median', 'won', 'median'),
            ('deal_size_stage_average', 'open', 'average'),
            ('deal_size_stage_median', 'open', 'median'),
            ('deal_size_stage_entry_average', 'entry', 'average'),
            ('deal_size_stage_entry_median', 'entry', 'median')
    ) as listed (metric, of_what, statistic)
),
-- Each time that a deal came into a stage, in the bin or not at all it comes into none.
entry as (
    select
        opportunity_id,
        coalesce(rep_id, connection || ':(unassigned)') as rep_id,
        company_date(valid_from) as date_day,
        stage_id,
        amount_reporting,
        amount_exclusion,
        valid_from as entered_at
    from version
    where is_stage_entry and not is_deleted and valid_from <= $as_of
),
entry_of_deal as (
    select entry.*
    from deal
    inner join entry on deal.opportunity_id = entry.opportunity_id
),
sized as (
    select
        'entry' as of_what,
        entry.opportunity_id,
        tenure.rep_key,
        entry.date_day,
        entry.stage_id,
        entry.amount_reporting,
        entry.amount_exclusion,
        entry.entered_at
    from tenure
    inner join entry_of_deal as entry
        on tenure.rep_id = entry.rep_id
        and entry.date_day >= tenure.valid_from
        and entry.date_day < tenure.valid_to
    union all
    select
        'won' as of_what,
        opportunity_id,
        rep_key,
        closed_date as date_day,
        cast(null as varchar) as stage_id,
        amount_reporting,
        amount_exclusion,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as entered_at
    from deal
    where outcome = 'won'
    union all
    select
        'open' as of_what,
        opportunity_id,
        rep_key,
        $as_of_date as date_day,
        stage_id,
        amount_reporting,
        amount_exclusion,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as entered_at
    from deal
    where outcome = 'open'
),
measured as (
    select
        metric.metric,
        metric.statistic,
        sized.*,
        case
            when sized.amount_exclusion is null then cast(sized.amount_reporting as decimal(38, 6))
        end as measure
    from metric
    inner join sized on metric.of_what = sized.of_what
),
final as (
    select
        metric,
        'value' as part,
        'deal' as subject,
        opportunity_id as subject_id,
        rep_key,
        date_day,
        stage_id,
        cast(null as varchar) as forecast_category,
        cast(null as date) as close_period_start,
        cast(null as varchar) as target_metric,
        case when statistic = 'average' then measure end as numerator,
        case
            when statistic = 'average' and amount_exclusion is null then cast(1 as decimal(38, 6))
        end as denominator,
        measure,
        amount_exclusion as exclusion,
        cast(null as varchar) as substitute,
        'period' as anchor,
        cast(null as varchar) as period_grain,
        entered_at
    from measured
)
select
    metric, part, subject, subject_id, rep_key, date_day, stage_id, forecast_category,
    close_period_start, target_metric, numerator, denominator, measure, exclusion, substitute,
    anchor, period_grain, entered_at
from final
