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
-- Most keys have one version, so only the others are looked up: the join holds those in memory
-- and streams the rest. (An ordered aggregate of every column took 17 times as long.)
changed as (
    select _connection, sales_agent, max(_sequence) as newest_sequence
    from version
    group by _connection, sales_agent
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.sales_agent as rep_name,
        version.manager as manager_name,
        version.regional_office as region_name
    from changed
    right join version
        on changed._connection = version._connection and changed.sales_agent = version.sales_agent
    -- One expression over both sides, so that it stays above the join: a filter pushed below it
    -- makes the planner think that `version` is the small side, and hold that in memory.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) = version._sequence
                then version._op
            else 'delete'
        end <> 'delete'
)
select connection, rep_name, manager_name, region_name
from latest
