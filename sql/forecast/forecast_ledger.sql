/* @model
description: The ledger of deals in two times - from when to when each version held in the CRM, and from when to when it was believed. What was believed at K of the moment V are the rows with known_from <= K < known_to and valid_from <= V < valid_to, null being without end.
grain: [opportunity_id, valid_from, known_from]
kind: incremental
incremental:
  key: opportunity_id
  changed_by: {forecast.ledger_entry: opportunity_id}
owner: revops
tags: [forecast, ledger]
columns:
  opportunity_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  valid_from: {type: timestamp, doc: "moment from which it was so in the CRM", checks: [not_null]}
  valid_to: {type: timestamp, doc: "moment at which it no longer was; null: without end, as far as was known"}
  known_from: {type: timestamp, doc: "as-of instant of the run that learnt it", checks: [not_null]}
  known_to: {type: timestamp, doc: "as-of instant of the run that learnt otherwise; null: it is believed now"}
  run_id: {type: string, doc: "the run that learnt it", checks: [not_null]}
  provenance: {type: string, doc: "observed, reconstructed or corrected", checks: [not_null, "accepted_values: [observed, reconstructed, corrected]"]}
  stage_id: {type: string, doc: "stage; null: unknown"}
  stage_name: {type: string, doc: "the stage's name when it was learnt"}
  outcome: {type: string, doc: "open, won or lost; null: unknown", checks: ["accepted_values: [open, won, lost]"]}
  amount: {type: "decimal(22,2)", doc: "amount in the deal's currency"}
  currency: {type: string, doc: "ISO 4217 code"}
  amount_reporting: {type: "decimal(18,2)", doc: "amount in the reporting currency, by the rates known then"}
  close_date: {type: date, doc: "planned close date"}
  rep_id: {type: string, doc: "owner; null: unknown"}
  team_id: {type: string, doc: "the owner's team on the first day of the version; null: unknown"}
  forecast_category: {type: string, doc: "as the source says; null: none"}
  probability: {type: "decimal(9,6)", doc: "the deal's own probability"}
  is_deleted: {type: boolean, doc: "true: in the bin, merged away or gone", checks: [not_null]}
*/
with
entry as (
    select * from forecast.ledger_entry
),
-- One stream in order rather than a partition a version: see sql/DECISIONS.md.
followed as (
    select
        *,
        lead(opportunity_id) over (order by opportunity_id, valid_from, known_from) as next_id,
        lead(valid_from) over (order by opportunity_id, valid_from, known_from) as next_from,
        lead(known_from) over (order by opportunity_id, valid_from, known_from) as next_known_from
    from entry
),
-- A retraction only ends what it takes back.
final as (
    select
        opportunity_id,
        connection,
        valid_from,
        valid_to,
        known_from,
        case
            when next_id = opportunity_id and next_from = valid_from then next_known_from
        end as known_to,
        run_id,
        provenance,
        stage_id,
        stage_name,
        outcome,
        amount,
        currency,
        amount_reporting,
        close_date,
        rep_id,
        team_id,
        forecast_category,
        probability,
        is_deleted
    from followed
    where not is_retracted
)
select
    opportunity_id, connection, valid_from, valid_to, known_from, known_to, run_id, provenance,
    stage_id, stage_name, outcome, amount, currency, amount_reporting, close_date, rep_id,
    team_id, forecast_category, probability, is_deleted
from final
