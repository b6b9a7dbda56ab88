/* @model
description: Teams of all connections, those without reps too. A team that only reps name is inferred.
grain: [team_id]
kind: table
owner: revops
tags: [crm, people]
columns:
  team_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  team_name: {type: string, doc: "name; in the CRM sales opportunities files the manager's name", checks: [not_null]}
  region_id: {type: string, doc: "connection:region", checks: [not_null]}
  region_name: {type: string, doc: "region", checks: [not_null]}
  manager_name: {type: string, doc: "the team's manager"}
  is_inferred: {type: boolean, doc: "true: only reps name this team", checks: [not_null]}
*/
with
file_rep as (
    select * from staging.stg_crm_sales_opportunities__sales_teams
),
export_team as (
    select * from staging.stg_crm_export__teams
),
export_user as (
    select * from staging.stg_crm_export__users
),
rep as (
    select * from intermediate.int_rep
),
-- A manager whose reps sit in several offices: the first by name, so that it does not change
-- with the order of rows. Deals follow the rep's own office.
from_files as (
    select
        connection || ':' || manager_name as team_id,
        connection,
        manager_name as team_name,
        coalesce(min(region_name), '(unassigned)') as region_name,
        manager_name,
        false as is_inferred
    from file_rep
    where manager_name is not null
    group by connection, manager_name
),
from_export as (
    select
        team.connection || ':' || team.team_id as team_id,
        team.connection,
        coalesce(team.team_name, team.team_id) as team_name,
        coalesce(team.region_name, '(unassigned)') as region_name,
        manager.user_name as manager_name,
        false as is_inferred
    from export_team as team
    left join export_user as manager
        on team.connection = manager.connection and team.manager_id = manager.user_id
),
described as (
    select * from from_files
    union all
    select * from from_export
),
named_by_reps as (
    select team_id, min(connection) as connection
    from rep
    group by team_id
),
inferred as (
    select
        named_by_reps.team_id,
        named_by_reps.connection,
        substr(named_by_reps.team_id, length(named_by_reps.connection) + 2) as team_name,
        '(unassigned)' as region_name,
        cast(null as varchar) as manager_name,
        true as is_inferred
    from named_by_reps
    left join described on named_by_reps.team_id = described.team_id
    where described.team_id is null
),
united as (
    select * from described
    union all
    select * from inferred
),
final as (
    select
        team_id,
        connection,
        team_name,
        connection || ':' || region_name as region_id,
        region_name,
        manager_name,
        is_inferred
    from united
)
select team_id, connection, team_name, region_id, region_name, manager_name, is_inferred
from final
