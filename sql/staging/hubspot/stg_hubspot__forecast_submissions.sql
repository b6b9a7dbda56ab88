/* @model
description: Forecasts that people submitted in HubSpot, one row a submission. The interface is in beta and promises no names, so the columns may be null in a portal that calls them otherwise.
grain: [connection, submission_id, submitted_at]
kind: view
owner: revops
tags: [crm, forecasts]
source: {object_type: string, object_id: string, occurred_at: timestamp, archived: boolean, hs_forecast_type_id: string, hs_forecast_category: string, hs_submission_amount: "decimal(38,18)", hs_currency_code: string, hs_period_start: date, hs_period_end: date, hubspot_owner_id: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  submission_id: {type: string, doc: "id of the submission", checks: [not_null]}
  submitted_at: {type: timestamp, doc: "moment of the submission", checks: [not_null]}
  is_archived: {type: boolean, doc: "whether it was withdrawn", checks: [not_null]}
  forecast_type_id: {type: string, doc: "id of the way of forecasting"}
  forecast_category: {type: string, doc: "which figure, in HubSpot's words"}
  amount: {type: "decimal(22,2)", doc: "how much"}
  currency: {type: string, doc: "ISO 4217 code"}
  period_start: {type: date, doc: "first day of the period it is about"}
  period_end: {type: date, doc: "last day of the period; null: the portal does not say"}
  owner_id: {type: string, doc: "id of the owner who submitted it"}
*/
with
version as (
    select * from raw.hubspot.forecast_submissions
),
-- A window is read again with an overlap, so the same event may be landed twice.
changed as (
    select _connection, object_type, object_id, occurred_at, max(_sequence) as newest_sequence
    from version
    group by _connection, object_type, object_id, occurred_at
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.object_id as submission_id,
        version.occurred_at as submitted_at,
        coalesce(version.archived, false) as is_archived,
        version.hs_forecast_type_id as forecast_type_id,
        version.hs_forecast_category as forecast_category,
        cast(version.hs_submission_amount as decimal(22, 2)) as amount,
        version.hs_currency_code as currency,
        version.hs_period_start as period_start,
        version.hs_period_end as period_end,
        version.hubspot_owner_id as owner_id
    from changed
    right join version
        on changed._connection = version._connection
        and changed.object_type = version.object_type
        and changed.object_id = version.object_id
        and changed.occurred_at = version.occurred_at
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, submission_id, submitted_at, is_archived, forecast_type_id, forecast_category,
    amount, currency, period_start, period_end, owner_id
from latest
