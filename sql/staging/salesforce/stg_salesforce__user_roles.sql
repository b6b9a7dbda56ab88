/* @model
description: Salesforce roles, latest version. Deleted ones keep what they last were, because people were in them.
grain: [connection, role_id]
kind: view
owner: revops
tags: [crm, people]
source: {id: string, name: string, parentroleid: string, forecastuserid: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  role_id: {type: string, doc: "record id", checks: [not_null]}
  role_name: {type: string, doc: "name"}
  parent_role_id: {type: string, doc: "id of the role above"}
  forecast_user_id: {type: string, doc: "id of the user who answers for the forecast of the role"}
  is_deleted: {type: boolean, doc: "whether the org has no such role any more", checks: [not_null]}
*/
with
version as (
    select * from raw.salesforce.userrole
),
newest as (
    select
        _connection,
        id,
        max(_sequence) as newest_sequence,
        max(case when _op <> 'delete' then _sequence end) as described_sequence
    from version
    group by _connection, id
),
latest as (
    select
        version._connection as connection,
        version.id as role_id,
        version.name as role_name,
        version.parentroleid as parent_role_id,
        version.forecastuserid as forecast_user_id,
        newest.newest_sequence <> newest.described_sequence as is_deleted
    from newest
    inner join version
        on newest._connection = version._connection
        and newest.id = version.id
        and newest.described_sequence = version._sequence
)
select
    connection, role_id, role_name, parent_role_id, forecast_user_id, is_deleted
from latest
