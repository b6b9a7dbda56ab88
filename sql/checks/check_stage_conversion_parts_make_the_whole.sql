/* @check
description: Of the deals that entered a stage each is converted, lost, open or went another way; no number is negative, and nobody converts in order who does not convert in any.
severity: error
table: funnel.stage_conversion
*/
with
conversion as (
    select * from funnel.stage_conversion
),
wrong_sum as (
    select
        pair, mode, period_grain, period_start, scope, scope_id, from_stage_id, to_stage_id,
        'parts' as wrong
    from conversion
    where
        n_converted > n_entered
        or least(n_converted, n_lost, n_open, n_other, n_excluded) < 0
        or n_converted + n_lost + n_open + n_other <> n_entered
        or median_days < 0
        or median_days > p90_days
        or (median_days is null) <> (n_converted = 0)
),
more_in_order as (
    select
        in_order.pair, in_order.mode, in_order.period_grain, in_order.period_start,
        in_order.scope, in_order.scope_id, in_order.from_stage_id, in_order.to_stage_id,
        'more in order than in any' as wrong
    from conversion as in_order
    left join conversion as any_order
        on any_order.mode = 'any'
        and in_order.pair = any_order.pair
        and in_order.period_grain = any_order.period_grain
        and in_order.period_start = any_order.period_start
        and in_order.scope = any_order.scope
        and in_order.scope_id = any_order.scope_id
        and in_order.from_stage_id = any_order.from_stage_id
        and in_order.to_stage_id = any_order.to_stage_id
    where
        in_order.mode = 'ordered'
        and (
            in_order.n_entered > coalesce(any_order.n_entered, 0)
            or in_order.n_converted > coalesce(any_order.n_converted, 0)
        )
)
select * from wrong_sum
union all
select * from more_in_order
