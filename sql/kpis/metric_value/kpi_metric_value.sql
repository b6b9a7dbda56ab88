/* @model
description: Every KPI table in one, for a tool that wants just one.
grain: [metric, period_grain, period_start, scope, scope_id, stage_id]
kind: table
owner: revops
tags: [crm, kpi]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null]}
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
*/
with
final as (
    select * from kpi.win_rate
    union all
    select * from kpi.sales_cycle
    union all
    select * from kpi.deal_size
    union all
    select * from kpi.pipeline_efficiency
)
select
    metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
    stage_name, numerator, denominator, value, unit, n, n_excluded, completeness, as_of
from final
