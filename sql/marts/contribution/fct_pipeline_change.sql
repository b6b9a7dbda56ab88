/* @model
description: By how much what a rep has open changed on each day, and what was created on it. Summed up from the first row to a day it is what was open at the end of that day, and what was created so far.
grain: [rep_key, date_day]
kind: incremental
incremental:
  key: opportunity_id
  sums: events
  changed_by: {mart.fct_opportunity_state: opportunity_id}
  # A day more moves nothing: what began or ended on it is a change of the deal's states.
  matters:
    mart.fct_opportunity: select distinct connection from mart.fct_opportunity where pipeline_exclusion = 'loss_amounts_not_recorded'
  as_of: harmless
owner: revops
tags: [crm, contribution, pipeline]
columns:
  rep_key: {type: int64, doc: "the rep in his team, as in dim_rep_tenure", checks: [not_null]}
  date_day: {type: date, doc: "the day at whose end the change is there", checks: [not_null]}
  events: {type: int64, doc: "how many beginnings and ends of spans, and creations, the row sums up", checks: [not_null]}
  open_deals: {type: int64, doc: "change of the number of open deals", checks: [not_null]}
  open_qualified: {type: int64, doc: "of those that count as qualified", checks: [not_null]}
  open_valued: {type: int64, doc: "of those with an amount that the yield uses", checks: [not_null]}
  open_amount: {type: "decimal(38,2)", doc: "change of their amounts, in the reporting currency", checks: [not_null]}
  open_unvalued: {type: int64, doc: "change of the number of those that the yield leaves out", checks: [not_null]}
  open_assumed: {type: int64, doc: "of those of which nobody knows that they were open", checks: [not_null]}
  created_valued: {type: int64, doc: "deals created on the day with an amount that the yield uses", checks: [not_null]}
  created_amount: {type: "decimal(38,2)", doc: "their amounts at the end of the day", checks: [not_null]}
  created_unvalued: {type: int64, doc: "deals created that the yield leaves out", checks: [not_null]}
  created_assumed: {type: int64, doc: "deals created whose first amount is today's", checks: [not_null]}
*/
with
span as (
    select * from mart.fct_pipeline_span
),
start as (
    select * from mart.fct_pipeline_start
),
-- A span adds a deal to what is open on its first day, and takes it away on the day after its last.
-- So no deal is looked at day by day.
sign as (
    select sign from (values (1), (-1)) as listed (sign)
),
event as (
    select
        span.rep_key,
        case when sign.sign = 1 then span.valid_from else span.valid_to end as date_day,
        sign.sign as open_deals,
        case when span.is_qualified then sign.sign else 0 end as open_qualified,
        case when span.yield_exclusion is null then sign.sign else 0 end as open_valued,
        case when span.yield_exclusion is null then span.amount_reporting * sign.sign else 0 end
            as open_amount,
        case when span.yield_exclusion is not null then sign.sign else 0 end as open_unvalued,
        case when span.is_assumed then sign.sign else 0 end as open_assumed,
        0 as created_valued,
        0 as created_amount,
        0 as created_unvalued,
        0 as created_assumed
    from sign
    cross join span
    union all
    select
        rep_key,
        date_day,
        0, 0, 0, 0, 0, 0,
        case when yield_exclusion is null then 1 else 0 end,
        case when yield_exclusion is null then amount_reporting else 0 end,
        case when yield_exclusion is not null then 1 else 0 end,
        case when is_assumed then 1 else 0 end
    from start
),
final as (
    select
        rep_key,
        date_day,
        count(*) as events,
        sum(open_deals) as open_deals,
        sum(open_qualified) as open_qualified,
        sum(open_valued) as open_valued,
        cast(sum(open_amount) as decimal(38, 2)) as open_amount,
        sum(open_unvalued) as open_unvalued,
        sum(open_assumed) as open_assumed,
        sum(created_valued) as created_valued,
        cast(sum(created_amount) as decimal(38, 2)) as created_amount,
        sum(created_unvalued) as created_unvalued,
        sum(created_assumed) as created_assumed
    from event
    where date_day <= $as_of_date
    group by rep_key, date_day
)
select
    rep_key, date_day, events, open_deals, open_qualified, open_valued, open_amount,
    open_unvalued, open_assumed, created_valued, created_amount, created_unvalued, created_assumed
from final
