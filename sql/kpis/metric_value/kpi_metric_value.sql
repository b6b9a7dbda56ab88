/* @model
description: Every KPI table in one, for a tool that wants just one.
grain: [metric, period_grain, period_start, scope, scope_id, stage_id, forecast_category, close_period_start, target_metric]
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
  stage_id: {type: string, doc: "slice by stage; null: all stages"}
  stage_name: {type: string, doc: "the stage's name"}
  forecast_category: {type: string, doc: "slice by forecast category; null: all"}
  close_period_start: {type: date, doc: "slice by the fiscal quarter of the planned close date: its first day; null: all"}
  target_metric: {type: string, doc: "the metric that a target is for; null where there is none"}
  numerator: {type: "decimal(38,6)", doc: "upper part of a ratio; null where the metric is no ratio or nothing was observed"}
  denominator: {type: "decimal(38,6)", doc: "lower part of a ratio"}
  value: {type: "decimal(38,6)", doc: "the figure; null: not measurable, see completeness"}
  unit: {type: string, doc: "ratio, days, hours, pushes, meetings, a currency, or a currency per day", checks: [not_null]}
  n: {type: int64, doc: "rows in the figure, mostly deals", checks: ["between 0 and 1000000000000"]}
  n_excluded: {type: int64, doc: "rows that a rule leaves out of it, listed in ops.exclusion", checks: ["between 0 and 1000000000000"]}
  completeness: {type: string, doc: "complete, degraded (something left out or replaced) or partial (a source did not come in whole); reasons in ops.completeness", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
*/
with
final as (
    select
        metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
        stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
        value, unit, n, n_excluded, completeness, as_of
    from kpi.win_rate
    union all
    select
        metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
        stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
        value, unit, n, n_excluded, completeness, as_of
    from kpi.sales_cycle
    union all
    select
        metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
        stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
        value, unit, n, n_excluded, completeness, as_of
    from kpi.deal_size
    union all
    select
        metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
        stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
        value, unit, n, n_excluded, completeness, as_of
    from kpi.pipeline_efficiency
    union all
    select
        metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
        stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
        value, unit, n, n_excluded, completeness, as_of
    from kpi.weighted_pipeline
    union all
    select
        metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
        stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
        value, unit, n, n_excluded, completeness, as_of
    from kpi.quota_achievement
    union all
    select
        metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
        stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
        value, unit, n, n_excluded, completeness, as_of
    from kpi.target_progress
    union all
    select
        metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
        stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
        value, unit, n, n_excluded, completeness, as_of
    from kpi.selling_time
    union all
    select
        metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
        stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
        value, unit, n, n_excluded, completeness, as_of
    from kpi.lead_response
    union all
    select
        metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
        stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
        value, unit, n, n_excluded, completeness, as_of
    from kpi.prospect_meetings
)
select
    metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
    stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
    value, unit, n, n_excluded, completeness, as_of
from final
