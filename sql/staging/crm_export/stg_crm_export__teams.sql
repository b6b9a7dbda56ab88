/* @model
description: Teams of a neutral CRM export, latest version.
grain: [connection, team_id]
kind: view
owner: revops
tags: [crm, people]
source: {team_id: string, name: string, region: string, manager_id: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  team_id: {type: string, doc: "the source's key", checks: [not_null]}
  team_name: {type: string, doc: "name"}
  region_name: {type: string, doc: "region"}
  manager_id: {type: string, doc: "key of the user who manages the team"}
*/
with
version as (
    select * from raw.crm_export.teams
),
-- Most keys have one version, so only the others are looked up: the join holds those in memory
-- and streams the rest. (An ordered aggregate of every column took 17 times as long.)
changed as (
    select _connection, team_id, max(_sequence) as newest_sequence
    from version
    group by _connection, team_id
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.team_id,
        version.name as team_name,
        version.region as region_name,
        version.manager_id
    from changed
    right join version
        on changed._connection = version._connection and changed.team_id = version.team_id
    -- One expression over both sides, so that it stays above the join: a filter pushed below it
    -- makes the planner think that `version` is the small side, and hold that in memory.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) = version._sequence
                then version._op
            else 'delete'
        end <> 'delete'
)
select
    connection, team_id, team_name, region_name, manager_id
from latest
