/* @model
description: Salesforce history of the opportunity fields for which tracking is on. A row stays when the source forgets it, and may be there twice when it changed.
grain: [connection, history_id, sequence]
kind: view
owner: revops
tags: [crm, opportunities]
source: {id: string, opportunityid: string, field: string, datatype: string, oldvalue: string, newvalue: string, createddate: timestamp, createdbyid: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  history_id: {type: string, doc: "record id", checks: [not_null]}
  opportunity_id: {type: string, doc: "id of the deal"}
  field: {type: string, doc: "API name of the field, or an event such as created"}
  data_type: {type: string, doc: "type of the values; lookups have two rows, of the label and of the id"}
  old_value: {type: string, doc: "value before"}
  new_value: {type: string, doc: "value after"}
  changed_at: {type: timestamp, doc: "moment of the change"}
  changed_by: {type: string, doc: "id of the user who made it"}
  sequence: {type: int64, doc: "place among all rows of the raw table", checks: [not_null]}
*/
select
    _connection as connection,
    id as history_id,
    opportunityid as opportunity_id,
    field,
    datatype as data_type,
    oldvalue as old_value,
    newvalue as new_value,
    createddate as changed_at,
    createdbyid as changed_by,
    _sequence as sequence
from raw.salesforce.opportunityfieldhistory
where _op = 'upsert'
