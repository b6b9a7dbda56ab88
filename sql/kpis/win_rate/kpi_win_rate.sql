/* @model
description: Won deals over won and lost deals, by count and by value, by period of the outcome and by period of the start.
grain: [metric, period_grain, period_start, scope, scope_id, stage_id, forecast_category, close_period_start, target_metric]
kind: incremental
incremental:
  key: opportunity_id
  periods: select * from mart.fct_win_rate_contribution
  changed_by: {mart.fct_opportunity: opportunity_id}
  matters:
    mart.dim_period: select period_key, period_grain, period_start, period_end from mart.dim_period
  as_of: harmless
owner: revops
tags: [crm, kpi, win_rate]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null, "accepted_values: [win_rate_count, win_rate_value, win_rate_cohort_count, win_rate_cohort_value, win_rate_cohort_open_share]"]}
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
  value: {type: "decimal(38,6)", doc: "the figure; null: not measurable, see completeness", checks: ["between 0 and 1"]}
  unit: {type: string, doc: "ratio, days, pushes, a currency, or a currency per day", checks: [not_null]}
  n: {type: int64, doc: "rows in the figure, mostly deals", checks: ["between 0 and 1000000000000"]}
  n_excluded: {type: int64, doc: "rows that a rule leaves out of it, listed in ops.exclusion", checks: ["between 0 and 1000000000000"]}
  completeness: {type: string, doc: "complete, degraded (something left out or replaced) or partial (a source did not come in whole); reasons in ops.completeness", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
metrics:
  - id: win_rate_count
    title: Win rate by count
    definition: "Of the deals won or lost in the period, the share that was won."
    formula: "won ÷ (won + lost)"
    unit: ratio
    grain: period × scope
    time_anchor: closed_date
    additive: false
    numerator: "deals won"
    denominator: "deals won or lost"
    null_rule: "no deal won or lost: no row"
  - id: win_rate_value
    title: Win rate by value
    definition: "Of the amounts of the deals won or lost in the period, the share that was won."
    formula: "won amount ÷ (won amount + lost amount)"
    unit: ratio
    grain: period × scope
    time_anchor: closed_date
    additive: false
    numerator: "amounts of deals won, in the reporting currency"
    denominator: "amounts of deals won or lost, in the reporting currency"
    null_rule: "deals without a positive, converted amount are left out, and all deals of a connection that records no amount on lost deals; null when nothing is left, or when it would be 0 or 1 only because every deal of one outcome is left out"
  - id: win_rate_cohort_count
    title: Win rate of a cohort by count
    definition: "Of the deals started in the period that are decided by now, the share that was won."
    formula: "won ÷ (won + lost)"
    unit: ratio
    grain: period × scope
    time_anchor: start_date, and who began it
    additive: false
    numerator: "deals won so far"
    denominator: "deals won or lost so far"
    null_rule: "null while none of the cohort is decided"
  - id: win_rate_cohort_value
    title: Win rate of a cohort by value
    definition: "Of the amounts of the deals started in the period that are decided by now, the share that was won."
    formula: "won amount ÷ (won amount + lost amount)"
    unit: ratio
    grain: period × scope
    time_anchor: start_date, and who began it
    additive: false
    numerator: "amounts of deals won so far, in the reporting currency"
    denominator: "amounts of deals won or lost so far, in the reporting currency"
    null_rule: "as win_rate_value"
  - id: win_rate_cohort_open_share
    title: Share of a cohort still open
    definition: "Of the deals started in the period, the share that is neither won nor lost by now."
    formula: "open ÷ started"
    unit: ratio
    grain: period × scope
    time_anchor: start_date, and who began it
    additive: false
    numerator: "deals still open"
    denominator: "deals started"
    null_rule: "no deal started: no row"
*/
with
contribution as (
    select * from mart.fct_win_rate_contribution
),
rep_scope as (
    select * from mart.bridge_rep_scope
),
date_period as (
    select * from mart.bridge_date_period
),
scope as (
    select * from mart.dim_scope
),
period as (
    select * from mart.dim_period
),
-- Facts are added up before they are spread out.
by_rep_and_day as (
    select
        metric,
        rep_key,
        date_day,
        sum(numerator) as numerator,
        sum(denominator) as denominator,
        sum(case when exclusion is null then 1 else 0 end) as n,
        sum(case when exclusion is null then 0 else 1 end) as n_excluded,
        sum(case when part = 'won' and exclusion is null then 1 else 0 end) as won_in,
        sum(case when part = 'won' and exclusion is not null then 1 else 0 end) as won_out,
        sum(case when part = 'lost' and exclusion is null then 1 else 0 end) as lost_in,
        sum(case when part = 'lost' and exclusion is not null then 1 else 0 end) as lost_out,
        count(substitute) as substitutes
    from contribution
    group by metric, rep_key, date_day
),
by_rep_and_period as (
    select
        counted.metric,
        counted.rep_key,
        date_period.period_key,
        sum(counted.numerator) as numerator,
        sum(counted.denominator) as denominator,
        sum(counted.n) as n,
        sum(counted.n_excluded) as n_excluded,
        sum(counted.won_in) as won_in,
        sum(counted.won_out) as won_out,
        sum(counted.lost_in) as lost_in,
        sum(counted.lost_out) as lost_out,
        sum(counted.substitutes) as substitutes
    from by_rep_and_day as counted
    inner join date_period on counted.date_day = date_period.date_day
    group by counted.metric, counted.rep_key, date_period.period_key
),
-- All won deals, or all lost ones, are left out: what is left would be 0 or 1 for no reason.
parts as (
    select
        counted.metric,
        rep_scope.scope_key,
        counted.period_key,
        sum(counted.numerator) as numerator,
        sum(counted.denominator) as denominator,
        sum(counted.n) as n,
        sum(counted.n_excluded) as n_excluded,
        (sum(counted.won_out) > 0 and sum(counted.won_in) = 0)
        or (sum(counted.lost_out) > 0 and sum(counted.lost_in) = 0) as is_one_sided,
        sum(counted.substitutes) > 0 as has_substitute
    from by_rep_and_period as counted
    inner join rep_scope on counted.rep_key = rep_scope.rep_key
    group by counted.metric, rep_scope.scope_key, counted.period_key
),
final as (
    select
        parts.metric,
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
        parts.numerator,
        parts.denominator,
        case
            when not parts.is_one_sided
                then
                    cast(
                        parts.numerator / nullif(parts.denominator, cast(0 as decimal(38, 6)))
                        as decimal(38, 6)
                    )
        end as value,
        'ratio' as unit,
        parts.n,
        parts.n_excluded,
        case
            when not scope.is_whole then 'partial'
            when parts.n_excluded > 0 or parts.has_substitute then 'degraded'
            else 'complete'
        end as completeness,
        $as_of as as_of
    from parts
    inner join scope on parts.scope_key = scope.scope_key
    inner join period on parts.period_key = period.period_key
)
select
    metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
    stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
    value, unit, n, n_excluded, completeness, as_of
from final
