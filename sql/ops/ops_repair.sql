/* @model
description: Values that the pipeline file's maps replaced, as declared, with how often.
grain: [run_id, connection, stream, column_name, from_value]
kind: table
owner: revops
tags: [ops]
columns:
  run_id: {type: string, doc: "the run"}
  connection: {type: string, doc: "the connection"}
  stream: {type: string, doc: "the stream"}
  column_name: {type: string, doc: "the column"}
  from_value: {type: string, doc: "as it came"}
  to_value: {type: string, doc: "as it was landed"}
  rows: {type: int64, doc: "rows"}
*/
select
    run_id, connection, stream, column_name, from_value, to_value, rows
from system.repair
