/* @model
description: Deals of a neutral CRM export, latest version.
grain: [connection, opportunity_id]
kind: view
owner: revops
tags: [crm, opportunities]
source: {opportunity_id: string, name: string, account_id: string, owner_id: string, product_id: string, stage: string, amount: "decimal(18,2)", currency: string, probability: "decimal(9,6)", created_at: timestamp, engaged_at: timestamp, expected_close_date: date, closed_at: timestamp, lost_reason: string, last_activity_at: timestamp, push_count: int64}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  opportunity_id: {type: string, doc: "the source's key", checks: [not_null]}
  opportunity_name: {type: string, doc: "name of the deal"}
  account_id: {type: string, doc: "key of the account"}
  owner_id: {type: string, doc: "key of the user who owns the deal"}
  product_id: {type: string, doc: "key of the product"}
  stage: {type: string, doc: "stage, as in stages.csv"}
  amount: {type: "decimal(18,2)", doc: "amount in the deal's currency"}
  currency: {type: string, doc: "ISO 4217 code"}
  probability: {type: "decimal(9,6)", doc: "probability as a fraction between 0 and 1", checks: ["between 0 and 1"]}
  created_at: {type: timestamp, doc: "moment of creation"}
  qualified_at: {type: timestamp, doc: "first entry into a qualified stage"}
  expected_close_date: {type: date, doc: "planned close date"}
  closed_at: {type: timestamp, doc: "moment it was won or lost"}
  lost_reason: {type: string, doc: "why it was lost"}
  last_activity_at: {type: timestamp, doc: "last activity on it; null: unknown"}
  push_count: {type: int64, doc: "how often the planned close date was moved to a later month"}
*/
with
version as (
    select * from raw.crm_export.opportunities
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
        version.name as opportunity_name,
        version.account_id,
        version.owner_id,
        version.product_id,
        version.stage,
        version.amount,
        version.currency,
        version.probability,
        version.created_at,
        version.engaged_at as qualified_at,
        version.expected_close_date,
        version.closed_at,
        version.lost_reason,
        version.last_activity_at,
        version.push_count
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
    connection, opportunity_id, opportunity_name, account_id, owner_id, product_id, stage,
    amount, currency, probability, created_at, qualified_at, expected_close_date, closed_at,
    lost_reason, last_activity_at, push_count
from latest
