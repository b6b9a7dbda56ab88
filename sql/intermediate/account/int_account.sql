/* @model
description: Companies of all connections. A company that only deals name is inferred.
grain: [account_id]
kind: table
owner: revops
tags: [crm, accounts]
columns:
  account_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  account_name: {type: string, doc: "name", checks: [not_null]}
  industry: {type: string, doc: "industry"}
  country: {type: string, doc: "country of the head office"}
  annual_revenue: {type: "decimal(18,2)", doc: "annual revenue in the reporting currency; null: unknown, or in another currency"}
  employees: {type: int64, doc: "number of employees"}
  parent_account_id: {type: string, doc: "connection:source id of the parent company"}
  is_inferred: {type: boolean, doc: "true: only deals name this company", checks: [not_null]}
*/
with
file_account as (
    select * from staging.stg_crm_sales_opportunities__accounts
),
export_account as (
    select * from staging.stg_crm_export__accounts
),
salesforce_account as (
    select * from staging.stg_salesforce__accounts
),
hubspot_company as (
    select * from staging.stg_hubspot__companies
),
merged as (
    select * from intermediate.int_merge where object = 'account'
),
business as (
    select * from system.business
),
deal as (
    select * from intermediate.int_opportunity
),
-- What stands above a company may have been merged away since.
from_crm as (
    select
        connection,
        account_id,
        coalesce(account_name, account_id) as account_name,
        industry,
        country,
        case
            when
                abs(annual_revenue) < 10000000000000000
                and (currency is null or currency = (select reporting_currency from business))
                then cast(annual_revenue as decimal(18, 2))
        end as annual_revenue,
        employees,
        connection || ':' || parent_account_id as parent_account_id
    from salesforce_account
    union all
    select
        connection,
        company_id as account_id,
        coalesce(company_name, domain, company_id) as account_name,
        industry,
        country,
        case
            when abs(annual_revenue) < 10000000000000000
                then cast(annual_revenue as decimal(18, 2))
        end as annual_revenue,
        employees,
        connection || ':' || parent_company_id as parent_account_id
    from hubspot_company
),
described as (
    select
        connection || ':' || account_name as account_id,
        connection,
        account_name,
        industry,
        country,
        annual_revenue,
        employees,
        connection || ':' || parent_account_name as parent_account_id,
        false as is_inferred
    from file_account
    union all
    select
        connection || ':' || account_id as account_id,
        connection,
        coalesce(account_name, account_id) as account_name,
        industry,
        country,
        annual_revenue,
        employees,
        connection || ':' || parent_account_id as parent_account_id,
        false as is_inferred
    from export_account
    union all
    select
        company.connection || ':' || company.account_id as account_id,
        company.connection,
        company.account_name,
        company.industry,
        company.country,
        company.annual_revenue,
        company.employees,
        coalesce(merged.survivor_id, company.parent_account_id) as parent_account_id,
        false as is_inferred
    from merged
    right join from_crm as company on merged.loser_id = company.parent_account_id
    left join merged as gone on company.connection || ':' || company.account_id = gone.loser_id
    where gone.loser_id is null
),
named_by_deals as (
    select account_id, min(connection) as connection
    from deal
    where account_id is not null
    group by account_id
),
inferred as (
    select
        named_by_deals.account_id,
        named_by_deals.connection,
        substr(named_by_deals.account_id, length(named_by_deals.connection) + 2) as account_name,
        cast(null as varchar) as industry,
        cast(null as varchar) as country,
        cast(null as decimal(18, 2)) as annual_revenue,
        cast(null as bigint) as employees,
        cast(null as varchar) as parent_account_id,
        true as is_inferred
    from named_by_deals
    left join described on named_by_deals.account_id = described.account_id
    where described.account_id is null
),
final as (
    select * from described
    union all
    select * from inferred
)
select
    account_id, connection, account_name, industry, country, annual_revenue, employees,
    parent_account_id, is_inferred
from final
