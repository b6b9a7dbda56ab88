/* @model
description: The deals that were due in each open quarter, as each night's run knew them - open ones by their close date, won and lost ones by the day of their outcome. Sealed by forecast.snapshot, never changed.
grain: [snapshot_date, period_start, opportunity_id]
kind: snapshot
owner: revops
tags: [forecast, snapshot]
columns:
  snapshot_date: {type: date, doc: "the company's day of the as-of instant", checks: [not_null]}
  period_start: {type: date, doc: "first day of the fiscal quarter", checks: [not_null]}
  opportunity_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  opportunity_name: {type: string, doc: "name of the deal"}
  rep_id: {type: string, doc: "owner; of a decided deal the one of its outcome", checks: [not_null]}
  team_id: {type: string, doc: "his team then", checks: [not_null]}
  region_id: {type: string, doc: "its region", checks: [not_null]}
  stage_id: {type: string, doc: "stage"}
  stage_name: {type: string, doc: "its name"}
  outcome: {type: string, doc: "open, won or lost", checks: [not_null, "accepted_values: [open, won, lost]"]}
  bucket: {type: string, doc: "where it counts: won, or its category while it is open; lost and omitted deals are in no series", checks: [not_null, "accepted_values: [won, lost, omitted, commit, most_likely, best_case, pipeline]"]}
  amount: {type: "decimal(18,2)", doc: "amount in the deal's currency"}
  currency: {type: string, doc: "ISO 4217 code"}
  amount_reporting: {type: "decimal(18,2)", doc: "amount in the reporting currency; null: in no figure in money"}
  close_date: {type: date, doc: "planned close date"}
  due_date: {type: date, doc: "close date of an open deal, day of the outcome of a decided one", checks: [not_null]}
  forecast_category: {type: string, doc: "as the source says; null: none"}
  probability: {type: "decimal(9,6)", doc: "the deal's own probability"}
  stage_probability: {type: "decimal(9,6)", doc: "the default probability of its stage"}
  historical_probability: {type: "decimal(9,6)", doc: "share won of the deals that were in the stage and were decided in the twelve months before the snapshot's month; null: none was"}
  as_of: {type: timestamp, doc: "the instant that the row is of", checks: [not_null]}
  run_id: {type: string, doc: "the run that looked", checks: [not_null]}
*/
with
sealed as (
    select * from forecast.snapshot_deal
),
state as (
    select *
    from mart.fct_forecast_state
    where valid_from <= $as_of_date and valid_to > $as_of_date
),
day as (
    select * from mart.dim_forecast_day where is_open
),
deal as (
    select opportunity_id, opportunity_name from mart.fct_opportunity
),
tenure as (
    select * from mart.dim_rep_tenure
),
stage as (
    select * from mart.dim_stage
),
rate as (
    select * from mart.dim_stage_win_rate
),
run as (
    select max(run_id) as run_id
    from system.run
    where as_of = $as_of and finished_at is null
),
-- A run that looks back, or at the same instant again, seals nothing.
looked as (
    select coalesce(max(as_of) < $as_of, true) as is_later from sealed
),
done as (
    select distinct period_start from sealed where snapshot_date = $as_of_date
),
tonight as (
    select day.period_start
    from day
    left join done on day.period_start = done.period_start
    where done.period_start is null and (select is_later from looked)
),
due as (
    select state.*
    from tonight
    inner join state on tonight.period_start = state.period_start
),
final as (
    select
        $as_of_date as snapshot_date,
        due.period_start,
        due.opportunity_id,
        due.connection,
        deal.opportunity_name,
        due.rep_id,
        tenure.team_id,
        tenure.region_id,
        due.stage_id,
        stage.stage_name,
        due.outcome,
        due.bucket,
        due.amount,
        due.currency,
        due.amount_reporting,
        due.close_date,
        due.due_date,
        due.forecast_category,
        due.probability,
        due.stage_probability,
        rate.win_rate as historical_probability,
        $as_of as as_of,
        (select run_id from run) as run_id
    from due
    inner join tenure on due.rep_key = tenure.rep_key
    left join stage on due.stage_id = stage.stage_id
    left join rate
        on due.stage_id = rate.stage_id
        and rate.month_start = period_start('month', $as_of_date)
    left join deal on due.opportunity_id = deal.opportunity_id
)
select
    snapshot_date, period_start, opportunity_id, connection, opportunity_name, rep_id, team_id,
    region_id, stage_id, stage_name, outcome, bucket, amount, currency, amount_reporting,
    close_date, due_date, forecast_category, probability, stage_probability,
    historical_probability, as_of, run_id
from final
