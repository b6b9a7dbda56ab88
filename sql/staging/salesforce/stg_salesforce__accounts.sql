/* @model
description: Salesforce accounts that are not in the bin, latest version.
grain: [connection, account_id]
kind: view
owner: revops
tags: [crm, accounts]
source: {id: string, name: string, industry: string, billingcountry: string, website: string, annualrevenue: "decimal(38,18)", currencyisocode: string, numberofemployees: int64, parentid: string, ownerid: string, createddate: timestamp, isdeleted: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  account_id: {type: string, doc: "record id", checks: [not_null]}
  account_name: {type: string, doc: "name"}
  industry: {type: string, doc: "industry"}
  country: {type: string, doc: "country of the billing address"}
  website: {type: string, doc: "web site"}
  annual_revenue: {type: "decimal(22,2)", doc: "annual revenue in the record's currency"}
  currency: {type: string, doc: "ISO 4217 code; null in an org with one currency"}
  employees: {type: int64, doc: "number of employees"}
  parent_account_id: {type: string, doc: "id of the parent account"}
  owner_id: {type: string, doc: "id of the user who owns it"}
  created_at: {type: timestamp, doc: "moment of creation"}
*/
with
version as (
    select * from raw.salesforce.account
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
        version.id as account_id,
        version.name as account_name,
        version.industry,
        version.billingcountry as country,
        version.website,
        cast(version.annualrevenue as decimal(22, 2)) as annual_revenue,
        version.currencyisocode as currency,
        version.numberofemployees as employees,
        version.parentid as parent_account_id,
        version.ownerid as owner_id,
        version.createddate as created_at
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
    connection, account_id, account_name, industry, country, website, annual_revenue,
    currency, employees, parent_account_id, owner_id, created_at
from latest
