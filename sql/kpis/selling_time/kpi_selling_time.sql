/* @model
description: Hours that reps spent by class, and the share spent selling. It comes from calendars and mail, which no connector reads yet, so it has no rows.
grain: [metric, period_grain, period_start, scope, scope_id, stage_id, forecast_category, close_period_start, target_metric]
kind: table
owner: revops
tags: [crm, kpi, selling_time]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null, "accepted_values: [selling_time_hours_selling, selling_time_hours_internal_meeting, selling_time_hours_training, selling_time_hours_administration, selling_time_hours_unclassified, selling_time_hours_email, selling_time_share]"]}
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
  unit: {type: string, doc: "hours or ratio", checks: [not_null]}
  n: {type: int64, doc: "calendar events in the figure", checks: ["between 0 and 1000000000000"]}
  n_excluded: {type: int64, doc: "events left out: declined, cancelled, all-day, free or out of office", checks: ["between 0 and 1000000000000"]}
  completeness: {type: string, doc: "complete, degraded (something left out or replaced) or partial (a source did not come in whole)", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
metrics:
  - id: selling_time_hours_selling
    title: Hours of selling
    definition: "Hours of calendar events of the class in the period: at least one attendee from outside who is, or shares a domain with, a contact, lead or account of the CRM."
    formula: "Σ minutes ÷ 60, overlaps united, selling before all others"
    unit: hours
    grain: period × scope
    time_anchor: "the minutes themselves, in the rep's zone"
    additive: true
    null_rule: "no calendar is read: no row; a rep whose calendar is read and empty has a measured 0"
  - id: selling_time_hours_internal_meeting
    title: Hours of internal meetings
    definition: "Hours of calendar events of the class in the period: nobody from outside."
    formula: "Σ minutes ÷ 60, overlaps united, selling before all others"
    unit: hours
    grain: period × scope
    time_anchor: "the minutes themselves, in the rep's zone"
    additive: true
    null_rule: "no calendar is read: no row; a rep whose calendar is read and empty has a measured 0"
  - id: selling_time_hours_training
    title: Hours of training
    definition: "Hours of calendar events of the class in the period: as the rules of the configuration say."
    formula: "Σ minutes ÷ 60, overlaps united, selling before all others"
    unit: hours
    grain: period × scope
    time_anchor: "the minutes themselves, in the rep's zone"
    additive: true
    null_rule: "no calendar is read: no row; a rep whose calendar is read and empty has a measured 0"
  - id: selling_time_hours_administration
    title: Hours of administration
    definition: "Hours of calendar events of the class in the period: as the rules of the configuration say."
    formula: "Σ minutes ÷ 60, overlaps united, selling before all others"
    unit: hours
    grain: period × scope
    time_anchor: "the minutes themselves, in the rep's zone"
    additive: true
    null_rule: "no calendar is read: no row; a rep whose calendar is read and empty has a measured 0"
  - id: selling_time_hours_unclassified
    title: Hours of unclassified time
    definition: "Hours of calendar events of the class in the period: no rule matched."
    formula: "Σ minutes ÷ 60, overlaps united, selling before all others"
    unit: hours
    grain: period × scope
    time_anchor: "the minutes themselves, in the rep's zone"
    additive: true
    null_rule: "no calendar is read: no row; a rep whose calendar is read and empty has a measured 0"
  - id: selling_time_hours_email
    title: Hours of e-mail (estimate)
    definition: "Messages sent in the period times the configured minutes a message; an estimate, in no other metric."
    formula: "messages × minutes a message ÷ 60"
    unit: hours
    grain: period × scope
    time_anchor: moment of sending
    additive: true
    null_rule: "no mailbox is read, or no minutes are configured: no row"
  - id: selling_time_share
    title: Share of time spent selling
    definition: "Of the classified hours of calendar events in the period, the share that is selling."
    formula: "selling ÷ (selling + internal meetings + training + administration)"
    unit: ratio
    grain: period × scope
    time_anchor: "the minutes themselves, in the rep's zone"
    additive: false
    numerator: "hours of selling"
    denominator: "hours of all classes but unclassified"
    null_rule: "no classified hour: null"
*/
with
scope as (
    select * from mart.dim_scope
),
period as (
    select * from mart.dim_period
),
-- Calendars and mail are what this table is made of. Until they are read, it holds its contract.
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
