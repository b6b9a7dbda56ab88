/* @model
description: Salesforce roles, latest version.
grain: [connection, role_id]
kind: view
owner: revops
tags: [crm, people]
source: {id: string, name: string, parentroleid: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  role_id: {type: string, doc: "record id", checks: [not_null]}
  role_name: {type: string, doc: "name"}
  parent_role_id: {type: string, doc: "id of the role above"}
*/
with
version as (
    select * from raw.salesforce.userrole
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
        version.name as role_name,
        version.parentroleid as parent_role_id
    from changed
    right join version
        on changed._connection = version._connection
        and changed.id = version.id
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, role_id, role_name, parent_role_id
from latest
