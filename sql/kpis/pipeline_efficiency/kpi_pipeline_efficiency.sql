/* @model
description: Yield, velocity, stale share and pushes of the pipeline. Coverage and slippage need quotas and the history of close dates, which no source here has yet.
grain: [metric, period_grain, period_start, scope, scope_id, stage_id]
kind: table
owner: revops
tags: [crm, kpi, pipeline]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null, "accepted_values: [pipeline_yield, pipeline_velocity, pipeline_stale_share, pipeline_pushes_per_deal]"]}
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
metrics:
  - id: pipeline_yield
    title: Pipeline yield
    definition: "Of the amounts open at the start of the period or started in it, the share that was won in it."
    formula: "won amount ÷ (open amount at the start + amount started)"
    unit: ratio
    grain: period × scope
    time_anchor: closed_date and start_date
    additive: false
    numerator: "amounts of deals won in the period"
    denominator: "amounts of deals open at its start or started in it"
    null_rule: "amounts are today's, not those of the time, so every row is degraded; deals without a usable amount are left out, and all deals of a connection that records no amount on lost deals; null when nothing is left, or when it would be 0 or 1 only because of what is left out"
  - id: pipeline_velocity
    title: Pipeline velocity per day
    definition: "Money that the open qualified deals bring a day, at the win rate, deal size and sales cycle of the last 12 months."
    formula: "open qualified deals × win rate × average won amount ÷ mean cycle days"
    unit: reporting currency per day
    grain: period × scope
    time_anchor: end of the period, or the as-of day in the current one
    additive: false
    numerator: "open qualified deals × win rate by count × average won amount, the latter two of the 12 months before"
    denominator: "mean cycle days of the 12 months before"
    null_rule: "null without a decided deal, a won amount or a won cycle in the 12 months before; does not roll up"
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
deal as (
    select * from mart.fct_opportunity where deal_exclusion is null
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
        ending.scope_key,
        begun_period.period_key,
        begun_period.day_before,
        begun_period.year_before,
        ending.started,
        ending.started_amount,
        ending.started_unvalued,
        ending.pipeline_won_amount,
        ending.pipeline_won_unvalued,
        ending.ended,
        ending.qualified_in - ending.qualified_out as open_qualified,
        ending.won,
        ending.lost,
        ending.won_sized,
        ending.won_amount,
        ending.won_timed,
        ending.won_cycle_days,
        ending.won_timed_from_engagement,
        ending.won_left_out
    from scope_day as ending
    inner join begun_period on ending.date_day = begun_period.last_day
),
pipeline as (
    select
        lived.scope_key,
        lived.period_key,
        -- Every deal alive in the period: started by its end, not ended before its start.
        lived.started - coalesce(opening.ended, 0) as alive,
        lived.started_amount - coalesce(opening.ended_amount, 0) as alive_amount,
        lived.started_unvalued - coalesce(opening.ended_unvalued, 0) as alive_unvalued,
        lived.pipeline_won_amount - coalesce(opening.pipeline_won_amount, 0) as alive_won_amount,
        lived.pipeline_won_unvalued - coalesce(opening.pipeline_won_unvalued, 0)
            as alive_won_unvalued,
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
pipeline_metric as (
    select metric
    from (values ('pipeline_yield'), ('pipeline_velocity')) as listed (metric)
),
pipeline_parts as (
    select
        pipeline_metric.metric,
        rates.scope_key,
        rates.period_key,
        case pipeline_metric.metric
            when 'pipeline_yield' then
                case when rates.alive > 0 then cast(rates.alive_won_amount as decimal(38, 6)) end
            else
                cast(
                    cast(rates.open_qualified * rates.win_rate as decimal(24, 10))
                    * rates.won_size
                    as decimal(38, 6)
                )
        end as numerator,
        case pipeline_metric.metric
            when 'pipeline_yield' then
                case when rates.alive > 0 then cast(rates.alive_amount as decimal(38, 6)) end
            else cast(rates.cycle_days as decimal(38, 6))
        end as denominator,
        case pipeline_metric.metric
            when 'pipeline_yield' then rates.alive
            else rates.open_qualified
        end as n,
        case pipeline_metric.metric
            when 'pipeline_yield' then rates.alive_unvalued
            else rates.won_left_out
        end as n_excluded,
        -- 1 only because everything else is left out, or 0 only because the won deals are.
        pipeline_metric.metric = 'pipeline_yield'
        and (
            (
                rates.alive_unvalued > rates.alive_won_unvalued
                and rates.alive_won_amount = rates.alive_amount
            )
            or (rates.alive_won_unvalued > 0 and rates.alive_won_amount = 0)
        ) as is_one_sided,
        pipeline_metric.metric = 'pipeline_yield' or rates.won_timed_from_engagement > 0
            as has_substitute
    from pipeline_metric
    cross join rates
),
-- Stale share and pushes: additive counts by rep and day.
counted_by_rep_and_day as (
    select
        'pipeline_stale_share' as metric,
        rep_key,
        $as_of_date as date_day,
        sum(
            case
                when stale_exclusion is not null then null
                when inactive_days >= (select stale_after_days from business) then amount_reporting
                else 0
            end
        ) as numerator,
        sum(case when stale_exclusion is null then amount_reporting end) as denominator,
        sum(case when stale_exclusion is null then 1 else 0 end) as n,
        sum(case when stale_exclusion is not null then 1 else 0 end) as n_excluded
    from deal
    where outcome = 'open'
    group by rep_key
    union all
    select
        'pipeline_pushes_per_deal' as metric,
        rep_key,
        closed_date as date_day,
        cast(sum(push_count) as decimal(28, 2)) as numerator,
        cast(nullif(count(push_count), 0) as decimal(28, 2)) as denominator,
        count(push_count) as n,
        count(*) - count(push_count) as n_excluded
    from deal
    where outcome in ('won', 'lost')
    group by rep_key, closed_date
),
counted_by_rep_and_period as (
    select
        counted.metric,
        counted.rep_key,
        date_period.period_key,
        sum(counted.numerator) as numerator,
        sum(counted.denominator) as denominator,
        sum(counted.n) as n,
        sum(counted.n_excluded) as n_excluded
    from counted_by_rep_and_day as counted
    inner join date_period on counted.date_day = date_period.date_day
    group by counted.metric, counted.rep_key, date_period.period_key
),
counted_parts as (
    select
        counted.metric,
        rep_scope.scope_key,
        counted.period_key,
        cast(sum(counted.numerator) as decimal(38, 6)) as numerator,
        cast(sum(counted.denominator) as decimal(38, 6)) as denominator,
        sum(counted.n) as n,
        sum(counted.n_excluded) as n_excluded,
        false as is_one_sided,
        false as has_substitute
    from counted_by_rep_and_period as counted
    inner join rep_scope on counted.rep_key = rep_scope.rep_key
    group by counted.metric, rep_scope.scope_key, counted.period_key
),
parts as (
    select * from pipeline_parts
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
    stage_name, numerator, denominator, value, unit, n, n_excluded, completeness, as_of
from final
