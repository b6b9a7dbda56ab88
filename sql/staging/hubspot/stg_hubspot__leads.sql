/* @model
description: HubSpot leads that are not archived, latest version.
grain: [connection, lead_id]
kind: view
owner: revops
tags: [crm, leads]
source: {id: string, hs_lead_name: string, hubspot_owner_id: string, hs_pipeline_stage: string, hs_lead_type: string, hs_createdate: timestamp, archived: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  lead_id: {type: string, doc: "record id", checks: [not_null]}
  lead_name: {type: string, doc: "name"}
  owner_id: {type: string, doc: "id of the owner"}
  lead_stage: {type: string, doc: "id of the stage"}
  lead_type: {type: string, doc: "kind of lead"}
  created_at: {type: timestamp, doc: "moment of creation"}
*/
with
version as (
    select * from raw.hubspot.leads
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
        version.id as lead_id,
        version.hs_lead_name as lead_name,
        version.hubspot_owner_id as owner_id,
        version.hs_pipeline_stage as lead_stage,
        version.hs_lead_type as lead_type,
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
    connection, lead_id, lead_name, owner_id, lead_stage, lead_type, created_at
from latest
