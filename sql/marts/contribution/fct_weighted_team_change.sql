/* @model
description: By how much what a team's open deals weigh changed on each day, by stage, forecast category and quarter of the planned close. Summed up from the first row to a day it is what they weighed at the end of that day.
grain: [unit_key, stage_key, forecast_category, close_quarter_start, date_day]
kind: incremental
incremental:
  key: opportunity_id
  sums: events
  changed_by: {mart.fct_opportunity_state: opportunity_id}
  # A day more moves nothing: what began or ended on it is a change of the deal's states. Another
  # month weighs every open deal anew.
  matters:
    mart.fct_opportunity: select distinct connection from mart.fct_opportunity where pipeline_exclusion = 'loss_amounts_not_recorded'
    mart.dim_period: select period_start, period_end from mart.dim_period where period_grain = 'month' and not is_future
  as_of: harmless
owner: revops
tags: [crm, contribution, pipeline]
columns:
  unit_key: {type: int64, doc: "the team: the lowest rep_key of those in it", checks: [not_null]}
  stage_key: {type: int64, doc: "the stage, as in dim_stage; 0: unknown", checks: [not_null]}
  forecast_category: {type: string, doc: "pipeline, best_case, most_likely, commit, closed or none", checks: [not_null]}
  close_quarter_start: {type: date, doc: "first day of the fiscal quarter of the planned close date; null: none is planned"}
  date_day: {type: date, doc: "the day at whose end the change is there", checks: [not_null]}
  events: {type: int64, doc: "how many beginnings and ends the row sums up", checks: [not_null]}
  weighted_deal: {type: "decimal(38,2)", doc: "change of what they weigh by the deals' probabilities", checks: [not_null]}
  counted_deal: {type: int64, doc: "change of the number of those that weigh something so", checks: [not_null]}
  excluded_deal: {type: int64, doc: "change of the number of those that are left out there", checks: [not_null]}
  weighted_stage: {type: "decimal(38,2)", doc: "change of what they weigh by the stages' default probabilities", checks: [not_null]}
  counted_stage: {type: int64, doc: "change of the number of those that weigh something so", checks: [not_null]}
  excluded_stage: {type: int64, doc: "change of the number of those that are left out there", checks: [not_null]}
  weighted_historical: {type: "decimal(38,2)", doc: "change of what they weigh by the stages' historical win rates", checks: [not_null]}
  counted_historical: {type: int64, doc: "change of the number of those that weigh something so", checks: [not_null]}
  excluded_historical: {type: int64, doc: "change of the number of those that are left out there", checks: [not_null]}
*/
with
span as (
    select * from mart.fct_weighted_span
),
tenure as (
    select * from mart.dim_rep_tenure
),
-- A span adds a deal on its first day, and takes it away on the first day it no longer stands so:
-- sums of all days without a row a deal and day.
sign as (
    select sign from (values (1), (-1)) as listed (sign)
),
unit as (
    select rep_key, min(rep_key) over (partition by team_id, region_id) as unit_key
    from tenure
),
event as (
    select
        unit.unit_key,
        coalesce(span.stage_key, 0) as stage_key,
        span.forecast_category,
        span.close_quarter_start,
        case when sign.sign = 1 then span.valid_from else span.valid_to end as date_day,
        coalesce(span.weighted_deal, 0) * sign.sign as weighted_deal,
        case when span.exclusion_deal is null then sign.sign else 0 end as counted_deal,
        case when span.exclusion_deal is null then 0 else sign.sign end as excluded_deal,
        coalesce(span.weighted_stage, 0) * sign.sign as weighted_stage,
        case when span.exclusion_stage is null then sign.sign else 0 end as counted_stage,
        case when span.exclusion_stage is null then 0 else sign.sign end as excluded_stage,
        coalesce(span.weighted_historical, 0) * sign.sign as weighted_historical,
        case when span.exclusion_historical is null then sign.sign else 0 end as counted_historical,
        case when span.exclusion_historical is null then 0 else sign.sign end as excluded_historical
    from sign
    cross join unit
    inner join span on unit.rep_key = span.rep_key
),
final as (
    select
        unit_key,
        stage_key,
        forecast_category,
        close_quarter_start,
        date_day,
        count(*) as events,
        sum(weighted_deal) as weighted_deal,
        sum(counted_deal) as counted_deal,
        sum(excluded_deal) as excluded_deal,
        sum(weighted_stage) as weighted_stage,
        sum(counted_stage) as counted_stage,
        sum(excluded_stage) as excluded_stage,
        sum(weighted_historical) as weighted_historical,
        sum(counted_historical) as counted_historical,
        sum(excluded_historical) as excluded_historical
    from event
    where date_day <= $as_of_date
    group by unit_key, stage_key, forecast_category, close_quarter_start, date_day
)
select
    unit_key, stage_key, forecast_category, close_quarter_start, date_day, events, weighted_deal,
    counted_deal, excluded_deal, weighted_stage, counted_stage, excluded_stage,
    weighted_historical, counted_historical, excluded_historical
from final
