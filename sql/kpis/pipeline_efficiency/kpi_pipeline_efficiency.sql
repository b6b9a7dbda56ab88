/* @model
description: Yield, velocity, slippage, coverage, stale share and pushes of the pipeline.
grain: [metric, period_grain, period_start, scope, scope_id, stage_id, forecast_category, close_period_start, target_metric]
kind: table
owner: revops
tags: [crm, kpi, pipeline]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null, "accepted_values: [pipeline_yield, pipeline_velocity, pipeline_slippage, pipeline_coverage, pipeline_coverage_full, pipeline_stale_share, pipeline_pushes_per_deal]"]}
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
  unit: {type: string, doc: "ratio, days, pushes, a currency, or a currency per day", checks: [not_null]}
  n: {type: int64, doc: "rows in the figure, mostly deals", checks: ["between 0 and 1000000000000"]}
  n_excluded: {type: int64, doc: "rows that a rule leaves out of it, listed in ops.exclusion", checks: ["between 0 and 1000000000000"]}
  completeness: {type: string, doc: "complete, degraded (something left out or replaced) or partial (a source did not come in whole); reasons in ops.completeness", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
metrics:
  - id: pipeline_yield
    title: Pipeline yield
    definition: "What was won in the period, over what was open when it began and what was created in it."
    formula: "won amount ÷ (open amount at the start + created amount)"
    unit: ratio
    grain: period × scope
    time_anchor: "closed_date; the day before the period; first day of the deal"
    additive: false
    numerator: "amounts of deals won in the period, of whoever won them"
    denominator: "amounts that deals had when the period began, of whoever had them then, and at the end of their first day, of whoever had them then"
    null_rule: "deals without a usable amount are left out of the part in which they have none, and all deals of a connection that records no amount on lost deals; null when nothing was open or created, or when it would be 0 or 1 only because of what is left out; without a history of amounts today's stand in, degraded"
  - id: pipeline_velocity
    title: Pipeline velocity per day
    definition: "Money that the open qualified deals bring a day, at the win rate, deal size and sales cycle of the last 12 months."
    formula: "open qualified deals × win rate × average won amount ÷ mean cycle days"
    unit: reporting currency per day
    grain: period × scope
    time_anchor: end of the period, or the as-of day in the current one; who had the deals then
    additive: false
    numerator: "open qualified deals × win rate by count × average won amount, the latter two of the 12 months before"
    denominator: "mean cycle days of the 12 months before"
    null_rule: "null without a decided deal, a won amount or a won cycle in the 12 months before; does not roll up"
  - id: pipeline_slippage
    title: Pipeline slippage
    definition: "Of the amounts that were due in the period when it began, the share that moved out of it."
    formula: "amount now due after the period ÷ amount due in it at its start"
    unit: ratio
    grain: month, quarter, year × scope
    time_anchor: the day before the period, and who had the deals then
    additive: false
    numerator: "of these, amounts of deals that are open at the period's end (or as-of day) and planned to close after it"
    denominator: "amounts of the deals open when the period began whose planned close date lay in it"
    null_rule: "deals without a usable amount then are left out and counted, and those of sources without a history of close dates; nothing due: null"
  - id: pipeline_coverage
    title: Pipeline coverage of the remaining quota
    definition: "Open amounts planned to close in the period, over what is left of its quota."
    formula: "open amount closing in the period ÷ (quota − won so far)"
    unit: ratio
    grain: month, quarter, year × scope
    time_anchor: planned close date; in the periods of the as-of day and those after them
    additive: false
    numerator: "amounts of open deals planned to close in the period"
    denominator: "prorated quota of the period less the credit for what was won in it so far"
    null_rule: "null without a quota, when part of it is unknown or unconverted, and when it is met already; deals without a usable amount, and those of a connection that has no quotas, are left out and counted"
  - id: pipeline_coverage_full
    title: Pipeline coverage of the full quota
    definition: "Open amounts planned to close in the period, over its whole quota."
    formula: "open amount closing in the period ÷ quota"
    unit: ratio
    grain: month, quarter, year × scope
    time_anchor: planned close date; in the periods of the as-of day and those after them
    additive: false
    numerator: "as pipeline_coverage"
    denominator: "prorated quota of the period"
    null_rule: "null without a quota, and when part of it is unknown or unconverted; deals as in pipeline_coverage"
  - id: pipeline_stale_share
    title: Stale share of the pipeline
    definition: "Of the amounts of the open deals, the share without activity for the configured number of days."
    formula: "open amount without activity ÷ open amount"
    unit: ratio
    grain: period × scope
    time_anchor: the as-of instant
    additive: false
    numerator: "amounts of open deals without activity for stale_after_days or more"
    denominator: "amounts of open deals"
    null_rule: "deals without a usable amount or a known last activity are left out and counted; null when nothing is left"
  - id: pipeline_pushes_per_deal
    title: Pushes per deal
    definition: "How often the planned close date of a deal was moved to a later month, of the deals won or lost in the period."
    formula: "Σ pushes ÷ deals"
    unit: pushes
    grain: period × scope
    time_anchor: closed_date
    additive: false
    numerator: "Σ pushes"
    denominator: "deals won or lost with a known number of pushes"
    null_rule: "deals without a known number are left out and counted; null when none is left"
*/
with
-- Yield and velocity are summed from fct_scope_day, which holds the same day by day.
contribution as (
    select *
    from mart.fct_pipeline_efficiency_contribution
    where
        metric in (
            'pipeline_slippage', 'pipeline_coverage', 'pipeline_coverage_full',
            'pipeline_stale_share', 'pipeline_pushes_per_deal'
        )
),
scope_day as (
    select * from mart.fct_scope_day
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
business as (
    select * from system.business
),
-- Yield and velocity: running totals at the period's end, before its start, and a year earlier.
begun_period as (
    select
        period_key,
        least(period_end, $as_of_date) as last_day,
        cast(period_start - interval '1 day' as date) as day_before,
        cast(least(period_end, $as_of_date) - interval '12 months' as date) as year_before
    from period
    where period_start <= $as_of_date
),
lived_period as (
    select
        ending.*,
        begun_period.period_key,
        begun_period.day_before,
        begun_period.year_before
    from scope_day as ending
    inner join begun_period on ending.date_day = begun_period.last_day
),
pipeline as (
    select
        lived.scope_key,
        lived.period_key,
        coalesce(opening.open_valued, 0)
        + lived.created_valued
        - coalesce(opening.created_valued, 0) as available,
        coalesce(opening.open_amount, 0)
        + lived.created_amount
        - coalesce(opening.created_amount, 0) as available_amount,
        coalesce(opening.open_unvalued, 0)
        + lived.created_unvalued
        - coalesce(opening.created_unvalued, 0) as available_unvalued,
        coalesce(opening.open_assumed, 0)
        + lived.created_assumed
        - coalesce(opening.created_assumed, 0) as available_assumed,
        lived.pipeline_won_valued - coalesce(opening.pipeline_won_valued, 0) as yield_won,
        lived.pipeline_won_amount - coalesce(opening.pipeline_won_amount, 0) as yield_won_amount,
        lived.pipeline_won_unvalued - coalesce(opening.pipeline_won_unvalued, 0)
            as yield_won_unvalued,
        lived.open_qualified,
        lived.won - coalesce(year_before.won, 0) as won,
        lived.lost - coalesce(year_before.lost, 0) as lost,
        lived.won_sized - coalesce(year_before.won_sized, 0) as won_sized,
        lived.won_amount - coalesce(year_before.won_amount, 0) as won_amount,
        lived.won_timed - coalesce(year_before.won_timed, 0) as won_timed,
        lived.won_cycle_days - coalesce(year_before.won_cycle_days, 0) as won_cycle_days,
        lived.won_timed_from_engagement - coalesce(year_before.won_timed_from_engagement, 0)
            as won_timed_from_engagement,
        lived.won_left_out - coalesce(year_before.won_left_out, 0) as won_left_out
    from lived_period as lived
    left join scope_day as opening
        on lived.scope_key = opening.scope_key and lived.day_before = opening.date_day
    left join scope_day as year_before
        on lived.scope_key = year_before.scope_key and lived.year_before = year_before.date_day
),
rates as (
    select
        *,
        cast(
            cast(won as decimal(20, 6)) / nullif(cast(won + lost as decimal(20, 6)), 0)
            as decimal(12, 10)
        ) as win_rate,
        cast(
            cast(won_amount as decimal(28, 6)) / nullif(cast(won_sized as decimal(28, 6)), 0)
            as decimal(24, 6)
        ) as won_size,
        cast(
            cast(won_cycle_days as decimal(20, 6)) / nullif(cast(won_timed as decimal(20, 6)), 0)
            as decimal(20, 6)
        ) as cycle_days
    from pipeline
),
-- A yield of 1 only because everything else is left out, or of 0 only because the won deals are,
-- is none.
yield_parts as (
    select
        'pipeline_yield' as metric,
        scope_key,
        period_key,
        case when available + yield_won > 0 then cast(yield_won_amount as decimal(38, 6)) end
            as numerator,
        case when available > 0 then cast(available_amount as decimal(38, 6)) end as denominator,
        available + yield_won as n,
        available_unvalued + yield_won_unvalued as n_excluded,
        (available_unvalued > yield_won_unvalued and yield_won_amount = available_amount)
        or (yield_won_unvalued > 0 and yield_won_amount = 0) as is_unmeasurable,
        available_assumed > 0 as has_substitute
    from rates
),
velocity_parts as (
    select
        'pipeline_velocity' as metric,
        scope_key,
        period_key,
        cast(
            cast(open_qualified * win_rate as decimal(24, 10)) * won_size as decimal(38, 6)
        ) as numerator,
        cast(cycle_days as decimal(38, 6)) as denominator,
        open_qualified as n,
        won_left_out as n_excluded,
        false as is_unmeasurable,
        won_timed_from_engagement > 0 as has_substitute
    from rates
),
-- The rest adds up: by rep and day, then by period, then by scope.
by_rep_and_day as (
    select
        metric,
        counts_for,
        period_grain,
        rep_key,
        case
            when anchor = 'before' then cast(date_day + interval '1 day' as date)
            else date_day
        end as date_day,
        sum(numerator) as numerator,
        sum(denominator) as denominator,
        sum(case when exclusion is null then 1 else 0 end) as n,
        sum(case when exclusion is null then 0 else 1 end) as n_excluded,
        sum(case when part = 'quota' and exclusion is null then 1 else 0 end) as quotas,
        sum(case when part = 'quota' and exclusion is not null then 1 else 0 end)
            as quotas_out
    from contribution
    group by 1, 2, 3, 4, 5
),
by_rep_and_period as (
    select
        counted.metric,
        counted.counts_for,
        counted.rep_key,
        period.period_key,
        sum(counted.numerator) as numerator,
        sum(counted.denominator) as denominator,
        sum(counted.n) as n,
        sum(counted.n_excluded) as n_excluded,
        sum(counted.quotas) as quotas,
        sum(counted.quotas_out) as quotas_out
    from by_rep_and_day as counted
    inner join date_period on counted.date_day = date_period.date_day
    inner join period
        on date_period.period_key = period.period_key
        and coalesce(counted.period_grain, period.period_grain) = period.period_grain
    group by counted.metric, counted.counts_for, counted.rep_key, period.period_key
),
by_scope_and_period as (
    select
        counted.metric,
        rep_scope.scope_key,
        counted.period_key,
        sum(counted.numerator) as numerator,
        sum(counted.denominator) as denominator,
        sum(counted.n) as n,
        sum(counted.n_excluded) as n_excluded,
        sum(counted.quotas) as quotas,
        sum(counted.quotas_out) as quotas_out
    from by_rep_and_period as counted
    inner join rep_scope on counted.rep_key = rep_scope.rep_key
    inner join scope on rep_scope.scope_key = scope.scope_key
    where
        case counted.counts_for
            when 'rep' then scope.scope = 'rep'
            when 'team' then scope.scope <> 'rep'
            else true
        end
    group by counted.metric, rep_scope.scope_key, counted.period_key
),
-- Bookings without a quota are no denominator; a quota that is met leaves nothing to cover.
counted_parts as (
    select
        metric,
        scope_key,
        period_key,
        numerator,
        case when metric like 'pipeline_coverage%' and quotas = 0 then null else denominator end
            as denominator,
        n,
        n_excluded,
        metric like 'pipeline_coverage%' and (quotas_out > 0 or coalesce(denominator, 0) <= 0)
            as is_unmeasurable,
        false as has_substitute
    from by_scope_and_period
),
parts as (
    select * from yield_parts
    union all
    select * from velocity_parts
    union all
    select * from counted_parts
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
            when not parts.is_unmeasurable
                then
                    cast(
                        parts.numerator / nullif(parts.denominator, cast(0 as decimal(38, 6)))
                        as decimal(38, 6)
                    )
        end as value,
        case parts.metric
            when 'pipeline_velocity' then (select reporting_currency from business) || '/day'
            when 'pipeline_pushes_per_deal' then 'pushes'
            else 'ratio'
        end as unit,
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
    stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
    value, unit, n, n_excluded, completeness, as_of
from final
