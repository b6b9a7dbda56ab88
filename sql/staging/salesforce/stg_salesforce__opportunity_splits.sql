/* @model
description: Salesforce shares of credit for opportunities, latest version.
grain: [connection, split_id]
kind: view
owner: revops
tags: [crm, quotas]
source: {id: string, opportunityid: string, splitownerid: string, splittypeid: string, splitpercentage: "decimal(38,18)", splitamount: "decimal(38,18)", isdeleted: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  split_id: {type: string, doc: "record id", checks: [not_null]}
  opportunity_id: {type: string, doc: "id of the deal"}
  user_id: {type: string, doc: "id of the user who is credited"}
  split_type_id: {type: string, doc: "id of the type: revenue or overlay"}
  share: {type: "decimal(9,6)", doc: "share as a fraction; the source has percent"}
  amount: {type: "decimal(22,2)", doc: "amount in the deal's currency"}
*/
with
version as (
    select * from raw.salesforce.opportunitysplit
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
        version.id as split_id,
        version.opportunityid as opportunity_id,
        version.splitownerid as user_id,
        version.splittypeid as split_type_id,
        cast(version.splitpercentage / 100 as decimal(9, 6)) as share,
        cast(version.splitamount as decimal(22, 2)) as amount
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
    connection, split_id, opportunity_id, user_id, split_type_id, share, amount
from latest
