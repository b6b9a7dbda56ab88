/* @check
description: Snapshots are numbered from 1 without a gap, each names the hash of the one before, and each has as many deals and figures as it says. The hashes themselves are recomputed by salesmart audit verify.
severity: error
table: forecast.snapshot
*/
with
snapshot as (
    select * from forecast.snapshot
),
deal as (
    select snapshot_date, period_start, count(*) as deal_rows
    from forecast.snapshot_deal
    group by snapshot_date, period_start
),
figure as (
    select snapshot_date, period_start, count(*) as figure_rows
    from forecast.snapshot_figure
    group by snapshot_date, period_start
),
followed as (
    select
        *,
        row_number() over (order by snapshot_no) as place,
        coalesce(lag(hash) over (order by snapshot_no), repeat('0', 64)) as hash_before
    from snapshot
)
select
    followed.snapshot_no,
    followed.snapshot_date,
    followed.period_name,
    followed.deal_rows,
    deal.deal_rows as deals_there,
    followed.figure_rows,
    figure.figure_rows as figures_there
from followed
left join deal
    on followed.snapshot_date = deal.snapshot_date
    and followed.period_start = deal.period_start
left join figure
    on followed.snapshot_date = figure.snapshot_date
    and followed.period_start = figure.period_start
where
    followed.snapshot_no <> followed.place
    or followed.previous_hash <> followed.hash_before
    or followed.deal_rows <> coalesce(deal.deal_rows, 0)
    or followed.figure_rows <> coalesce(figure.figure_rows, 0)
