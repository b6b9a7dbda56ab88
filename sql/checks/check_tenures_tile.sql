/* @check
description: The spans of every rep follow each other without holes and overlaps, from 1900 to 9999, so that every day of every rep is in one team.
severity: error
table: mart.dim_rep_tenure
*/
with
neighbour as (
    select
        rep_id,
        valid_from,
        valid_to,
        lag(valid_to) over (partition by rep_id order by valid_from) as previous_to,
        lead(valid_from) over (partition by rep_id order by valid_from) as next_from
    from mart.dim_rep_tenure
)
select *
from neighbour
where
    valid_from >= valid_to
    or coalesce(previous_to, date '1900-01-01') <> valid_from
    or coalesce(next_from, date '9999-12-31') <> valid_to
