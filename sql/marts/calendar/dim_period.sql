/* @model
description: Every day, week, month, quarter and year of the company's fiscal calendar that dim_date touches.
grain: [period_grain, period_start]
kind: table
owner: revops
tags: [crm, calendar]
columns:
  period_key: {type: int64, doc: "number of the period within this build; it may change from build to build", checks: [not_null, unique]}
  period_grain: {type: string, doc: "day, week, month, quarter or year", checks: [not_null, "accepted_values: [day, week, month, quarter, year]"]}
  period_start: {type: date, doc: "first day", checks: [not_null]}
  period_end: {type: date, doc: "last day, inclusive", checks: [not_null]}
*/
with
day as (
    select * from mart.dim_date
),
period as (
    select 'day' as period_grain, date_day as period_start from day
    union all
    select distinct 'week' as period_grain, week_start as period_start from day
    union all
    select distinct 'month' as period_grain, fiscal_month_start as period_start from day
    union all
    select distinct 'quarter' as period_grain, fiscal_quarter_start as period_start from day
    union all
    select distinct 'year' as period_grain, fiscal_year_start as period_start from day
),
final as (
    select
        cast(row_number() over (order by period_grain, period_start) as bigint) as period_key,
        period_grain,
        period_start,
        period_end(period_grain, period_start) as period_end
    from period
)
select period_key, period_grain, period_start, period_end
from final
