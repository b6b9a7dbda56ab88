/* @model
description: HubSpot goals, latest version.
grain: [connection, goal_id]
kind: view
owner: revops
tags: [crm, quotas]
source: {id: string, hs_goal_name: string, hs_assignee_user_id: string, hs_target_amount: "decimal(38,18)", hs_currency_code: string, hs_start_datetime: timestamp, hs_end_datetime: timestamp, archived: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  goal_id: {type: string, doc: "record id", checks: [not_null]}
  goal_name: {type: string, doc: "name"}
  user_id: {type: string, doc: "id of the user whose goal it is"}
  target_amount: {type: "decimal(22,2)", doc: "how much"}
  currency: {type: string, doc: "ISO 4217 code; null: the portal's own"}
  starts_at: {type: timestamp, doc: "first moment"}
  ends_at: {type: timestamp, doc: "last moment"}
*/
with
version as (
    select * from raw.hubspot.goal_targets
),
-- Most keys have one version, so only the others are looked up: see sql/DECISIONS.md.
changed as (
    select _connection, id, max(_sequence) as newest_sequence
    from version
    group by _connection, id
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.id as goal_id,
        version.hs_goal_name as goal_name,
        regexp_replace(version.hs_assignee_user_id, '[.]0+$', '') as user_id,
        cast(version.hs_target_amount as decimal(22, 2)) as target_amount,
        version.hs_currency_code as currency,
        version.hs_start_datetime as starts_at,
        version.hs_end_datetime as ends_at
    from changed
    right join version
        on changed._connection = version._connection
        and changed.id = version.id
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            when version.archived then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, goal_id, goal_name, user_id, target_amount, currency, starts_at, ends_at
from latest
