/* @model
description: Who managed which Salesforce team when - whom members of a role report to and who is in that role too. Where nobody is, the user who answers for the role's forecast. The other systems do not say.
grain: [team_id, rep_id]
kind: table
owner: revops
tags: [crm, people]
columns:
  team_id: {type: string, doc: "connection:source id of the role", checks: [not_null]}
  rep_id: {type: string, doc: "connection:source id of the manager", checks: [not_null]}
  valid_from: {type: date, doc: "first day; 1900-01-01 where it was so when first seen", checks: [not_null]}
  valid_to: {type: date, doc: "first day after; 9999-12-31 while it is so", checks: [not_null]}
  has_teams_below: {type: boolean, doc: "whether other roles are below this one: a head of several teams", checks: [not_null]}
*/
with
user_version as (
    select * from staging.stg_salesforce__user_versions
),
salesforce_role as (
    select * from staging.stg_salesforce__user_roles
),
-- Who reports to whom in which role. As with teams, rows count in the order in which they came,
-- and what was first seen is taken to have been so before.
placed as (
    select
        *,
        connection || ':' || user_id as member_id,
        row_number() over (partition by connection, user_id order by sequence) as place
    from user_version
),
dated as (
    select
        connection,
        member_id,
        role_id,
        manager_id,
        place,
        case
            when place = 1 then date '1900-01-01'
            else
                max(company_date(modified_at)) over (
                    partition by member_id order by place
                    rows between unbounded preceding and current row
                )
        end as valid_from
    from placed
    where place = 1 or modified_at <= $as_of
),
reporting as (
    select
        connection,
        role_id,
        manager_id,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by member_id order by place), date '9999-12-31'
        ) as valid_to
    from dated
),
-- From the first member who reports to a manager to the last.
span as (
    select
        connection,
        role_id,
        manager_id,
        min(valid_from) as valid_from,
        max(valid_to) as valid_to
    from reporting
    where role_id is not null and manager_id is not null
    group by connection, role_id, manager_id
),
in_role as (
    select distinct connection, role_id, user_id
    from user_version
),
by_report as (
    select span.*
    from span
    inner join in_role
        on span.connection = in_role.connection
        and span.role_id = in_role.role_id
        and span.manager_id = in_role.user_id
),
reported_role as (
    select distinct connection, role_id
    from by_report
),
by_forecast as (
    select
        role.connection,
        role.role_id,
        role.forecast_user_id as manager_id,
        date '1900-01-01' as valid_from,
        date '9999-12-31' as valid_to
    from salesforce_role as role
    left join reported_role
        on role.connection = reported_role.connection and role.role_id = reported_role.role_id
    where role.forecast_user_id is not null and reported_role.role_id is null
),
united as (
    select connection, role_id, manager_id, valid_from, valid_to from by_report
    union all
    select connection, role_id, manager_id, valid_from, valid_to from by_forecast
),
parent as (
    select connection, parent_role_id
    from salesforce_role
    where parent_role_id is not null and not is_deleted
    group by connection, parent_role_id
),
final as (
    select
        united.connection || ':' || united.role_id as team_id,
        united.connection || ':' || united.manager_id as rep_id,
        united.valid_from,
        united.valid_to,
        parent.parent_role_id is not null as has_teams_below
    from united
    left join parent
        on united.connection = parent.connection and united.role_id = parent.parent_role_id
)
select team_id, rep_id, valid_from, valid_to, has_teams_below
from final
