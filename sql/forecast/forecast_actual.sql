/* @model
description: What each quarter brought - as it was frozen when the books closed, as it is known today, and the difference. Quarters that are running or whose books are open have no frozen part yet.
grain: [period_start, scope, scope_id]
kind: table
owner: revops
tags: [forecast, actual]
columns:
  period_start: {type: date, doc: "first day of the fiscal quarter", checks: [not_null]}
  period_end: {type: date, doc: "its last day", checks: [not_null]}
  period_name: {type: string, doc: "its name, such as FY26Q3", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  amount: {type: "decimal(38,2)", doc: "the actual as frozen; null: the books are not closed"}
  n: {type: int64, doc: "deals won in it"}
  n_excluded: {type: int64, doc: "won deals without a usable amount"}
  books_close_date: {type: date, doc: "the day on which the books close", checks: [not_null]}
  provenance: {type: string, doc: "observed: frozen by a run of that day; reconstructed: by a later run", checks: ["accepted_values: [observed, reconstructed]"]}
  frozen_at: {type: timestamp, doc: "as-of instant of the run that froze it; null: not frozen"}
  amount_restated: {type: "decimal(38,2)", doc: "the same by what is known today", checks: [not_null]}
  n_restated: {type: int64, doc: "deals won in it by what is known today", checks: [not_null]}
  n_excluded_restated: {type: int64, doc: "won deals without a usable amount, today", checks: [not_null]}
  restatement: {type: "decimal(38,2)", doc: "amount_restated − amount; null: not frozen"}
metrics:
  - id: forecast_actual
    title: Actual of a quarter
    definition: "Amounts of the deals won in the quarter, as they stood when its books closed; the restated figure of today is beside it."
    formula: "sum of amounts of deals won in the quarter"
    unit: reporting currency
    grain: quarter × scope
    time_anchor: outcome day
    additive: true
    null_rule: "not frozen before the books close; won deals without a usable amount are left out and counted"
*/
with
frozen as (
    select * from forecast.actual_frozen
),
deal as (
    select *
    from mart.fct_opportunity
    where deal_exclusion is null and outcome = 'won'
),
quarter as (
    select * from mart.dim_period where period_grain = 'quarter'
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
won as (
    select
        rep_key,
        period_start('quarter', closed_date) as period_start,
        sum(case when amount_exclusion is null then amount_reporting end) as amount,
        sum(case when amount_exclusion is null then 1 else 0 end) as n,
        count(*) as deals
    from deal
    group by rep_key, period_start('quarter', closed_date)
),
restated as (
    select
        scope.scope,
        scope.scope_id,
        won.period_start,
        coalesce(sum(won.amount), 0) as amount,
        sum(won.n) as n,
        sum(won.deals) - sum(won.n) as n_excluded
    from scope
    inner join rep_scope on scope.scope_key = rep_scope.scope_key
    inner join won on rep_scope.rep_key = won.rep_key
    group by scope.scope, scope.scope_id, won.period_start
),
joined as (
    select
        coalesce(frozen.period_start, restated.period_start) as period_start,
        coalesce(frozen.scope, restated.scope) as scope,
        coalesce(frozen.scope_id, restated.scope_id) as scope_id,
        frozen.amount,
        frozen.n,
        frozen.n_excluded,
        frozen.books_close_date,
        frozen.provenance,
        frozen.frozen_at,
        coalesce(restated.amount, 0) as amount_restated,
        coalesce(restated.n, 0) as n_restated,
        coalesce(restated.n_excluded, 0) as n_excluded_restated
    from frozen
    full outer join restated
        on frozen.period_start = restated.period_start
        and frozen.scope = restated.scope
        and frozen.scope_id = restated.scope_id
),
final as (
    select
        joined.period_start,
        quarter.period_end,
        quarter.period_name,
        joined.scope,
        joined.scope_id,
        coalesce(scope.scope_name, joined.scope_id) as scope_name,
        -- A unit that had won nothing when the books closed was frozen with nothing.
        case
            when joined.frozen_at is not null then joined.amount
            when closed.period_start is not null then 0
        end as amount,
        case
            when joined.frozen_at is not null then joined.n
            when closed.period_start is not null then 0
        end as n,
        case
            when joined.frozen_at is not null then joined.n_excluded
            when closed.period_start is not null then 0
        end as n_excluded,
        coalesce(
            joined.books_close_date,
            closed.books_close_date,
            quarter.period_end + cast((select books_close_days from business) as int)
        ) as books_close_date,
        coalesce(joined.provenance, closed.provenance) as provenance,
        coalesce(joined.frozen_at, closed.frozen_at) as frozen_at,
        joined.amount_restated,
        joined.n_restated,
        joined.n_excluded_restated
    from quarter
    inner join joined on quarter.period_start = joined.period_start
    left join scope on joined.scope = scope.scope and joined.scope_id = scope.scope_id
    left join (select * from frozen where scope = 'company') as closed
        on joined.period_start = closed.period_start
)
select
    period_start, period_end, period_name, scope, scope_id, scope_name, amount, n, n_excluded,
    books_close_date, provenance, frozen_at, amount_restated, n_restated, n_excluded_restated,
    amount_restated - amount as restatement
from final
