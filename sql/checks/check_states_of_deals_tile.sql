/* @check
description: The states of a deal follow each other day by day without hole or overlap, the last one is open, and the first begins on the deal's first day.
severity: error
table: mart.fct_opportunity_state
*/
with
-- As check_versions_of_deals_tile: every end but the last is a beginning.
state as (
    select
        opportunity_id,
        cast(arrow_cast(valid_from, 'Int32') as bigint) as from_day,
        cast(
            arrow_cast(
                case when valid_to < date '9999-12-31' then valid_to end, 'Int32'
            ) as bigint
        ) as to_day
    from mart.fct_opportunity_state
),
tiled as (
    select
        opportunity_id,
        min(from_day) as first_day,
        count(*) - count(to_day) as open_ends,
        sum(from_day) - min(from_day) - coalesce(sum(to_day), 0) as uncovered,
        bit_xor(from_day) as from_bits,
        coalesce(bit_xor(to_day), 0) as to_bits,
        sum(case when to_day <= from_day then 1 else 0 end) as backwards
    from state
    group by opportunity_id
)
select opportunity_id, open_ends, uncovered, backwards, first_day
from tiled
where
    open_ends <> 1
    or uncovered <> 0
    or backwards <> 0
    or (from_bits ^ to_bits) <> first_day
