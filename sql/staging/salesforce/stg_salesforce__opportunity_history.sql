/* @model
description: "Salesforce history of opportunities: amount, probability, stage, close date and forecast category after each change; always kept. A row stays when the source forgets it, and may be there twice when it changed."
grain: [connection, history_id, sequence]
kind: view
owner: revops
tags: [crm, opportunities]
source: {id: string, opportunityid: string, createddate: timestamp, createdbyid: string, stagename: string, amount: "decimal(38,18)", closedate: date, probability: "decimal(38,18)", forecastcategory: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  history_id: {type: string, doc: "record id", checks: [not_null]}
  opportunity_id: {type: string, doc: "id of the deal"}
  changed_at: {type: timestamp, doc: "moment of the change"}
  changed_by: {type: string, doc: "id of the user who made it"}
  stage: {type: string, doc: "stage after the change"}
  amount: {type: "decimal(22,2)", doc: "amount after the change"}
  close_date: {type: date, doc: "close date after the change"}
  probability: {type: "decimal(9,6)", doc: "probability after the change, a fraction"}
  forecast_category: {type: string, doc: "category after the change, API code"}
  sequence: {type: int64, doc: "place among all rows of the raw table", checks: [not_null]}
*/
select
    _connection as connection,
    id as history_id,
    opportunityid as opportunity_id,
    createddate as changed_at,
    createdbyid as changed_by,
    stagename as stage,
    cast(amount as decimal(22, 2)) as amount,
    closedate as close_date,
    cast(probability / 100 as decimal(9, 6)) as probability,
    forecastcategory as forecast_category,
    _sequence as sequence
from raw.salesforce.opportunityhistory
where _op = 'upsert'
