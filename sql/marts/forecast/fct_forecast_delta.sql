/* @model
description: By how much the deals due in a quarter changed on each day, by rep and bucket. Summed up from the quarter's first row to a day they are its figures at the end of that day, as the CRM's history tells them; what was there before the first day is in the first day's rows.
grain: [period_start, rep_key, bucket, date_day]
kind: incremental
incremental:
  key: opportunity_id
  sums: events
  changed_by:
    mart.fct_opportunity_state: opportunity_id
    mart.fct_opportunity_version: opportunity_id
  # A day more moves nothing: what began or ended on it is a change of the deal's states. Another
  # month weighs every open deal anew, and another quarter brings deals that are due in it.
  matters:
    mart.dim_forecast_day: select period_start, min(snapshot_date) from mart.dim_forecast_day group by period_start
    mart.dim_period: select period_start, period_end from mart.dim_period where period_grain = 'month' and not is_future
  as_of: harmless
owner: revops
tags: [crm, forecasts]
columns:
  period_start: {type: date, doc: "first day of the quarter the deals are due in", checks: [not_null]}
  rep_key: {type: int64, doc: "the rep in his team, as in dim_rep_tenure", checks: [not_null]}
  bucket: {type: string, doc: "where they count, as in fct_forecast_state", checks: [not_null]}
  date_day: {type: date, doc: "the day at whose end the change is there", checks: [not_null]}
  events: {type: int64, doc: "how many beginnings and ends the row sums up", checks: [not_null]}
  amount: {type: "decimal(38,2)", doc: "change of their amounts, in the reporting currency", checks: [not_null]}
  deals: {type: int64, doc: "change of their number", checks: [not_null]}
  n: {type: int64, doc: "change of the number of those with a usable amount", checks: [not_null]}
  weighted_deal: {type: "decimal(38,2)", doc: "change of the amounts weighted by the deal's own probability", checks: [not_null]}
  n_deal: {type: int64, doc: "change of the number of those with an amount and that probability", checks: [not_null]}
  weighted_stage: {type: "decimal(38,2)", doc: "by the stage's default probability", checks: [not_null]}
  n_stage: {type: int64, doc: "their number", checks: [not_null]}
  weighted_historical: {type: "decimal(38,2)", doc: "by the win rate of deals that were in the stage, of the twelve months before the day's month", checks: [not_null]}
  n_historical: {type: int64, doc: "their number", checks: [not_null]}
*/
with
-- What was assumed of a source without history is no history: such deals are in sealed figures
-- only.
state as (
    select *
    from mart.fct_forecast_state
    where provenance <> 'assumed' and bucket not in ('lost', 'omitted')
),
period as (
    select
        period_start,
        min(snapshot_date) as first_day,
        max(snapshot_date) as last_day
    from mart.dim_forecast_day
    group by period_start
),
month as (
    select
        fiscal_year(period_start) * 12 + fiscal_month(period_start) as month_number,
        period_start as month_start,
        period_end as month_end
    from mart.dim_period
    where period_grain = 'month'
),
rate as (
    select * from mart.dim_stage_win_rate
),
clipped as (
    select
        state.period_start,
        state.rep_key,
        state.bucket,
        state.stage_id,
        state.amount_reporting,
        state.probability,
        state.stage_probability,
        greatest(state.valid_from, period.first_day) as from_day,
        least(state.valid_to, period.last_day + 1) as to_day
    from period
    inner join state on period.period_start = state.period_start
    where state.valid_from <= period.last_day and state.valid_to > period.first_day
),
-- The historical win rate of a stage becomes another one with each fiscal month, so open deals are
-- cut there.
numbered as (
    select
        period_start, rep_key, bucket, stage_id, amount_reporting, probability, stage_probability,
        from_day, to_day,
        unnest(
            generate_series(
                fiscal_year(from_day) * 12 + fiscal_month(from_day),
                fiscal_year(to_day - 1) * 12 + fiscal_month(to_day - 1)
            )
        ) as month_number
    from clipped
    where bucket <> 'won'
),
in_month as (
    select
        numbered.period_start,
        numbered.rep_key,
        numbered.bucket,
        numbered.stage_id,
        month.month_start,
        numbered.amount_reporting,
        numbered.probability,
        numbered.stage_probability,
        greatest(numbered.from_day, month.month_start) as from_day,
        least(numbered.to_day, month.month_end + 1) as to_day
    from month
    inner join numbered on month.month_number = numbered.month_number
),
weighed as (
    select
        in_month.period_start,
        in_month.rep_key,
        in_month.bucket,
        in_month.from_day,
        in_month.to_day,
        in_month.amount_reporting,
        cast(in_month.amount_reporting * in_month.probability as decimal(18, 2)) as weighted_deal,
        cast(in_month.amount_reporting * in_month.stage_probability as decimal(18, 2))
            as weighted_stage,
        cast(in_month.amount_reporting * rate.win_rate as decimal(18, 2)) as weighted_historical
    from rate
    right join in_month
        on rate.stage_id = in_month.stage_id and rate.month_start = in_month.month_start
    union all
    select
        period_start,
        rep_key,
        bucket,
        from_day,
        to_day,
        amount_reporting,
        cast(null as decimal(18, 2)) as weighted_deal,
        cast(null as decimal(18, 2)) as weighted_stage,
        cast(null as decimal(18, 2)) as weighted_historical
    from clipped
    where bucket = 'won'
),
event as (
    select period_start, rep_key, bucket, from_day as date_day, 1 as sign, amount_reporting,
        weighted_deal, weighted_stage, weighted_historical
    from weighed
    union all
    select period_start, rep_key, bucket, to_day as date_day, -1 as sign, amount_reporting,
        weighted_deal, weighted_stage, weighted_historical
    from weighed
),
final as (
    select
        event.period_start,
        event.rep_key,
        event.bucket,
        event.date_day,
        count(*) as events,
        sum(event.sign * coalesce(event.amount_reporting, 0)) as amount,
        sum(event.sign) as deals,
        sum(case when event.amount_reporting is not null then event.sign else 0 end) as n,
        sum(event.sign * coalesce(event.weighted_deal, 0)) as weighted_deal,
        sum(case when event.weighted_deal is not null then event.sign else 0 end) as n_deal,
        sum(event.sign * coalesce(event.weighted_stage, 0)) as weighted_stage,
        sum(case when event.weighted_stage is not null then event.sign else 0 end) as n_stage,
        sum(event.sign * coalesce(event.weighted_historical, 0)) as weighted_historical,
        sum(case when event.weighted_historical is not null then event.sign else 0 end)
            as n_historical
    from period
    inner join event on period.period_start = event.period_start
    where event.date_day <= period.last_day
    group by event.period_start, event.rep_key, event.bucket, event.date_day
)
select
    period_start, rep_key, bucket, date_day, events, amount, deals, n, weighted_deal, n_deal,
    weighted_stage, n_stage, weighted_historical, n_historical
from final
