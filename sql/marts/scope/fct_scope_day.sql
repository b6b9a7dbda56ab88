/* @model
description: Running totals at the end of each day for each scope, from its first deal to the as-of day. What happened between two days is the difference of two rows.
grain: [scope_key, date_day]
kind: table
owner: revops
tags: [crm, scope, pipeline]
columns:
  scope_key: {type: int64, doc: "the scope, as in dim_scope", checks: [not_null]}
  date_day: {type: date, doc: "the day at whose end the totals hold", checks: [not_null]}
  started: {type: int64, doc: "valued deals started so far", checks: [not_null]}
  started_amount: {type: "decimal(38,2)", doc: "their amounts, in the reporting currency", checks: [not_null]}
  started_unvalued: {type: int64, doc: "deals started so far that pipeline_exclusion leaves out by value", checks: [not_null]}
  ended: {type: int64, doc: "valued deals won or lost so far", checks: [not_null]}
  ended_amount: {type: "decimal(38,2)", doc: "their amounts", checks: [not_null]}
  ended_unvalued: {type: int64, doc: "deals won or lost so far that pipeline_exclusion leaves out by value", checks: [not_null]}
  pipeline_won_amount: {type: "decimal(38,2)", doc: "amounts of the valued deals won so far", checks: [not_null]}
  pipeline_won_unvalued: {type: int64, doc: "deals won so far that pipeline_exclusion leaves out by value", checks: [not_null]}
  qualified_in: {type: int64, doc: "deals qualified so far", checks: [not_null]}
  qualified_out: {type: int64, doc: "qualified deals won or lost so far", checks: [not_null]}
  won: {type: int64, doc: "deals won so far", checks: [not_null]}
  lost: {type: int64, doc: "deals lost so far", checks: [not_null]}
  won_sized: {type: int64, doc: "deals won so far with an amount in the reporting currency", checks: [not_null]}
  won_amount: {type: "decimal(38,2)", doc: "their amounts", checks: [not_null]}
  won_timed: {type: int64, doc: "deals won so far with a sales cycle", checks: [not_null]}
  won_cycle_days: {type: int64, doc: "their cycles, in days", checks: [not_null]}
  won_timed_from_engagement: {type: int64, doc: "those of them whose cycle starts at engagement because the source has no creation date", checks: [not_null]}
  won_left_out: {type: int64, doc: "deals won so far without a usable amount or cycle", checks: [not_null]}
*/
with
deal as (
    select * from mart.fct_opportunity where deal_exclusion is null
),
stage as (
    select * from mart.dim_stage
),
rep_scope as (
    select * from mart.bridge_rep_scope
),
day as (
    select date_day from mart.dim_date where not is_future
),
-- A deal enters when it starts …
start_event as (
    select
        rep_key,
        start_date as date_day,
        sum(case when pipeline_exclusion is null then 1 else 0 end) as started,
        sum(case when pipeline_exclusion is null then amount_reporting else 0 end)
            as started_amount,
        sum(case when pipeline_exclusion is not null then 1 else 0 end) as started_unvalued
    from deal
    where pipeline_exclusion is null or pipeline_exclusion not in ('no_start_date', 'negative_cycle')
    group by rep_key, start_date
),
-- … and leaves when it is won or lost.
end_event as (
    select
        rep_key,
        closed_date as date_day,
        sum(case when pipeline_exclusion is null then 1 else 0 end) as ended,
        sum(case when pipeline_exclusion is null then amount_reporting else 0 end)
            as ended_amount,
        sum(
            case
                when pipeline_exclusion not in ('no_start_date', 'negative_cycle') then 1
                else 0
            end
        ) as ended_unvalued,
        sum(
            case
                when pipeline_exclusion is null and outcome = 'won' then amount_reporting
                else 0
            end
        ) as pipeline_won_amount,
        sum(
            case
                when
                    pipeline_exclusion not in ('no_start_date', 'negative_cycle')
                    and outcome = 'won'
                    then 1
                else 0
            end
        ) as pipeline_won_unvalued,
        sum(case when qualified_cycle_days is not null then 1 else 0 end) as qualified_out,
        sum(case when outcome = 'won' then 1 else 0 end) as won,
        sum(case when outcome = 'lost' then 1 else 0 end) as lost,
        sum(case when outcome = 'won' and amount_exclusion is null then 1 else 0 end)
            as won_sized,
        sum(
            case
                when outcome = 'won' and amount_exclusion is null then amount_reporting
                else 0
            end
        ) as won_amount,
        sum(case when outcome = 'won' and cycle_exclusion is null then 1 else 0 end)
            as won_timed,
        sum(case when outcome = 'won' and cycle_exclusion is null then cycle_days else 0 end)
            as won_cycle_days,
        sum(
            case
                when
                    outcome = 'won'
                    and cycle_exclusion is null
                    and cycle_start_source = 'engaged'
                    then 1
                else 0
            end
        ) as won_timed_from_engagement,
        sum(
            case
                when
                    outcome = 'won'
                    and (amount_exclusion is not null or cycle_exclusion is not null)
                    then 1
                else 0
            end
        ) as won_left_out
    from deal
    where outcome in ('won', 'lost')
    group by rep_key, closed_date
),
-- Open deals count as qualified while their stage is; closed ones between the two days.
qualified_event as (
    select deal.rep_key, deal.qualified_date as date_day, count(*) as qualified_in
    from deal
    inner join stage on deal.stage_id = stage.stage_id
    where
        deal.qualified_date <= $as_of_date
        and (
            (deal.outcome = 'open' and stage.is_qualified)
            or (deal.outcome <> 'open' and deal.qualified_cycle_days is not null)
        )
    group by deal.rep_key, deal.qualified_date
),
event as (
    select
        rep_key, date_day, started, started_amount, started_unvalued,
        0 as ended, 0 as ended_amount, 0 as ended_unvalued, 0 as pipeline_won_amount,
        0 as pipeline_won_unvalued, 0 as qualified_in, 0 as qualified_out, 0 as won, 0 as lost,
        0 as won_sized, 0 as won_amount, 0 as won_timed, 0 as won_cycle_days,
        0 as won_timed_from_engagement, 0 as won_left_out
    from start_event
    union all
    select
        rep_key, date_day, 0, 0, 0,
        ended, ended_amount, ended_unvalued, pipeline_won_amount,
        pipeline_won_unvalued, 0, qualified_out, won, lost,
        won_sized, won_amount, won_timed, won_cycle_days,
        won_timed_from_engagement, won_left_out
    from end_event
    union all
    select
        rep_key, date_day, 0, 0, 0,
        0, 0, 0, 0,
        0, qualified_in, 0, 0, 0,
        0, 0, 0, 0,
        0, 0
    from qualified_event
),
by_rep as (
    select
        rep_key,
        date_day,
        sum(started) as started,
        sum(started_amount) as started_amount,
        sum(started_unvalued) as started_unvalued,
        sum(ended) as ended,
        sum(ended_amount) as ended_amount,
        sum(ended_unvalued) as ended_unvalued,
        sum(pipeline_won_amount) as pipeline_won_amount,
        sum(pipeline_won_unvalued) as pipeline_won_unvalued,
        sum(qualified_in) as qualified_in,
        sum(qualified_out) as qualified_out,
        sum(won) as won,
        sum(lost) as lost,
        sum(won_sized) as won_sized,
        sum(won_amount) as won_amount,
        sum(won_timed) as won_timed,
        sum(won_cycle_days) as won_cycle_days,
        sum(won_timed_from_engagement) as won_timed_from_engagement,
        sum(won_left_out) as won_left_out
    from event
    group by rep_key, date_day
),
-- A row of zeros for every day that a scope has lived through, so that no day is missing.
first_day as (
    select rep_scope.scope_key, min(by_rep.date_day) as date_day
    from by_rep
    inner join rep_scope on by_rep.rep_key = rep_scope.rep_key
    group by rep_scope.scope_key
),
lived as (
    select first_day.scope_key, day.date_day
    from first_day
    inner join day on first_day.date_day <= day.date_day
),
by_scope_or_zero as (
    select
        rep_scope.scope_key, by_rep.date_day, by_rep.started, by_rep.started_amount,
        by_rep.started_unvalued, by_rep.ended, by_rep.ended_amount, by_rep.ended_unvalued,
        by_rep.pipeline_won_amount, by_rep.pipeline_won_unvalued, by_rep.qualified_in,
        by_rep.qualified_out, by_rep.won, by_rep.lost, by_rep.won_sized, by_rep.won_amount,
        by_rep.won_timed, by_rep.won_cycle_days, by_rep.won_timed_from_engagement,
        by_rep.won_left_out
    from by_rep
    inner join rep_scope on by_rep.rep_key = rep_scope.rep_key
    union all
    select scope_key, date_day, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    from lived
),
by_scope as (
    select
        scope_key,
        date_day,
        sum(started) as started,
        sum(started_amount) as started_amount,
        sum(started_unvalued) as started_unvalued,
        sum(ended) as ended,
        sum(ended_amount) as ended_amount,
        sum(ended_unvalued) as ended_unvalued,
        sum(pipeline_won_amount) as pipeline_won_amount,
        sum(pipeline_won_unvalued) as pipeline_won_unvalued,
        sum(qualified_in) as qualified_in,
        sum(qualified_out) as qualified_out,
        sum(won) as won,
        sum(lost) as lost,
        sum(won_sized) as won_sized,
        sum(won_amount) as won_amount,
        sum(won_timed) as won_timed,
        sum(won_cycle_days) as won_cycle_days,
        sum(won_timed_from_engagement) as won_timed_from_engagement,
        sum(won_left_out) as won_left_out
    from by_scope_or_zero
    group by scope_key, date_day
),
final as (
    select
        scope_key,
        date_day,
        sum(started) over so_far as started,
        cast(sum(started_amount) over so_far as decimal(38, 2)) as started_amount,
        sum(started_unvalued) over so_far as started_unvalued,
        sum(ended) over so_far as ended,
        cast(sum(ended_amount) over so_far as decimal(38, 2)) as ended_amount,
        sum(ended_unvalued) over so_far as ended_unvalued,
        cast(sum(pipeline_won_amount) over so_far as decimal(38, 2)) as pipeline_won_amount,
        sum(pipeline_won_unvalued) over so_far as pipeline_won_unvalued,
        sum(qualified_in) over so_far as qualified_in,
        sum(qualified_out) over so_far as qualified_out,
        sum(won) over so_far as won,
        sum(lost) over so_far as lost,
        sum(won_sized) over so_far as won_sized,
        cast(sum(won_amount) over so_far as decimal(38, 2)) as won_amount,
        sum(won_timed) over so_far as won_timed,
        sum(won_cycle_days) over so_far as won_cycle_days,
        sum(won_timed_from_engagement) over so_far as won_timed_from_engagement,
        sum(won_left_out) over so_far as won_left_out
    from by_scope
    window
        so_far as (
            partition by scope_key order by date_day
            rows between unbounded preceding and current row
        )
)
select
    scope_key, date_day, started, started_amount, started_unvalued, ended, ended_amount,
    ended_unvalued, pipeline_won_amount, pipeline_won_unvalued, qualified_in, qualified_out, won,
    lost, won_sized, won_amount, won_timed, won_cycle_days, won_timed_from_engagement,
    won_left_out
from final
