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
-- Most keys have one version, so only the others are looked up: the join holds those in memory
-- and streams the rest. (An ordered aggregate of every column took 17 times as long.)
changed as (
    select _connection, product, max(_sequence) as newest_sequence
    from version
    group by _connection, product
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.product as product_name,
        version.series as product_family,
        version.sales_price as list_price
    from changed
    right join version
        on changed._connection = version._connection and changed.product = version.product
    -- One expression over both sides, so that it stays above the join: a filter pushed below it
    -- makes the planner think that `version` is the small side, and hold that in memory.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) = version._sequence
                then version._op
            else 'delete'
        end <> 'delete'
)
select connection, product_name, product_family, list_price
from latest
