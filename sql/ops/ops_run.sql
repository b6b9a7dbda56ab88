/* @model
description: Runs of the pipelines up to this one.
grain: [run_id]
kind: table
owner: revops
tags: [ops]
columns:
  run_id: {type: string, doc: "the run"}
  pipeline: {type: string, doc: "the pipeline"}
  started_at: {type: timestamp, doc: "when it began"}
  finished_at: {type: timestamp, doc: "when it ended; null: it has not"}
  status: {type: string, doc: "how it ended"}
  as_of: {type: timestamp, doc: "the instant its figures are of"}
  salesmart_version: {type: string, doc: "the version of Salesmart"}
  rows_read: {type: int64, doc: "rows read from the sources"}
  rows_landed: {type: int64, doc: "rows new or changed"}
  rows_quarantined: {type: int64, doc: "rows that did not fit"}
  rows_unchanged: {type: int64, doc: "rows that were known"}
  rows_deleted: {type: int64, doc: "rows gone from the sources"}
  release_id: {type: string, doc: "the release it made"}
  failure: {type: string, doc: "why it failed"}
*/
select
    run_id, pipeline, started_at, finished_at, status, as_of, salesmart_version, rows_read,
    rows_landed, rows_quarantined, rows_unchanged, rows_deleted, release_id, failure
from system.run
