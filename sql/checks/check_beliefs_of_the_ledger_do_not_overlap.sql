/* @check
description: The versions of a deal that the ledger believes now follow each other without overlap, and the last one is open.
severity: error
table: forecast.ledger
*/
with
believed as (
    select
        opportunity_id,
        cast(valid_from as bigint) as from_moment,
        cast(valid_to as bigint) as to_moment
    from forecast.ledger
    where known_to is null
),
-- As in check_versions_of_deals_tile: every end but the last is a beginning.
tiled as (
    select
        opportunity_id,
        min(from_moment) as first_moment,
        count(*) - count(to_moment) as open_ends,
        sum(from_moment) - min(from_moment) - coalesce(sum(to_moment), 0) as uncovered,
        bit_xor(from_moment) as from_bits,
        coalesce(bit_xor(to_moment), 0) as to_bits,
        sum(case when to_moment <= from_moment then 1 else 0 end) as backwards
    from believed
    group by opportunity_id
)
select opportunity_id, open_ends, uncovered, backwards
from tiled
where
    open_ends <> 1
    or uncovered <> 0
    or backwards <> 0
    or (from_bits ^ to_bits) <> first_moment
