/* @model
description: HubSpot leads that are not archived, latest version.
grain: [connection, lead_id]
kind: view
owner: revops
tags: [crm, leads]
source: {id: string, hs_lead_name: string, hubspot_owner_id: string, hs_pipeline_stage: string, hs_lead_type: string, lead_source: string, hs_contact_analytics_source: string, hs_associated_contact_email: string, hs_associated_company_name: string, hs_v2_date_entered_attempting_stage_id: timestamp, hs_v2_date_entered_connected_stage_id: timestamp, hs_v2_date_entered_qualified_stage_id: timestamp, hs_v2_date_entered_unqualified_stage_id: timestamp, hs_createdate: timestamp, hs_record_created_at: timestamp, archived: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  lead_id: {type: string, doc: "record id", checks: [not_null]}
  lead_name: {type: string, doc: "name"}
  owner_id: {type: string, doc: "id of the owner"}
  lead_stage: {type: string, doc: "id of the stage"}
  lead_type: {type: string, doc: "kind of lead"}
  lead_source: {type: string, doc: "where it came from: the portal's own property, else HubSpot's original source of the contact"}
  contact_email: {type: string, doc: "e-mail address of the contact"}
  company_name: {type: string, doc: "name of the company"}
  attempted_at: {type: timestamp, doc: "when it last entered the standard stage Attempting"}
  connected_at: {type: timestamp, doc: "when it last entered the standard stage Connected"}
  qualified_at: {type: timestamp, doc: "when it last entered the standard stage Qualified"}
  disqualified_at: {type: timestamp, doc: "when it last entered the standard stage Disqualified"}
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
        coalesce(version.lead_source, version.hs_contact_analytics_source) as lead_source,
        version.hs_associated_contact_email as contact_email,
        version.hs_associated_company_name as company_name,
        version.hs_v2_date_entered_attempting_stage_id as attempted_at,
        version.hs_v2_date_entered_connected_stage_id as connected_at,
        version.hs_v2_date_entered_qualified_stage_id as qualified_at,
        version.hs_v2_date_entered_unqualified_stage_id as disqualified_at,
        coalesce(version.hs_createdate, version.hs_record_created_at) as created_at
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
    connection, lead_id, lead_name, owner_id, lead_stage, lead_type, lead_source, contact_email,
    company_name, attempted_at, connected_at, qualified_at, disqualified_at, created_at
from latest
