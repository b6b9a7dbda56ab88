/* @model
description: Every version of every Salesforce opportunity that a run saw, and the deletes.
grain: [connection, opportunity_id, sequence]
kind: view
owner: revops
tags: [crm, opportunities]
source: {id: string, stagename: string, amount: "decimal(38,18)", currencyisocode: string, probability: "decimal(38,18)", forecastcategory: string, closedate: date, ownerid: string, createddate: timestamp, systemmodstamp: timestamp, isdeleted: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  opportunity_id: {type: string, doc: "record id", checks: [not_null]}
  sequence: {type: int64, doc: "place among all rows of the raw table; the greatest is the newest", checks: [not_null]}
  modified_at: {type: timestamp, doc: "moment of the change that made this version; of a record that is gone for good, when a run missed it", checks: [not_null]}
  seen_at: {type: timestamp, doc: "when a run saw it"}
  is_deleted: {type: boolean, doc: "whether the record is in the bin or gone for good; then the other columns may be null", checks: [not_null]}
  is_marker: {type: boolean, doc: "true: the source has no such record any more, and nothing else is known", checks: [not_null]}
  created_at: {type: timestamp, doc: "moment of creation"}
  stage: {type: string, doc: "stage, as its API name"}
  amount: {type: "decimal(22,2)", doc: "amount in the deal's currency, rounded half away from zero to cents"}
  currency: {type: string, doc: "ISO 4217 code; null in an org with one currency"}
  probability: {type: "decimal(9,6)", doc: "chance of winning as a fraction; the source has percent"}
  forecast_category: {type: string, doc: "API code of the category"}
  close_date: {type: date, doc: "planned close date"}
  owner_id: {type: string, doc: "id of the owner"}
*/
select
    _connection as connection,
    id as opportunity_id,
    _sequence as sequence,
    case when _op = 'delete' then _extracted_at else coalesce(systemmodstamp, _extracted_at) end
        as modified_at,
    _extracted_at as seen_at,
    _op = 'delete' or coalesce(isdeleted, false) as is_deleted,
    _op = 'delete' as is_marker,
    createddate as created_at,
    stagename as stage,
    cast(amount as decimal(22, 2)) as amount,
    currencyisocode as currency,
    cast(probability / 100 as decimal(9, 6)) as probability,
    forecastcategory as forecast_category,
    closedate as close_date,
    ownerid as owner_id
from raw.salesforce.opportunity
