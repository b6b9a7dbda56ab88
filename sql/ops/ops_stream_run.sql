/* @model
description: What each run read of each stream, whether rows read = landed + quarantined + unchanged, and how it compares with what the source says.
grain: [run_id, connection, stream]
kind: table
owner: revops
tags: [ops]
columns:
  run_id: {type: string, doc: "the run"}
  pipeline: {type: string, doc: "the pipeline it ran"}
  connection: {type: string, doc: "the connection"}
  stream: {type: string, doc: "the stream"}
  rows_read: {type: int64, doc: "rows read"}
  rows_landed: {type: int64, doc: "rows new or changed"}
  rows_quarantined: {type: int64, doc: "rows that did not fit"}
  rows_unchanged: {type: int64, doc: "rows that were known"}
  rows_deleted: {type: int64, doc: "rows gone from the source"}
  adds_up: {type: boolean, doc: "whether the counts add up"}
  raw_version: {type: int64, doc: "version of the raw table after the run"}
  reconciliation: {type: string, doc: "the worst of the run's comparisons with the source: mismatched, moved or matched; null: it made none", checks: ["accepted_values: [mismatched, moved, matched]"]}
  failure: {type: string, doc: "why it failed"}
*/
with
stream_run as (
    select * from system.stream_run
),
reconciliation as (
    select * from intermediate.int_reconciliation
),
compared as (
    select
        run_id,
        connection,
        stream,
        case
            when bool_or(status = 'mismatched') then 'mismatched'
            when bool_or(status = 'moved') then 'moved'
            else 'matched'
        end as reconciliation
    from reconciliation
    group by run_id, connection, stream
),
final as (
    select
        stream_run.*,
        compared.reconciliation
    from stream_run
    left join compared
        on stream_run.run_id = compared.run_id
        and stream_run.connection = compared.connection
        and stream_run.stream = compared.stream
)
select
    run_id, pipeline, connection, stream, rows_read, rows_landed, rows_quarantined,
    rows_unchanged, rows_deleted, adds_up, raw_version, reconciliation, failure
from final
