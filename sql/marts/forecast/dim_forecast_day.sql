/* @model
description: The days of which each fiscal quarter has figures - from 91 days before it begins until its books are closed, never after the as-of day - for the quarters of the last two years and the next ones. Reps have figures on checkpoints and at week ends only.
grain: [period_start, snapshot_date]
kind: table
owner: revops
tags: [crm, forecasts, calendar]
columns:
  period_start: {type: date, doc: "first day of the quarter", checks: [not_null]}
  period_end: {type: date, doc: "its last day", checks: [not_null]}
  period_name: {type: string, doc: "its name, such as FY26Q3", checks: [not_null]}
  snapshot_date: {type: date, doc: "the day at whose end the figures hold", checks: [not_null]}
  horizon_days: {type: int64, doc: "days from it to the quarter's last day; below 0 after that", checks: [not_null]}
  horizon_start_days: {type: int64, doc: "days from it to the quarter's first day; below 0 within the quarter", checks: [not_null]}
  is_checkpoint: {type: boolean, doc: "a configured number of days before the end", checks: [not_null]}
  is_start_checkpoint: {type: boolean, doc: "a configured number of days before the beginning, or the first day itself", checks: [not_null]}
  is_rep_day: {type: boolean, doc: "whether reps have figures: a checkpoint, the last day of a week, a day from the quarter's end on, or the as-of day", checks: [not_null]}
  is_open: {type: boolean, doc: "whether a run on the as-of day seals the quarter: it is the current one or one of the next, or it has ended and its books are not closed", checks: [not_null]}
*/
with
business as (
    select * from system.business
),
quarter as (
    select period_start, period_end, period_name
    from mart.dim_period
    where period_grain = 'quarter'
),
checkpoint as (
    select cast(trim(days) as bigint) as days
    from (
        select unnest(string_to_array(forecast_checkpoints, ',')) as days
        from business
    ) as listed
    where trim(days) <> ''
),
-- The books close so many days after the end; on that day the actual is frozen.
spanned as (
    select
        quarter.period_start,
        quarter.period_end,
        quarter.period_name,
        cast(quarter.period_start - interval '91 days' as date) as first_day,
        least(
            quarter.period_end + cast(business.books_close_days as int),
            $as_of_date
        ) as last_day,
        row_number() over (
            partition by quarter.period_end >= $as_of_date order by quarter.period_start
        ) <= business.forecast_open_periods as is_next,
        quarter.period_end >= $as_of_date as is_ahead,
        quarter.period_end + cast(business.books_close_days as int) as books_close_date
    from business
    cross join quarter
    where quarter.period_end >= cast($as_of_date - interval '730 days' as date)
),
wanted as (
    select
        period_start,
        period_end,
        period_name,
        least(first_day, last_day) as first_day,
        last_day,
        case when is_ahead then is_next else books_close_date > $as_of_date end as is_open
    from spanned
    where first_day <= $as_of_date or (is_ahead and is_next)
),
day as (
    select
        period_start,
        period_end,
        period_name,
        is_open,
        cast(unnest(generate_series(first_day, last_day, interval '1 day')) as date) as snapshot_date
    from wanted
),
counted as (
    select
        *,
        cast(period_end - snapshot_date as bigint) as horizon_days,
        cast(period_start - snapshot_date as bigint) as horizon_start_days
    from day
),
marked as (
    select
        counted.period_start,
        counted.period_end,
        counted.period_name,
        counted.snapshot_date,
        counted.horizon_days,
        counted.horizon_start_days,
        at_end.days is not null as is_checkpoint,
        at_start.days is not null or counted.horizon_start_days = 0 as is_start_checkpoint,
        counted.is_open
    from counted
    left join checkpoint as at_end on counted.horizon_days = at_end.days
    left join checkpoint as at_start on counted.horizon_start_days = at_start.days
),
final as (
    select
        period_start,
        period_end,
        period_name,
        snapshot_date,
        horizon_days,
        horizon_start_days,
        is_checkpoint,
        is_start_checkpoint,
        is_checkpoint
        or is_start_checkpoint
        or horizon_days <= 0
        or period_end('week', snapshot_date) = snapshot_date
        or snapshot_date = $as_of_date as is_rep_day,
        is_open and snapshot_date = $as_of_date as is_open
    from marked
)
select
    period_start, period_end, period_name, snapshot_date, horizon_days, horizon_start_days,
    is_checkpoint, is_start_checkpoint, is_rep_day, is_open
from final
