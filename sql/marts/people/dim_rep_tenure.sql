/* @model
description: Who was in which team when - one row a rep and span of days in one team. A fact of a day belongs to the row of its rep whose span holds that day; its rep_key joins bridge_rep_scope.
grain: [rep_id, valid_from]
kind: table
owner: revops
tags: [crm, people]
columns:
  rep_key: {type: int64, doc: "number of the rep in this team within this build; it may change from build to build", checks: [not_null, unique]}
  rep_id: {type: string, doc: "connection:source id", checks: [not_null, "relationships: mart.dim_rep.rep_id"]}
  rep_name: {type: string, doc: "name", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  team_id: {type: string, doc: "team of these days", checks: [not_null, "relationships: mart.dim_team.team_id"]}
  team_name: {type: string, doc: "team's name, of a team that is gone the last one", checks: [not_null]}
  region_id: {type: string, doc: "region", checks: [not_null]}
  region_name: {type: string, doc: "region's name", checks: [not_null]}
  valid_from: {type: date, doc: "first day; of the first span 1900-01-01", checks: [not_null]}
  valid_to: {type: date, doc: "first day of the next span; of the last span 9999-12-31", checks: [not_null]}
  provenance: {type: string, doc: "observed: a run saw the move that began it; assumed: the first span, which begins before anything was seen", checks: [not_null, "accepted_values: [observed, assumed]"]}
  observed_from: {type: date, doc: "first day that is known rather than assumed; null: the source tells today's team only"}
*/
with
tenure as (
    select * from intermediate.int_rep_tenure
),
rep as (
    select * from intermediate.int_rep
),
team as (
    select * from intermediate.int_team
),
final as (
    select
        cast(row_number() over (order by tenure.rep_id, tenure.valid_from) as bigint) as rep_key,
        tenure.rep_id,
        rep.rep_name,
        tenure.connection,
        tenure.team_id,
        team.team_name,
        tenure.connection || ':' || tenure.region_name as region_id,
        tenure.region_name,
        tenure.valid_from,
        tenure.valid_to,
        tenure.provenance,
        tenure.observed_from
    from tenure
    inner join rep on tenure.rep_id = rep.rep_id
    inner join team on tenure.team_id = team.team_id
)
select
    rep_key, rep_id, rep_name, connection, team_id, team_name, region_id, region_name,
    valid_from, valid_to, provenance, observed_from
from final
