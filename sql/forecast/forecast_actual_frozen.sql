/* @model
description: What each quarter brought, frozen at the first run on or after the day its books closed, as it stood at the end of that day. Never changed; forecast.actual has what is known today beside it.
grain: [period_start, scope, scope_id]
kind: snapshot
owner: revops
tags: [forecast, actual]
columns:
  period_start: {type: date, doc: "first day of the fiscal quarter", checks: [not_null]}
  period_end: {type: date, doc: "its last day", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  amount: {type: "decimal(38,2)", doc: "amounts of the deals won in the quarter, in the reporting currency", checks: [not_null]}
  n: {type: int64, doc: "their number", checks: [not_null]}
  n_excluded: {type: int64, doc: "won deals without a usable amount", checks: [not_null]}
  books_close_date: {type: date, doc: "the day at whose end it stood so", checks: [not_null]}
  provenance: {type: string, doc: "observed: frozen by a run of that day; reconstructed: by a later run, from what is known of that day", checks: [not_null, "accepted_values: [observed, reconstructed]"]}
  frozen_at: {type: timestamp, doc: "as-of instant of the run that froze it", checks: [not_null]}
  frozen_run_id: {type: string, doc: "that run", checks: [not_null]}
*/
with
frozen as (
    select * from forecast.actual_frozen
),
state as (
    select * from mart.fct_forecast_state where outcome = 'won'
),
quarter as (
    select period_start, period_end from mart.dim_period where period_grain = 'quarter'
),
rep_scope as (
    select * from mart.bridge_rep_scope
),
scope as (
    select * from mart.dim_scope
),
business as (
    select * from system.business
),
run as (
    select max(run_id) as run_id
    from system.run
    where as_of = $as_of and finished_at is null
),
-- A run that looks back freezes nothing.
looked as (
    select coalesce(max(frozen_at) < $as_of, true) as is_later from frozen
),
done as (
    select distinct period_start from frozen
),
dated as (
    select
        quarter.period_start,
        quarter.period_end,
        quarter.period_end + cast(business.books_close_days as int) as books_close_date
    from business
    cross join quarter
),
due as (
    select dated.*
    from dated
    left join done on dated.period_start = done.period_start
    where
        done.period_start is null
        and dated.books_close_date <= $as_of_date
        and (select is_later from looked)
),
won as (
    select
        due.period_start,
        state.rep_key,
        sum(state.amount_reporting) as amount,
        count(state.amount_reporting) as n,
        count(*) as deals
    from due
    inner join state
        on due.period_start = state.period_start
        and due.books_close_date >= state.valid_from
        and due.books_close_date < state.valid_to
    group by due.period_start, state.rep_key
),
by_scope as (
    select
        won.period_start,
        rep_scope.scope_key,
        sum(won.amount) as amount,
        sum(won.n) as n,
        sum(won.deals) as deals
    from rep_scope
    inner join won on rep_scope.rep_key = won.rep_key
    group by won.period_start, rep_scope.scope_key
),
-- The company has an actual of each quarter from the first win on, also of one that brought
-- nothing: that closed it is frozen too.
first_win as (
    select min(period_start) as period_start from state
),
company as (
    select due.period_start, scope.scope_key, 0 as amount, 0 as n, 0 as deals
    from scope
    cross join due
    where
        scope.scope = 'company' and due.period_start >= (select period_start from first_win)
),
united as (
    select period_start, scope_key, amount, n, deals from by_scope
    union all
    select period_start, scope_key, amount, n, deals from company
),
summed as (
    select
        period_start,
        scope_key,
        coalesce(sum(amount), 0) as amount,
        sum(n) as n,
        sum(deals) - sum(n) as n_excluded
    from united
    group by period_start, scope_key
),
final as (
    select
        due.period_start,
        due.period_end,
        scope.scope,
        scope.scope_id,
        summed.amount,
        summed.n,
        summed.n_excluded,
        due.books_close_date,
        case when due.books_close_date = $as_of_date then 'observed' else 'reconstructed' end
            as provenance,
        $as_of as frozen_at,
        (select run_id from run) as frozen_run_id
    from due
    inner join summed on due.period_start = summed.period_start
    inner join scope on summed.scope_key = scope.scope_key
)
select
    period_start, period_end, scope, scope_id, amount, n, n_excluded, books_close_date,
    provenance, frozen_at, frozen_run_id
from final
