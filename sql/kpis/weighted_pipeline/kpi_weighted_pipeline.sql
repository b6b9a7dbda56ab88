/* @model
description: What the open deals weigh by each of three probabilities at the end of every day of the last two years, and of each period; by stage, forecast category and quarter of the planned close.
grain: [metric, period_grain, period_start, scope, scope_id, stage_id, forecast_category, close_period_start, target_metric]
kind: table
owner: revops
tags: [crm, kpi, pipeline]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null, "accepted_values: [weighted_pipeline_deal, weighted_pipeline_stage, weighted_pipeline_historical]"]}
  period_grain: {type: string, doc: "day, week, month, quarter or year", checks: [not_null, "accepted_values: [day, week, month, quarter, year]"]}
  period_start: {type: date, doc: "first day of the period", checks: [not_null]}
  period_end: {type: date, doc: "last day of the period, inclusive", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  stage_id: {type: string, doc: "slice by stage, none where it is unknown; null: all stages"}
  stage_name: {type: string, doc: "the stage's name"}
  forecast_category: {type: string, doc: "slice by forecast category, none where there is none; null: all"}
  close_period_start: {type: date, doc: "slice by the fiscal quarter of the planned close date: its first day; null: all, deals without a planned close date too"}
  target_metric: {type: string, doc: "the metric that a target is for; null where there is none"}
  numerator: {type: "decimal(38,6)", doc: "upper part of a ratio; null where the metric is no ratio or nothing was observed"}
  denominator: {type: "decimal(38,6)", doc: "lower part of a ratio"}
  value: {type: "decimal(38,6)", doc: "the figure; null: not measurable, see completeness"}
  unit: {type: string, doc: "the reporting currency", checks: [not_null]}
  n: {type: int64, doc: "rows in the figure, mostly deals", checks: ["between 0 and 1000000000000"]}
  n_excluded: {type: int64, doc: "rows that a rule leaves out of it, listed in ops.exclusion", checks: ["between 0 and 1000000000000"]}
  completeness: {type: string, doc: "complete, degraded (something left out or replaced) or partial (a source did not come in whole); reasons in ops.completeness", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
metrics:
  - id: weighted_pipeline_deal
    title: Weighted pipeline by the deals' probabilities
    definition: "Amounts of the open deals, each times the probability that the deal itself has."
    formula: "Σ amount × probability, each rounded to cents"
    unit: reporting currency
    grain: "period × scope; also by stage, forecast category, or quarter of the planned close for company, regions and teams"
    time_anchor: end of the period's last day, or of the as-of day; who had the deals then
    additive: false
    null_rule: "omitted deals are in none; deals without a usable amount or probability are left out and counted; null when none is left; sums up over scopes and slices, not over periods"
  - id: weighted_pipeline_stage
    title: Weighted pipeline by the stages' probabilities
    definition: "Amounts of the open deals, each times the default probability of its stage."
    formula: "Σ amount × default probability of the stage, each rounded to cents"
    unit: reporting currency
    grain: "as weighted_pipeline_deal"
    time_anchor: end of the period's last day, or of the as-of day; who had the deals then
    additive: false
    null_rule: "as weighted_pipeline_deal, with the stage's probability"
  - id: weighted_pipeline_historical
    title: Weighted pipeline by what was won from each stage
    definition: "Amounts of the open deals, each times the share of the deals that were ever in its stage and were decided in the twelve months before the month that were won."
    formula: "Σ amount × won ÷ decided of the stage, each rounded to cents"
    unit: reporting currency
    grain: "as weighted_pipeline_deal"
    time_anchor: end of the period's last day, or of the as-of day; who had the deals then
    additive: false
    null_rule: "as weighted_pipeline_deal, without a probability where no deal from the stage was decided"
*/
with
-- By how much each day differs from the one before: for reps the total, for teams by slice.
rep_change as (
    select * from mart.fct_weighted_rep_change
),
team_change as (
    select * from mart.fct_weighted_team_change
),
rep_scope as (
    select * from mart.bridge_rep_scope
),
scope as (
    select * from mart.dim_scope
),
stage as (
    select * from mart.dim_stage
),
day as (
    select date_day from mart.dim_date where not is_future
),
period as (
    select * from mart.dim_period
),
business as (
    select * from system.business
),
category as (
    select category_key, forecast_category
    from (
        values
            (0, 'none'), (1, 'pipeline'), (2, 'best_case'), (3, 'most_likely'), (4, 'commit'),
            (5, 'closed')
    ) as listed (category_key, forecast_category)
),
-- Keys are numbers: millions of rows are grouped by them.
by_team as (
    select
        team_change.unit_key,
        team_change.stage_key,
        category.category_key,
        cast(arrow_cast(team_change.close_quarter_start, 'Int32') as bigint) as quarter_key,
        team_change.date_day,
        team_change.weighted_deal, team_change.counted_deal, team_change.excluded_deal,
        team_change.weighted_stage, team_change.counted_stage, team_change.excluded_stage,
        team_change.weighted_historical, team_change.counted_historical,
        team_change.excluded_historical
    from category
    inner join team_change on category.forecast_category = team_change.forecast_category
),
slice as (
    select slice from (values (1), (2), (3)) as listed (slice)
),
-- Slice 0 is the total, 1 the stage, 2 the category, 3 the quarter.
sliced as (
    select
        slice.slice,
        case slice.slice
            when 1 then by_team.stage_key
            when 2 then by_team.category_key
            else by_team.quarter_key
        end as slice_key,
        by_team.*
    from slice
    cross join by_team
    where slice.slice < 3 or by_team.quarter_key is not null
),
by_unit as (
    select
        slice,
        slice_key,
        unit_key,
        date_day,
        sum(weighted_deal) as weighted_deal,
        sum(counted_deal) as counted_deal,
        sum(excluded_deal) as excluded_deal,
        sum(weighted_stage) as weighted_stage,
        sum(counted_stage) as counted_stage,
        sum(excluded_stage) as excluded_stage,
        sum(weighted_historical) as weighted_historical,
        sum(counted_historical) as counted_historical,
        sum(excluded_historical) as excluded_historical
    from sliced
    group by slice, slice_key, unit_key, date_day
    union all
    select
        0 as slice,
        0 as slice_key,
        rep_key as unit_key,
        date_day,
        weighted_deal, counted_deal, excluded_deal,
        weighted_stage, counted_stage, excluded_stage,
        weighted_historical, counted_historical, excluded_historical
    from rep_change
),
by_scope_event as (
    select
        by_unit.*,
        rep_scope.scope_key
    from by_unit
    inner join rep_scope on by_unit.unit_key = rep_scope.rep_key
    inner join scope on rep_scope.scope_key = scope.scope_key
    where by_unit.slice = 0 or scope.scope <> 'rep'
),
-- A row of zeros for every day since the first, so that no day is missing.
first_day as (
    select slice, slice_key, scope_key, min(date_day) as date_day
    from by_scope_event
    group by slice, slice_key, scope_key
),
event_or_zero as (
    select
        slice, slice_key, scope_key, date_day,
        weighted_deal, counted_deal, excluded_deal,
        weighted_stage, counted_stage, excluded_stage,
        weighted_historical, counted_historical, excluded_historical
    from by_scope_event
    union all
    select
        first_day.slice, first_day.slice_key, first_day.scope_key, day.date_day,
        0, 0, 0, 0, 0, 0, 0, 0, 0
    from first_day
    inner join day on first_day.date_day <= day.date_day
),
by_scope as (
    select
        slice,
        slice_key,
        scope_key,
        date_day,
        sum(weighted_deal) as weighted_deal,
        sum(counted_deal) as counted_deal,
        sum(excluded_deal) as excluded_deal,
        sum(weighted_stage) as weighted_stage,
        sum(counted_stage) as counted_stage,
        sum(excluded_stage) as excluded_stage,
        sum(weighted_historical) as weighted_historical,
        sum(counted_historical) as counted_historical,
        sum(excluded_historical) as excluded_historical
    from event_or_zero
    group by slice, slice_key, scope_key, date_day
),
standing as (
    select
        slice,
        slice_key,
        scope_key,
        date_day,
        sum(weighted_deal) over so_far as weighted_deal,
        sum(counted_deal) over so_far as counted_deal,
        sum(excluded_deal) over so_far as excluded_deal,
        sum(weighted_stage) over so_far as weighted_stage,
        sum(counted_stage) over so_far as counted_stage,
        sum(excluded_stage) over so_far as excluded_stage,
        sum(weighted_historical) over so_far as weighted_historical,
        sum(counted_historical) over so_far as counted_historical,
        sum(excluded_historical) over so_far as excluded_historical
    from by_scope
    window
        so_far as (
            partition by slice, slice_key, scope_key order by date_day
            rows between unbounded preceding and current row
        )
),
-- Every day of two years, and the last day of every other period.
stock_period as (
    select period_key, least(period_end, $as_of_date) as date_day
    from period
    where
        period_start <= $as_of_date
        and (
            period_grain <> 'day'
            or period_start >= cast($as_of_date - interval '730 days' as date)
        )
),
placed as (
    select standing.*, stock_period.period_key
    from stock_period
    inner join standing on stock_period.date_day = standing.date_day
),
parts as (
    select
        'weighted_pipeline_deal' as metric,
        slice,
        slice_key,
        scope_key,
        period_key,
        case when counted_deal > 0 then cast(weighted_deal as decimal(38, 6)) end as value,
        counted_deal as n,
        excluded_deal as n_excluded
    from placed
    union all
    select
        'weighted_pipeline_stage' as metric,
        slice,
        slice_key,
        scope_key,
        period_key,
        case when counted_stage > 0 then cast(weighted_stage as decimal(38, 6)) end as value,
        counted_stage as n,
        excluded_stage as n_excluded
    from placed
    union all
    select
        'weighted_pipeline_historical' as metric,
        slice,
        slice_key,
        scope_key,
        period_key,
        case when counted_historical > 0 then cast(weighted_historical as decimal(38, 6)) end as value,
        counted_historical as n,
        excluded_historical as n_excluded
    from placed
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
        case when parts.slice = 1 then coalesce(stage.stage_id, 'none') end as stage_id,
        case when parts.slice = 1 then coalesce(stage.stage_name, 'none') end as stage_name,
        category.forecast_category,
        case
            when parts.slice = 3
                then arrow_cast(cast(parts.slice_key as int), 'Date32')
        end as close_period_start,
        cast(null as varchar) as target_metric,
        cast(null as decimal(38, 6)) as numerator,
        cast(null as decimal(38, 6)) as denominator,
        parts.value,
        (select reporting_currency from business) as unit,
        parts.n,
        parts.n_excluded,
        case
            when not scope.is_whole then 'partial'
            when parts.n_excluded > 0 then 'degraded'
            else 'complete'
        end as completeness,
        $as_of as as_of
    from parts
    inner join scope on parts.scope_key = scope.scope_key
    inner join period on parts.period_key = period.period_key
    left join stage on parts.slice = 1 and parts.slice_key = stage.stage_key
    left join category on parts.slice = 2 and parts.slice_key = category.category_key
    where parts.n > 0 or parts.n_excluded > 0
)
select
    metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
    stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
    value, unit, n, n_excluded, completeness, as_of
from final
