/* @model
description: What the sources say they have beside what was landed, one row a run and window. A window that was read again in the same run has the outcome of its best reading.
grain: [run_id, connection, stream, check_name, window_from, window_to]
kind: table
owner: revops
tags: [crm, ops]
columns:
  run_id: {type: string, doc: "the run", checks: [not_null]}
  connection: {type: string, doc: "the connection", checks: [not_null]}
  stream: {type: string, doc: "the stream", checks: [not_null]}
  check_name: {type: string, doc: "window: the source's count of the rows of a window; keys: its list of all keys", checks: [not_null]}
  window_from: {type: string, doc: "lower end of the window, as the source spells it; null: from the beginning"}
  window_to: {type: string, doc: "upper end of the window"}
  source_rows: {type: int64, doc: "rows or keys the source says it has"}
  landed_rows: {type: int64, doc: "how many of them are landed, in quarantine, or were there unchanged"}
  missing_rows: {type: int64, doc: "rows the source has and the lake does not"}
  status: {type: string, doc: "matched; moved: rows changed while they were read; mismatched: rows are missing", checks: [not_null, "accepted_values: [matched, moved, mismatched]"]}
  note: {type: string, doc: "some of the missing keys, or what explains the numbers"}
*/
with
reading as (
    select * from system.reconciliation
),
best as (
    select
        run_id,
        connection,
        stream,
        check_name,
        window_from,
        window_to,
        max(source_rows) as source_rows,
        max(landed_rows) as landed_rows,
        bool_and(status = 'mismatched') as is_mismatched,
        bool_or(status = 'matched') as is_matched,
        min(case when status <> 'mismatched' then note end) as good_note,
        min(case when status = 'mismatched' then note end) as bad_note
    from reading
    group by run_id, connection, stream, check_name, window_from, window_to
),
final as (
    select
        run_id,
        connection,
        stream,
        check_name,
        window_from,
        window_to,
        source_rows,
        landed_rows,
        case when is_mismatched then greatest(source_rows - landed_rows, 0) else 0 end
            as missing_rows,
        case
            when is_mismatched then 'mismatched'
            when is_matched then 'matched'
            else 'moved'
        end as status,
        case when is_mismatched then bad_note else good_note end as note
    from best
)
select
    run_id, connection, stream, check_name, window_from, window_to, source_rows, landed_rows,
    missing_rows, status, note
from final
