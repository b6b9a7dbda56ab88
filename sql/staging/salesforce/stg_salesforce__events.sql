/* @model
description: Salesforce events that are not in the bin, latest version.
grain: [connection, event_id]
kind: view
owner: revops
tags: [crm, activities]
source: {id: string, subject: string, startdatetime: timestamp, enddatetime: timestamp, isalldayevent: boolean, isprivate: boolean, isrecurrence: boolean, ownerid: string, whoid: string, whatid: string, createddate: timestamp, isdeleted: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  event_id: {type: string, doc: "record id", checks: [not_null]}
  subject: {type: string, doc: "subject"}
  starts_at: {type: timestamp, doc: "when it begins"}
  ends_at: {type: timestamp, doc: "when it ends"}
  is_all_day: {type: boolean, doc: "whether it is for a whole day"}
  is_private: {type: boolean, doc: "whether it is private"}
  is_recurrence: {type: boolean, doc: "whether it is the head of a series"}
  owner_id: {type: string, doc: "id of the user whose it is"}
  who_id: {type: string, doc: "id of the contact or lead"}
  what_id: {type: string, doc: "id of the deal or account"}
  created_at: {type: timestamp, doc: "moment of creation"}
*/
with
version as (
    select * from raw.salesforce.event
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
        version.id as event_id,
        version.subject,
        version.startdatetime as starts_at,
        version.enddatetime as ends_at,
        version.isalldayevent as is_all_day,
        version.isprivate as is_private,
        version.isrecurrence as is_recurrence,
        version.ownerid as owner_id,
        version.whoid as who_id,
        version.whatid as what_id,
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
    connection, event_id, subject, starts_at, ends_at, is_all_day, is_private,
    is_recurrence, owner_id, who_id, what_id, created_at
from latest
