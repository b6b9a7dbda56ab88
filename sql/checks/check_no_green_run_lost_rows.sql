/* @check
description: A run in which the source had rows that were not landed did not succeed, and until a later comparison agrees its connection is not whole.
severity: error
table: ops.reconciliation
*/
with
lost as (
    select run_id, connection, stream, check_name, sum(missing_rows) as missing_rows
    from ops.reconciliation
    where status = 'mismatched'
    group by run_id, connection, stream, check_name
),
newest as (
    select connection, stream, check_name, max(run_id) as run_id
    from ops.reconciliation
    group by connection, stream, check_name
)
select lost.run_id, lost.connection, lost.stream, lost.missing_rows, 'run succeeded' as wrong
from lost
inner join ops.run as run on lost.run_id = run.run_id
where run.status = 'succeeded'
union all
select lost.run_id, lost.connection, lost.stream, lost.missing_rows, 'connection is whole' as wrong
from lost
inner join newest
    on lost.connection = newest.connection
    and lost.stream = newest.stream
    and lost.check_name = newest.check_name
    and lost.run_id = newest.run_id
inner join intermediate.int_connection as connection on lost.connection = connection.connection
where connection.is_whole
