/* @check
description: The reps, teams and regions each sum up to the company, and the months and quarters each to the years, in every number of the stage conversion.
severity: error
table: funnel.stage_conversion
*/
with
conversion as (
    select * from funnel.stage_conversion
),
by_scope as (
    select
        concat(pair, ' ', mode, ' ', from_stage_id, ' ', to_stage_id, ' ', period_grain, ' ',
            period_start) as what,
        scope as part,
        sum(n_entered) as n_entered,
        sum(n_converted) as n_converted,
        sum(n_lost) as n_lost,
        sum(n_open) as n_open,
        sum(n_excluded) as n_excluded
    from conversion
    group by 1, scope
),
by_grain as (
    select
        concat(pair, ' ', mode, ' ', from_stage_id, ' ', to_stage_id, ' ', scope, ' ', scope_id)
            as what,
        period_grain as part,
        sum(n_entered) as n_entered,
        sum(n_converted) as n_converted,
        sum(n_lost) as n_lost,
        sum(n_open) as n_open,
        sum(n_excluded) as n_excluded
    from conversion
    group by 1, period_grain
),
compared as (
    select
        what,
        4 as wanted,
        count(*) as parts,
        max(n_entered) - min(n_entered) as entered_gap,
        max(n_converted) - min(n_converted) as converted_gap,
        max(n_lost) - min(n_lost) as lost_gap,
        max(n_open) - min(n_open) as open_gap,
        max(n_excluded) - min(n_excluded) as excluded_gap
    from by_scope
    group by what
    union all
    select
        what,
        3 as wanted,
        count(*) as parts,
        max(n_entered) - min(n_entered) as entered_gap,
        max(n_converted) - min(n_converted) as converted_gap,
        max(n_lost) - min(n_lost) as lost_gap,
        max(n_open) - min(n_open) as open_gap,
        max(n_excluded) - min(n_excluded) as excluded_gap
    from by_grain
    group by what
)
select *
from compared
where
    parts <> wanted
    or entered_gap <> 0
    or converted_gap <> 0
    or lost_gap <> 0
    or open_gap <> 0
    or excluded_gap <> 0
