/* @model
description: Salesforce opportunities that were merged into another one, also when the bin was emptied since. Salesforce itself cannot merge opportunities; this is the field of an app that can.
grain: [connection, opportunity_id]
kind: view
owner: revops
tags: [crm, opportunities]
source: {id: string, isdeleted: boolean, merged_into__c: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  opportunity_id: {type: string, doc: "id of the one that was merged away", checks: [not_null]}
  survivor_id: {type: string, doc: "id of the one it was merged into", checks: [not_null]}
*/
with
-- A record that is purged from the bin gets a delete marker: what it was merged into is in the
-- version before.
version as (
    select * from raw.salesforce.opportunity where _op = 'upsert'
),
suspect as (
    select distinct _connection, id
    from version
    where merged_into__c is not null
),
latest as (
    select
        version._connection as connection,
        version.id as opportunity_id,
        last_value(version.merged_into__c order by version._sequence) as survivor_id,
        last_value(version.isdeleted order by version._sequence) as is_deleted
    from suspect
    inner join version on suspect._connection = version._connection and suspect.id = version.id
    group by version._connection, version.id
)
select connection, opportunity_id, survivor_id
from latest
where survivor_id is not null and is_deleted
