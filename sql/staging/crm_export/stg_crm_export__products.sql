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
-- Most keys have one version, so only the others are looked up: the join holds those in memory
-- and streams the rest. (An ordered aggregate of every column took 17 times as long.)
changed as (
    select _connection, product_id, max(_sequence) as newest_sequence
    from version
    group by _connection, product_id
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.product_id,
        version.name as product_name,
        version.family as product_family,
        version.list_price
    from changed
    right join version
        on changed._connection = version._connection and changed.product_id = version.product_id
    -- One expression over both sides, so that it stays above the join: a filter pushed below it
    -- makes the planner think that `version` is the small side, and hold that in memory.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) = version._sequence
                then version._op
            else 'delete'
        end <> 'delete'
)
select
    connection, product_id, product_name, product_family, list_price
from latest
