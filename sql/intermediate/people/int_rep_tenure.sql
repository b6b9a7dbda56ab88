/* @model
description: Who was in which team when - one row a rep and span of days in one team, without holes. A move counts from the company's day of the change that a run first saw it in; before the first sight the first team is assumed.
grain: [rep_id, valid_from]
kind: table
owner: revops
tags: [crm, people]
columns:
  rep_id: {type: string, doc: "connection:source id", checks: [not_null]}
  valid_from: {type: date, doc: "first day; of the first span 1900-01-01", checks: [not_null]}
  valid_to: {type: date, doc: "first day of the next span; of the last span 9999-12-31", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  team_id: {type: string, doc: "connection:source id of the team, in Salesforce of the role; connection:(unassigned) without one", checks: [not_null]}
  region_name: {type: string, doc: "region of that team, in Salesforce the role above it today; (unassigned) where the source has none", checks: [not_null]}
  provenance: {type: string, doc: "observed: a run saw the move that began it; assumed: the first span, which begins before anything was seen", checks: [not_null, "accepted_values: [observed, assumed]"]}
  observed_from: {type: date, doc: "first day that is known rather than assumed; null: the source tells today's team only"}
*/
with
rep as (
    select * from intermediate.int_rep
),
salesforce_version as (
    select * from staging.stg_salesforce__user_versions
),
salesforce_role as (
    select * from staging.stg_salesforce__user_roles
),
hubspot_version as (
    select * from staging.stg_hubspot__owner_versions
),
-- Who leaves is taken out of the team by some systems: such a row says nothing about teams, so
-- that the last one holds.
version as (
    select
        connection || ':' || user_id as rep_id,
        sequence,
        modified_at,
        coalesce(role_id, '(unassigned)') as team
    from salesforce_version
    where role_id is not null or not has_left
    union all
    select
        connection || ':' || owner_id as rep_id,
        sequence,
        modified_at,
        coalesce(team_id, '(unassigned)') as team
    from hubspot_version
    where team_id is not null or not has_left
),
placed as (
    select
        *,
        row_number() over (partition by rep_id order by sequence) as place
    from version
),
-- Rows count in the order in which they came, so that an older stamp on a later row moves nothing
-- back. What was changed after the as-of instant has not happened, but a rep has some team.
dated as (
    select
        rep_id,
        team,
        place,
        company_date(modified_at) as seen_date,
        case
            when place = 1 then date '1900-01-01'
            else
                max(company_date(modified_at)) over (
                    partition by rep_id order by place
                    rows between unbounded preceding and current row
                )
        end as date_day
    from placed
    where place = 1 or modified_at <= $as_of
),
-- Several moves on one day: the last one.
numbered as (
    select
        *,
        row_number() over (partition by rep_id, date_day order by place desc) as place_from_last
    from dated
),
compared as (
    select
        *,
        lag(team) over (partition by rep_id order by date_day) as previous_team
    from numbered
    where place_from_last = 1
),
moved as (
    select rep_id, team, date_day, place, seen_date
    from compared
    where previous_team is null or previous_team <> team
),
from_versions as (
    select
        rep_id,
        team,
        date_day as valid_from,
        lead(date_day) over (partition by rep_id order by date_day) as next_from,
        case when place = 1 then 'assumed' else 'observed' end as provenance,
        seen_date as observed_from
    from moved
),
spans as (
    select
        rep.rep_id,
        rep.connection,
        coalesce(rep.connection || ':' || known.team, rep.team_id) as team_id,
        case
            when known.rep_id is null then rep.region_name
            else coalesce(region.role_name, '(unassigned)')
        end as region_name,
        coalesce(known.valid_from, date '1900-01-01') as valid_from,
        coalesce(known.next_from, date '9999-12-31') as valid_to,
        coalesce(known.provenance, 'assumed') as provenance,
        known.observed_from
    from rep
    left join from_versions as known on rep.rep_id = known.rep_id
    left join salesforce_role as role
        on rep.connection = role.connection and known.team = role.role_id
    left join salesforce_role as region
        on role.connection = region.connection and role.parent_role_id = region.role_id
),
final as (
    select
        rep_id, valid_from, valid_to, connection, team_id, region_name, provenance, observed_from
    from spans
)
select
    rep_id, valid_from, valid_to, connection, team_id, region_name, provenance, observed_from
from final
