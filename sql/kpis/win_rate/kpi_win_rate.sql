/* @model
description: Won deals over won and lost deals, by count and by value, by period of the outcome and by period of the start.
grain: [metric, period_grain, period_start, scope, scope_id, stage_id]
kind: table
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
  stage_id: {type: string, doc: "slice by stage; null in metrics that have none"}
  stage_name: {type: string, doc: "the stage's name"}
  numerator: {type: "decimal(38,6)", doc: "upper part of a ratio; null where the metric is no ratio or nothing was observed"}
  denominator: {type: "decimal(38,6)", doc: "lower part of a ratio"}
  value: {type: "decimal(38,6)", doc: "the figure; null: not measurable, see completeness", checks: ["between 0 and 1"]}
  unit: {type: string, doc: "ratio, days, pushes, a currency, or a currency per day", checks: [not_null]}
  n: {type: int64, doc: "deals in the figure", checks: ["between 0 and 1000000000000"]}
  n_excluded: {type: int64, doc: "deals that a rule leaves out of it, listed in ops.exclusion", checks: ["between 0 and 1000000000000"]}
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
    time_anchor: start_date
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
    time_anchor: start_date
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
    time_anchor: start_date
    additive: false
    numerator: "deals still open"
    denominator: "deals started"
    null_rule: "no deal started: no row"
*/
with
deal as (
    select * from mart.fct_opportunity where deal_exclusion is null
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
-- Which figures come of which count. A deal is counted on two days: that of its outcome, and
-- that of its start.
metric as (
    select metric, anchor, measure
    from (
        values
            ('win_rate_count', 'outcome', 'count'),
            ('win_rate_value', 'outcome', 'value'),
            ('win_rate_cohort_count', 'start', 'count'),
            ('win_rate_cohort_value', 'start', 'value'),
            ('win_rate_cohort_open_share', 'start', 'open_share')
    ) as listed (metric, anchor, measure)
),
by_rep_and_day as (
    select
        'outcome' as anchor,
        rep_key,
        closed_date as date_day,
        sum(case when outcome = 'won' then 1 else 0 end) as won,
        sum(case when outcome = 'lost' then 1 else 0 end) as lost,
        0 as still_open,
        sum(case when outcome = 'won' and win_value_exclusion is null then 1 else 0 end)
            as won_valued,
        sum(case when outcome = 'lost' and win_value_exclusion is null then 1 else 0 end)
            as lost_valued,
        sum(case when outcome = 'won' and win_value_exclusion is null then amount_reporting end)
            as won_amount,
        sum(case when outcome = 'lost' and win_value_exclusion is null then amount_reporting end)
            as lost_amount,
        0 as from_engagement
    from deal
    where outcome in ('won', 'lost')
    group by rep_key, closed_date
    union all
    select
        'start' as anchor,
        rep_key,
        start_date as date_day,
        sum(case when outcome = 'won' then 1 else 0 end) as won,
        sum(case when outcome = 'lost' then 1 else 0 end) as lost,
        sum(case when outcome = 'open' then 1 else 0 end) as still_open,
        sum(case when outcome = 'won' and win_value_exclusion is null then 1 else 0 end)
            as won_valued,
        sum(case when outcome = 'lost' and win_value_exclusion is null then 1 else 0 end)
            as lost_valued,
        sum(case when outcome = 'won' and win_value_exclusion is null then amount_reporting end)
            as won_amount,
        sum(case when outcome = 'lost' and win_value_exclusion is null then amount_reporting end)
            as lost_amount,
        sum(case when cycle_start_source = 'engaged' then 1 else 0 end) as from_engagement
    from deal
    where start_date is not null
    group by rep_key, start_date
),
by_rep_and_period as (
    select
        counted.anchor,
        counted.rep_key,
        date_period.period_key,
        sum(counted.won) as won,
        sum(counted.lost) as lost,
        sum(counted.still_open) as still_open,
        sum(counted.won_valued) as won_valued,
        sum(counted.lost_valued) as lost_valued,
        sum(counted.won_amount) as won_amount,
        sum(counted.lost_amount) as lost_amount,
        sum(counted.from_engagement) as from_engagement
    from by_rep_and_day as counted
    inner join date_period on counted.date_day = date_period.date_day
    group by counted.anchor, counted.rep_key, date_period.period_key
),
by_scope_and_period as (
    select
        counted.anchor,
        rep_scope.scope_key,
        counted.period_key,
        sum(counted.won) as won,
        sum(counted.lost) as lost,
        sum(counted.still_open) as still_open,
        sum(counted.won_valued) as won_valued,
        sum(counted.lost_valued) as lost_valued,
        sum(counted.won_amount) as won_amount,
        sum(counted.lost_amount) as lost_amount,
        sum(counted.from_engagement) as from_engagement
    from by_rep_and_period as counted
    inner join rep_scope on counted.rep_key = rep_scope.rep_key
    group by counted.anchor, rep_scope.scope_key, counted.period_key
),
-- One row a metric. Nothing observed leaves the parts null; a sum over a part that has no rows
-- beside one that has is a measured 0.
parts as (
    select
        metric.metric,
        counted.scope_key,
        counted.period_key,
        case metric.measure
            when 'count' then cast(counted.won as decimal(38, 6))
            when 'value' then
                case
                    when counted.won_valued + counted.lost_valued > 0
                        then cast(coalesce(counted.won_amount, 0) as decimal(38, 6))
                end
            when 'open_share' then cast(counted.still_open as decimal(38, 6))
        end as numerator,
        case metric.measure
            when 'count' then cast(counted.won + counted.lost as decimal(38, 6))
            when 'value' then
                case
                    when counted.won_valued + counted.lost_valued > 0
                        then
                            cast(
                                coalesce(counted.won_amount, 0) + coalesce(counted.lost_amount, 0)
                                as decimal(38, 6)
                            )
                end
            when 'open_share' then
                cast(counted.won + counted.lost + counted.still_open as decimal(38, 6))
        end as denominator,
        case metric.measure
            when 'count' then counted.won + counted.lost
            when 'value' then counted.won_valued + counted.lost_valued
            when 'open_share' then counted.won + counted.lost + counted.still_open
        end as n,
        case metric.measure
            when 'value' then
                counted.won + counted.lost - counted.won_valued - counted.lost_valued
            else 0
        end as n_excluded,
        metric.measure = 'value'
        and (
            (counted.won > 0 and counted.won_valued = 0)
            or (counted.lost > 0 and counted.lost_valued = 0)
        ) as is_one_sided,
        counted.from_engagement > 0 as has_substitute
    from metric
    inner join by_scope_and_period as counted on metric.anchor = counted.anchor
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
    where parts.n > 0 or parts.n_excluded > 0
)
select
    metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
    stage_name, numerator, denominator, value, unit, n, n_excluded, completeness, as_of
from final
