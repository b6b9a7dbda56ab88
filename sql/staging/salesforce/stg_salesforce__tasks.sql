/* @model
description: Salesforce tasks, calls and e-mails that are not in the bin, latest version.
grain: [connection, task_id]
kind: view
owner: revops
tags: [crm, activities]
source: {id: string, tasksubtype: string, calltype: string, subject: string, status: string, isclosed: boolean, activitydate: date, completeddatetime: timestamp, ownerid: string, whoid: string, whatid: string, calldurationinseconds: int64, createddate: timestamp, isdeleted: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  task_id: {type: string, doc: "record id", checks: [not_null]}
  task_subtype: {type: string, doc: "Task, Email, Call or LinkedIn"}
  call_type: {type: string, doc: "Inbound, Outbound or Internal; null: no call, or not said"}
  subject: {type: string, doc: "subject"}
  status: {type: string, doc: "where it stands"}
  is_closed: {type: boolean, doc: "whether it is done"}
  due_date: {type: date, doc: "due date; of calls and e-mails the day they were"}
  completed_at: {type: timestamp, doc: "moment it was done"}
  owner_id: {type: string, doc: "id of the user who has it"}
  who_id: {type: string, doc: "id of the contact or lead"}
  what_id: {type: string, doc: "id of the deal or account"}
  call_seconds: {type: int64, doc: "how many seconds the call took"}
  created_at: {type: timestamp, doc: "moment of creation"}
*/
with
version as (
    select * from raw.salesforce.task
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
        version.tasksubtype as task_subtype,
        version.calltype as call_type,
        version.subject,
        version.status,
        version.isclosed as is_closed,
        version.activitydate as due_date,
        version.completeddatetime as completed_at,
        version.ownerid as owner_id,
        version.whoid as who_id,
        version.whatid as what_id,
        version.calldurationinseconds as call_seconds,
        version.createddate as created_at
    from changed
    right join version
        on changed._connection = version._connection
        and changed.id = version.id
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            when version.isdeleted then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, task_id, task_subtype, call_type, subject, status, is_closed, due_date,
    completed_at, owner_id, who_id, what_id, call_seconds, created_at
from latest
