/* @model
description: The units that figures are given for - the company, each region, team and rep, also teams and regions that reps left - and whether their sources came in whole.
grain: [scope, scope_id]
kind: table
owner: revops
tags: [crm, scope]
columns:
  scope_key: {type: int64, doc: "number of the scope within this build; it may change from build to build", checks: [not_null, unique]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "name", checks: [not_null]}
  is_whole: {type: boolean, doc: "false: a stream of a connection it depends on failed or did not add up; its figures are partial", checks: [not_null]}
*/
with
business as (
    select * from system.business
),
rep as (
    select distinct rep_id, rep_name, connection from mart.dim_rep_tenure
),
tenure as (
    select * from mart.dim_rep_tenure
),
team as (
    select * from mart.dim_team
),
connection as (
    select * from intermediate.int_connection
),
region as (
    select region_id, region_name, connection from tenure
    union
    select region_id, region_name, connection from team
),
unit as (
    select region_id as scope_id, 'region' as scope, region_name as scope_name, connection
    from region
    union all
    select team_id as scope_id, 'team' as scope, team_name as scope_name, connection
    from team
    union all
    select rep_id as scope_id, 'rep' as scope, rep_name as scope_name, connection
    from rep
),
company_state as (
    select coalesce(bool_and(is_whole), true) as is_whole from connection
),
scoped as (
    select
        'company' as scope,
        'company' as scope_id,
        business.company_name as scope_name,
        company_state.is_whole
    from business
    cross join company_state
    union all
    select
        unit.scope,
        unit.scope_id,
        unit.scope_name,
        coalesce(connection.is_whole, true) as is_whole
    from unit
    left join connection on unit.connection = connection.connection
),
final as (
    select
        cast(row_number() over (order by scope, scope_id) as bigint) as scope_key,
        scope,
        scope_id,
        scope_name,
        is_whole
    from scoped
)
select scope_key, scope, scope_id, scope_name, is_whole
from final
