/* @model
description: Products.
grain: [product_id]
kind: table
owner: revops
tags: [crm, products]
columns:
  product_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  product_name: {type: string, doc: "name", checks: [not_null]}
  product_family: {type: string, doc: "family or series"}
  list_price: {type: "decimal(18,2)", doc: "list price, in the source's reporting currency"}
  is_inferred: {type: boolean, doc: "true: only deals name this product; a spelling to map", checks: [not_null, {check: "accepted_values: [false]", severity: warn}]}
*/
with
product as (
    select * from intermediate.int_product
)
select product_id, connection, product_name, product_family, list_price, is_inferred
from product
