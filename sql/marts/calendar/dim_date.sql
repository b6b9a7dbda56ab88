/* @model
description: Days from the fiscal year of the first deal, version of one or quota to the end of the fiscal year after that of the as-of day, with ISO and fiscal columns. Days after the as-of day are there for quotas, targets and forecasts.
grain: [date_day]
kind: table
owner: revops
tags: [crm, calendar]
columns:
  date_day: {type: date, doc: "the day", checks: [not_null]}
  calendar_year: {type: int64, doc: "calendar year", checks: [not_null]}
  calendar_quarter: {type: int64, doc: "calendar quarter, 1 to 4", checks: ["between 1 and 4"]}
  calendar_month: {type: int64, doc: "calendar month, 1 to 12", checks: ["between 1 and 12"]}
  day_of_month: {type: int64, doc: "day of the calendar month", checks: ["between 1 and 31"]}
  iso_year: {type: int64, doc: "ISO 8601 week-numbering year", checks: [not_null]}
  iso_week: {type: int64, doc: "ISO 8601 week, 1 to 53", checks: ["between 1 and 53"]}
  iso_weekday: {type: int64, doc: "1 Monday to 7 Sunday", checks: ["between 1 and 7"]}
  is_weekend: {type: boolean, doc: "Saturday or Sunday", checks: [not_null]}
  fiscal_year: {type: int64, doc: "fiscal year, named by the year in which it ends", checks: [not_null]}
  fiscal_quarter: {type: int64, doc: "fiscal quarter, 1 to 4", checks: ["between 1 and 4"]}
  fiscal_month: {type: int64, doc: "fiscal month, 1 to 12", checks: ["between 1 and 12"]}
  week_start: {type: date, doc: "first day of the week", checks: [not_null]}
  fiscal_month_start: {type: date, doc: "first day of the fiscal month", checks: [not_null]}
  fiscal_quarter_start: {type: date, doc: "first day of the fiscal quarter", checks: [not_null]}
  fiscal_year_start: {type: date, doc: "first day of the fiscal year", checks: [not_null]}
  is_future: {type: boolean, doc: "after the as-of day", checks: [not_null]}
*/
with
deal as (
    select * from intermediate.int_opportunity
),
deal_version as (
    select * from intermediate.int_opportunity_version
),
-- Days before 1970 are typing errors; fct_opportunity excludes and counts such deals.
-- least() passes over nulls.
bounds as (
    select
        min(
            least(
                case when created_date >= date '1970-01-01' then created_date end,
                case when qualified_date >= date '1970-01-01' then qualified_date end,
                case when closed_date >= date '1970-01-01' then closed_date end
            )
        ) as first_date
    from deal
),
quota as (
    select * from intermediate.int_quota
),
first_version as (
    select company_date(min(valid_from)) as first_date
    from deal_version
    where valid_from >= timestamp '1970-01-02T00:00:00Z'
),
first_quota as (
    select min(first_day) as first_date
    from quota
    where first_day >= date '1970-01-01'
),
span as (
    select
        period_start(
            'year',
            least(
                bounds.first_date,
                first_version.first_date,
                first_quota.first_date,
                $as_of_date
            )
        ) as first_day,
        -- Quotas, targets and forecasts speak of the next year.
        period_end(
            'year', cast(period_end('year', $as_of_date) + interval '1 day' as date)
        ) as last_day
    from bounds
    cross join first_version
    cross join first_quota
),
day as (
    select unnest(generate_series(first_day, last_day, interval '1 day')) as date_day
    from span
),
final as (
    select
        date_day,
        cast(date_part('year', date_day) as bigint) as calendar_year,
        cast(date_part('quarter', date_day) as bigint) as calendar_quarter,
        cast(date_part('month', date_day) as bigint) as calendar_month,
        cast(date_part('day', date_day) as bigint) as day_of_month,
        cast(date_part('isoyear', date_day) as bigint) as iso_year,
        cast(date_part('week', date_day) as bigint) as iso_week,
        cast(date_part('isodow', date_day) as bigint) as iso_weekday,
        date_part('isodow', date_day) >= 6 as is_weekend,
        fiscal_year(date_day) as fiscal_year,
        fiscal_quarter(date_day) as fiscal_quarter,
        fiscal_month(date_day) as fiscal_month,
        period_start('week', date_day) as week_start,
        period_start('month', date_day) as fiscal_month_start,
        period_start('quarter', date_day) as fiscal_quarter_start,
        period_start('year', date_day) as fiscal_year_start,
        date_day > $as_of_date as is_future
    from day
)
select
    date_day, calendar_year, calendar_quarter, calendar_month, day_of_month, iso_year, iso_week,
    iso_weekday, is_weekend, fiscal_year, fiscal_quarter, fiscal_month, week_start,
    fiscal_month_start, fiscal_quarter_start, fiscal_year_start, is_future
from final
