/* @model
description: Every version of every HubSpot owner that a run saw.
grain: [connection, owner_id, sequence]
kind: view
owner: revops
tags: [crm, people]
source: {id: string, archived: boolean, primary_team_id: string, primary_team_name: string, updated_at: timestamp}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  owner_id: {type: string, doc: "owner id, which records hold", checks: [not_null]}
  sequence: {type: int64, doc: "place among all rows of the raw table; the greatest is the newest", checks: [not_null]}
  modified_at: {type: timestamp, doc: "moment of the change that made this version, whatever it changed", checks: [not_null]}
  seen_at: {type: timestamp, doc: "when a run saw it"}
  team_id: {type: string, doc: "id of the primary team; HubSpot takes people who leave out of theirs"}
  team_name: {type: string, doc: "name of that team at the time"}
  has_left: {type: boolean, doc: "whether the user was deactivated", checks: [not_null]}
*/
select
    _connection as connection,
    id as owner_id,
    _sequence as sequence,
    coalesce(updated_at, _extracted_at) as modified_at,
    _extracted_at as seen_at,
    primary_team_id as team_id,
    primary_team_name as team_name,
    coalesce(archived, false) as has_left
from raw.hubspot.owners
where _op <> 'delete'
