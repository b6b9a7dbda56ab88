/* @model
description: Products of a neutral CRM export, latest version.
grain: [connection, product_id]
kind: view
owner: revops
tags: [crm, products]
source: {product_id: string, name: string, family: string, list_price: "decimal(18,2)"}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  product_id: {type: string, doc: "the source's key", checks: [not_null]}
  product_name: {type: string, doc: "name"}
  product_family: {type: string, doc: "product family"}
  list_price: {type: "decimal(18,2)", doc: "list price, in the reporting currency"}
*/
with
version as (
    select * from raw.crm_export.products
),
-- The newest version of each key. Found by its number and fetched by a join: an ordered
-- aggregate of every column took 17 times as long.
newest as (
    select _connection, product_id, max(_sequence) as _sequence
    from version
    group by _connection, product_id
),
latest as (
    select
        version._connection as connection,
        version.product_id,
        version.name as product_name,
        version.family as product_family,
        version.list_price
    from version
    inner join newest
        on version._connection = newest._connection
        and version.product_id = newest.product_id
        and version._sequence = newest._sequence
    where version._op <> 'delete'
)
select
    connection, product_id, product_name, product_family, list_price
from latest
