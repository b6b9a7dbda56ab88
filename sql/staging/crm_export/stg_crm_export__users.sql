/* @model
description: Users of a neutral CRM export, sales reps and their managers, latest version.
grain: [connection, user_id]
kind: view
owner: revops
tags: [crm, people]
source: {user_id: string, name: string, email: string, team_id: string, manager_id: string, is_active: boolean, start_date: date, end_date: date}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  user_id: {type: string, doc: "the source's key", checks: [not_null]}
  user_name: {type: string, doc: "name"}
  email: {type: string, doc: "e-mail address"}
  team_id: {type: string, doc: "key of the team"}
  manager_id: {type: string, doc: "key of the manager"}
  is_active: {type: boolean, doc: "whether the user still works here"}
  start_date: {type: date, doc: "first day"}
  end_date: {type: date, doc: "last day"}
*/
with
version as (
    select * from raw.crm_export.users
),
-- Most keys have one version, so only the others are looked up: the join holds those in memory
-- and streams the rest. (An ordered aggregate of every column took 17 times as long.)
changed as (
    select _connection, user_id, max(_sequence) as newest_sequence
    from version
    group by _connection, user_id
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.user_id,
        version.name as user_name,
        version.email,
        version.team_id,
        version.manager_id,
        version.is_active,
        version.start_date,
        version.end_date
    from changed
    right join version
        on changed._connection = version._connection and changed.user_id = version.user_id
    -- One expression over both sides, so that it stays above the join: a filter pushed below it
    -- makes the planner think that `version` is the small side, and hold that in memory.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) = version._sequence
                then version._op
            else 'delete'
        end <> 'delete'
)
select
    connection, user_id, user_name, email, team_id, manager_id, is_active, start_date, end_date
from latest
