/* @model
description: Salesforce roles of contacts in opportunities that are not in the bin, latest version.
grain: [connection, role_id]
kind: view
owner: revops
tags: [crm, contacts]
source: {id: string, opportunityid: string, contactid: string, role: string, isprimary: boolean, isdeleted: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  role_id: {type: string, doc: "record id", checks: [not_null]}
  opportunity_id: {type: string, doc: "id of the deal"}
  contact_id: {type: string, doc: "id of the contact"}
  role: {type: string, doc: "what they are in it"}
  is_primary: {type: boolean, doc: "whether it is the deal's primary contact"}
*/
with
version as (
    select * from raw.salesforce.opportunitycontactrole
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
        version.id as role_id,
        version.opportunityid as opportunity_id,
        version.contactid as contact_id,
        version.role,
        version.isprimary as is_primary
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
select connection, role_id, opportunity_id, contact_id, role, is_primary
from latest
