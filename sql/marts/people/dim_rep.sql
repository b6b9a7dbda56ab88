/* @model
description: Sales reps, those without deals too, with their team and region on the as-of day.
grain: [rep_id]
kind: table
owner: revops
tags: [crm, people]
columns:
  rep_id: {type: string, doc: "connection:source id", checks: [not_null]}
  rep_key: {type: int64, doc: "number of the rep in the team of the as-of day, as in dim_rep_tenure; it may change from build to build", checks: [not_null, unique]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  rep_name: {type: string, doc: "name", checks: [not_null]}
  email: {type: string, doc: "e-mail address"}
  team_id: {type: string, doc: "team", checks: [not_null, "relationships: mart.dim_team.team_id"]}
  team_name: {type: string, doc: "team's name", checks: [not_null]}
  region_id: {type: string, doc: "region", checks: [not_null]}
  region_name: {type: string, doc: "region's name", checks: [not_null]}
  manager_name: {type: string, doc: "the rep's manager"}
  is_manager: {type: boolean, doc: "whether the rep manages a team or other users; such a rep need not have deals", checks: [not_null]}
  is_active: {type: boolean, doc: "whether the rep still works here; null: unknown"}
  start_date: {type: date, doc: "first day"}
  end_date: {type: date, doc: "last day"}
  is_inferred: {type: boolean, doc: "true: only deals, shares or quotas name this owner", checks: [not_null]}
*/
with
rep as (
    select * from intermediate.int_rep
),
tenure as (
    select * from mart.dim_rep_tenure
),
final as (
    select
        rep.rep_id,
        tenure.rep_key,
        rep.connection,
        rep.rep_name,
        rep.email,
        tenure.team_id,
        tenure.team_name,
        tenure.region_id,
        tenure.region_name,
        rep.manager_name,
        rep.is_manager,
        rep.is_active,
        rep.start_date,
        rep.end_date,
        rep.is_inferred
    from rep
    inner join tenure
        on rep.rep_id = tenure.rep_id
        and tenure.valid_from <= $as_of_date
        and tenure.valid_to > $as_of_date
)
select
    rep_id, rep_key, connection, rep_name, email, team_id, team_name, region_id, region_name,
    manager_name, is_manager, is_active, start_date, end_date, is_inferred
from final
