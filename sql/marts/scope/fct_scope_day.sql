/* @model
description: Running totals at the end of each day for each scope, from its first deal to the as-of day. What happened between two days is the difference of two rows; what was open is in one.
grain: [scope_key, date_day]
kind: table
owner: revops
tags: [crm, scope, pipeline]
columns:
  scope_key: {type: int64, doc: "the scope, as in dim_scope", checks: [not_null]}
  date_day: {type: date, doc: "the day at whose end the totals hold", checks: [not_null]}
  open_deals: {type: int64, doc: "deals open then", checks: [not_null]}
  open_qualified: {type: int64, doc: "those of them that counted as qualified", checks: [not_null]}
  open_valued: {type: int64, doc: "those of them with an amount that the yield uses", checks: [not_null]}
  open_amount: {type: "decimal(38,2)", doc: "their amounts then, in the reporting currency", checks: [not_null]}
  open_unvalued: {type: int64, doc: "open deals that the yield leaves out", checks: [not_null]}
  open_assumed: {type: int64, doc: "open deals of which nobody knows that they were", checks: [not_null]}
  created_valued: {type: int64, doc: "deals created so far with an amount that the yield uses", checks: [not_null]}
  created_amount: {type: "decimal(38,2)", doc: "their amounts at the end of their first days", checks: [not_null]}
  created_unvalued: {type: int64, doc: "deals created so far that the yield leaves out", checks: [not_null]}
  created_assumed: {type: int64, doc: "deals created so far whose first amount is today's", checks: [not_null]}
  pipeline_won_valued: {type: int64, doc: "deals won so far that the yield counts", checks: [not_null]}
  pipeline_won_amount: {type: "decimal(38,2)", doc: "their amounts", checks: [not_null]}
  pipeline_won_unvalued: {type: int64, doc: "deals won so far that the yield leaves out", checks: [not_null]}
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
change as (
    select * from mart.fct_pipeline_change
),
rep_scope as (
    select * from mart.bridge_rep_scope
),
day as (
    select date_day from mart.dim_date where not is_future
),
end_event as (
    select
        rep_key,
        closed_date as date_day,
        sum(case when outcome = 'won' and pipeline_exclusion is null then 1 else 0 end)
            as pipeline_won_valued,
        sum(
            case
                when outcome = 'won' and pipeline_exclusion is null then amount_reporting
                else 0
            end
        ) as pipeline_won_amount,
        sum(case when outcome = 'won' and pipeline_exclusion is not null then 1 else 0 end)
            as pipeline_won_unvalued,
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
event as (
    select
        rep_key, date_day,
        open_deals, open_qualified, open_valued, open_amount, open_unvalued, open_assumed,
        created_valued, created_amount, created_unvalued, created_assumed,
        0 as pipeline_won_valued, 0 as pipeline_won_amount, 0 as pipeline_won_unvalued, 0 as won,
        0 as lost, 0 as won_sized, 0 as won_amount, 0 as won_timed, 0 as won_cycle_days,
        0 as won_timed_from_engagement, 0 as won_left_out
    from change
    union all
    select
        rep_key, date_day,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, pipeline_won_valued, pipeline_won_amount,
        pipeline_won_unvalued, won, lost, won_sized, won_amount, won_timed, won_cycle_days,
        won_timed_from_engagement, won_left_out
    from end_event
),
by_rep as (
    select
        rep_key,
        date_day,
        sum(open_deals) as open_deals,
        sum(open_qualified) as open_qualified,
        sum(open_valued) as open_valued,
        sum(open_amount) as open_amount,
        sum(open_unvalued) as open_unvalued,
        sum(open_assumed) as open_assumed,
        sum(created_valued) as created_valued,
        sum(created_amount) as created_amount,
        sum(created_unvalued) as created_unvalued,
        sum(created_assumed) as created_assumed,
        sum(pipeline_won_valued) as pipeline_won_valued,
        sum(pipeline_won_amount) as pipeline_won_amount,
        sum(pipeline_won_unvalued) as pipeline_won_unvalued,
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
        rep_scope.scope_key, by_rep.date_day, by_rep.open_deals, by_rep.open_qualified,
        by_rep.open_valued, by_rep.open_amount, by_rep.open_unvalued, by_rep.open_assumed,
        by_rep.created_valued, by_rep.created_amount, by_rep.created_unvalued,
        by_rep.created_assumed, by_rep.pipeline_won_valued, by_rep.pipeline_won_amount,
        by_rep.pipeline_won_unvalued, by_rep.won, by_rep.lost, by_rep.won_sized,
        by_rep.won_amount, by_rep.won_timed, by_rep.won_cycle_days,
        by_rep.won_timed_from_engagement, by_rep.won_left_out
    from by_rep
    inner join rep_scope on by_rep.rep_key = rep_scope.rep_key
    union all
    select
        scope_key, date_day, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    from lived
),
by_scope as (
    select
        scope_key,
        date_day,
        sum(open_deals) as open_deals,
        sum(open_qualified) as open_qualified,
        sum(open_valued) as open_valued,
        sum(open_amount) as open_amount,
        sum(open_unvalued) as open_unvalued,
        sum(open_assumed) as open_assumed,
        sum(created_valued) as created_valued,
        sum(created_amount) as created_amount,
        sum(created_unvalued) as created_unvalued,
        sum(created_assumed) as created_assumed,
        sum(pipeline_won_valued) as pipeline_won_valued,
        sum(pipeline_won_amount) as pipeline_won_amount,
        sum(pipeline_won_unvalued) as pipeline_won_unvalued,
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
        sum(open_deals) over so_far as open_deals,
        sum(open_qualified) over so_far as open_qualified,
        sum(open_valued) over so_far as open_valued,
        cast(sum(open_amount) over so_far as decimal(38, 2)) as open_amount,
        sum(open_unvalued) over so_far as open_unvalued,
        sum(open_assumed) over so_far as open_assumed,
        sum(created_valued) over so_far as created_valued,
        cast(sum(created_amount) over so_far as decimal(38, 2)) as created_amount,
        sum(created_unvalued) over so_far as created_unvalued,
        sum(created_assumed) over so_far as created_assumed,
        sum(pipeline_won_valued) over so_far as pipeline_won_valued,
        cast(sum(pipeline_won_amount) over so_far as decimal(38, 2)) as pipeline_won_amount,
        sum(pipeline_won_unvalued) over so_far as pipeline_won_unvalued,
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
    scope_key, date_day, open_deals, open_qualified, open_valued, open_amount, open_unvalued,
    open_assumed, created_valued, created_amount, created_unvalued, created_assumed,
    pipeline_won_valued, pipeline_won_amount, pipeline_won_unvalued, won, lost, won_sized,
    won_amount, won_timed, won_cycle_days, won_timed_from_engagement, won_left_out
from final
