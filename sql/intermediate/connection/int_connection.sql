/* @model
description: Connections that took part in a run, whether the newest read of each of their streams came in whole, and whether the newest comparisons with the source found rows missing.
grain: [connection]
kind: table
owner: revops
tags: [crm, ops]
columns:
  connection: {type: string, doc: "the connection's name", checks: [not_null]}
  is_whole: {type: boolean, doc: "false: a stream failed, did not add up, or the source has rows that were not landed, so figures from it are partial", checks: [not_null]}
  failed_streams: {type: int64, doc: "streams whose newest read failed or did not add up", checks: [not_null]}
  short_streams: {type: int64, doc: "streams of which the source has rows that were not landed, by the newest comparison of each kind", checks: [not_null]}
*/
with
stream_run as (
    select * from system.stream_run
),
reconciliation as (
    select * from intermediate.int_reconciliation
),
-- Run ids begin with the run's start time, so the greatest is the newest. A stream that the newest
-- run of its pipeline did not read was taken out of it: whatever befell it, nobody waits for it.
newest_run as (
    select coalesce(pipeline, '') as pipeline, connection, max(run_id) as run_id
    from stream_run
    group by coalesce(pipeline, ''), connection
),
newest as (
    select stream_run.connection, stream_run.stream, stream_run.failure, stream_run.adds_up
    from newest_run
    inner join stream_run
        on newest_run.pipeline = coalesce(stream_run.pipeline, '')
        and newest_run.connection = stream_run.connection
        and newest_run.run_id = stream_run.run_id
),
-- A run compares several windows; counts of windows and lists of keys come at different times.
newest_comparison as (
    select connection, stream, check_name, max(run_id) as run_id
    from reconciliation
    group by connection, stream, check_name
),
compared as (
    select
        reconciliation.connection,
        reconciliation.stream,
        bool_or(reconciliation.status = 'mismatched') as is_short
    from newest_comparison
    inner join reconciliation
        on newest_comparison.connection = reconciliation.connection
        and newest_comparison.stream = reconciliation.stream
        and newest_comparison.check_name = reconciliation.check_name
        and newest_comparison.run_id = reconciliation.run_id
    group by reconciliation.connection, reconciliation.stream
),
judged as (
    select
        newest.connection,
        newest.failure is not null or not coalesce(newest.adds_up, false) as is_failed,
        coalesce(compared.is_short, false) as is_short
    from newest
    left join compared
        on newest.connection = compared.connection and newest.stream = compared.stream
),
final as (
    select
        connection,
        bool_and(not is_failed and not is_short) as is_whole,
        sum(case when is_failed then 1 else 0 end) as failed_streams,
        sum(case when is_short then 1 else 0 end) as short_streams
    from judged
    group by connection
)
select connection, is_whole, failed_streams, short_streams
from final
