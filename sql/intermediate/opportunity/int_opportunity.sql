/* @model
description: Deals of all connections under CRM-neutral names. Instants become days in the company's zone here and nowhere else.
grain: [opportunity_id]
kind: table
owner: revops
tags: [crm, opportunities]
columns:
  opportunity_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection that delivered the deal", checks: [not_null]}
  opportunity_name: {type: string, doc: "name of the deal; null where the source has none"}
  account_id: {type: string, doc: "connection:source id of the account; null: the deal names none"}
  rep_id: {type: string, doc: "connection:source id of the owner; connection:(unassigned) where the deal names none", checks: [not_null]}
  product_id: {type: string, doc: "connection:source id of the product; null: the deal names none"}
  stage_id: {type: string, doc: "connection:stage name", checks: [not_null]}
  stage_name: {type: string, doc: "the stage's name in the source"}
  amount: {type: "decimal(18,2)", doc: "amount in the deal's currency; null: unknown"}
  currency: {type: string, doc: "ISO 4217 code; null: unknown"}
  probability: {type: "decimal(9,6)", doc: "the deal's own probability, a fraction"}
  created_at: {type: timestamp, doc: "moment of creation; null: the source has none"}
  created_date: {type: date, doc: "day of creation in the company's zone"}
  qualified_at: {type: timestamp, doc: "first entry into a qualified stage; null where the source has only a day"}
  qualified_date: {type: date, doc: "day of the first entry into a qualified stage"}
  closed_at: {type: timestamp, doc: "moment of the outcome; null where the source has only a day"}
  closed_date: {type: date, doc: "day of the outcome, whatever the stage says"}
  expected_close_date: {type: date, doc: "planned close date"}
  lost_reason: {type: string, doc: "why it was lost"}
  last_activity_at: {type: timestamp, doc: "last activity on the deal; null: unknown"}
  last_activity_date: {type: date, doc: "day of the last activity in the company's zone"}
  push_count: {type: int64, doc: "how often the planned close date was moved to a later month; null: unknown"}
  is_loss_amount_recorded: {type: boolean, doc: "false where the source is known to record 0 on every lost deal, so that the amount lost is unknown", checks: [not_null]}
*/
with
file_deal as (
    select * from staging.stg_crm_sales_opportunities__sales_pipeline
),
export_deal as (
    select * from staging.stg_crm_export__opportunities
),
-- Dates only: no instants, no creation date. Currency by the data dictionary ("in USD").
-- `close_value` is revenue, so a lost deal's 0 says nothing of what was lost.
from_files as (
    select
        connection || ':' || opportunity_id as opportunity_id,
        connection,
        cast(null as varchar) as opportunity_name,
        connection || ':' || account_name as account_id,
        connection || ':' || coalesce(rep_name, '(unassigned)') as rep_id,
        connection || ':' || product_name as product_id,
        connection || ':' || coalesce(stage_name, '(none)') as stage_id,
        stage_name,
        amount,
        'USD' as currency,
        cast(null as decimal(9, 6)) as probability,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as created_at,
        cast(null as date) as created_date,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as qualified_at,
        engaged_date as qualified_date,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as closed_at,
        closed_date,
        cast(null as date) as expected_close_date,
        cast(null as varchar) as lost_reason,
        arrow_cast(null, 'Timestamp(Microsecond, Some("UTC"))') as last_activity_at,
        cast(null as date) as last_activity_date,
        cast(null as bigint) as push_count,
        false as is_loss_amount_recorded
    from file_deal
),
from_export as (
    select
        connection || ':' || opportunity_id as opportunity_id,
        connection,
        opportunity_name,
        connection || ':' || account_id as account_id,
        connection || ':' || coalesce(owner_id, '(unassigned)') as rep_id,
        connection || ':' || product_id as product_id,
        connection || ':' || coalesce(stage, '(none)') as stage_id,
        stage as stage_name,
        amount,
        currency,
        probability,
        created_at,
        company_date(created_at) as created_date,
        qualified_at,
        company_date(qualified_at) as qualified_date,
        closed_at,
        company_date(closed_at) as closed_date,
        expected_close_date,
        lost_reason,
        last_activity_at,
        company_date(last_activity_at) as last_activity_date,
        push_count,
        true as is_loss_amount_recorded
    from export_deal
),
final as (
    select * from from_files
    union all
    select * from from_export
)
select
    opportunity_id, connection, opportunity_name, account_id, rep_id, product_id, stage_id,
    stage_name, amount, currency, probability, created_at, created_date, qualified_at,
    qualified_date, closed_at, closed_date, expected_close_date, lost_reason, last_activity_at,
    last_activity_date, push_count, is_loss_amount_recorded
from final
