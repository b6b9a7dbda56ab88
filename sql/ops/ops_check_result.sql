/* @model
description: Results of the checks, failed ones with samples of what they found.
grain: [run_id, table_name, column_name, check_text]
kind: table
owner: revops
tags: [ops]
columns:
  run_id: {type: string, doc: "the run"}
  table_name: {type: string, doc: "the table checked"}
  column_name: {type: string, doc: "the column; null: the whole table"}
  check_text: {type: string, doc: "the check"}
  severity: {type: string, doc: "error or warn"}
  passed: {type: boolean, doc: "whether it passed"}
  offending_rows: {type: int64, doc: "rows that offend"}
  samples: {type: string, doc: "a few of them"}
  location: {type: string, doc: "file and line of the check"}
*/
select
    run_id, table_name, column_name, check_text, severity, passed, offending_rows, samples,
    location
from system.check_result
