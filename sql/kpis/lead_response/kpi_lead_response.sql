/* @model
description: How soon leads react to the first outreach, and how soon they are reached at all. It takes mail with its headers to tell people from machines, which no connector reads yet, so it has no rows. funnel.lead_conversion has the days to the first contact that the CRM logged.
grain: [metric, period_grain, period_start, scope, scope_id, stage_id, forecast_category, close_period_start, target_metric]
kind: table
owner: revops
tags: [crm, kpi, lead_response]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null, "accepted_values: [lead_response_elapsed_median, lead_response_elapsed_p90, lead_response_elapsed_mean, lead_response_business_median, lead_response_business_p90, lead_response_business_mean, lead_response_censored_share, speed_to_lead_elapsed_median, speed_to_lead_elapsed_p90, speed_to_lead_elapsed_mean, speed_to_lead_business_median, speed_to_lead_business_p90, speed_to_lead_business_mean, speed_to_lead_censored_share]"]}
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
  n: {type: int64, doc: "leads in the figure", checks: ["between 0 and 1000000000000"]}
  n_excluded: {type: int64, doc: "leads that are still waiting (censored)", checks: ["between 0 and 1000000000000"]}
  completeness: {type: string, doc: "complete, degraded (something left out or replaced) or partial (a source did not come in whole)", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
metrics:
  - id: lead_response_elapsed_median
    title: Lead response time, elapsed, median
    definition: "Median of the elapsed hours from the first outreach to the first positive reaction (a reply, an accepted meeting, a conversion)."
    formula: "50th percentile, interpolated"
    unit: hours
    grain: period × scope
    time_anchor: first positive reaction
    additive: false
    null_rule: "no mail is read: no row; leads without an end yet are censored: counted in n_excluded, never dropped; percentiles do not roll up"
  - id: lead_response_elapsed_p90
    title: Lead response time, elapsed, p90
    definition: "90th percentile of the elapsed hours from the first outreach to the first positive reaction (a reply, an accepted meeting, a conversion)."
    formula: "90th percentile, interpolated"
    unit: hours
    grain: period × scope
    time_anchor: first positive reaction
    additive: false
    null_rule: "no mail is read: no row; leads without an end yet are censored: counted in n_excluded, never dropped; percentiles do not roll up"
  - id: lead_response_elapsed_mean
    title: Lead response time, elapsed, mean
    definition: "Mean of the elapsed hours from the first outreach to the first positive reaction (a reply, an accepted meeting, a conversion)."
    formula: "Σ hours ÷ leads"
    unit: hours
    grain: period × scope
    time_anchor: first positive reaction
    additive: false
    numerator: "Σ hours"
    denominator: "leads with an end"
    null_rule: "no mail is read: no row; leads without an end yet are censored: counted in n_excluded, never dropped"
  - id: lead_response_business_median
    title: Lead response time, business, median
    definition: "Median of the business hours of the rep: zone, working hours, holidays from the first outreach to the first positive reaction (a reply, an accepted meeting, a conversion)."
    formula: "50th percentile, interpolated"
    unit: hours
    grain: period × scope
    time_anchor: first positive reaction
    additive: false
    null_rule: "no mail is read: no row; leads without an end yet are censored: counted in n_excluded, never dropped; percentiles do not roll up"
  - id: lead_response_business_p90
    title: Lead response time, business, p90
    definition: "90th percentile of the business hours of the rep: zone, working hours, holidays from the first outreach to the first positive reaction (a reply, an accepted meeting, a conversion)."
    formula: "90th percentile, interpolated"
    unit: hours
    grain: period × scope
    time_anchor: first positive reaction
    additive: false
    null_rule: "no mail is read: no row; leads without an end yet are censored: counted in n_excluded, never dropped; percentiles do not roll up"
  - id: lead_response_business_mean
    title: Lead response time, business, mean
    definition: "Mean of the business hours of the rep: zone, working hours, holidays from the first outreach to the first positive reaction (a reply, an accepted meeting, a conversion)."
    formula: "Σ hours ÷ leads"
    unit: hours
    grain: period × scope
    time_anchor: first positive reaction
    additive: false
    numerator: "Σ hours"
    denominator: "leads with an end"
    null_rule: "no mail is read: no row; leads without an end yet are censored: counted in n_excluded, never dropped"
  - id: lead_response_censored_share
    title: Lead response time, still waiting
    definition: "Of the leads of the period, the share without a positive reaction yet."
    formula: "waiting ÷ all"
    unit: ratio
    grain: period × scope
    time_anchor: first outreach
    additive: false
    numerator: "leads still waiting"
    denominator: "leads"
    null_rule: "no lead: no row"
  - id: speed_to_lead_elapsed_median
    title: Speed to lead, elapsed, median
    definition: "Median of the elapsed hours from the creation or assignment of the lead to the first meaningful human outreach."
    formula: "50th percentile, interpolated"
    unit: hours
    grain: period × scope
    time_anchor: first outreach
    additive: false
    null_rule: "no mail is read: no row; leads without an end yet are censored: counted in n_excluded, never dropped; percentiles do not roll up"
  - id: speed_to_lead_elapsed_p90
    title: Speed to lead, elapsed, p90
    definition: "90th percentile of the elapsed hours from the creation or assignment of the lead to the first meaningful human outreach."
    formula: "90th percentile, interpolated"
    unit: hours
    grain: period × scope
    time_anchor: first outreach
    additive: false
    null_rule: "no mail is read: no row; leads without an end yet are censored: counted in n_excluded, never dropped; percentiles do not roll up"
  - id: speed_to_lead_elapsed_mean
    title: Speed to lead, elapsed, mean
    definition: "Mean of the elapsed hours from the creation or assignment of the lead to the first meaningful human outreach."
    formula: "Σ hours ÷ leads"
    unit: hours
    grain: period × scope
    time_anchor: first outreach
    additive: false
    numerator: "Σ hours"
    denominator: "leads with an end"
    null_rule: "no mail is read: no row; leads without an end yet are censored: counted in n_excluded, never dropped"
  - id: speed_to_lead_business_median
    title: Speed to lead, business, median
    definition: "Median of the business hours of the rep: zone, working hours, holidays from the creation or assignment of the lead to the first meaningful human outreach."
    formula: "50th percentile, interpolated"
    unit: hours
    grain: period × scope
    time_anchor: first outreach
    additive: false
    null_rule: "no mail is read: no row; leads without an end yet are censored: counted in n_excluded, never dropped; percentiles do not roll up"
  - id: speed_to_lead_business_p90
    title: Speed to lead, business, p90
    definition: "90th percentile of the business hours of the rep: zone, working hours, holidays from the creation or assignment of the lead to the first meaningful human outreach."
    formula: "90th percentile, interpolated"
    unit: hours
    grain: period × scope
    time_anchor: first outreach
    additive: false
    null_rule: "no mail is read: no row; leads without an end yet are censored: counted in n_excluded, never dropped; percentiles do not roll up"
  - id: speed_to_lead_business_mean
    title: Speed to lead, business, mean
    definition: "Mean of the business hours of the rep: zone, working hours, holidays from the creation or assignment of the lead to the first meaningful human outreach."
    formula: "Σ hours ÷ leads"
    unit: hours
    grain: period × scope
    time_anchor: first outreach
    additive: false
    numerator: "Σ hours"
    denominator: "leads with an end"
    null_rule: "no mail is read: no row; leads without an end yet are censored: counted in n_excluded, never dropped"
  - id: speed_to_lead_censored_share
    title: Speed to lead, still waiting
    definition: "Of the leads of the period, the share without outreach yet."
    formula: "waiting ÷ all"
    unit: ratio
    grain: period × scope
    time_anchor: creation or assignment of the lead
    additive: false
    numerator: "leads still waiting"
    denominator: "leads"
    null_rule: "no lead: no row"
*/
with
scope as (
    select * from mart.dim_scope
),
period as (
    select * from mart.dim_period
),
-- Mail headers and calendars tell what a human reaction is. Until they are read, it holds its contract.
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
