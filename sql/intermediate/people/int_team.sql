/* @model
description: Teams of all connections, those without reps too, and those that are gone and once had reps. A team that only reps name is inferred.
grain: [team_id]
kind: table
owner: revops
tags: [crm, people]
columns:
  team_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  team_name: {type: string, doc: "name, of a team that is gone the last one; in the CRM sales opportunities files the manager's name", checks: [not_null]}
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
salesforce_role as (
    select * from staging.stg_salesforce__user_roles
),
salesforce_user as (
    select * from staging.stg_salesforce__users
),
hubspot_version as (
    select * from staging.stg_hubspot__owner_versions
),
tenure as (
    select * from intermediate.int_rep_tenure
),
had_reps as (
    select team_id, min(connection) as connection
    from tenure
    group by team_id
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
-- A role is a team when somebody has it, or had it, or when it has no roles below it.
salesforce_member as (
    select connection, role_id
    from salesforce_user
    where role_id is not null
    group by connection, role_id
),
salesforce_parent as (
    select connection, parent_role_id
    from salesforce_role
    where parent_role_id is not null and not is_deleted
    group by connection, parent_role_id
),
-- Its manager is whom its members report to and who has the same role; of several the first by
-- name.
salesforce_manager as (
    select rep.connection, rep.role_id, min(manager.user_name) as manager_name
    from salesforce_user as rep
    inner join salesforce_user as manager
        on rep.connection = manager.connection
        and rep.manager_id = manager.user_id
        and rep.role_id = manager.role_id
    group by rep.connection, rep.role_id
),
from_salesforce as (
    select
        role.connection || ':' || role.role_id as team_id,
        role.connection,
        coalesce(role.role_name, role.role_id) as team_name,
        coalesce(region.role_name, '(unassigned)') as region_name,
        salesforce_manager.manager_name,
        false as is_inferred
    from salesforce_role as role
    left join salesforce_member as member
        on role.connection = member.connection and role.role_id = member.role_id
    left join salesforce_parent as parent
        on role.connection = parent.connection and role.role_id = parent.parent_role_id
    left join salesforce_role as region
        on role.connection = region.connection and role.parent_role_id = region.role_id
    left join salesforce_manager
        on role.connection = salesforce_manager.connection
        and role.role_id = salesforce_manager.role_id
    left join had_reps on role.connection || ':' || role.role_id = had_reps.team_id
    where
        member.role_id is not null
        or had_reps.team_id is not null
        or (parent.parent_role_id is null and not role.is_deleted)
),
-- HubSpot tells teams only as those of its owners. A team's name is the last one that was told.
from_hubspot as (
    select
        connection || ':' || team_id as team_id,
        connection,
        coalesce(last_value(team_name order by modified_at, sequence), team_id) as team_name,
        '(unassigned)' as region_name,
        cast(null as varchar) as manager_name,
        false as is_inferred
    from hubspot_version
    where team_id is not null
    group by connection, team_id
),
described as (
    select * from from_files
    union all
    select * from from_export
    union all
    select * from from_salesforce
    union all
    select * from from_hubspot
),
inferred as (
    select
        had_reps.team_id,
        had_reps.connection,
        substr(had_reps.team_id, length(had_reps.connection) + 2) as team_name,
        '(unassigned)' as region_name,
        cast(null as varchar) as manager_name,
        true as is_inferred
    from had_reps
    left join described on had_reps.team_id = described.team_id
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
