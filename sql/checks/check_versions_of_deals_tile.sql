/* @check
description: The versions of a deal follow each other without hole or overlap, the last one is open, and the first begins when the deal was created.
severity: error
table: mart.fct_opportunity_version
*/
with
-- Versions tile when every end but the last is a beginning: then ends and beginnings have the same
-- sum and the same bits, but for the first beginning. No second look at the table in order is
-- needed for that.
version as (
    select
        opportunity_id,
        cast(valid_from as bigint) as from_moment,
        cast(valid_to as bigint) as to_moment
    from mart.fct_opportunity_version
),
tiled as (
    select
        opportunity_id,
        min(from_moment) as first_moment,
        count(*) - count(to_moment) as open_ends,
        sum(from_moment) - min(from_moment) - coalesce(sum(to_moment), 0) as uncovered,
        bit_xor(from_moment) as from_bits,
        coalesce(bit_xor(to_moment), 0) as to_bits,
        sum(case when to_moment <= from_moment then 1 else 0 end) as backwards
    from version
    group by opportunity_id
),
deal as (
    select opportunity_id, cast(created_at as bigint) as created_moment
    from intermediate.int_opportunity
    where created_at is not null
)
select
    tiled.opportunity_id,
    tiled.open_ends,
    tiled.uncovered,
    tiled.backwards,
    deal.created_moment,
    tiled.first_moment
from tiled
left join deal on tiled.opportunity_id = deal.opportunity_id
where
    tiled.open_ends <> 1
    or tiled.uncovered <> 0
    or tiled.backwards <> 0
    or (tiled.from_bits ^ tiled.to_bits) <> tiled.first_moment
    or tiled.first_moment > deal.created_moment
