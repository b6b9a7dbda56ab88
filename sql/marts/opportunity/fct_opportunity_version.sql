/* @model
description: One row a deal and version, from its creation on and without holes, as it stood in the CRM between two moments. Deals of connections whose source keeps no history are not in it.
grain: [connection, opportunity_id, valid_from]
kind: table
owner: revops
tags: [crm, opportunities]
columns:
  opportunity_id: {type: string, doc: "connection:source id; deleted and merged deals too", checks: [not_null]}
  valid_from: {type: timestamp, doc: "moment from which it was so in the CRM", checks: [not_null]}
  valid_to: {type: timestamp, doc: "moment of the next version, at which it is no longer so; null: it is so now"}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  stage_id: {type: string, doc: "stage; null: unknown"}
  stage_name: {type: string, doc: "the stage's name now; null: unknown"}
  outcome: {type: string, doc: "open, won or lost by the stage's type; null: unknown", checks: ["accepted_values: [open, won, lost]"]}
  amount: {type: "decimal(22,2)", doc: "amount in the deal's currency; null: none, or unknown while the stage is"}
  currency: {type: string, doc: "ISO 4217 code; null: the source has one currency, or it is unknown"}
  close_date: {type: date, doc: "planned close date"}
  rep_id: {type: string, doc: "owner; null: unknown"}
  forecast_category: {type: string, doc: "omitted, pipeline, best_case, most_likely, commit or closed; null: none or unknown", checks: ["accepted_values: [omitted, pipeline, best_case, most_likely, commit, closed]"]}
  probability: {type: "decimal(9,6)", doc: "the deal's own probability, a fraction"}
  is_deleted: {type: boolean, doc: "true: in the bin, merged away or gone; the other columns say what it was before", checks: [not_null]}
  provenance: {type: string, doc: "observed: a run saw this version; reconstructed: from the history the CRM keeps", checks: [not_null, "accepted_values: [observed, reconstructed]"]}
*/
with
version as (
    select * from intermediate.int_opportunity_version
),
stage as (
    select * from intermediate.int_stage
),
final as (
    select
        version.opportunity_id,
        version.valid_from,
        version.valid_to,
        version.connection,
        version.stage_id,
        stage.stage_name,
        stage.stage_type as outcome,
        version.amount,
        version.currency,
        version.close_date,
        version.rep_id,
        version.forecast_category,
        version.probability,
        version.is_deleted,
        version.provenance
    from stage
    right join version on stage.stage_id = version.stage_id
)
select
    opportunity_id, valid_from, valid_to, connection, stage_id, stage_name, outcome, amount,
    currency, close_date, rep_id, forecast_category, probability, is_deleted, provenance
from final
