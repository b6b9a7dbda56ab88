/* @model
description: HubSpot calls that are not archived, latest version.
grain: [connection, call_id]
kind: view
owner: revops
tags: [crm, activities]
source: {id: string, hs_call_title: string, hs_timestamp: timestamp, hs_call_duration: "decimal(38,18)", hs_call_direction: string, hs_call_status: string, hubspot_owner_id: string, archived: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  call_id: {type: string, doc: "record id", checks: [not_null]}
  title: {type: string, doc: "title"}
  called_at: {type: timestamp, doc: "when it was"}
  duration_milliseconds: {type: int64, doc: "how long it took"}
  direction: {type: string, doc: "INBOUND or OUTBOUND"}
  status: {type: string, doc: "how it went"}
  owner_id: {type: string, doc: "id of the owner"}
*/
with
version as (
    select * from raw.hubspot.calls
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
        version.id as call_id,
        version.hs_call_title as title,
        version.hs_timestamp as called_at,
        cast(version.hs_call_duration as bigint) as duration_milliseconds,
        version.hs_call_direction as direction,
        version.hs_call_status as status,
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
    connection, call_id, title, called_at, duration_milliseconds, direction, status,
    owner_id
from latest
