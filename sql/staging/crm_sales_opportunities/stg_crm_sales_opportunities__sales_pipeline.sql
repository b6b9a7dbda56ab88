/* @model
description: Deals of the CRM sales opportunities files, latest version.
grain: [connection, opportunity_id]
kind: view
owner: revops
tags: [crm, opportunities]
source: {opportunity_id: string, sales_agent: string, product: string, account: string, deal_stage: string, engage_date: date, close_date: date, close_value: "decimal(18,2)"}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  opportunity_id: {type: string, doc: "the source's key", checks: [not_null]}
  rep_name: {type: string, doc: "sales agent"}
  product_name: {type: string, doc: "product"}
  account_name: {type: string, doc: "company; often missing while a deal is open"}
  stage_name: {type: string, doc: "Prospecting, Engaging, Won or Lost"}
  engaged_date: {type: date, doc: "day the stage Engaging began; this source has no creation date"}
  closed_date: {type: date, doc: "day the deal was won or lost"}
  amount: {type: "decimal(18,2)", doc: "revenue from the deal in USD: 0 on every lost deal, null while open"}
*/
with
version as (
    select * from raw.crm_sales_opportunities.sales_pipeline
),
-- Most keys have one version, so only the others are looked up: the join holds those in memory
-- and streams the rest. (An ordered aggregate of every column took 17 times as long.)
changed as (
    select _connection, opportunity_id, max(_sequence) as newest_sequence
    from version
    group by _connection, opportunity_id
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.opportunity_id,
        version.sales_agent as rep_name,
        version.product as product_name,
        version.account as account_name,
        version.deal_stage as stage_name,
        version.engage_date as engaged_date,
        version.close_date as closed_date,
        version.close_value as amount
    from changed
    right join version
        on changed._connection = version._connection and changed.opportunity_id = version.opportunity_id
    -- One expression over both sides, so that it stays above the join: a filter pushed below it
    -- makes the planner think that `version` is the small side, and hold that in memory.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) = version._sequence
                then version._op
            else 'delete'
        end <> 'delete'
)
select
    connection, opportunity_id, rep_name, product_name, account_name, stage_name,
    engaged_date, closed_date, amount
from latest
