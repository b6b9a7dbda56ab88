/* @model
description: HubSpot associations of deals with leads, latest version.
grain: [connection, deal_id, lead_id, association_type_id]
kind: view
owner: revops
tags: [crm, associations]
source: {from_id: string, to_id: string, type_id: string, category: string, label: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  deal_id: {type: string, doc: "id of the deal", checks: [not_null]}
  lead_id: {type: string, doc: "id of the lead", checks: [not_null]}
  association_type_id: {type: string, doc: "id of the type of association", checks: [not_null]}
  category: {type: string, doc: "HUBSPOT_DEFINED, USER_DEFINED or INTEGRATOR_DEFINED"}
  label: {type: string, doc: "label, such as Primary; null without one"}
*/
with
version as (
    select * from raw.hubspot.deals_to_leads
),
-- Most keys have one version, so only the others are looked up: see sql/DECISIONS.md.
changed as (
    select _connection, from_id, to_id, type_id, max(_sequence) as newest_sequence
    from version
    group by _connection, from_id, to_id, type_id
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.from_id as deal_id,
        version.to_id as lead_id,
        version.type_id as association_type_id,
        version.category,
        version.label
    from changed
    right join version
        on changed._connection = version._connection
        and changed.from_id = version.from_id
        and changed.to_id = version.to_id
        and changed.type_id = version.type_id
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, deal_id, lead_id, association_type_id, category, label
from latest
