/* @model
description: HubSpot meetings that are not archived, latest version.
grain: [connection, meeting_id]
kind: view
owner: revops
tags: [crm, activities]
source: {id: string, hs_meeting_title: string, hs_meeting_start_time: timestamp, hs_meeting_end_time: timestamp, hs_meeting_outcome: string, hubspot_owner_id: string, hs_createdate: timestamp, archived: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  meeting_id: {type: string, doc: "record id", checks: [not_null]}
  title: {type: string, doc: "title"}
  starts_at: {type: timestamp, doc: "when it begins"}
  ends_at: {type: timestamp, doc: "when it ends"}
  outcome: {type: string, doc: "SCHEDULED, COMPLETED, RESCHEDULED, NO_SHOW or CANCELED"}
  owner_id: {type: string, doc: "id of the owner"}
  created_at: {type: timestamp, doc: "moment of creation"}
*/
with
version as (
    select * from raw.hubspot.meetings
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
        version.id as meeting_id,
        version.hs_meeting_title as title,
        version.hs_meeting_start_time as starts_at,
        version.hs_meeting_end_time as ends_at,
        version.hs_meeting_outcome as outcome,
        version.hubspot_owner_id as owner_id,
        version.hs_createdate as created_at
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
    connection, meeting_id, title, starts_at, ends_at, outcome, owner_id, created_at
from latest
