/* @model
description: What target progress is measured against - one row a target of the settings, with its scope and period. How far it is, the target's own metric says, and what that is made of, the contributions of that metric.
grain: [metric, subject_id]
kind: view
owner: revops
tags: [crm, contribution, targets]
columns:
  metric: {type: string, doc: "target_progress", checks: [not_null]}
  part: {type: string, doc: "target", checks: [not_null]}
  subject: {type: string, doc: "target", checks: [not_null]}
  subject_id: {type: string, doc: "the target's name", checks: [not_null]}
  rep_key: {type: int64, doc: "none: a target belongs to a scope, see scope and scope_id"}
  date_day: {type: date, doc: "first day of its period", checks: [not_null]}
  stage_id: {type: string, doc: "no slice"}
  forecast_category: {type: string, doc: "no slice"}
  close_period_start: {type: date, doc: "no slice"}
  target_metric: {type: string, doc: "the metric that it is for", checks: [not_null]}
  numerator: {type: "decimal(38,6)", doc: "none: the value of the target's metric stands in kpi.target_progress"}
  denominator: {type: "decimal(38,6)", doc: "the target"}
  measure: {type: "decimal(38,6)", doc: "no percentiles are taken"}
  exclusion: {type: string, doc: "null: it counts; repeated_target: an earlier one has the same metric, scope and period", checks: ["accepted_values: [repeated_target]"]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null]}
  scope_id: {type: string, doc: "which of them", checks: [not_null]}
  period_grain: {type: string, doc: "month, quarter or year", checks: [not_null]}
  period_start: {type: date, doc: "first day of the period", checks: [not_null]}
  note: {type: string, doc: "a remark for people"}
*/
with
target as (
    select * from system.target
),
period as (
    select * from mart.dim_period
),
-- Any day of the period names it.
placed as (
    select
        target.*,
        period.period_start as first_day,
        row_number() over (
            partition by target.metric, target.scope, target.scope_id, period.period_key
            order by target.target_id
        ) as place
    from target
    inner join period
        on target.period_grain = period.period_grain
        and target.period_start between period.period_start and period.period_end
),
final as (
    select
        'target_progress' as metric,
        'target' as part,
        'target' as subject,
        target_id as subject_id,
        cast(null as bigint) as rep_key,
        first_day as date_day,
        cast(null as varchar) as stage_id,
        cast(null as varchar) as forecast_category,
        cast(null as date) as close_period_start,
        metric as target_metric,
        cast(null as decimal(38, 6)) as numerator,
        value as denominator,
        cast(null as decimal(38, 6)) as measure,
        case when place > 1 then 'repeated_target' end as exclusion,
        scope,
        scope_id,
        period_grain,
        first_day as period_start,
        note
    from placed
)
select
    metric, part, subject, subject_id, rep_key, date_day, stage_id, forecast_category,
    close_period_start, target_metric, numerator, denominator, measure, exclusion, scope,
    scope_id, period_grain, period_start, note
from final
