/* @model
description: Salesforce contacts that are not in the bin, latest version.
grain: [connection, contact_id]
kind: view
owner: revops
tags: [crm, contacts]
source: {id: string, accountid: string, firstname: string, lastname: string, email: string, title: string, ownerid: string, createddate: timestamp, isdeleted: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  contact_id: {type: string, doc: "record id", checks: [not_null]}
  account_id: {type: string, doc: "id of the account"}
  first_name: {type: string, doc: "first name"}
  last_name: {type: string, doc: "last name"}
  email: {type: string, doc: "e-mail address"}
  title: {type: string, doc: "what they do there"}
  owner_id: {type: string, doc: "id of the user who owns it"}
  created_at: {type: timestamp, doc: "moment of creation"}
*/
with
version as (
    select * from raw.salesforce.contact
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
        version.id as contact_id,
        version.accountid as account_id,
        version.firstname as first_name,
        version.lastname as last_name,
        version.email,
        version.title,
        version.ownerid as owner_id,
        version.createddate as created_at
    from changed
    right join version
        on changed._connection = version._connection
        and changed.id = version.id
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            when version.isdeleted then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, contact_id, account_id, first_name, last_name, email, title, owner_id,
    created_at
from latest
