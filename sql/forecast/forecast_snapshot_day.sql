/* @model
description: For each quarter and day whether its figures were sealed that night, are reconstructed from the CRM's history, or whether the night was missed, from 91 days before the quarter to the closing of its books.
grain: [snapshot_date, period_start]
kind: table
owner: revops
tags: [forecast, snapshot]
columns:
  snapshot_date: {type: date, doc: "the day", checks: [not_null]}
  period_start: {type: date, doc: "first day of the fiscal quarter", checks: [not_null]}
  period_end: {type: date, doc: "its last day", checks: [not_null]}
  period_name: {type: string, doc: "its name, such as FY26Q3", checks: [not_null]}
  status: {type: string, doc: "sealed; missing: nights were sealed before it and none was that night; reconstructed: before the first seal; unknown: before the first seal, and no history tells of it", checks: [not_null, "accepted_values: [sealed, missing, reconstructed, unknown]"]}
  has_figures: {type: boolean, doc: "whether forecast.figure has rows of the day: of a missed night those that the history tells", checks: [not_null]}
  snapshot_no: {type: int64, doc: "the seal's place in the chain; null: not sealed"}
  deals: {type: int64, doc: "deals sealed; null: not sealed"}
  reason: {type: string, doc: "why it was not sealed"}
*/
with
sealed as (
    select * from forecast.snapshot
),
figure as (
    select * from forecast.figure where scope = 'company'
),
day as (
    select * from mart.dim_forecast_day
),
first_seal as (
    select min(snapshot_date) as snapshot_date from sealed
),
told as (
    select distinct snapshot_date, period_start from figure
),
listed as (
    select snapshot_date, period_start, period_end, period_name from day
    union
    select snapshot_date, period_start, period_end, period_name from sealed
),
joined as (
    select
        listed.*,
        sealed.snapshot_no,
        sealed.deal_rows as deals,
        told.snapshot_date is not null as has_figures,
        coalesce(listed.snapshot_date > (select snapshot_date from first_seal), false)
            as is_after_first
    from listed
    left join sealed
        on listed.snapshot_date = sealed.snapshot_date
        and listed.period_start = sealed.period_start
    left join told
        on listed.snapshot_date = told.snapshot_date
        and listed.period_start = told.period_start
),
final as (
    select
        snapshot_date,
        period_start,
        period_end,
        period_name,
        case
            when snapshot_no is not null then 'sealed'
            when is_after_first then 'missing'
            when has_figures then 'reconstructed'
            else 'unknown'
        end as status,
        has_figures,
        snapshot_no,
        deals,
        case
            when snapshot_no is not null then null
            when is_after_first then 'no run sealed it that night'
            when has_figures then 'before the first seal'
            else 'before the first seal, and no source keeps a history of it'
        end as reason
    from joined
)
select
    snapshot_date, period_start, period_end, period_name, status, has_figures, snapshot_no, deals,
    reason
from final
