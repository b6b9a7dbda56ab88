/* @model
description: HubSpot owners, those who left too, latest version.
grain: [connection, owner_id]
kind: view
owner: revops
tags: [crm, people]
source: {id: string, user_id_including_inactive: string, email: string, first_name: string, last_name: string, archived: boolean, primary_team_id: string, primary_team_name: string, created_at: timestamp}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  owner_id: {type: string, doc: "owner id, which records hold", checks: [not_null]}
  user_id: {type: string, doc: "id of the user"}
  email: {type: string, doc: "e-mail address"}
  first_name: {type: string, doc: "first name"}
  last_name: {type: string, doc: "last name"}
  is_archived: {type: boolean, doc: "whether the user was deactivated"}
  team_id: {type: string, doc: "id of the primary team; of somebody who left the last one that a run saw"}
  team_name: {type: string, doc: "name of that team"}
  created_at: {type: timestamp, doc: "moment of creation"}
*/
with
version as (
    select * from raw.hubspot.owners
),
-- Most keys have one version, so only the others are looked up: see sql/DECISIONS.md.
changed as (
    select _connection, id, max(_sequence) as newest_sequence
    from version
    group by _connection, id
    having count(*) > 1
),
-- HubSpot takes people who leave out of their teams.
member as (
    select
        _connection,
        id,
        last_value(primary_team_id order by _sequence) as team_id,
        last_value(primary_team_name order by _sequence) as team_name
    from version
    where primary_team_id is not null
    group by _connection, id
),
latest as (
    select
        version._connection as connection,
        version.id as owner_id,
        version.user_id_including_inactive as user_id,
        version.email,
        version.first_name,
        version.last_name,
        version.archived as is_archived,
        case when version.archived then member.team_id else version.primary_team_id end as team_id,
        case when version.archived then member.team_name else version.primary_team_name end
            as team_name,
        version.created_at
    from changed
    right join version
        on changed._connection = version._connection
        and changed.id = version.id
    left join member on version._connection = member._connection and version.id = member.id
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, owner_id, user_id, email, first_name, last_name, is_archived, team_id,
    team_name, created_at
from latest
