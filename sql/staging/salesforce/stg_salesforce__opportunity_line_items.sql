/* @model
description: Salesforce lines of opportunities, latest version.
grain: [connection, line_item_id]
kind: view
owner: revops
tags: [crm, products]
source: {id: string, opportunityid: string, product2id: string, quantity: "decimal(38,18)", unitprice: "decimal(38,18)", totalprice: "decimal(38,18)", isdeleted: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  line_item_id: {type: string, doc: "record id", checks: [not_null]}
  opportunity_id: {type: string, doc: "id of the deal"}
  product_id: {type: string, doc: "id of the product"}
  quantity: {type: "decimal(38,18)", doc: "how many"}
  unit_price: {type: "decimal(22,2)", doc: "price of one in the deal's currency"}
  total_price: {type: "decimal(22,2)", doc: "price of the line in the deal's currency"}
*/
with
version as (
    select * from raw.salesforce.opportunitylineitem
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
        version.opportunityid as opportunity_id,
        version.product2id as product_id,
        version.quantity,
        cast(version.unitprice as decimal(22, 2)) as unit_price,
        cast(version.totalprice as decimal(22, 2)) as total_price
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
    connection, line_item_id, opportunity_id, product_id, quantity, unit_price, total_price
from latest
