/* @model
description: Salesforce e-mails that are not in the bin, latest version, without what they say. They are read only where a pipeline includes the object EmailMessage.
grain: [connection, message_id]
kind: view
owner: revops
tags: [crm, activities]
source: {id: string, activityid: string, incoming: boolean, isbounced: boolean, messagedate: timestamp, isdeleted: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  message_id: {type: string, doc: "record id", checks: [not_null]}
  task_id: {type: string, doc: "id of the task that logs it"}
  is_incoming: {type: boolean, doc: "whether it came in"}
  is_bounced: {type: boolean, doc: "whether it is, or led to, a bounce"}
  sent_at: {type: timestamp, doc: "when it was sent"}
*/
with
version as (
    select * from raw.salesforce.emailmessage
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
        version.id as message_id,
        version.activityid as task_id,
        version.incoming as is_incoming,
        version.isbounced as is_bounced,
        version.messagedate as sent_at
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
select connection, message_id, task_id, is_incoming, is_bounced, sent_at
from latest
