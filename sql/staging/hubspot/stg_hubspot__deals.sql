/* @model
description: HubSpot deals that are not archived, latest version.
grain: [connection, deal_id]
kind: view
owner: revops
tags: [crm, opportunities]
source: {id: string, dealname: string, pipeline: string, dealstage: string, amount: "decimal(38,18)", deal_currency_code: string, amount_in_home_currency: "decimal(38,18)", hs_exchange_rate: "decimal(38,18)", hs_deal_stage_probability: "decimal(38,18)", hs_manual_forecast_category: string, hubspot_owner_id: string, closedate: timestamp, closed_lost_reason: string, dealtype: string, hs_next_step: string, competitor: string, notes_last_updated: timestamp, createdate: timestamp, hs_record_created_at: timestamp, hs_lastmodifieddate: timestamp, archived: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  deal_id: {type: string, doc: "record id", checks: [not_null]}
  deal_name: {type: string, doc: "name of the deal"}
  pipeline_id: {type: string, doc: "id of the pipeline"}
  stage_id: {type: string, doc: "id of the stage, unique in its pipeline"}
  amount: {type: "decimal(22,2)", doc: "amount in the deal's currency, rounded half away from zero to cents"}
  currency: {type: string, doc: "ISO 4217 code; null in a portal with one currency"}
  amount_home: {type: "decimal(22,2)", doc: "amount in the portal's currency, rounded half away from zero to cents"}
  exchange_rate: {type: "decimal(38,18)", doc: "the portal's rate for the deal's currency"}
  probability: {type: "decimal(9,6)", doc: "chance of winning as a fraction, as in the source"}
  forecast_category: {type: string, doc: "forecast category"}
  owner_id: {type: string, doc: "id of the owner"}
  close_at: {type: timestamp, doc: "planned close; of closed deals when they closed"}
  lost_reason: {type: string, doc: "why it was lost"}
  deal_type: {type: string, doc: "kind of deal"}
  next_step: {type: string, doc: "what is to be done next"}
  competitor: {type: string, doc: "to whom it was lost, where the portal has such a property"}
  last_activity_at: {type: timestamp, doc: "newest call, mail, meeting or note"}
  created_at: {type: timestamp, doc: "moment of creation"}
  record_created_at: {type: timestamp, doc: "moment the record was made"}
  modified_at: {type: timestamp, doc: "moment of the last change"}
*/
with
version as (
    select * from raw.hubspot.deals
),
-- Most keys have one version, so only the others are looked up: see sql/DECISIONS.md.
changed as (
    select _connection, id, max(_sequence) as newest_sequence
    from version
    group by _connection, id
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.id as deal_id,
        version.dealname as deal_name,
        version.pipeline as pipeline_id,
        version.dealstage as stage_id,
        cast(version.amount as decimal(22, 2)) as amount,
        version.deal_currency_code as currency,
        cast(version.amount_in_home_currency as decimal(22, 2)) as amount_home,
        version.hs_exchange_rate as exchange_rate,
        cast(version.hs_deal_stage_probability as decimal(9, 6)) as probability,
        version.hs_manual_forecast_category as forecast_category,
        version.hubspot_owner_id as owner_id,
        version.closedate as close_at,
        version.closed_lost_reason as lost_reason,
        version.dealtype as deal_type,
        version.hs_next_step as next_step,
        version.competitor,
        version.notes_last_updated as last_activity_at,
        version.createdate as created_at,
        version.hs_record_created_at as record_created_at,
        version.hs_lastmodifieddate as modified_at
    from changed
    right join version
        on changed._connection = version._connection
        and changed.id = version.id
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            when version.archived then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, deal_id, deal_name, pipeline_id, stage_id, amount, currency, amount_home,
    exchange_rate, probability, forecast_category, owner_id, close_at, lost_reason,
    deal_type, next_step, competitor, last_activity_at, created_at, record_created_at, modified_at
from latest
