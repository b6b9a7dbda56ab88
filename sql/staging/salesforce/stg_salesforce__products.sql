/* @model
description: Salesforce products that are not in the bin, latest version.
grain: [connection, product_id]
kind: view
owner: revops
tags: [crm, products]
source: {id: string, name: string, productcode: string, family: string, isactive: boolean, isdeleted: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  product_id: {type: string, doc: "record id", checks: [not_null]}
  product_name: {type: string, doc: "name"}
  product_code: {type: string, doc: "code"}
  product_family: {type: string, doc: "family"}
  is_active: {type: boolean, doc: "whether it is sold"}
*/
with
version as (
    select * from raw.salesforce.product2
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
        version.id as product_id,
        version.name as product_name,
        version.productcode as product_code,
        version.family as product_family,
        version.isactive as is_active
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
    connection, product_id, product_name, product_code, product_family, is_active
from latest
