/* @check
description: The visits of a deal follow each other without hole or overlap, are numbered from 1 on, and the last one is where the deal is.
severity: error
table: funnel.stage_visit
*/
with
-- As in check_versions_of_deals_tile: every end is a beginning, but for the first beginning.
visit as (
    select
        opportunity_id,
        visit_number,
        is_current,
        stage_id,
        cast(entered_at as bigint) as from_moment,
        cast(left_at as bigint) as to_moment
    from funnel.stage_visit
),
tiled as (
    select
        opportunity_id,
        count(*) as visits,
        max(visit_number) as last_number,
        sum(case when is_current then 1 else 0 end) as current_visits,
        max(case when is_current then visit_number end) as current_number,
        count(*) - count(to_moment) as open_ends,
        sum(from_moment) - min(from_moment) - coalesce(sum(to_moment), 0) as uncovered,
        bit_xor(from_moment) as from_bits,
        coalesce(bit_xor(to_moment), 0) as to_bits,
        min(from_moment) as first_moment,
        sum(case when to_moment <= from_moment then 1 else 0 end) as backwards
    from visit
    group by opportunity_id
)
select *
from tiled
where
    open_ends <> 1
    or current_visits <> 1
    or current_number <> visits
    or last_number <> visits
    or uncovered <> 0
    or backwards <> 0
    or (from_bits ^ to_bits) <> first_moment
