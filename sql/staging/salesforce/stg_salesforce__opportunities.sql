/* @model
description: Salesforce opportunities that are not in the bin, latest version.
grain: [connection, opportunity_id]
kind: view
owner: revops
tags: [crm, opportunities]
source: {id: string, name: string, accountid: string, contactid: string, ownerid: string, stagename: string, amount: "decimal(38,18)", currencyisocode: string, probability: "decimal(38,18)", forecastcategory: string, closedate: date, leadsource: string, type: string, nextstep: string, loss_reason__c: string, competitor__c: string, lastactivitydate: date, createddate: timestamp, systemmodstamp: timestamp, isdeleted: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  opportunity_id: {type: string, doc: "record id", checks: [not_null]}
  opportunity_name: {type: string, doc: "name of the deal"}
  account_id: {type: string, doc: "id of the account"}
  contact_id: {type: string, doc: "id of the primary contact"}
  owner_id: {type: string, doc: "id of the user who owns the deal"}
  stage: {type: string, doc: "stage, as its API name"}
  amount: {type: "decimal(22,2)", doc: "amount in the deal's currency, rounded half away from zero to cents"}
  currency: {type: string, doc: "ISO 4217 code; null in an org with one currency"}
  probability: {type: "decimal(9,6)", doc: "chance of winning as a fraction; the source has percent"}
  forecast_category: {type: string, doc: "API code: Omitted, Pipeline, BestCase, MostLikely, Forecast, Closed"}
  close_date: {type: date, doc: "planned close date; of closed deals the day they closed"}
  lead_source: {type: string, doc: "where it came from"}
  opportunity_type: {type: string, doc: "kind of deal"}
  next_step: {type: string, doc: "what is to be done next"}
  lost_reason: {type: string, doc: "why it was lost, where the org has such a field"}
  competitor: {type: string, doc: "to whom it was lost, where the org has such a field"}
  last_activity_date: {type: date, doc: "day of the newest task or event"}
  created_at: {type: timestamp, doc: "moment of creation"}
  modified_at: {type: timestamp, doc: "moment of the last change"}
*/
with
version as (
    select * from raw.salesforce.opportunity
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
        version.id as opportunity_id,
        version.name as opportunity_name,
        version.accountid as account_id,
        version.contactid as contact_id,
        version.ownerid as owner_id,
        version.stagename as stage,
        cast(version.amount as decimal(22, 2)) as amount,
        version.currencyisocode as currency,
        cast(version.probability / 100 as decimal(9, 6)) as probability,
        version.forecastcategory as forecast_category,
        version.closedate as close_date,
        version.leadsource as lead_source,
        version.type as opportunity_type,
        version.nextstep as next_step,
        version.loss_reason__c as lost_reason,
        version.competitor__c as competitor,
        version.lastactivitydate as last_activity_date,
        version.createddate as created_at,
        version.systemmodstamp as modified_at
    from changed
    right join version
        on changed._connection = version._connection
        and changed.id = version.id
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            when version.isdeleted then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, opportunity_id, opportunity_name, account_id, contact_id, owner_id, stage,
    amount, currency, probability, forecast_category, close_date, lead_source,
    opportunity_type, next_step, lost_reason, competitor, last_activity_date, created_at,
    modified_at
from latest
