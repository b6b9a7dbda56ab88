/* @model
description: Salesforce kinds of shares in opportunities, latest version.
grain: [connection, split_type_id]
kind: view
owner: revops
tags: [crm, quotas]
source: {id: string, developername: string, splitfield: string, isactive: boolean, istotalvalidated: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  split_type_id: {type: string, doc: "record id", checks: [not_null]}
  developer_name: {type: string, doc: "API name, such as Revenue or Overlay"}
  split_field: {type: string, doc: "the field of the deal that is shared out"}
  is_active: {type: boolean, doc: "whether the org uses it"}
  is_total_validated: {type: boolean, doc: "whether the shares of a deal must sum to 100 percent; if not, they are overlay credit"}
*/
with
version as (
    select * from raw.salesforce.opportunitysplittype
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
        version.id as split_type_id,
        version.developername as developer_name,
        version.splitfield as split_field,
        version.isactive as is_active,
        version.istotalvalidated as is_total_validated
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
    connection, split_type_id, developer_name, split_field, is_active, is_total_validated
from latest
