/* @model
description: What each run read of each stream, and whether rows read = landed + quarantined + unchanged.
grain: [run_id, connection, stream]
kind: table
owner: revops
tags: [ops]
columns:
  run_id: {type: string, doc: "the run"}
  connection: {type: string, doc: "the connection"}
  stream: {type: string, doc: "the stream"}
  rows_read: {type: int64, doc: "rows read"}
  rows_landed: {type: int64, doc: "rows new or changed"}
  rows_quarantined: {type: int64, doc: "rows that did not fit"}
  rows_unchanged: {type: int64, doc: "rows that were known"}
  rows_deleted: {type: int64, doc: "rows gone from the source"}
  adds_up: {type: boolean, doc: "whether the counts add up"}
  raw_version: {type: int64, doc: "version of the raw table after the run"}
  failure: {type: string, doc: "why it failed"}
*/
select
    run_id, connection, stream, rows_read, rows_landed, rows_quarantined, rows_unchanged,
    rows_deleted, adds_up, raw_version, failure
from system.stream_run
