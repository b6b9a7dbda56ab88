/* @model
description: The four scopes that a rep's deals count for - the rep, and the team, the region and the company of the time. Joined to a fact by rep_key it gives each fact its scope rows.
grain: [rep_key, scope_key]
kind: table
owner: revops
tags: [crm, scope]
columns:
  rep_key: {type: int64, doc: "the rep in one of his teams, as in dim_rep_tenure and the facts", checks: [not_null, "relationships: mart.dim_rep_tenure.rep_key"]}
  scope_key: {type: int64, doc: "the scope", checks: [not_null, "relationships: mart.dim_scope.scope_key"]}
*/
with
tenure as (
    select * from mart.dim_rep_tenure
),
scope as (
    select * from mart.dim_scope
),
counts_for as (
    select rep_key, 'company' as scope, 'company' as scope_id from tenure
    union all
    select rep_key, 'region' as scope, region_id as scope_id from tenure
    union all
    select rep_key, 'team' as scope, team_id as scope_id from tenure
    union all
    select rep_key, 'rep' as scope, rep_id as scope_id from tenure
),
final as (
    select counts_for.rep_key, scope.scope_key
    from counts_for
    inner join scope
        on counts_for.scope = scope.scope and counts_for.scope_id = scope.scope_id
)
select rep_key, scope_key
from final
