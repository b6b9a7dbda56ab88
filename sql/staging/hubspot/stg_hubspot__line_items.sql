/* @model
description: HubSpot lines of deals, latest version.
grain: [connection, line_item_id]
kind: view
owner: revops
tags: [crm, products]
source: {id: string, hs_product_id: string, name: string, quantity: "decimal(38,18)", price: "decimal(38,18)", amount: "decimal(38,18)", archived: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  line_item_id: {type: string, doc: "record id", checks: [not_null]}
  product_id: {type: string, doc: "id of the product"}
  line_item_name: {type: string, doc: "name"}
  quantity: {type: "decimal(38,18)", doc: "how many"}
  unit_price: {type: "decimal(22,2)", doc: "price of one in the deal's currency"}
  total_price: {type: "decimal(22,2)", doc: "price of the line in the deal's currency"}
*/
with
version as (
    select * from raw.hubspot.line_items
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
        version.id as line_item_id,
        regexp_replace(version.hs_product_id, '[.]0+$', '') as product_id,
        version.name as line_item_name,
        version.quantity,
        cast(version.price as decimal(22, 2)) as unit_price,
        cast(version.amount as decimal(22, 2)) as total_price
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
    connection, line_item_id, product_id, line_item_name, quantity, unit_price, total_price
from latest
