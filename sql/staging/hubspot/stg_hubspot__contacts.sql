/* @model
description: HubSpot contacts that are not archived, latest version.
grain: [connection, contact_id]
kind: view
owner: revops
tags: [crm, contacts]
source: {id: string, firstname: string, lastname: string, email: string, jobtitle: string, associatedcompanyid: string, hubspot_owner_id: string, lifecyclestage: string, createdate: timestamp, archived: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  contact_id: {type: string, doc: "record id", checks: [not_null]}
  first_name: {type: string, doc: "first name"}
  last_name: {type: string, doc: "last name"}
  email: {type: string, doc: "e-mail address"}
  title: {type: string, doc: "what they do there"}
  company_id: {type: string, doc: "id of the primary company"}
  owner_id: {type: string, doc: "id of the owner"}
  lifecycle_stage: {type: string, doc: "how far they are"}
  created_at: {type: timestamp, doc: "moment of creation"}
*/
with
version as (
    select * from raw.hubspot.contacts
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
        version.id as contact_id,
        version.firstname as first_name,
        version.lastname as last_name,
        version.email,
        version.jobtitle as title,
        regexp_replace(version.associatedcompanyid, '[.]0+$', '') as company_id,
        version.hubspot_owner_id as owner_id,
        version.lifecyclestage as lifecycle_stage,
        version.createdate as created_at
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
    connection, contact_id, first_name, last_name, email, title, company_id, owner_id,
    lifecycle_stage, created_at
from latest
