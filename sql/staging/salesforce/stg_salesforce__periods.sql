/* @model
description: Salesforce fiscal periods.
grain: [connection, period_id]
kind: view
owner: revops
tags: [crm, quotas]
source: {id: string, type: string, number: int64, startdate: date, enddate: date}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  period_id: {type: string, doc: "record id", checks: [not_null]}
  period_type: {type: string, doc: "Month, Quarter, Week or Year"}
  period_number: {type: int64, doc: "its number in the year"}
  start_date: {type: date, doc: "first day"}
  end_date: {type: date, doc: "last day"}
*/
with
version as (
    select * from raw.salesforce.period
),
-- Most keys have one version, so only the others are looked up: see sql/DECISIONS.md.
changed as (
    select _connection, id, max(_sequence) as newest_sequence
    from version
    group by _connection, id
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.id as period_id,
        version.type as period_type,
        version.number as period_number,
        version.startdate as start_date,
        version.enddate as end_date
    from changed
    right join version
        on changed._connection = version._connection
        and changed.id = version.id
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, period_id, period_type, period_number, start_date, end_date
from latest
