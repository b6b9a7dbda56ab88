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
-- The newest version of each key. Found by its number and fetched by a join: an ordered
-- aggregate of every column took 17 times as long.
newest as (
    select _connection, team_id, max(_sequence) as _sequence
    from version
    group by _connection, team_id
),
latest as (
    select
        version._connection as connection,
        version.team_id,
        version.name as team_name,
        version.region as region_name,
        version.manager_id
    from version
    inner join newest
        on version._connection = newest._connection
        and version.team_id = newest.team_id
        and version._sequence = newest._sequence
    where version._op <> 'delete'
)
select
    connection, team_id, team_name, region_name, manager_id
from latest
