/* @model
description: Columns that sources added, removed or gave another type, and what was done about it.
grain: [run_id, connection, stream, column_name, change]
kind: table
owner: revops
tags: [ops]
columns:
  run_id: {type: string, doc: "the run that found it", checks: [not_null]}
  connection: {type: string, doc: "the connection", checks: [not_null]}
  stream: {type: string, doc: "the stream", checks: [not_null]}
  column_name: {type: string, doc: "the column", checks: [not_null]}
  change: {type: string, doc: "added, removed or retyped", checks: [not_null, "accepted_values: [added, removed, retyped]"]}
  from_type: {type: string, doc: "its type before; null: it was not there"}
  to_type: {type: string, doc: "its type now; null: it is not there any more"}
  action: {type: string, doc: "added: read and back-filled; nulls: new rows have none; widened, quarantined, stopped: as the pipeline file says of retyped columns", checks: [not_null]}
  detected_at: {type: timestamp, doc: "when it was found"}
*/
select
    run_id, connection, stream, column_name, change, from_type, to_type, action, detected_at
from system.schema_change
