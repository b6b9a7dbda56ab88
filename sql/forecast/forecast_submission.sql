/* @model
description: What reps and managers submitted as their forecast, one row each time somebody said something else, with who it was and what he said before.
grain: [rep_id, role, call_category, period_start, period_end, submitted_at]
kind: table
owner: revops
tags: [forecast, submission]
columns:
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  rep_id: {type: string, doc: "who said it", checks: [not_null]}
  rep_name: {type: string, doc: "name", checks: [not_null]}
  team_id: {type: string, doc: "his team then", checks: [not_null]}
  region_id: {type: string, doc: "its region", checks: [not_null]}
  role: {type: string, doc: "rep: for his own deals; manager: for his team's", checks: [not_null, "accepted_values: [rep, manager]"]}
  call_category: {type: string, doc: "which figure", checks: [not_null, "accepted_values: [pipeline, best_case, most_likely, commit]"]}
  period_start: {type: date, doc: "first day of the period it is about", checks: [not_null]}
  period_end: {type: date, doc: "last day of the period", checks: [not_null]}
  quarter_start: {type: date, doc: "first day of the fiscal quarter that holds the period; null: no quarter holds it, so it is in no series"}
  submitted_at: {type: timestamp, doc: "moment of the submission; in Salesforce that of the first run that saw it", checks: [not_null]}
  amount: {type: "decimal(18,2)", doc: "how much, in the reporting currency; null: withdrawn, or not to be converted"}
  previous_amount: {type: "decimal(18,2)", doc: "what the person said of the same period before; null: nothing"}
  superseded_at: {type: timestamp, doc: "moment at which the person said something else; null: it holds"}
  counts_from: {type: date, doc: "first day on which every day of the quarter was spoken of, from which the call is in the series; null: it is not yet"}
*/
with
call as (
    select * from mart.fct_forecast_call
),
tenure as (
    select * from mart.dim_rep_tenure
),
final as (
    select
        call.connection,
        call.rep_id,
        tenure.rep_name,
        tenure.team_id,
        tenure.region_id,
        call.role,
        call.call_category,
        call.period_start,
        call.period_end,
        call.quarter_start,
        call.submitted_at,
        call.amount_reporting as amount,
        call.previous_amount,
        call.superseded_at,
        call.counts_from
    from tenure
    inner join call on tenure.rep_key = call.rep_key
)
select
    connection, rep_id, rep_name, team_id, region_id, role, call_category, period_start,
    period_end, quarter_start, submitted_at, amount, previous_amount, superseded_at, counts_from
from final
