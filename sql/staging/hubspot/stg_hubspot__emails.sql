/* @model
description: HubSpot e-mails that are not archived, latest version.
grain: [connection, email_id]
kind: view
owner: revops
tags: [crm, activities]
source: {id: string, hs_email_subject: string, hs_timestamp: timestamp, hs_email_direction: string, hs_email_status: string, hs_email_thread_id: string, hubspot_owner_id: string, archived: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  email_id: {type: string, doc: "record id", checks: [not_null]}
  subject: {type: string, doc: "subject"}
  sent_at: {type: timestamp, doc: "when it was sent"}
  direction: {type: string, doc: "EMAIL, INCOMING_EMAIL or FORWARDED_EMAIL"}
  status: {type: string, doc: "SENT, BOUNCED, …"}
  thread_id: {type: string, doc: "id of the thread"}
  owner_id: {type: string, doc: "id of the owner"}
*/
with
version as (
    select * from raw.hubspot.emails
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
        version.id as email_id,
        version.hs_email_subject as subject,
        version.hs_timestamp as sent_at,
        version.hs_email_direction as direction,
        version.hs_email_status as status,
        regexp_replace(version.hs_email_thread_id, '[.]0+$', '') as thread_id,
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
    connection, email_id, subject, sent_at, direction, status, thread_id, owner_id
from latest
