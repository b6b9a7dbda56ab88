/* @model
description: Products of all connections. A product that only deals name is inferred.
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
  is_inferred: {type: boolean, doc: "true: only deals name this product", checks: [not_null]}
*/
with
file_product as (
    select * from staging.stg_crm_sales_opportunities__products
),
export_product as (
    select * from staging.stg_crm_export__products
),
deal as (
    select * from intermediate.int_opportunity
),
described as (
    select
        connection || ':' || product_name as product_id,
        connection,
        product_name,
        product_family,
        list_price,
        false as is_inferred
    from file_product
    union all
    select
        connection || ':' || product_id as product_id,
        connection,
        coalesce(product_name, product_id) as product_name,
        product_family,
        list_price,
        false as is_inferred
    from export_product
),
named_by_deals as (
    select product_id, min(connection) as connection
    from deal
    where product_id is not null
    group by product_id
),
inferred as (
    select
        named_by_deals.product_id,
        named_by_deals.connection,
        substr(named_by_deals.product_id, length(named_by_deals.connection) + 2) as product_name,
        cast(null as varchar) as product_family,
        cast(null as decimal(18, 2)) as list_price,
        true as is_inferred
    from named_by_deals
    left join described on named_by_deals.product_id = described.product_id
    where described.product_id is null
),
final as (
    select * from described
    union all
    select * from inferred
)
select product_id, connection, product_name, product_family, list_price, is_inferred
from final
