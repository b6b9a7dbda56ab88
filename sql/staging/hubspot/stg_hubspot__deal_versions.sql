/* @model
description: Every version of every HubSpot deal that a run saw, and the deletes.
grain: [connection, deal_id, sequence]
kind: view
owner: revops
tags: [crm, opportunities]
source: {id: string, pipeline: string, dealstage: string, amount: "decimal(38,18)", deal_currency_code: string, amount_in_home_currency: "decimal(38,18)", hs_exchange_rate: "decimal(38,18)", hs_deal_stage_probability: "decimal(38,18)", hs_manual_forecast_category: string, closedate: timestamp, hubspot_owner_id: string, createdate: timestamp, hs_lastmodifieddate: timestamp, hs_record_updated_at: timestamp, archived: boolean, archived_at: timestamp}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  deal_id: {type: string, doc: "record id", checks: [not_null]}
  sequence: {type: int64, doc: "place among all rows of the raw table; the greatest is the newest", checks: [not_null]}
  modified_at: {type: timestamp, doc: "moment of the change that made this version; of a record that is gone for good, when a run missed it", checks: [not_null]}
  seen_at: {type: timestamp, doc: "when a run saw it"}
  is_deleted: {type: boolean, doc: "whether the record is archived or gone for good; then the other columns may be null", checks: [not_null]}
  is_marker: {type: boolean, doc: "true: the source has no such record any more, and nothing else is known", checks: [not_null]}
  created_at: {type: timestamp, doc: "moment of creation"}
  pipeline_id: {type: string, doc: "id of the pipeline"}
  stage_id: {type: string, doc: "id of the stage, unique in its pipeline"}
  amount: {type: "decimal(22,2)", doc: "amount in the deal's currency, rounded half away from zero to cents"}
  currency: {type: string, doc: "ISO 4217 code; null in a portal with one currency"}
  amount_home: {type: "decimal(22,2)", doc: "amount in the portal's currency, rounded half away from zero to cents"}
  exchange_rate: {type: "decimal(38,18)", doc: "the portal's rate for the deal's currency: home amount ÷ amount"}
  probability: {type: "decimal(9,6)", doc: "chance of winning as a fraction"}
  forecast_category: {type: string, doc: "forecast category"}
  close_at: {type: timestamp, doc: "planned close"}
  owner_id: {type: string, doc: "id of the owner"}
*/
select
    _connection as connection,
    id as deal_id,
    _sequence as sequence,
    case
        when _op = 'delete' then _extracted_at
        when archived
            then coalesce(archived_at, hs_lastmodifieddate, hs_record_updated_at, _extracted_at)
        else coalesce(hs_lastmodifieddate, hs_record_updated_at, _extracted_at)
    end as modified_at,
    _extracted_at as seen_at,
    _op = 'delete' or coalesce(archived, false) as is_deleted,
    _op = 'delete' as is_marker,
    createdate as created_at,
    pipeline as pipeline_id,
    dealstage as stage_id,
    cast(amount as decimal(22, 2)) as amount,
    deal_currency_code as currency,
    cast(amount_in_home_currency as decimal(22, 2)) as amount_home,
    hs_exchange_rate as exchange_rate,
    cast(hs_deal_stage_probability as decimal(9, 6)) as probability,
    hs_manual_forecast_category as forecast_category,
    closedate as close_at,
    hubspot_owner_id as owner_id
from raw.hubspot.deals
