/* @model
description: Of the deals that entered a stage in a period, how many went on to the next stage, or from the first one to each later one, or to won; how many were lost before, and how many may still come. By month, quarter and year of the entry, for the company, regions, teams and reps.
grain: [pair, mode, period_grain, period_start, scope, scope_id, from_stage_id, to_stage_id]
kind: incremental
incremental:
  key: opportunity_id
  periods: >-
    select reached_date as date_day, progress.* from funnel.stage_progress as progress
    union all
    select first_date as date_day, progress.* from funnel.stage_progress as progress
  changed_by: {funnel.stage_progress: opportunity_id}
  matters:
    mart.dim_date: select date_day, fiscal_month_start, fiscal_quarter_start, fiscal_year_start from mart.dim_date
    mart.dim_period: select period_key, period_grain, period_start, period_end from mart.dim_period
  as_of: harmless
owner: revops
tags: [crm, funnel]
columns:
  pair: {type: string, doc: "adjacent: from a stage to the next one; cumulative: from the first stage to each later one", checks: [not_null, "accepted_values: [adjacent, cumulative]"]}
  mode: {type: string, doc: "ordered: only deals that entered every stage so far, one after the other; any: reached, whatever the order, so that who went further reached what was skipped", checks: [not_null, "accepted_values: [ordered, any]"]}
  period_grain: {type: string, doc: "month, quarter or year", checks: [not_null, "accepted_values: [month, quarter, year]"]}
  period_start: {type: date, doc: "first day of the period in which the from-stage was entered", checks: [not_null]}
  period_end: {type: date, doc: "last day of the period, inclusive", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep: whose the deal was when it entered the from-stage", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  pipeline_id: {type: string, doc: "the pipeline: connection, or in HubSpot connection:pipeline", checks: [not_null]}
  pipeline_name: {type: string, doc: "its label; null where the CRM has one without a name"}
  from_stage_id: {type: string, doc: "the stage entered", checks: [not_null]}
  from_stage_name: {type: string, doc: "its label when these deals began", checks: [not_null]}
  from_step: {type: int64, doc: "its number in the order of the open stages", checks: [not_null]}
  to_stage_id: {type: string, doc: "the stage to be reached; won stands under the id of the first won stage", checks: [not_null]}
  to_stage_name: {type: string, doc: "its label when these deals began", checks: [not_null]}
  to_step: {type: int64, doc: "its number in the order; won comes after the last open stage", checks: [not_null]}
  n_entered: {type: int64, doc: "deals that entered the from-stage: the denominator", checks: [not_null, "between 0 and 1000000000000"]}
  n_converted: {type: int64, doc: "of them, those that reached the to-stage by now: the numerator; won: those that are won now", checks: [not_null, "between 0 and 1000000000000"]}
  n_lost: {type: int64, doc: "of them, those that are lost now without having reached it", checks: [not_null, "between 0 and 1000000000000"]}
  n_open: {type: int64, doc: "of them, those still open before it (censored: they may still come)", checks: [not_null, "between 0 and 1000000000000"]}
  n_other: {type: int64, doc: "of them, those that went another way: to another pipeline, or (ordered) past a stage that they had not entered", checks: [not_null, "between 0 and 1000000000000"]}
  n_excluded: {type: int64, doc: "deals left out because nobody knows when they began: their first known stage is later than they are", checks: [not_null, "between 0 and 1000000000000"]}
  conversion_rate: {type: "decimal(38,6)", doc: "n_converted ÷ n_entered; null: none entered", checks: ["between 0 and 1"]}
  median_days: {type: "decimal(38,6)", doc: "median of the whole days from entering the one to entering the other, of those that converted"}
  p90_days: {type: "decimal(38,6)", doc: "90th percentile of these days, interpolated"}
  completeness: {type: string, doc: "complete, degraded (deals left out) or partial (a source did not come in whole)", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
*/
with
progress as (
    select * from funnel.stage_progress
),
stage_version as (
    select * from mart.dim_stage_version
),
rep_scope as (
    select * from mart.bridge_rep_scope
),
scope as (
    select * from mart.dim_scope
),
day as (
    select * from mart.dim_date
),
period as (
    select * from mart.dim_period
),
stage_number as (
    select stage_id, cast(row_number() over (order by stage_id) as bigint) as stage_key
    from (select distinct stage_id from stage_version) as distinct_stage
),
-- The steps of each order of stages: the active open ones, and won after them.
open_step as (
    select layout_key, place / 2 as step, stage_id, stage_name, pipeline_id, pipeline_name
    from stage_version
    where stage_type = 'open' and is_active and place % 2 = 0
),
layout as (
    select layout_key, max(step) as open_steps
    from open_step
    group by layout_key
),
won_stage as (
    select
        layout_key,
        stage_id,
        stage_name,
        pipeline_id,
        pipeline_name,
        row_number() over (
            partition by layout_key
            order by is_active desc, sort_order, stage_id
        ) as choice
    from stage_version
    where stage_type = 'won'
),
step as (
    select
        open_step.layout_key,
        open_step.step,
        layout.open_steps,
        stage_number.stage_key,
        open_step.stage_name,
        open_step.pipeline_id,
        open_step.pipeline_name
    from open_step
    inner join layout on open_step.layout_key = layout.layout_key
    inner join stage_number on open_step.stage_id = stage_number.stage_id
    union all
    select
        won_stage.layout_key,
        layout.open_steps + 1 as step,
        layout.open_steps,
        stage_number.stage_key,
        won_stage.stage_name,
        won_stage.pipeline_id,
        won_stage.pipeline_name
    from won_stage
    inner join layout on won_stage.layout_key = layout.layout_key
    inner join stage_number on won_stage.stage_id = stage_number.stage_id
    where won_stage.choice = 1
),
-- One row a deal and pair of stages: what became of it in either mode (null: it is not in it).
contribution as (
    select
        1 as pair_key,
        rep_key,
        reached_date as date_day,
        layout_key,
        step as from_step,
        step + 1 as to_step,
        case when has_next then 'converted' else ending end as any_state,
        case
            when not is_ordered then null
            when not has_next then ending
            when next_is_ordered then 'converted'
            else 'other'
        end as ordered_state,
        case when has_next then next_date - reached_date end as days,
        is_excluded
    from progress
    where step <= open_steps
    union all
    select
        2 as pair_key,
        first_rep_key as rep_key,
        first_date as date_day,
        layout_key,
        1 as from_step,
        step as to_step,
        'converted' as any_state,
        case
            when not first_is_ordered then null
            when is_ordered then 'converted'
            else 'other'
        end as ordered_state,
        reached_date - first_date as days,
        is_excluded
    from progress
    where step > 1
    union all
    select
        2 as pair_key,
        progress.first_rep_key as rep_key,
        progress.first_date as date_day,
        progress.layout_key,
        1 as from_step,
        step.step as to_step,
        progress.ending as any_state,
        case
            when not progress.first_is_ordered then null
            when progress.is_ordered then progress.ending
            else 'other'
        end as ordered_state,
        cast(null as bigint) as days,
        progress.is_excluded
    from step
    inner join progress
        on step.layout_key = progress.layout_key
        and step.step > progress.step
    where not progress.has_next
),
-- Added up before it is spread over scopes and periods. Days stay apart for the percentiles.
counted as (
    select
        pair_key,
        rep_key,
        period_start('month', date_day) as month_start,
        layout_key,
        from_step,
        to_step,
        cast(days as bigint) as days,
        sum(case when is_excluded then 0 else 1 end) as any_entered,
        sum(case when not is_excluded and any_state = 'converted' then 1 else 0 end)
            as any_converted,
        sum(case when not is_excluded and any_state = 'lost' then 1 else 0 end) as any_lost,
        sum(case when not is_excluded and any_state = 'open' then 1 else 0 end) as any_open,
        sum(case when not is_excluded and ordered_state is not null then 1 else 0 end)
            as ordered_entered,
        sum(case when not is_excluded and ordered_state = 'converted' then 1 else 0 end)
            as ordered_converted,
        sum(case when not is_excluded and ordered_state = 'lost' then 1 else 0 end)
            as ordered_lost,
        sum(case when not is_excluded and ordered_state = 'open' then 1 else 0 end)
            as ordered_open,
        sum(case when is_excluded then 1 else 0 end) as any_excluded,
        sum(case when is_excluded and ordered_state is not null then 1 else 0 end)
            as ordered_excluded
    from contribution
    group by
        pair_key, rep_key, period_start('month', date_day), layout_key, from_step, to_step, days
),
month_period as (
    select distinct
        day.fiscal_month_start as month_start,
        period.period_key
    from day
    inner join period
        on (period.period_grain = 'month' and period.period_start = day.fiscal_month_start)
        or (period.period_grain = 'quarter' and period.period_start = day.fiscal_quarter_start)
        or (period.period_grain = 'year' and period.period_start = day.fiscal_year_start)
),
-- Stages are counted together under their id, however they were called and ordered.
staged as (
    select
        counted.*,
        from_stage.stage_key as from_stage_key,
        to_stage.stage_key as to_stage_key
    from step as to_stage
    inner join counted
        on to_stage.layout_key = counted.layout_key and to_stage.step = counted.to_step
    inner join step as from_stage
        on counted.layout_key = from_stage.layout_key and counted.from_step = from_stage.step
),
spread as (
    select
        staged.pair_key,
        rep_scope.scope_key,
        month_period.period_key,
        staged.from_stage_key,
        staged.to_stage_key,
        staged.days,
        max(staged.layout_key) as layout_key,
        sum(staged.any_entered) as any_entered,
        sum(staged.any_converted) as any_converted,
        sum(staged.any_lost) as any_lost,
        sum(staged.any_open) as any_open,
        sum(staged.ordered_entered) as ordered_entered,
        sum(staged.ordered_converted) as ordered_converted,
        sum(staged.ordered_lost) as ordered_lost,
        sum(staged.ordered_open) as ordered_open,
        sum(staged.any_excluded) as any_excluded,
        sum(staged.ordered_excluded) as ordered_excluded
    from month_period
    inner join staged on month_period.month_start = staged.month_start
    inner join rep_scope on staged.rep_key = rep_scope.rep_key
    group by
        staged.pair_key, rep_scope.scope_key, month_period.period_key, staged.from_stage_key,
        staged.to_stage_key, staged.days
),
total as (
    select
        pair_key,
        scope_key,
        period_key,
        from_stage_key,
        to_stage_key,
        max(layout_key) as layout_key,
        sum(any_entered) as any_entered,
        sum(any_converted) as any_converted,
        sum(any_lost) as any_lost,
        sum(any_open) as any_open,
        sum(ordered_entered) as ordered_entered,
        sum(ordered_converted) as ordered_converted,
        sum(ordered_lost) as ordered_lost,
        sum(ordered_open) as ordered_open,
        sum(any_excluded) as any_excluded,
        sum(ordered_excluded) as ordered_excluded
    from spread
    group by pair_key, scope_key, period_key, from_stage_key, to_stage_key
),
-- Percentiles are read off the counts by days: the day at place p is the first at which more than
-- p deals had arrived.
arriving as (
    select
        pair_key,
        scope_key,
        period_key,
        from_stage_key,
        to_stage_key,
        days,
        sum(any_converted) over days_of_group as any_arrived,
        sum(ordered_converted) over days_of_group as ordered_arrived
    from spread
    where days is not null
    window days_of_group as (
        partition by pair_key, scope_key, period_key, from_stage_key, to_stage_key
        order by days
        rows between unbounded preceding and current row
    )
),
read_off as (
    select
        arriving.pair_key,
        arriving.scope_key,
        arriving.period_key,
        arriving.from_stage_key,
        arriving.to_stage_key,
        min(case when any_arrived > (any_converted - 1) / 2 then days end) as any_low,
        min(case when any_arrived > any_converted / 2 then days end) as any_high,
        min(case when any_arrived > 9 * (any_converted - 1) / 10 then days end) as any_p90_low,
        min(case when any_arrived > (9 * (any_converted - 1) + 9) / 10 then days end)
            as any_p90_high,
        min(case when ordered_arrived > (ordered_converted - 1) / 2 then days end)
            as ordered_low,
        min(case when ordered_arrived > ordered_converted / 2 then days end) as ordered_high,
        min(case when ordered_arrived > 9 * (ordered_converted - 1) / 10 then days end)
            as ordered_p90_low,
        min(case when ordered_arrived > (9 * (ordered_converted - 1) + 9) / 10 then days end)
            as ordered_p90_high
    from total
    inner join arriving
        on total.pair_key = arriving.pair_key
        and total.scope_key = arriving.scope_key
        and total.period_key = arriving.period_key
        and total.from_stage_key = arriving.from_stage_key
        and total.to_stage_key = arriving.to_stage_key
    group by
        arriving.pair_key, arriving.scope_key, arriving.period_key, arriving.from_stage_key,
        arriving.to_stage_key
),
mode as (
    select mode
    from (values ('any'), ('ordered')) as listed (mode)
),
with_days as (
    select
        total.*,
        read_off.any_low,
        read_off.any_high,
        read_off.any_p90_low,
        read_off.any_p90_high,
        read_off.ordered_low,
        read_off.ordered_high,
        read_off.ordered_p90_low,
        read_off.ordered_p90_high
    from total
    left join read_off
        on total.pair_key = read_off.pair_key
        and total.scope_key = read_off.scope_key
        and total.period_key = read_off.period_key
        and total.from_stage_key = read_off.from_stage_key
        and total.to_stage_key = read_off.to_stage_key
),
by_mode as (
    select
        mode.mode,
        total.pair_key,
        total.scope_key,
        total.period_key,
        total.from_stage_key,
        total.to_stage_key,
        total.layout_key,
        case when mode.mode = 'any' then any_entered else ordered_entered end as n_entered,
        case when mode.mode = 'any' then any_converted else ordered_converted end as n_converted,
        case when mode.mode = 'any' then any_lost else ordered_lost end as n_lost,
        case when mode.mode = 'any' then any_open else ordered_open end as n_open,
        case when mode.mode = 'any' then any_excluded else ordered_excluded end as n_excluded,
        case when mode.mode = 'any' then any_low else ordered_low end as median_low,
        case when mode.mode = 'any' then any_high else ordered_high end as median_high,
        case when mode.mode = 'any' then any_p90_low else ordered_p90_low end as p90_low,
        case when mode.mode = 'any' then any_p90_high else ordered_p90_high end as p90_high
    from mode
    cross join with_days as total
),
stage_key_id as (
    select stage_key, stage_id from stage_number
),
final as (
    select
        case by_mode.pair_key when 1 then 'adjacent' else 'cumulative' end as pair,
        by_mode.mode,
        period.period_grain,
        period.period_start,
        period.period_end,
        scope.scope,
        scope.scope_id,
        scope.scope_name,
        from_step.pipeline_id,
        from_step.pipeline_name,
        from_id.stage_id as from_stage_id,
        from_step.stage_name as from_stage_name,
        from_step.step as from_step,
        to_id.stage_id as to_stage_id,
        to_step.stage_name as to_stage_name,
        to_step.step as to_step,
        by_mode.n_entered,
        by_mode.n_converted,
        by_mode.n_lost,
        by_mode.n_open,
        by_mode.n_entered - by_mode.n_converted - by_mode.n_lost - by_mode.n_open as n_other,
        by_mode.n_excluded,
        case
            when by_mode.n_entered > 0
                then
                    cast(
                        cast(by_mode.n_converted as decimal(38, 6))
                        / cast(by_mode.n_entered as decimal(38, 6))
                        as decimal(38, 6)
                    )
        end as conversion_rate,
        case
            when by_mode.n_converted > 0
                then
                    cast(
                        cast(by_mode.median_low + by_mode.median_high as decimal(38, 6))
                        / cast(2 as decimal(38, 6))
                        as decimal(38, 6)
                    )
        end as median_days,
        case
            when by_mode.n_converted > 0
                then
                    cast(
                        cast(
                            10 * by_mode.p90_low
                            + (9 * (by_mode.n_converted - 1)) % 10
                            * (by_mode.p90_high - by_mode.p90_low)
                            as decimal(38, 6)
                        )
                        / cast(10 as decimal(38, 6))
                        as decimal(38, 6)
                    )
        end as p90_days,
        case
            when not scope.is_whole then 'partial'
            when by_mode.n_excluded > 0 then 'degraded'
            else 'complete'
        end as completeness,
        $as_of as as_of
    from by_mode
    inner join scope on by_mode.scope_key = scope.scope_key
    inner join period on by_mode.period_key = period.period_key
    inner join step as from_step
        on by_mode.layout_key = from_step.layout_key
        and by_mode.from_stage_key = from_step.stage_key
    inner join step as to_step
        on by_mode.layout_key = to_step.layout_key
        and by_mode.to_stage_key = to_step.stage_key
    inner join stage_key_id as from_id on by_mode.from_stage_key = from_id.stage_key
    inner join stage_key_id as to_id on by_mode.to_stage_key = to_id.stage_key
    where by_mode.n_entered > 0 or by_mode.n_excluded > 0
)
select
    pair, mode, period_grain, period_start, period_end, scope, scope_id, scope_name, pipeline_id,
    pipeline_name, from_stage_id, from_stage_name, from_step, to_stage_id, to_stage_name,
    to_step, n_entered, n_converted, n_lost, n_open, n_other, n_excluded, conversion_rate,
    median_days, p90_days, completeness, as_of
from final
