/* @model
description: Meetings with prospects - arranged, held, cancelled, missed; first ones and follow-ups. It comes from calendars, which no connector reads yet, so it has no rows.
grain: [metric, period_grain, period_start, scope, scope_id, stage_id, forecast_category, close_period_start, target_metric]
kind: table
owner: revops
tags: [crm, kpi, prospect_meetings]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null, "accepted_values: [prospect_meetings_arranged, prospect_meetings_held, prospect_meetings_cancelled, prospect_meetings_no_show, prospect_meetings_first, prospect_meetings_follow_up]"]}
  period_grain: {type: string, doc: "day, week, month, quarter or year", checks: [not_null, "accepted_values: [day, week, month, quarter, year]"]}
  period_start: {type: date, doc: "first day of the period", checks: [not_null]}
  period_end: {type: date, doc: "last day of the period, inclusive", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  stage_id: {type: string, doc: "slice by stage; null in metrics that have none"}
  stage_name: {type: string, doc: "the stage's name"}
  forecast_category: {type: string, doc: "slice by forecast category; null in metrics that have none"}
  close_period_start: {type: date, doc: "slice by planned close period; null in metrics that have none"}
  target_metric: {type: string, doc: "the metric that a target is for; null in metrics that have none"}
  numerator: {type: "decimal(38,6)", doc: "upper part of a ratio; null where the metric is no ratio or nothing was observed"}
  denominator: {type: "decimal(38,6)", doc: "lower part of a ratio"}
  value: {type: "decimal(38,6)", doc: "the figure; null: not measurable, see completeness"}
  unit: {type: string, doc: "meetings", checks: [not_null]}
  n: {type: int64, doc: "meetings in the figure", checks: ["between 0 and 1000000000000"]}
  n_excluded: {type: int64, doc: "meetings of which nobody knows how they went", checks: ["between 0 and 1000000000000"]}
  completeness: {type: string, doc: "complete, degraded (something left out or replaced) or partial (a source did not come in whole)", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
metrics:
  - id: prospect_meetings_arranged
    title: Prospect meetings, arranged
    definition: "Distinct meetings arranged in the period, with somebody from outside who belongs to a lead, a contact or an open deal of an account without a won deal before; for the rep who arranged it."
    formula: "count of distinct occurrences"
    unit: meetings
    grain: period × scope
    time_anchor: moment it was arranged
    additive: true
    null_rule: "no calendar is read: no row"
  - id: prospect_meetings_held
    title: Prospect meetings, held
    definition: "Distinct meetings of the period that took place, with somebody from outside who belongs to a lead, a contact or an open deal of an account without a won deal before; for the rep who arranged it."
    formula: "count of distinct occurrences"
    unit: meetings
    grain: period × scope
    time_anchor: start of the meeting
    additive: true
    null_rule: "no calendar is read: no row"
  - id: prospect_meetings_cancelled
    title: Prospect meetings, cancelled
    definition: "Distinct meetings of the period that were cancelled, with somebody from outside who belongs to a lead, a contact or an open deal of an account without a won deal before; for the rep who arranged it."
    formula: "count of distinct occurrences"
    unit: meetings
    grain: period × scope
    time_anchor: start of the meeting
    additive: true
    null_rule: "no calendar is read: no row"
  - id: prospect_meetings_no_show
    title: Prospect meetings, missed
    definition: "Distinct meetings of the period to which the other side did not come, where known, with somebody from outside who belongs to a lead, a contact or an open deal of an account without a won deal before; for the rep who arranged it."
    formula: "count of distinct occurrences"
    unit: meetings
    grain: period × scope
    time_anchor: start of the meeting
    additive: true
    null_rule: "no calendar is read: no row"
  - id: prospect_meetings_first
    title: Prospect meetings, first ones
    definition: "Distinct meetings held in the period that are the first with the account, with somebody from outside who belongs to a lead, a contact or an open deal of an account without a won deal before; for the rep who arranged it."
    formula: "count of distinct occurrences"
    unit: meetings
    grain: period × scope
    time_anchor: start of the meeting
    additive: true
    null_rule: "no calendar is read: no row"
  - id: prospect_meetings_follow_up
    title: Prospect meetings, follow-ups
    definition: "Distinct meetings held in the period after the first one with the account, with somebody from outside who belongs to a lead, a contact or an open deal of an account without a won deal before; for the rep who arranged it."
    formula: "count of distinct occurrences"
    unit: meetings
    grain: period × scope
    time_anchor: start of the meeting
    additive: true
    null_rule: "no calendar is read: no row"
*/
with
scope as (
    select * from mart.dim_scope
),
period as (
    select * from mart.dim_period
),
-- Calendars are what this table is made of. Until they are read, it holds its contract.
final as (
    select
        cast(null as varchar) as metric,
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
        cast(null as decimal(38, 6)) as numerator,
        cast(null as decimal(38, 6)) as denominator,
        cast(null as decimal(38, 6)) as value,
        cast(null as varchar) as unit,
        cast(null as bigint) as n,
        cast(null as bigint) as n_excluded,
        cast(null as varchar) as completeness,
        $as_of as as_of
    from scope
    cross join period
    where false
)
select
    metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
    stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
    value, unit, n, n_excluded, completeness, as_of
from final
