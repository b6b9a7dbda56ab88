/* @model
description: Salesforce prices of products in price books, latest version.
grain: [connection, pricebook_entry_id]
kind: view
owner: revops
tags: [crm, products]
source: {id: string, pricebook2id: string, product2id: string, unitprice: "decimal(38,18)", currencyisocode: string, isactive: boolean, isdeleted: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  pricebook_entry_id: {type: string, doc: "record id", checks: [not_null]}
  pricebook_id: {type: string, doc: "id of the price book"}
  product_id: {type: string, doc: "id of the product"}
  unit_price: {type: "decimal(22,2)", doc: "price of one"}
  currency: {type: string, doc: "ISO 4217 code; null in an org with one currency"}
  is_active: {type: boolean, doc: "whether the price is valid"}
*/
with
version as (
    select * from raw.salesforce.pricebookentry
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
        version.id as pricebook_entry_id,
        version.pricebook2id as pricebook_id,
        version.product2id as product_id,
        cast(version.unitprice as decimal(22, 2)) as unit_price,
        version.currencyisocode as currency,
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
    connection, pricebook_entry_id, pricebook_id, product_id, unit_price, currency,
    is_active
from latest
