/* @model
description: The Salesforce org itself, one row a connection.
grain: [connection, organization_id]
kind: view
owner: revops
tags: [crm, currencies]
source: {id: string, name: string, defaultcurrencyisocode: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  organization_id: {type: string, doc: "record id", checks: [not_null]}
  organization_name: {type: string, doc: "name"}
  currency: {type: string, doc: "the org's currency, ISO 4217"}
*/
with
version as (
    select * from raw.salesforce.organization
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
        version.id as organization_id,
        version.name as organization_name,
        version.defaultcurrencyisocode as currency
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
    connection, organization_id, organization_name, currency
from latest
