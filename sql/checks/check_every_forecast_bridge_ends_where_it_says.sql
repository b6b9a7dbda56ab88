/* @check
description: What a series started with and everything that moved it are what it ended with, to the cent, for every pair of snapshots, quarter and scope.
severity: error
table: forecast.bridge
*/
with
bridge as (
    select * from forecast.bridge
)
select
    to_date,
    period_start,
    scope,
    scope_id,
    series,
    sum(case when component = 'ending' then -amount else amount end) as gap
from bridge
group by to_date, period_start, scope, scope_id, series
having sum(case when component = 'ending' then -amount else amount end) <> 0
