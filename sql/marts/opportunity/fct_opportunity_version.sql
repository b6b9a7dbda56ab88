/* @model
description: One row a deal and version, from its creation on and without holes, as it stood in the CRM between two moments. Deals of connections whose source keeps no history are not in it.
grain: [opportunity_id, valid_from]
kind: incremental
incremental:
  key: opportunity_id
  changed_by:
    intermediate.int_opportunity_version: opportunity_id
    intermediate.int_opportunity_seen: opportunity_id
owner: revops
tags: [crm, opportunities]
columns:
  opportunity_id: {type: string, doc: "connection:source id; deleted and merged deals too", checks: [not_null]}
  valid_from: {type: timestamp, doc: "moment from which it was so in the CRM", checks: [not_null]}
  valid_to: {type: timestamp, doc: "moment of the next version, at which it is no longer so; null: it is so now"}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  stage_id: {type: string, doc: "stage; null: unknown"}
  stage_name: {type: string, doc: "the stage's name now; null: unknown"}
  outcome: {type: string, doc: "open, won or lost by the stage's type; null: unknown", checks: ["accepted_values: [open, won, lost]"]}
  amount: {type: "decimal(22,2)", doc: "amount in the deal's currency; null: none, or unknown while the stage is"}
  currency: {type: string, doc: "ISO 4217 code; null: unknown"}
  amount_reporting: {type: "decimal(18,2)", doc: "amount in the reporting currency, by the rate of the version's close date (in HubSpot by the portal's rate for the deal), rounded half away from zero to cents; null: unknown or unconverted"}
  amount_exclusion: {type: string, doc: "why its amount is in no figure in money", checks: ["accepted_values: [amount_too_large, no_amount, no_currency, unconverted]"]}
  close_date: {type: date, doc: "planned close date"}
  rep_id: {type: string, doc: "owner; null: unknown"}
  forecast_category: {type: string, doc: "omitted, pipeline, best_case, most_likely, commit or closed; null: none or unknown", checks: ["accepted_values: [omitted, pipeline, best_case, most_likely, commit, closed]"]}
  probability: {type: "decimal(9,6)", doc: "the deal's own probability, a fraction"}
  is_deleted: {type: boolean, doc: "true: in the bin, merged away or gone; the other columns say what it was before", checks: [not_null]}
  provenance: {type: string, doc: "observed: a run saw this version; reconstructed: from the history the CRM keeps", checks: [not_null, "accepted_values: [observed, reconstructed]"]}
  previous_stage_id: {type: string, doc: "stage of the version before; null: there is none, or it is unknown"}
  is_stage_entry: {type: boolean, doc: "whether the deal came into the stage at valid_from: it was in another one before, or it was created in it", checks: [not_null]}
  began_at: {type: timestamp, doc: "moment of the deal's first version", checks: [not_null]}
*/
with
version as (
    select * from intermediate.int_opportunity_version
),
stage as (
    select * from intermediate.int_stage
),
rate as (
    select * from intermediate.int_exchange_rate
),
home as (
    select * from intermediate.int_home_currency
),
-- Deals that their source converts by itself.
converted_deal as (
    select opportunity_id, home_rate, home_rate_of, home_amount_of, home_amount
    from intermediate.int_opportunity_seen
    where home_rate is not null
),
business as (
    select * from system.business
),
-- The small sides of the joins stand on the left: the engine holds them and streams the versions,
-- in their order.
staged as (
    select
        version.*,
        stage.stage_name,
        stage.stage_type as outcome
    from stage
    right join version on stage.stage_id = version.stage_id
),
with_currency as (
    select
        staged.*,
        home.currency as home_currency,
        coalesce(
            staged.currency,
            home.currency,
            (select reporting_currency from business)
        ) as deal_currency,
        (select reporting_currency from business) as reporting_currency
    from home
    right join staged on home.connection = staged.connection
),
-- A rate holds for a range of days, and a range is looked up row by row. Every currency and close
-- date is looked up once, and versions then by equality.
day_of_currency as (
    select distinct connection, deal_currency, reporting_currency, close_date
    from with_currency
    where deal_currency <> reporting_currency
),
rate_of_day as (
    select
        day.connection,
        day.deal_currency,
        day.close_date,
        deal_rate.rate as deal_rate,
        reporting_rate.rate as reporting_rate
    from day_of_currency as day
    inner join rate as deal_rate
        on day.connection = deal_rate.connection
        and day.deal_currency = deal_rate.currency
        and day.close_date >= deal_rate.valid_from
        and day.close_date < coalesce(deal_rate.valid_to, date '9999-12-31')
    inner join rate as reporting_rate
        on day.connection = reporting_rate.connection
        and day.reporting_currency = reporting_rate.currency
        and day.close_date >= reporting_rate.valid_from
        and day.close_date < coalesce(reporting_rate.valid_to, date '9999-12-31')
),
rated as (
    select
        version.*,
        rate_of_day.deal_rate,
        rate_of_day.reporting_rate
    from rate_of_day
    right join with_currency as version
        on rate_of_day.connection = version.connection
        and rate_of_day.deal_currency = version.deal_currency
        and rate_of_day.close_date = version.close_date
),
home_rated as (
    select
        version.*,
        converted_deal.home_rate,
        converted_deal.home_amount_of,
        converted_deal.home_amount,
        version.home_currency = version.reporting_currency
        and version.currency is not distinct from converted_deal.home_rate_of as is_converted
    from converted_deal
    right join rated as version on converted_deal.opportunity_id = version.opportunity_id
),
-- As int_opportunity does it. What the source makes of the amount it has now is taken as it is.
converted as (
    select
        *,
        case
            when abs(amount) >= 10000000000000000 then null
            when deal_currency = reporting_currency then amount
            when is_converted and home_amount_of = amount then home_amount
            when is_converted and home_rate is not null
                then cast(amount * home_rate as decimal(22, 2))
            when deal_rate is not null and reporting_rate is not null
                then
                    cast(
                        cast(amount * reporting_rate as decimal(38, 6)) / deal_rate
                        as decimal(22, 2)
                    )
        end as amount_converted
    from home_rated
),
final as (
    select
        opportunity_id,
        valid_from,
        valid_to,
        connection,
        stage_id,
        stage_name,
        outcome,
        amount,
        deal_currency as currency,
        case
            when abs(amount_converted) < 10000000000000000
                then cast(amount_converted as decimal(18, 2))
        end as amount_reporting,
        case
            when abs(amount) >= 10000000000000000 then 'amount_too_large'
            when amount is null then 'no_amount'
            when deal_currency is null then 'no_currency'
            when amount_converted is null or abs(amount_converted) >= 10000000000000000
                then 'unconverted'
        end as amount_exclusion,
        close_date,
        rep_id,
        forecast_category,
        probability,
        is_deleted,
        provenance,
        previous_stage_id,
        is_stage_entry,
        began_at
    from converted
)
select
    opportunity_id, valid_from, valid_to, connection, stage_id, stage_name, outcome, amount,
    currency, amount_reporting, amount_exclusion, close_date, rep_id, forecast_category,
    probability, is_deleted, provenance, previous_stage_id, is_stage_entry,
    began_at
from final
