/* @model
description: Rates of currencies by connection and day, as units for one unit of the connection's corporate currency. A currency with dated rates has those; one without has its one rate for all days.
grain: [connection, currency, valid_from]
kind: table
owner: revops
tags: [crm, currencies]
columns:
  connection: {type: string, doc: "the connection whose rates they are", checks: [not_null]}
  currency: {type: string, doc: "ISO 4217 code", checks: [not_null]}
  valid_from: {type: date, doc: "first day", checks: [not_null]}
  valid_to: {type: date, doc: "first day of the next rate; null: until further notice"}
  rate: {type: "decimal(24,10)", doc: "units for one of the corporate currency", checks: [not_null, "between 0.0000000001 and 99999999999999"]}
  is_corporate: {type: boolean, doc: "whether it is the corporate currency, whose rate is 1", checks: [not_null]}
*/
with
currency_type as (
    select * from staging.stg_salesforce__currency_types
),
dated_rate as (
    select * from staging.stg_salesforce__dated_conversion_rates
),
corporate as (
    select distinct connection, currency
    from currency_type
    where is_corporate
),
-- The next rate's first day is looked up, not believed: so two rates never hold for one day.
dated as (
    select
        dated_rate.connection,
        dated_rate.currency,
        dated_rate.start_date as valid_from,
        lead(dated_rate.start_date) over (
            partition by dated_rate.connection, dated_rate.currency
            order by dated_rate.start_date
        ) as valid_to,
        cast(dated_rate.rate as decimal(24, 10)) as rate
    from dated_rate
    left join corporate
        on dated_rate.connection = corporate.connection
        and dated_rate.currency = corporate.currency
    where corporate.currency is null and dated_rate.rate > 0 and dated_rate.start_date is not null
),
with_dates as (
    select distinct connection, currency
    from dated
),
undated as (
    select
        currency_type.connection,
        currency_type.currency,
        date '0001-01-01' as valid_from,
        cast(null as date) as valid_to,
        cast(
            case when currency_type.is_corporate then 1 else currency_type.rate end
            as decimal(24, 10)
        ) as rate,
        coalesce(currency_type.is_corporate, false) as is_corporate
    from currency_type
    left join with_dates
        on currency_type.connection = with_dates.connection
        and currency_type.currency = with_dates.currency
    where with_dates.currency is null and (currency_type.rate > 0 or currency_type.is_corporate)
),
final as (
    select connection, currency, valid_from, valid_to, rate, false as is_corporate from dated
    union all
    select connection, currency, valid_from, valid_to, rate, is_corporate from undated
)
select connection, currency, valid_from, valid_to, rate, is_corporate
from final
