/* @model
description: Sales reps of all connections with their team and region today, those without deals too. An owner that only deals, their histories, shares or quotas name is inferred, so that no fact is without a rep.
grain: [rep_id]
kind: table
owner: revops
tags: [crm, people]
columns:
  rep_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  rep_name: {type: string, doc: "name", checks: [not_null]}
  email: {type: string, doc: "e-mail address"}
  team_id: {type: string, doc: "connection:source id of the team, in Salesforce of the role; connection:(unassigned) without one", checks: [not_null]}
  region_id: {type: string, doc: "connection:region", checks: [not_null]}
  region_name: {type: string, doc: "region, in Salesforce the role above; (unassigned) where the source has none", checks: [not_null]}
  manager_name: {type: string, doc: "the rep's manager"}
  is_manager: {type: boolean, doc: "whether the rep manages a team or other users; such a rep need not have deals", checks: [not_null]}
  is_active: {type: boolean, doc: "whether the rep still works here; null: unknown"}
  start_date: {type: date, doc: "first day"}
  end_date: {type: date, doc: "last day"}
  is_inferred: {type: boolean, doc: "true: only deals, shares or quotas name this owner", checks: [not_null]}
*/
with
file_rep as (
    select * from staging.stg_crm_sales_opportunities__sales_teams
),
export_user as (
    select * from staging.stg_crm_export__users
),
export_team as (
    select * from staging.stg_crm_export__teams
),
salesforce_user as (
    select * from staging.stg_salesforce__users
),
salesforce_role as (
    select * from staging.stg_salesforce__user_roles
),
hubspot_owner as (
    select * from staging.stg_hubspot__owners
),
deal as (
    select * from intermediate.int_opportunity
),
deal_version as (
    select * from intermediate.int_opportunity_version
),
split as (
    select * from staging.stg_salesforce__opportunity_splits
),
quota as (
    select * from intermediate.int_quota
),
-- In the files the manager is the team.
from_files as (
    select
        connection || ':' || rep_name as rep_id,
        connection,
        rep_name,
        cast(null as varchar) as email,
        connection || ':' || coalesce(manager_name, '(unassigned)') as team_id,
        coalesce(region_name, '(unassigned)') as region_name,
        manager_name,
        false as is_manager,
        cast(null as boolean) as is_active,
        cast(null as date) as start_date,
        cast(null as date) as end_date,
        false as is_inferred
    from file_rep
),
leader as (
    select connection, manager_id from export_user where manager_id is not null
    union
    select connection, manager_id from export_team where manager_id is not null
),
from_export as (
    select
        rep.connection || ':' || rep.user_id as rep_id,
        rep.connection,
        coalesce(rep.user_name, rep.user_id) as rep_name,
        rep.email,
        rep.connection || ':' || coalesce(rep.team_id, '(unassigned)') as team_id,
        coalesce(team.region_name, '(unassigned)') as region_name,
        manager.user_name as manager_name,
        leader.manager_id is not null as is_manager,
        rep.is_active,
        rep.start_date,
        rep.end_date,
        false as is_inferred
    from export_user as rep
    left join export_team as team
        on rep.connection = team.connection and rep.team_id = team.team_id
    left join export_user as manager
        on rep.connection = manager.connection and rep.manager_id = manager.user_id
    left join leader
        on rep.connection = leader.connection and rep.user_id = leader.manager_id
),
salesforce_leader as (
    select distinct connection, manager_id
    from salesforce_user
    where manager_id is not null
),
from_salesforce as (
    select
        rep.connection || ':' || rep.user_id as rep_id,
        rep.connection,
        coalesce(rep.user_name, rep.email, rep.user_id) as rep_name,
        rep.email,
        rep.connection || ':' || coalesce(rep.role_id, '(unassigned)') as team_id,
        coalesce(region.role_name, '(unassigned)') as region_name,
        manager.user_name as manager_name,
        leader.manager_id is not null as is_manager,
        rep.is_active,
        rep.start_date,
        rep.end_date,
        false as is_inferred
    from salesforce_user as rep
    left join salesforce_role as role
        on rep.connection = role.connection and rep.role_id = role.role_id
    left join salesforce_role as region
        on role.connection = region.connection and role.parent_role_id = region.role_id
    left join salesforce_user as manager
        on rep.connection = manager.connection and rep.manager_id = manager.user_id
    left join salesforce_leader as leader
        on rep.connection = leader.connection and rep.user_id = leader.manager_id
),
-- HubSpot knows neither regions nor who manages whom.
from_hubspot as (
    select
        connection || ':' || owner_id as rep_id,
        connection,
        coalesce(
            nullif(trim(concat(coalesce(first_name, ''), ' ', coalesce(last_name, ''))), ''),
            email,
            owner_id
        ) as rep_name,
        email,
        connection || ':' || coalesce(team_id, '(unassigned)') as team_id,
        '(unassigned)' as region_name,
        cast(null as varchar) as manager_name,
        false as is_manager,
        not is_archived as is_active,
        cast(null as date) as start_date,
        cast(null as date) as end_date,
        false as is_inferred
    from hubspot_owner
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
-- Owners now, at the outcome, at the beginning and in between, and who has a share or a quota.
-- A version whose owner is unknown is nobody's.
named as (
    select rep_id, connection from deal group by rep_id, connection
    union
    select outcome_rep_id as rep_id, connection
    from deal
    where outcome_rep_id is not null
    group by outcome_rep_id, connection
    union
    select created_rep_id as rep_id, connection
    from deal
    where created_rep_id is not null
    group by created_rep_id, connection
    union
    select coalesce(rep_id, connection || ':(unassigned)') as rep_id, connection
    from deal_version
    group by rep_id, connection
    union
    select connection || ':' || user_id as rep_id, connection
    from split
    where user_id is not null
    union
    select rep_id, connection from quota
),
inferred as (
    select
        named.rep_id,
        named.connection,
        substr(named.rep_id, length(named.connection) + 2) as rep_name,
        cast(null as varchar) as email,
        named.connection || ':(unassigned)' as team_id,
        '(unassigned)' as region_name,
        cast(null as varchar) as manager_name,
        false as is_manager,
        cast(null as boolean) as is_active,
        cast(null as date) as start_date,
        cast(null as date) as end_date,
        true as is_inferred
    from named
    left join described on named.rep_id = described.rep_id
    where described.rep_id is null
),
united as (
    select * from described
    union all
    select * from inferred
),
final as (
    select
        rep_id,
        connection,
        rep_name,
        email,
        team_id,
        connection || ':' || region_name as region_id,
        region_name,
        manager_name,
        is_manager,
        is_active,
        start_date,
        end_date,
        is_inferred
    from united
)
select
    rep_id, connection, rep_name, email, team_id, region_id, region_name, manager_name,
    is_manager, is_active, start_date, end_date, is_inferred
from final
