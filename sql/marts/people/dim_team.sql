/* @model
description: Teams, those without reps too and those that are gone and once had reps, with their region and how many reps they have.
grain: [team_id]
kind: table
owner: revops
tags: [crm, people]
columns:
  team_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  team_name: {type: string, doc: "name", checks: [not_null]}
  region_id: {type: string, doc: "region", checks: [not_null]}
  region_name: {type: string, doc: "region's name", checks: [not_null]}
  manager_name: {type: string, doc: "the team's manager"}
  reps: {type: int64, doc: "reps in the team on the as-of day", checks: [not_null]}
  is_inferred: {type: boolean, doc: "true: only reps name this team", checks: [not_null]}
*/
with
team as (
    select * from intermediate.int_team
),
rep as (
    select * from mart.dim_rep
),
counted as (
    select team_id, count(*) as reps
    from rep
    group by team_id
),
final as (
    select
        team.team_id,
        team.connection,
        team.team_name,
        team.region_id,
        team.region_name,
        team.manager_name,
        coalesce(counted.reps, 0) as reps,
        team.is_inferred
    from team
    left join counted on team.team_id = counted.team_id
)
select
    team_id, connection, team_name, region_id, region_name, manager_name, reps, is_inferred
from final
