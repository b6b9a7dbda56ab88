/* @model
description: One row a deal and span of days in which it was due in a fiscal quarter - an open one by its close date, a decided one by the day of its outcome, for the rep of that day. Deleted deals, and those that no figure holds, are not due.
grain: [connection, opportunity_id, valid_from]
kind: view
owner: revops
tags: [crm, forecasts]
columns:
  opportunity_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  valid_from: {type: date, doc: "first day at whose end it stood so", checks: [not_null]}
  valid_to: {type: date, doc: "first day at whose end it no longer did; 9999-12-31: it does now", checks: [not_null]}
  rep_id: {type: string, doc: "owner then; of a decided deal the one of its outcome", checks: [not_null]}
  rep_key: {type: int64, doc: "the owner in his team then, as in dim_rep_tenure", checks: [not_null]}
  stage_id: {type: string, doc: "stage then; null: unknown"}
  outcome: {type: string, doc: "open, won or lost", checks: [not_null, "accepted_values: [open, won, lost]"]}
  amount: {type: "decimal(18,2)", doc: "amount in the deal's currency"}
  currency: {type: string, doc: "ISO 4217 code"}
  amount_reporting: {type: "decimal(18,2)", doc: "amount in the reporting currency; null: in no figure in money"}
  close_date: {type: date, doc: "planned close date then"}
  due_date: {type: date, doc: "the day that says in which quarter it counts", checks: [not_null]}
  period_start: {type: date, doc: "first day of that fiscal quarter", checks: [not_null]}
  forecast_category: {type: string, doc: "as the source says; null: none"}
  bucket: {type: string, doc: "where it counts: won, lost, omitted, or as an open deal commit, most_likely, best_case or pipeline", checks: [not_null, "accepted_values: [won, lost, omitted, commit, most_likely, best_case, pipeline]"]}
  probability: {type: "decimal(9,6)", doc: "the deal's own probability then"}
  stage_probability: {type: "decimal(9,6)", doc: "the default probability of its stage"}
  provenance: {type: string, doc: "observed, reconstructed or assumed, as in fct_opportunity_state", checks: [not_null]}
*/
with
state as (
    select *
    from mart.fct_opportunity_state
    where not is_deleted and deal_exclusion is null and outcome is not null
),
version as (
    select * from mart.fct_opportunity_version
),
tenure as (
    select * from mart.dim_rep_tenure
),
-- The moments at which deals came into a won or lost stage; the last one so far counts.
decided as (
    select
        opportunity_id,
        valid_from as decided_at,
        company_date(valid_from) as decided_date,
        coalesce(rep_id, connection || ':(unassigned)') as rep_id
    from version
    where is_stage_entry and outcome in ('won', 'lost') and not is_deleted
),
-- One stream in order rather than a partition a deal: see sql/DECISIONS.md.
followed as (
    select
        opportunity_id,
        decided_date,
        rep_id,
        lead(opportunity_id) over (order by opportunity_id, decided_at) as next_id,
        lead(decided_date) over (order by opportunity_id, decided_at) as next_date
    from decided
),
decision as (
    select
        followed.opportunity_id,
        followed.decided_date,
        case
            when followed.next_id = followed.opportunity_id then followed.next_date
            else date '9999-12-31'
        end as until_date,
        followed.rep_id,
        tenure.rep_key
    from tenure
    inner join followed
        on tenure.rep_id = followed.rep_id
        and followed.decided_date >= tenure.valid_from
        and followed.decided_date < tenure.valid_to
),
-- Without such a moment (the source keeps no history, or it begins later) the close date is all
-- that is known.
dated as (
    select
        state.opportunity_id,
        state.connection,
        state.valid_from,
        state.valid_to,
        coalesce(decision.rep_id, state.rep_id) as rep_id,
        coalesce(decision.rep_key, state.rep_key) as rep_key,
        state.stage_id,
        state.outcome,
        state.amount,
        state.currency,
        case when state.amount_exclusion is null then state.amount_reporting end
            as amount_reporting,
        state.close_date,
        coalesce(decision.decided_date, state.close_date) as due_date,
        state.forecast_category,
        state.probability,
        state.stage_probability,
        state.provenance
    from decision
    right join state
        on decision.opportunity_id = state.opportunity_id
        and state.outcome in ('won', 'lost')
        and state.valid_from >= decision.decided_date
        and state.valid_from < decision.until_date
),
final as (
    select
        opportunity_id,
        connection,
        valid_from,
        valid_to,
        rep_id,
        rep_key,
        stage_id,
        outcome,
        amount,
        currency,
        amount_reporting,
        close_date,
        due_date,
        period_start('quarter', due_date) as period_start,
        forecast_category,
        -- An open deal that nobody put into a category is pipeline; one that is said to be closed
        -- is as sure as can be.
        case
            when outcome in ('won', 'lost') then outcome
            when forecast_category is null then 'pipeline'
            when forecast_category = 'closed' then 'commit'
            else forecast_category
        end as bucket,
        probability,
        stage_probability,
        provenance
    from dated
    where due_date is not null
)
select
    opportunity_id, connection, valid_from, valid_to, rep_id, rep_key, stage_id, outcome, amount,
    currency, amount_reporting, close_date, due_date, period_start, forecast_category, bucket,
    probability, stage_probability, provenance
from final
