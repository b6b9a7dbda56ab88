/* @model
description: Companies of the CRM sales opportunities files, latest version, revenue in dollars.
grain: [connection, account_name]
kind: view
owner: revops
tags: [crm, accounts]
source: {account: string, sector: string, year_established: int64, revenue: "decimal(18,2)", employees: int64, office_location: string, subsidiary_of: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  account_name: {type: string, doc: "name, which is also the key in this source", checks: [not_null]}
  industry: {type: string, doc: "sector"}
  year_established: {type: int64, doc: "year of founding"}
  annual_revenue: {type: "decimal(18,2)", doc: "annual revenue in USD; the file has millions"}
  employees: {type: int64, doc: "number of employees"}
  country: {type: string, doc: "country of the head office"}
  parent_account_name: {type: string, doc: "name of the parent company"}
*/
with
version as (
    select * from raw.crm_sales_opportunities.accounts
),
-- The newest version of each key. Found by its number and fetched by a join: an ordered
-- aggregate of every column took 17 times as long.
newest as (
    select _connection, account, max(_sequence) as _sequence
    from version
    group by _connection, account
),
latest as (
    select
        version._connection as connection,
        version.account as account_name,
        version.sector as industry,
        version.year_established,
        version.revenue as revenue_in_millions,
        version.employees,
        version.office_location as country,
        version.subsidiary_of as parent_account_name
    from version
    inner join newest
        on version._connection = newest._connection
        and version.account = newest.account
        and version._sequence = newest._sequence
    where version._op <> 'delete'
),
final as (
    select
        connection,
        account_name,
        industry,
        year_established,
        cast(revenue_in_millions * 1000000 as decimal(18, 2)) as annual_revenue,
        employees,
        country,
        parent_account_name
    from latest
)
select
    connection, account_name, industry, year_established, annual_revenue, employees, country,
    parent_account_name
from final
