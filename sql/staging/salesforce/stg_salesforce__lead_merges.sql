/* @model
description: Salesforce leads that were merged into another one, also when the bin was emptied since.
grain: [connection, lead_id]
kind: view
owner: revops
tags: [crm, leads]
source: {id: string, isdeleted: boolean, masterrecordid: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  lead_id: {type: string, doc: "id of the one that was merged away", checks: [not_null]}
  survivor_id: {type: string, doc: "id of the one it was merged into", checks: [not_null]}
*/
with
-- A record that is purged from the bin gets a delete marker: what it was merged into is in the
-- version before.
version as (
    select * from raw.salesforce.lead where _op = 'upsert'
),
suspect as (
    select distinct _connection, id
    from version
    where masterrecordid is not null
),
latest as (
    select
        version._connection as connection,
        version.id as lead_id,
        last_value(version.masterrecordid order by version._sequence) as survivor_id,
        last_value(version.isdeleted order by version._sequence) as is_deleted
    from suspect
    inner join version on suspect._connection = version._connection and suspect.id = version.id
    group by version._connection, version.id
)
select connection, lead_id, survivor_id
from latest
where survivor_id is not null and is_deleted
