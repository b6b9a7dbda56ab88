/* @model
description: HubSpot products that are not archived, latest version.
grain: [connection, product_id]
kind: view
owner: revops
tags: [crm, products]
source: {id: string, name: string, hs_sku: string, hs_product_type: string, price: "decimal(38,18)", archived: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  product_id: {type: string, doc: "record id", checks: [not_null]}
  product_name: {type: string, doc: "name"}
  product_code: {type: string, doc: "code"}
  product_family: {type: string, doc: "type of product: inventory, non_inventory or service"}
  list_price: {type: "decimal(22,2)", doc: "price in the portal's currency"}
*/
with
version as (
    select * from raw.hubspot.products
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
        version.hs_sku as product_code,
        version.hs_product_type as product_family,
        cast(version.price as decimal(22, 2)) as list_price
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
    connection, product_id, product_name, product_code, product_family, list_price
from latest
