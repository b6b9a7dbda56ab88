/* @model
description: HubSpot tasks that are not archived, latest version.
grain: [connection, task_id]
kind: view
owner: revops
tags: [crm, activities]
source: {id: string, hs_task_subject: string, hs_task_status: string, hs_timestamp: timestamp, hs_task_completion_date: timestamp, hubspot_owner_id: string, archived: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  task_id: {type: string, doc: "record id", checks: [not_null]}
  subject: {type: string, doc: "subject"}
  status: {type: string, doc: "where it stands"}
  due_at: {type: timestamp, doc: "when it is due"}
  completed_at: {type: timestamp, doc: "moment it was done"}
  owner_id: {type: string, doc: "id of the owner"}
*/
with
version as (
    select * from raw.hubspot.tasks
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
        version.id as task_id,
        version.hs_task_subject as subject,
        version.hs_task_status as status,
        version.hs_timestamp as due_at,
        version.hs_task_completion_date as completed_at,
        version.hubspot_owner_id as owner_id
    from changed
    right join version
        on changed._connection = version._connection
        and changed.id = version.id
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            when version.archived then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, task_id, subject, status, due_at, completed_at, owner_id
from latest
