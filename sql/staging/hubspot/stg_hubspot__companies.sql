/* @model
description: HubSpot companies that are not archived, latest version.
grain: [connection, company_id]
kind: view
owner: revops
tags: [crm, accounts]
source: {id: string, name: string, domain: string, industry: string, country: string, annualrevenue: "decimal(38,18)", numberofemployees: "decimal(38,18)", hs_parent_company_id: string, hubspot_owner_id: string, createdate: timestamp, archived: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  company_id: {type: string, doc: "record id", checks: [not_null]}
  company_name: {type: string, doc: "name"}
  domain: {type: string, doc: "domain"}
  industry: {type: string, doc: "industry"}
  country: {type: string, doc: "country"}
  annual_revenue: {type: "decimal(22,2)", doc: "annual revenue in the portal's currency"}
  employees: {type: int64, doc: "number of employees"}
  parent_company_id: {type: string, doc: "id of the parent company"}
  owner_id: {type: string, doc: "id of the owner"}
  created_at: {type: timestamp, doc: "moment of creation"}
*/
with
version as (
    select * from raw.hubspot.companies
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
        version.id as company_id,
        version.name as company_name,
        version.domain,
        version.industry,
        version.country,
        cast(version.annualrevenue as decimal(22, 2)) as annual_revenue,
        cast(version.numberofemployees as bigint) as employees,
        regexp_replace(version.hs_parent_company_id, '[.]0+$', '') as parent_company_id,
        version.hubspot_owner_id as owner_id,
        version.createdate as created_at
    from changed
    right join version
        on changed._connection = version._connection
        and changed.id = version.id
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            when version.archived then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, company_id, company_name, domain, industry, country, annual_revenue,
    employees, parent_company_id, owner_id, created_at
from latest
