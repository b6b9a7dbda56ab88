/* @model
description: Salesforce users, latest version; users are never deleted, only deactivated.
grain: [connection, user_id]
kind: view
owner: revops
tags: [crm, people]
source: {id: string, name: string, firstname: string, lastname: string, email: string, userroleid: string, managerid: string, isactive: boolean, usertype: string, timezonesidkey: string, hire_date__c: date, leaving_date__c: date, createddate: timestamp}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  user_id: {type: string, doc: "record id", checks: [not_null]}
  user_name: {type: string, doc: "full name"}
  first_name: {type: string, doc: "first name"}
  last_name: {type: string, doc: "last name"}
  email: {type: string, doc: "e-mail address"}
  role_id: {type: string, doc: "id of the role"}
  manager_id: {type: string, doc: "id of the manager"}
  is_active: {type: boolean, doc: "whether the user can log in"}
  user_type: {type: string, doc: "Standard for people with a full licence"}
  time_zone: {type: string, doc: "IANA zone"}
  start_date: {type: date, doc: "first day, where the org has such a field"}
  end_date: {type: date, doc: "last day, where the org has such a field"}
  created_at: {type: timestamp, doc: "moment the login was made"}
*/
with
version as (
    select * from raw.salesforce.user
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
        version.id as user_id,
        version.name as user_name,
        version.firstname as first_name,
        version.lastname as last_name,
        version.email,
        version.userroleid as role_id,
        version.managerid as manager_id,
        version.isactive as is_active,
        version.usertype as user_type,
        version.timezonesidkey as time_zone,
        version.hire_date__c as start_date,
        version.leaving_date__c as end_date,
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
            else version._op
        end <> 'delete'
)
select
    connection, user_id, user_name, first_name, last_name, email, role_id, manager_id,
    is_active, user_type, time_zone, start_date, end_date, created_at
from latest
