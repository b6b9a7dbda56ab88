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
-- Most keys have one version, so only the others are looked up: the join holds those in memory
-- and streams the rest. (An ordered aggregate of every column took 17 times as long.)
changed as (
    select _connection, account, max(_sequence) as newest_sequence
    from version
    group by _connection, account
    having count(*) > 1
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
    from changed
    right join version
        on changed._connection = version._connection and changed.account = version.account
    -- One expression over both sides, so that it stays above the join: a filter pushed below it
    -- makes the planner think that `version` is the small side, and hold that in memory.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) = version._sequence
                then version._op
            else 'delete'
        end <> 'delete'
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
