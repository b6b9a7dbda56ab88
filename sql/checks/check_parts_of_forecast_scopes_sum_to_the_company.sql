/* @check
description: In every sealed snapshot the regions, the teams and the reps each sum up to the company, in amount, n and n_excluded of every series of deals.
severity: error
table: forecast.snapshot_figure
*/
with
figure as (
    select figure.*
    from forecast.snapshot_figure as figure
    inner join (select distinct series from mart.dim_forecast_series) as series
        on figure.series = series.series
),
summed as (
    select
        snapshot_date, period_start, series, scope,
        coalesce(sum(amount), 0) as amount,
        sum(n) as n,
        sum(n_excluded) as n_excluded
    from figure
    group by snapshot_date, period_start, series, scope
)
select
    snapshot_date, period_start, series,
    max(amount) - min(amount) as amount_gap,
    max(n) - min(n) as n_gap,
    max(n_excluded) - min(n_excluded) as n_excluded_gap
from summed
group by snapshot_date, period_start, series
having
    count(*) <> 4
    or max(amount) <> min(amount)
    or max(n) <> min(n)
    or max(n_excluded) <> min(n_excluded)
