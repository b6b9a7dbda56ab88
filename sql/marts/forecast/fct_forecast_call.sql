/* @model
description: What reps and managers said that a period will bring, one row each time they said something else. From counts_from on a person's calls speak of the whole fiscal quarter; before that some part of it has no call yet.
grain: [rep_id, role, call_category, period_start, period_end, submitted_at]
kind: table
owner: revops
tags: [crm, forecasts]
columns:
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  rep_id: {type: string, doc: "who said it", checks: [not_null]}
  rep_key: {type: int64, doc: "in his team then, as in dim_rep_tenure", checks: [not_null]}
  role: {type: string, doc: "rep: for his own deals; manager: for his team's", checks: [not_null, "accepted_values: [rep, manager]"]}
  call_category: {type: string, doc: "which figure", checks: [not_null, "accepted_values: [pipeline, best_case, most_likely, commit]"]}
  period_start: {type: date, doc: "first day of the period it is about", checks: [not_null]}
  period_end: {type: date, doc: "last day of the period", checks: [not_null]}
  quarter_start: {type: date, doc: "first day of the fiscal quarter that holds the period; null: no quarter holds it, so it is in no series"}
  submitted_at: {type: timestamp, doc: "moment of the submission; in Salesforce that of the first run that saw it", checks: [not_null]}
  submitted_date: {type: date, doc: "its day in the company's zone", checks: [not_null]}
  amount_reporting: {type: "decimal(18,2)", doc: "how much, in the reporting currency; null: withdrawn, or not to be converted"}
  previous_amount: {type: "decimal(18,2)", doc: "what the person said of the same period before; null: nothing"}
  superseded_at: {type: timestamp, doc: "moment at which the person said something else; null: it holds"}
  counts_from: {type: date, doc: "first day on which every day of the quarter was spoken of; null: it is not yet"}
*/
with
call as (
    select *, company_date(submitted_at) as submitted_date
    from intermediate.int_forecast_call
    where submitted_at <= $as_of
),
rep as (
    select * from mart.dim_rep
),
tenure as (
    select * from mart.dim_rep_tenure
),
seller as (
    select distinct rep_id from mart.fct_opportunity_state
),
-- HubSpot does not say who leads a team. Who forecasts and never owned a deal speaks for his team.
person as (
    select
        rep.rep_id,
        rep.team_id,
        rep.is_manager or seller.rep_id is null as leads
    from rep
    left join seller on rep.rep_id = seller.rep_id
),
-- A team of leaders alone is counted in the teams below it.
team as (
    select team_id, bool_or(not leads) as has_reps
    from person
    group by team_id
),
spoken as (
    select
        call.*,
        tenure.rep_key,
        case when person.leads then 'manager' else 'rep' end as role,
        case
            when period_start('quarter', call.period_start) = period_start('quarter', call.period_end)
                then period_start('quarter', call.period_start)
        end as quarter_start
    from person
    inner join call on person.rep_id = call.rep_id
    inner join team on person.team_id = team.team_id
    inner join tenure
        on call.rep_id = tenure.rep_id
        and call.submitted_date >= tenure.valid_from
        and call.submitted_date < tenure.valid_to
    where team.has_reps or not person.leads
),
followed as (
    select
        *,
        lag(amount_reporting) over (
            partition by rep_id, call_category, period_start, period_end order by submitted_at
        ) as previous_amount,
        lead(submitted_at) over (
            partition by rep_id, call_category, period_start, period_end order by submitted_at
        ) as superseded_at
    from spoken
),
-- When the last of a quarter's periods was spoken of for the first time.
first_call as (
    select
        rep_id,
        call_category,
        quarter_start,
        period_start,
        period_end,
        min(submitted_date) as submitted_date
    from spoken
    where quarter_start is not null
    group by rep_id, call_category, quarter_start, period_start, period_end
),
whole as (
    select
        rep_id,
        call_category,
        quarter_start,
        max(submitted_date) as counts_from
    from first_call
    group by rep_id, call_category, quarter_start
    having
        sum(period_end - period_start + 1)
        = max(period_end('quarter', quarter_start) - quarter_start + 1)
),
final as (
    select
        followed.connection,
        followed.rep_id,
        followed.rep_key,
        followed.role,
        followed.call_category,
        followed.period_start,
        followed.period_end,
        followed.quarter_start,
        followed.submitted_at,
        followed.submitted_date,
        followed.amount_reporting,
        followed.previous_amount,
        followed.superseded_at,
        whole.counts_from
    from followed
    left join whole
        on followed.rep_id = whole.rep_id
        and followed.call_category = whole.call_category
        and followed.quarter_start = whole.quarter_start
)
select
    connection, rep_id, rep_key, role, call_category, period_start, period_end, quarter_start,
    submitted_at, submitted_date, amount_reporting, previous_amount, superseded_at, counts_from
from final
