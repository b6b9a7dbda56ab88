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
  list_price: {type: "decimal(18,2)", doc: "list price in the reporting currency; null: unknown, or only in other currencies"}
  is_inferred: {type: boolean, doc: "true: only deals name this product", checks: [not_null]}
*/
with
file_product as (
    select * from staging.stg_crm_sales_opportunities__products
),
export_product as (
    select * from staging.stg_crm_export__products
),
salesforce_product as (
    select * from staging.stg_salesforce__products
),
salesforce_price as (
    select * from staging.stg_salesforce__pricebook_entries
),
hubspot_product as (
    select * from staging.stg_hubspot__products
),
business as (
    select * from system.business
),
deal as (
    select * from intermediate.int_opportunity
),
-- A product may stand in several price books: its list price is the highest of them.
salesforce_list_price as (
    select connection, product_id, max(unit_price) as list_price
    from salesforce_price
    where
        coalesce(is_active, true)
        and (currency is null or currency = (select reporting_currency from business))
    group by connection, product_id
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
    union all
    select
        product.connection || ':' || product.product_id as product_id,
        product.connection,
        coalesce(product.product_name, product.product_code, product.product_id) as product_name,
        product.product_family,
        case
            when abs(price.list_price) < 10000000000000000
                then cast(price.list_price as decimal(18, 2))
        end as list_price,
        false as is_inferred
    from salesforce_product as product
    left join salesforce_list_price as price
        on product.connection = price.connection and product.product_id = price.product_id
    union all
    select
        connection || ':' || product_id as product_id,
        connection,
        coalesce(product_name, product_code, product_id) as product_name,
        product_family,
        case
            when abs(list_price) < 10000000000000000 then cast(list_price as decimal(18, 2))
        end as list_price,
        false as is_inferred
    from hubspot_product
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
