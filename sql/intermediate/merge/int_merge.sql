/* @model
description: Records that were merged away, each with the one that survives in the end; two merges in a row lead to the last survivor.
grain: [object, loser_id]
kind: table
owner: revops
tags: [crm]
columns:
  object: {type: string, doc: "account, contact, lead or opportunity", checks: [not_null, "accepted_values: [account, contact, lead, opportunity]"]}
  loser_id: {type: string, doc: "connection:source id of the one that is gone", checks: [not_null]}
  connection: {type: string, doc: "the connection it belonged to", checks: [not_null]}
  survivor_id: {type: string, doc: "connection:source id of the one to look at instead", checks: [not_null]}
  steps: {type: int64, doc: "merges between the two", checks: [not_null]}
*/
with recursive
salesforce_account as (
    select * from staging.stg_salesforce__account_merges
),
salesforce_contact as (
    select * from staging.stg_salesforce__contact_merges
),
salesforce_lead as (
    select * from staging.stg_salesforce__lead_merges
),
salesforce_opportunity as (
    select * from staging.stg_salesforce__opportunity_merges
),
hubspot_company as (
    select * from staging.stg_hubspot__company_merges
),
hubspot_contact as (
    select * from staging.stg_hubspot__contact_merges
),
hubspot_deal as (
    select * from staging.stg_hubspot__deal_merges
),
-- In Salesforce the loser names its survivor.
from_salesforce as (
    select 'account' as object, connection, account_id as loser, survivor_id as survivor
    from salesforce_account
    union all
    select 'contact' as object, connection, contact_id as loser, survivor_id as survivor
    from salesforce_contact
    union all
    select 'lead' as object, connection, lead_id as loser, survivor_id as survivor
    from salesforce_lead
    union all
    select 'opportunity' as object, connection, opportunity_id as loser, survivor_id as survivor
    from salesforce_opportunity
),
-- In HubSpot the survivor lists its losers.
hubspot_list as (
    select 'account' as object, connection, company_id as survivor, merged_ids
    from hubspot_company
    union all
    select 'contact' as object, connection, contact_id as survivor, merged_ids
    from hubspot_contact
    union all
    select 'opportunity' as object, connection, deal_id as survivor, merged_ids
    from hubspot_deal
),
from_hubspot as (
    select object, connection, survivor, unnest(string_to_array(merged_ids, ';')) as loser
    from hubspot_list
),
-- A loser that several name, because its first survivor was merged away and handed its list on,
-- went to the one with the smallest id first; any of them leads to the same end.
merge as (
    select object, connection, loser, min(survivor) as survivor
    from (
        select object, connection, loser, survivor from from_salesforce
        union all
        select object, connection, trim(loser) as loser, survivor from from_hubspot
    ) as united
    where loser <> '' and loser <> survivor
    group by object, connection, loser
),
-- Twenty steps are more than anybody takes; merges in a circle end there, and lead nowhere.
walk as (
    select object, connection, loser, survivor, 1 as steps
    from merge
    union all
    select walk.object, walk.connection, walk.loser, merge.survivor, walk.steps + 1 as steps
    from walk
    inner join merge
        on walk.object = merge.object
        and walk.connection = merge.connection
        and walk.survivor = merge.loser
    where walk.steps < 20
),
ended as (
    select walk.object, walk.connection, walk.loser, walk.survivor, walk.steps
    from walk
    left join merge as further
        on walk.object = further.object
        and walk.connection = further.connection
        and walk.survivor = further.loser
    where further.loser is null
),
final as (
    select
        object,
        connection || ':' || loser as loser_id,
        connection,
        connection || ':' || survivor as survivor_id,
        cast(steps as bigint) as steps
    from ended
)
select object, loser_id, connection, survivor_id, steps
from final
