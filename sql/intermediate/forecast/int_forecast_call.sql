/* @model
description: What people said that a period will bring, one row a call and each time it became another one. A HubSpot submission is one; of Salesforce each run photographs the forecasts, and a photograph that shows another figure is one.
grain: [connection, rep_id, period_start, period_end, call_category, submitted_at]
kind: table
owner: revops
tags: [crm, forecasts]
columns:
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  rep_id: {type: string, doc: "who said it", checks: [not_null]}
  period_start: {type: date, doc: "first day of the period it is about", checks: [not_null]}
  period_end: {type: date, doc: "last day of the period", checks: [not_null]}
  call_category: {type: string, doc: "which figure", checks: [not_null, "accepted_values: [pipeline, best_case, most_likely, commit]"]}
  submitted_at: {type: timestamp, doc: "moment of the submission; in Salesforce that of the first photograph that shows it", checks: [not_null]}
  amount: {type: "decimal(22,2)", doc: "how much; null: the call was withdrawn"}
  currency: {type: string, doc: "ISO 4217 code; null: that of the source"}
  amount_reporting: {type: "decimal(18,2)", doc: "in the reporting currency, by the rate of the period's first day; null: withdrawn, or without a rate"}
  is_seen_late: {type: boolean, doc: "true: known from a photograph, so it may have been said up to a night earlier", checks: [not_null]}
*/
with
submission as (
    select * from staging.stg_hubspot__forecast_submissions
),
item as (
    select * from staging.stg_salesforce__forecasting_items
),
period as (
    select * from staging.stg_salesforce__periods
),
rate as (
    select * from intermediate.int_exchange_rate
),
home as (
    select * from intermediate.int_home_currency
),
business as (
    select * from system.business
),
-- A portal forecasts by the month unless it says when the period ends.
from_hubspot as (
    select
        connection,
        connection || ':' || owner_id as rep_id,
        period_start,
        coalesce(
            period_end,
            cast(date_trunc('month', period_start) + interval '1 month' - interval '1 day' as date)
        ) as period_end,
        case upper(forecast_category)
            when 'PIPELINE' then 'pipeline'
            when 'BEST_CASE' then 'best_case'
            when 'MOST_LIKELY' then 'most_likely'
            when 'COMMIT' then 'commit'
        end as call_category,
        submitted_at,
        submission_id as tie,
        case when not is_archived then amount end as amount,
        currency,
        false as is_seen_late
    from submission
    where owner_id is not null and period_start is not null
),
-- An org shows single categories or cumulative ones; where it shows both, the cumulative is what
-- people mean by their call. Only what the owner set himself was said; the rest is what his deals
-- add up to, which the other series tell.
from_salesforce as (
    select
        item.connection,
        item.connection || ':' || item.user_id as rep_id,
        period.start_date as period_start,
        period.end_date as period_end,
        case
            when item.item_category in ('PipelineOnly', 'OpenPipeline') then 'pipeline'
            when item.item_category in ('BestCaseOnly', 'BestCaseForecast') then 'best_case'
            when item.item_category in ('MostLikelyOnly', 'MostLikelyForecast') then 'most_likely'
            when item.item_category in ('CommitOnly', 'CommitForecast') then 'commit'
        end as call_category,
        -- A run that reads a past day (as-of) photographs at another moment than it is about.
        case
            when cast(item.seen_at as date) = item.snapshot_date then item.seen_at
            else
                arrow_cast(item.snapshot_date, 'Timestamp(Microsecond, Some("UTC"))')
                + interval '1 day' - interval '1 second'
        end as submitted_at,
        case when item.item_category like '%Only' then '1' else '2' end || item.item_id as tie,
        case when item.has_owner_adjustment then item.amount_without_manager end as amount,
        item.currency,
        true as is_seen_late
    from period
    inner join item
        on period.connection = item.connection and period.period_id = item.period_id
    where item.user_id is not null
),
united as (
    select * from from_hubspot
    union all
    select * from from_salesforce
),
-- Of two at one moment (two forecast types) the one with the greatest id.
ranked as (
    select
        *,
        row_number() over (
            partition by connection, rep_id, period_start, period_end, call_category, submitted_at
            order by tie desc
        ) as place
    from united
    where call_category is not null and period_start is not null and period_end is not null
),
followed as (
    select
        *,
        lag(amount) over (
            partition by connection, rep_id, period_start, period_end, call_category
            order by submitted_at
        ) as previous_amount
    from ranked
    where place = 1
),
changed as (
    select
        followed.*,
        coalesce(
            followed.currency,
            home.currency,
            (select reporting_currency from business)
        ) as call_currency,
        (select reporting_currency from business) as reporting_currency
    from home
    right join followed on home.connection = followed.connection
    where followed.amount is distinct from followed.previous_amount
),
rated as (
    select
        changed.*,
        rate.rate as call_rate,
        reporting.rate as reporting_rate
    from changed
    left join rate
        on changed.connection = rate.connection
        and changed.call_currency = rate.currency
        and changed.period_start >= rate.valid_from
        and changed.period_start < coalesce(rate.valid_to, date '9999-12-31')
    left join rate as reporting
        on changed.connection = reporting.connection
        and changed.reporting_currency = reporting.currency
        and changed.period_start >= reporting.valid_from
        and changed.period_start < coalesce(reporting.valid_to, date '9999-12-31')
),
converted as (
    select
        *,
        case
            when call_currency = reporting_currency then amount
            else
                cast(
                    cast(amount * reporting_rate as decimal(38, 6)) / call_rate as decimal(22, 2)
                )
        end as amount_converted
    from rated
),
final as (
    select
        connection,
        rep_id,
        period_start,
        period_end,
        call_category,
        submitted_at,
        amount,
        call_currency as currency,
        case
            when abs(amount_converted) < 10000000000000000
                then cast(amount_converted as decimal(18, 2))
        end as amount_reporting,
        is_seen_late
    from converted
)
select
    connection, rep_id, period_start, period_end, call_category, submitted_at, amount, currency,
    amount_reporting, is_seen_late
from final
