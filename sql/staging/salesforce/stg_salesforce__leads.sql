/* @model
description: Salesforce leads that are not in the bin, latest version.
grain: [connection, lead_id]
kind: view
owner: revops
tags: [crm, leads]
source: {id: string, firstname: string, lastname: string, email: string, company: string, leadsource: string, status: string, ownerid: string, isconverted: boolean, converteddate: date, convertedaccountid: string, convertedcontactid: string, convertedopportunityid: string, createddate: timestamp, systemmodstamp: timestamp, isdeleted: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  lead_id: {type: string, doc: "record id", checks: [not_null]}
  first_name: {type: string, doc: "first name"}
  last_name: {type: string, doc: "last name"}
  email: {type: string, doc: "e-mail address"}
  company: {type: string, doc: "the company they work for, as entered"}
  lead_source: {type: string, doc: "where it came from"}
  status: {type: string, doc: "where it stands"}
  owner_id: {type: string, doc: "id of the user or queue that has it"}
  is_converted: {type: boolean, doc: "whether it was converted"}
  converted_date: {type: date, doc: "day of the conversion"}
  converted_account_id: {type: string, doc: "the account it became"}
  converted_contact_id: {type: string, doc: "the contact it became"}
  converted_opportunity_id: {type: string, doc: "the deal it became"}
  created_at: {type: timestamp, doc: "moment of creation"}
  modified_at: {type: timestamp, doc: "moment of the last change"}
*/
with
version as (
    select * from raw.salesforce.lead
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
        version.id as lead_id,
        version.firstname as first_name,
        version.lastname as last_name,
        version.email,
        version.company,
        version.leadsource as lead_source,
        version.status,
        version.ownerid as owner_id,
        version.isconverted as is_converted,
        version.converteddate as converted_date,
        version.convertedaccountid as converted_account_id,
        version.convertedcontactid as converted_contact_id,
        version.convertedopportunityid as converted_opportunity_id,
        version.createddate as created_at,
        version.systemmodstamp as modified_at
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
    connection, lead_id, first_name, last_name, email, company, lead_source, status,
    owner_id, is_converted, converted_date, converted_account_id, converted_contact_id,
    converted_opportunity_id, created_at, modified_at
from latest
