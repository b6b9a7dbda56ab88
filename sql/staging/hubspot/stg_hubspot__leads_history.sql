/* @model
description: "HubSpot history of lead properties: the value after each change, as text. A row stays when the source forgets it, and may be there twice when it changed."
grain: [connection, lead_id, property, changed_at, sequence]
kind: view
owner: revops
tags: [crm, leads]
source: {object_id: string, property: string, timestamp: timestamp, value: string, source_type: string, updated_by_user_id: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  lead_id: {type: string, doc: "id of the lead", checks: [not_null]}
  property: {type: string, doc: "name of the property", checks: [not_null]}
  changed_at: {type: timestamp, doc: "moment of the change", checks: [not_null]}
  value: {type: string, doc: "value after the change; empty or null: unset"}
  source_type: {type: string, doc: "what made the change"}
  changed_by: {type: string, doc: "id of the user who made it"}
  sequence: {type: int64, doc: "place among all rows of the raw table", checks: [not_null]}
*/
select
    _connection as connection,
    object_id as lead_id,
    property,
    timestamp as changed_at,
    value,
    source_type,
    updated_by_user_id as changed_by,
    _sequence as sequence
from raw.hubspot.leads_history
where _op = 'upsert'
