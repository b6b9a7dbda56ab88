/* @model
description: HubSpot companies that others were merged into, also when they are gone themselves since.
grain: [connection, company_id]
kind: view
owner: revops
tags: [crm, accounts]
source: {id: string, hs_merged_object_ids: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  company_id: {type: string, doc: "id of the survivor", checks: [not_null]}
  merged_ids: {type: string, doc: "ids of those that were merged into it, a;b", checks: [not_null]}
*/
with
-- A survivor that was merged away itself is deleted; whom it took in is in the version before.
version as (
    select * from raw.hubspot.companies where _op = 'upsert' and hs_merged_object_ids <> ''
),
latest as (
    select
        _connection as connection,
        id as company_id,
        last_value(hs_merged_object_ids order by _sequence) as merged_ids
    from version
    group by _connection, id
)
select connection, company_id, merged_ids
from latest
