/* @model
description: Salesforce history of the lead fields for which tracking is on, and of conversions. A row stays when the source forgets it, and may be there twice when it changed.
grain: [connection, history_id, sequence]
kind: view
owner: revops
tags: [crm, leads]
source: {id: string, leadid: string, field: string, oldvalue: string, newvalue: string, createddate: timestamp, createdbyid: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  history_id: {type: string, doc: "record id", checks: [not_null]}
  lead_id: {type: string, doc: "id of the lead"}
  field: {type: string, doc: "API name of the field, or an event: created, leadConverted, ownerAssignment"}
  old_value: {type: string, doc: "value before"}
  new_value: {type: string, doc: "value after"}
  changed_at: {type: timestamp, doc: "moment of the change"}
  changed_by: {type: string, doc: "id of the user who made it"}
  sequence: {type: int64, doc: "place among all rows of the raw table", checks: [not_null]}
*/
select
    _connection as connection,
    id as history_id,
    leadid as lead_id,
    field,
    oldvalue as old_value,
    newvalue as new_value,
    createddate as changed_at,
    createdbyid as changed_by,
    _sequence as sequence
from raw.salesforce.leadhistory
where _op = 'upsert'
