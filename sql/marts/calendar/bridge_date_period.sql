/* @model
description: The five periods that each day falls into.
grain: [date_day, period_key]
kind: table
owner: revops
tags: [crm, calendar]
columns:
  date_day: {type: date, doc: "the day", checks: [not_null]}
  period_key: {type: int64, doc: "the period", checks: [not_null, "relationships: mart.dim_period.period_key"]}
*/
with
day as (
    select * from mart.dim_date
),
period as (
    select * from mart.dim_period
),
in_period as (
    select date_day, 'day' as period_grain, date_day as period_start from day
    union all
    select date_day, 'week' as period_grain, week_start as period_start from day
    union all
    select date_day, 'month' as period_grain, fiscal_month_start as period_start from day
    union all
    select date_day, 'quarter' as period_grain, fiscal_quarter_start as period_start from day
    union all
    select date_day, 'year' as period_grain, fiscal_year_start as period_start from day
),
final as (
    select in_period.date_day, period.period_key
    from in_period
    inner join period
        on in_period.period_grain = period.period_grain
        and in_period.period_start = period.period_start
)
select date_day, period_key
from final
