/* @check
description: Every won or lost deal is in the win rate by count or in ops.exclusion; the row shows the deals missing.
severity: error
table: kpi.win_rate
*/
with
closed as (
    select count(*) as deals from mart.fct_opportunity where outcome in ('won', 'lost')
),
counted as (
    select coalesce(sum(n), 0) as deals
    from kpi.win_rate
    where metric = 'win_rate_count' and scope = 'company' and period_grain = 'year'
),
excluded as (
    select count(*) as deals
    from ops.exclusion
    inner join mart.fct_opportunity as deal on exclusion.opportunity_id = deal.opportunity_id
    where exclusion.metric = '*' and deal.outcome in ('won', 'lost')
)
select closed.deals as closed, counted.deals as counted, excluded.deals as excluded
from closed
cross join counted
cross join excluded
where closed.deals <> counted.deals + excluded.deals
