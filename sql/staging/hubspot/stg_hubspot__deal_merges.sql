/* @model
description: HubSpot deals that others were merged into, also when they are gone themselves since.
grain: [connection, deal_id]
kind: view
owner: revops
tags: [crm, opportunities]
source: {id: string, hs_merged_object_ids: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  deal_id: {type: string, doc: "id of the survivor", checks: [not_null]}
  merged_ids: {type: string, doc: "ids of those that were merged into it, a;b", checks: [not_null]}
*/
with
-- A survivor that was merged away itself is deleted; whom it took in is in the version before.
version as (
    select * from raw.hubspot.deals where _op = 'upsert' and hs_merged_object_ids <> ''
),
latest as (
    select
        _connection as connection,
        id as deal_id,
        last_value(hs_merged_object_ids order by _sequence) as merged_ids
    from version
    group by _connection, id
)
select connection, deal_id, merged_ids
from latest
