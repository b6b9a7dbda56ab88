/* @model
description: Connections that took part in a run, and whether the newest read of each of their streams came in whole.
grain: [connection]
kind: table
owner: revops
tags: [crm, ops]
columns:
  connection: {type: string, doc: "the connection's name", checks: [not_null]}
  is_whole: {type: boolean, doc: "false: the newest read of a stream failed or did not add up, so figures from it are partial", checks: [not_null]}
  failed_streams: {type: int64, doc: "streams whose newest read failed or did not add up", checks: [not_null]}
*/
with
stream_run as (
    select * from system.stream_run
),
-- Run ids begin with the run's start time, so the greatest is the newest.
newest as (
    select
        connection,
        stream,
        last_value(failure order by run_id) as failure,
        last_value(adds_up order by run_id) as adds_up
    from stream_run
    group by connection, stream
),
final as (
    select
        connection,
        bool_and(failure is null and coalesce(adds_up, false)) as is_whole,
        sum(case when failure is null and coalesce(adds_up, false) then 0 else 1 end)
            as failed_streams
    from newest
    group by connection
)
select connection, is_whole, failed_streams
from final
