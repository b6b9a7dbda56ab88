/* @model
description: What was forecast for each quarter on each day, by scope and series - as it was sealed that night, or, for days before the first seal and for missed nights, as the CRM's history tells it now. Reps have figures at checkpoints and week ends only.
grain: [snapshot_date, period_start, scope, scope_id, series]
kind: table
owner: revops
tags: [forecast, figure]
columns:
  snapshot_date: {type: date, doc: "the day at whose end (sealed: at the night's as-of instant) the figure held", checks: [not_null]}
  period_start: {type: date, doc: "first day of the fiscal quarter", checks: [not_null]}
  period_end: {type: date, doc: "its last day", checks: [not_null]}
  period_name: {type: string, doc: "its name, such as FY26Q3", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  series: {type: string, doc: "which figure: closed; commit, most_likely, best_case, pipeline (open deals of one category) and the same with _cumulative (closed and everything at least as sure); weighted_deal, weighted_stage, weighted_historical (closed, and open deals times a probability); rep_call, manager_call (submitted commit) and the same with _most_likely, _best_case, _pipeline", checks: [not_null]}
  amount: {type: "decimal(38,2)", doc: "the figure in the reporting currency; null: all its deals are left out"}
  n: {type: int64, doc: "deals in it; of a call the calls", checks: [not_null]}
  n_excluded: {type: int64, doc: "deals of the series without a usable amount, or without that probability", checks: [not_null]}
  completeness: {type: string, doc: "complete, degraded (deals are left out) or partial (a source had not come in whole: sealed, that night; reconstructed, now)", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  provenance: {type: string, doc: "sealed that night, or reconstructed", checks: [not_null, "accepted_values: [sealed, reconstructed]"]}
metrics:
  - id: forecast_amount
    title: Forecast of a quarter
    definition: "What a quarter would bring by one series, as it was known at the end of a day: submitted calls, open deals of a category alone or with everything surer and what is won, or won deals and open ones times a probability."
    formula: "sum of amounts of the deals due in the quarter that the series counts (weighted: each times its probability, rounded to cents)"
    unit: reporting currency
    grain: day × quarter × scope × series
    time_anchor: close_date while open, outcome day when won
    additive: true
    null_rule: "deals without a usable amount (weighted: or without that probability) are left out and counted in n_excluded; null when all are; no row where nothing is known"
*/
with
sealed as (
    select * from forecast.snapshot
),
sealed_figure as (
    select * from forecast.snapshot_figure
),
delta as (
    select * from mart.fct_forecast_delta
),
series as (
    select * from mart.dim_forecast_series
),
day as (
    select * from mart.dim_forecast_day
),
call as (
    select * from mart.fct_forecast_call where counts_from is not null
),
rep_scope as (
    select * from mart.bridge_rep_scope
),
scope as (
    select * from mart.dim_scope
),
-- Nights that were sealed stay as they were.
unsealed as (
    select day.*
    from sealed
    right join day
        on sealed.snapshot_date = day.snapshot_date and sealed.period_start = day.period_start
    where sealed.snapshot_date is null
),
change as (
    select
        rep_scope.scope_key,
        delta.period_start,
        delta.bucket,
        delta.date_day,
        sum(delta.amount) as amount,
        sum(delta.deals) as deals,
        sum(delta.n) as n,
        sum(delta.weighted_deal) as weighted_deal,
        sum(delta.n_deal) as n_deal,
        sum(delta.weighted_stage) as weighted_stage,
        sum(delta.n_stage) as n_stage,
        sum(delta.weighted_historical) as weighted_historical,
        sum(delta.n_historical) as n_historical
    from rep_scope
    inner join delta on rep_scope.rep_key = delta.rep_key
    group by rep_scope.scope_key, delta.period_start, delta.bucket, delta.date_day
),
-- A row of zeros for every day that is asked for, from the first change on.
active as (
    select scope_key, period_start, min(date_day) as first_day
    from change
    group by scope_key, period_start
),
bucket as (
    select distinct bucket from series
),
asked as (
    select
        active.scope_key,
        active.period_start,
        unsealed.snapshot_date
    from scope
    inner join active on scope.scope_key = active.scope_key
    inner join unsealed
        on active.period_start = unsealed.period_start
        and active.first_day <= unsealed.snapshot_date
    where scope.scope <> 'rep' or unsealed.is_rep_day
),
change_or_asked as (
    select
        scope_key, period_start, bucket, date_day, false as is_asked, amount, deals, n,
        weighted_deal, n_deal, weighted_stage, n_stage, weighted_historical, n_historical
    from change
    union all
    select
        asked.scope_key, asked.period_start, bucket.bucket, asked.snapshot_date, true as is_asked,
        0, 0, 0, 0, 0, 0, 0, 0, 0
    from bucket
    cross join asked
),
by_day as (
    select
        scope_key,
        period_start,
        bucket,
        date_day,
        bool_or(is_asked) as is_asked,
        sum(amount) as amount,
        sum(deals) as deals,
        sum(n) as n,
        sum(weighted_deal) as weighted_deal,
        sum(n_deal) as n_deal,
        sum(weighted_stage) as weighted_stage,
        sum(n_stage) as n_stage,
        sum(weighted_historical) as weighted_historical,
        sum(n_historical) as n_historical
    from change_or_asked
    group by scope_key, period_start, bucket, date_day
),
running as (
    select
        scope_key,
        period_start,
        bucket,
        date_day,
        is_asked,
        sum(amount) over so_far as amount,
        sum(deals) over so_far as deals,
        sum(n) over so_far as n,
        sum(weighted_deal) over so_far as weighted_deal,
        sum(n_deal) over so_far as n_deal,
        sum(weighted_stage) over so_far as weighted_stage,
        sum(n_stage) over so_far as n_stage,
        sum(weighted_historical) over so_far as weighted_historical,
        sum(n_historical) over so_far as n_historical
    from by_day
    window so_far as (
        partition by scope_key, period_start, bucket
        order by date_day
        rows between unbounded preceding and current row
    )
),
of_deals as (
    select
        running.scope_key,
        running.period_start,
        running.date_day as snapshot_date,
        series.series,
        sum(
            case series.weight
                when 'deal' then running.weighted_deal
                when 'stage' then running.weighted_stage
                when 'historical' then running.weighted_historical
                else running.amount
            end
        ) as amount,
        sum(
            case series.weight
                when 'deal' then running.n_deal
                when 'stage' then running.n_stage
                when 'historical' then running.n_historical
                else running.n
            end
        ) as n,
        sum(running.deals) as deals
    from series
    inner join running on series.bucket = running.bucket
    where running.is_asked
    group by running.scope_key, running.period_start, running.date_day, series.series
),
-- A call holds from the day it is said (at the earliest from when the whole quarter has one) until
-- the person says something else.
spoken as (
    select
        call.rep_key,
        call.role,
        case
            when call.call_category = 'commit' then call.role || '_call'
            else call.role || '_call_' || call.call_category
        end as series,
        call.quarter_start as period_start,
        call.amount_reporting,
        greatest(call.submitted_date, call.counts_from) as first_day,
        least(
            coalesce(company_date(call.superseded_at) - 1, date '9999-12-30'), span.last_day
        ) as last_day
    from (
        select period_start, max(snapshot_date) as last_day from unsealed group by period_start
    ) as span
    inner join call on span.period_start = call.quarter_start
),
spoken_on as (
    select
        rep_key,
        role,
        series,
        period_start,
        amount_reporting,
        cast(unnest(generate_series(first_day, last_day, interval '1 day')) as date)
            as snapshot_date
    from spoken
    where first_day <= last_day
),
of_calls as (
    select
        rep_scope.scope_key,
        spoken_on.period_start,
        spoken_on.snapshot_date,
        spoken_on.series,
        sum(spoken_on.amount_reporting) as amount,
        count(spoken_on.amount_reporting) as n,
        count(*) as deals
    from unsealed
    inner join spoken_on
        on unsealed.period_start = spoken_on.period_start
        and unsealed.snapshot_date = spoken_on.snapshot_date
    inner join rep_scope on spoken_on.rep_key = rep_scope.rep_key
    inner join scope on rep_scope.scope_key = scope.scope_key
    where scope.scope <> 'rep' or (unsealed.is_rep_day and spoken_on.role = 'rep')
    group by
        rep_scope.scope_key, spoken_on.period_start, spoken_on.snapshot_date, spoken_on.series
),
reconstructed as (
    select * from of_deals
    union all
    select * from of_calls
),
united as (
    select
        reconstructed.snapshot_date,
        reconstructed.period_start,
        scope.scope,
        scope.scope_id,
        scope.scope_name,
        reconstructed.series,
        case
            when reconstructed.n > 0 or reconstructed.deals = reconstructed.n
                then coalesce(reconstructed.amount, 0)
        end as amount,
        reconstructed.n,
        reconstructed.deals - reconstructed.n as n_excluded,
        case
            when not coalesce(scope.is_whole, true) then 'partial'
            when reconstructed.deals > reconstructed.n then 'degraded'
            else 'complete'
        end as completeness,
        'reconstructed' as provenance
    from scope
    inner join reconstructed on scope.scope_key = reconstructed.scope_key
    union all
    select
        sealed_figure.snapshot_date,
        sealed_figure.period_start,
        sealed_figure.scope,
        sealed_figure.scope_id,
        sealed_figure.scope_name,
        sealed_figure.series,
        sealed_figure.amount,
        sealed_figure.n,
        sealed_figure.n_excluded,
        sealed_figure.completeness,
        'sealed' as provenance
    from sealed
    inner join sealed_figure
        on sealed.snapshot_date = sealed_figure.snapshot_date
        and sealed.period_start = sealed_figure.period_start
    left join day
        on sealed_figure.snapshot_date = day.snapshot_date
        and sealed_figure.period_start = day.period_start
    where sealed_figure.scope <> 'rep' or day.is_rep_day
),
period as (
    select * from mart.dim_period where period_grain = 'quarter'
),
final as (
    select
        united.snapshot_date,
        united.period_start,
        period.period_end,
        period.period_name,
        united.scope,
        united.scope_id,
        united.scope_name,
        united.series,
        united.amount,
        united.n,
        united.n_excluded,
        united.completeness,
        united.provenance
    from period
    inner join united on period.period_start = united.period_start
)
select
    snapshot_date, period_start, period_end, period_name, scope, scope_id, scope_name, series,
    amount, n, n_excluded, completeness, provenance
from final
