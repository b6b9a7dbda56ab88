/* @model
description: Every version of every Salesforce user that a run saw.
grain: [connection, user_id, sequence]
kind: view
owner: revops
tags: [crm, people]
source: {id: string, name: string, userroleid: string, managerid: string, isactive: boolean, systemmodstamp: timestamp}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  user_id: {type: string, doc: "record id", checks: [not_null]}
  sequence: {type: int64, doc: "place among all rows of the raw table; the greatest is the newest", checks: [not_null]}
  modified_at: {type: timestamp, doc: "moment of the change that made this version, whatever it changed", checks: [not_null]}
  seen_at: {type: timestamp, doc: "when a run saw it"}
  user_name: {type: string, doc: "full name"}
  role_id: {type: string, doc: "id of the role"}
  manager_id: {type: string, doc: "id of the manager"}
  has_left: {type: boolean, doc: "whether the login was deactivated", checks: [not_null]}
*/
select
    _connection as connection,
    id as user_id,
    _sequence as sequence,
    coalesce(systemmodstamp, _extracted_at) as modified_at,
    _extracted_at as seen_at,
    name as user_name,
    userroleid as role_id,
    managerid as manager_id,
    not coalesce(isactive, true) as has_left
from raw.salesforce.user
where _op <> 'delete'
