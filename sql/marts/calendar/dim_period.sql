/* @model
description: Every day, week, month, quarter and year of the company's fiscal calendar that dim_date touches, those of the next fiscal year too.
grain: [period_grain, period_start]
kind: table
owner: revops
tags: [crm, calendar]
columns:
  period_key: {type: int64, doc: "number of the period within this build; it may change from build to build", checks: [not_null, unique]}
  period_grain: {type: string, doc: "day, week, month, quarter or year", checks: [not_null, "accepted_values: [day, week, month, quarter, year]"]}
  period_start: {type: date, doc: "first day", checks: [not_null]}
  period_end: {type: date, doc: "last day, inclusive", checks: [not_null]}
  period_name: {type: string, doc: "FY26, FY26Q3, FY26M08 by the fiscal year it is in, 2026-W38 by ISO 8601, 2026-09-14; what explain and audit take", checks: [not_null]}
  is_current: {type: boolean, doc: "the as-of day is in it", checks: [not_null]}
  is_future: {type: boolean, doc: "it begins after the as-of day", checks: [not_null]}
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
-- A week has the number of its Monday, on whichever day it begins. Fiscal years are named by the
-- year in which they end, with two digits.
named as (
    select
        period_grain,
        period_start,
        date_trunc('week', period_start + interval '6 days') as monday,
        'FY' || lpad(cast(fiscal_year(period_start) % 100 as varchar), 2, '0') as fiscal_name
    from period
),
final as (
    select
        cast(row_number() over (order by period_grain, period_start) as bigint) as period_key,
        period_grain,
        period_start,
        period_end(period_grain, period_start) as period_end,
        case period_grain
            when 'day' then cast(period_start as varchar)
            when 'week'
                then
                    lpad(cast(date_part('isoyear', monday) as varchar), 4, '0')
                    || '-W'
                    || lpad(cast(date_part('week', monday) as varchar), 2, '0')
            when 'month'
                then
                    fiscal_name || 'M' || lpad(cast(fiscal_month(period_start) as varchar), 2, '0')
            when 'quarter'
                then fiscal_name || 'Q' || cast(fiscal_quarter(period_start) as varchar)
            else fiscal_name
        end as period_name,
        $as_of_date between period_start and period_end(period_grain, period_start) as is_current,
        period_start > $as_of_date as is_future
    from named
)
select
    period_key, period_grain, period_start, period_end, period_name, is_current, is_future
from final
