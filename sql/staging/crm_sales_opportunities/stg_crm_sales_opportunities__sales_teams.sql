/* @model
description: Sales agents of the CRM sales opportunities files with their manager and office, latest version.
grain: [connection, rep_name]
kind: view
owner: revops
tags: [crm, people]
source: {sales_agent: string, manager: string, regional_office: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  rep_name: {type: string, doc: "sales agent, which is also the key in this source", checks: [not_null]}
  manager_name: {type: string, doc: "the agent's manager; this source has no other name for a team"}
  region_name: {type: string, doc: "regional office"}
*/
with
version as (
    select * from raw.crm_sales_opportunities.sales_teams
),
-- The newest version of each key. Found by its number and fetched by a join: an ordered
-- aggregate of every column took 17 times as long.
newest as (
    select _connection, sales_agent, max(_sequence) as _sequence
    from version
    group by _connection, sales_agent
),
latest as (
    select
        version._connection as connection,
        version.sales_agent as rep_name,
        version.manager as manager_name,
        version.regional_office as region_name
    from version
    inner join newest
        on version._connection = newest._connection
        and version.sales_agent = newest.sales_agent
        and version._sequence = newest._sequence
    where version._op <> 'delete'
)
select connection, rep_name, manager_name, region_name
from latest
