/* @model
description: Salesforce forecast types, latest version. Every quota is one of a type.
grain: [connection, forecasting_type_id]
kind: view
owner: revops
tags: [crm, quotas]
source: {id: string, developername: string, isactive: boolean, isamount: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  forecasting_type_id: {type: string, doc: "record id", checks: [not_null]}
  developer_name: {type: string, doc: "API name, such as OpportunityRevenue or OpportunitySplitRevenue"}
  is_active: {type: boolean, doc: "whether the org forecasts by it"}
  is_amount: {type: boolean, doc: "whether it forecasts money, not quantities"}
*/
with
version as (
    select * from raw.salesforce.forecastingtype
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
        version.id as forecasting_type_id,
        version.developername as developer_name,
        version.isactive as is_active,
        version.isamount as is_amount
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
    connection, forecasting_type_id, developer_name, is_active, is_amount
from latest
