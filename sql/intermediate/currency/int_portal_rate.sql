/* @model
description: The rates by which HubSpot portals converted deals, by currency and planned close. A portal tells its rates at its deals only.
grain: [connection, currency, date_day]
kind: table
owner: revops
tags: [crm, currencies]
columns:
  connection: {type: string, doc: "the connection whose rates they are", checks: [not_null]}
  currency: {type: string, doc: "ISO 4217 code", checks: [not_null]}
  date_day: {type: date, doc: "planned close of the deals that were converted so", checks: [not_null]}
  home_currency: {type: string, doc: "the portal's currency", checks: [not_null]}
  rate: {type: "decimal(24,12)", doc: "units of the portal's currency for one; of several of a day the greatest", checks: [not_null]}
*/
with
deal as (
    select * from staging.stg_hubspot__deals
),
home as (
    select * from intermediate.int_home_currency
),
dated as (
    select
        connection,
        currency,
        case
            when close_at = date_trunc('day', close_at) then cast(close_at as date)
            else company_date(close_at)
        end as date_day,
        cast(exchange_rate as decimal(24, 12)) as rate
    from deal
    where currency is not null and close_at is not null and exchange_rate > 0
),
greatest_of_day as (
    select connection, currency, date_day, max(rate) as rate
    from dated
    group by connection, currency, date_day
),
final as (
    select
        rate.connection,
        rate.currency,
        rate.date_day,
        home.currency as home_currency,
        rate.rate
    from greatest_of_day as rate
    inner join home on rate.connection = home.connection
    where rate.currency <> home.currency
)
select connection, currency, date_day, home_currency, rate
from final
