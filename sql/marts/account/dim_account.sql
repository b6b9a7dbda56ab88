/* @model
description: Companies with their parent company.
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
  annual_revenue: {type: "decimal(18,2)", doc: "annual revenue, in the source's reporting currency"}
  employees: {type: int64, doc: "number of employees"}
  parent_account_id: {type: string, doc: "parent company", checks: [{check: "relationships: mart.dim_account.account_id", severity: warn}]}
  parent_account_name: {type: string, doc: "parent company's name"}
  is_inferred: {type: boolean, doc: "true: only deals name this company", checks: [not_null]}
*/
with
account as (
    select * from intermediate.int_account
),
final as (
    select
        account.account_id,
        account.connection,
        account.account_name,
        account.industry,
        account.country,
        account.annual_revenue,
        account.employees,
        account.parent_account_id,
        parent.account_name as parent_account_name,
        account.is_inferred
    from account
    left join account as parent on account.parent_account_id = parent.account_id
)
select
    account_id, connection, account_name, industry, country, annual_revenue, employees,
    parent_account_id, parent_account_name, is_inferred
from final
