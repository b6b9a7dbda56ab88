/* @model
description: Deals lost in a period and what they were worth, by the stage they were lost from, the reason, the competitor and how old they were. Numbers and values add up over all of these, over scopes of one kind and over periods of one grain.
grain: [period_grain, period_start, scope, scope_id, stage_id, stage_name, lost_reason, competitor, age_band]
kind: incremental
incremental:
  key: opportunity_id
  periods: >-
    select
        deal.closed_date as date_day, deal.opportunity_id, deal.rep_key, deal.lost_reason,
        deal.cycle_days, deal.amount_reporting, deal.amount_exclusion, deal.win_value_exclusion,
        deal.deal_exclusion, detail.competitor, visit.visit_number, visit.stage_id,
        visit.stage_name, visit.stage_type, visit.entry
    from mart.fct_opportunity as deal
    left join mart.fct_opportunity_detail as detail on deal.opportunity_id = detail.opportunity_id
    left join funnel.stage_visit as visit on deal.opportunity_id = visit.opportunity_id
    where deal.outcome = 'lost'
  changed_by:
    mart.fct_opportunity: opportunity_id
    mart.fct_opportunity_detail: opportunity_id
    funnel.stage_visit: opportunity_id
  matters:
    mart.dim_period: select period_key, period_grain, period_start, period_end from mart.dim_period
  as_of: harmless
owner: revops
tags: [crm, funnel]
columns:
  period_grain: {type: string, doc: "day, week, month, quarter or year", checks: [not_null, "accepted_values: [day, week, month, quarter, year]"]}
  period_start: {type: date, doc: "first day of the period of the loss", checks: [not_null]}
  period_end: {type: date, doc: "last day of the period, inclusive", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep: whose the deal was when it was lost", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  stage_id: {type: string, doc: "the last stage before the lost one; null: see stage_name"}
  stage_name: {type: string, doc: "its label when the deal entered it; (created as lost), or (unknown) where the source keeps no history", checks: [not_null]}
  lost_reason: {type: string, doc: "why, as the CRM has it; null: none given"}
  competitor: {type: string, doc: "to whom; null: nobody named"}
  age_band: {type: string, doc: "days from the deal's start to the loss: 0-30, 31-90, 91-180, 181-365, 366+; (unknown) without a start or with one after the loss", checks: [not_null, "accepted_values: [0-30, 31-90, 91-180, 181-365, 366+, (unknown)]"]}
  n_lost: {type: int64, doc: "deals lost", checks: [not_null, "between 1 and 1000000000000"]}
  value_lost: {type: "decimal(38,2)", doc: "their amounts in the reporting currency, without those in n_excluded; null: not one of them is known"}
  n_excluded: {type: int64, doc: "deals of n_lost whose amount is unknown, not converted or not recorded: counted, not valued", checks: [not_null, "between 0 and 1000000000000"]}
  age_days: {type: int64, doc: "sum of the whole days from start to loss, of those with a known age; divide by n_aged"}
  n_aged: {type: int64, doc: "deals with a known age", checks: [not_null]}
  age_days_mean: {type: "decimal(38,6)", doc: "age_days ÷ n_aged; null: no age is known"}
  unit: {type: string, doc: "the currency of value_lost", checks: [not_null]}
  completeness: {type: string, doc: "complete, degraded (amounts left out, or the stage is unknown) or partial (a source did not come in whole)", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
*/
with
deal as (
    select * from mart.fct_opportunity where deal_exclusion is null and outcome = 'lost'
),
detail as (
    select * from mart.fct_opportunity_detail
),
visit as (
    select * from funnel.stage_visit where outcome = 'lost'
),
rep_scope as (
    select * from mart.bridge_rep_scope
),
date_period as (
    select * from mart.bridge_date_period
),
scope as (
    select * from mart.dim_scope
),
period as (
    select * from mart.dim_period
),
business as (
    select * from system.business
),
-- Two lost stages in a row are one loss: it counts from the last stage that was none.
lost_from as (
    select
        opportunity_id,
        max(case when stage_type is distinct from 'lost' then visit_number end) as visit_number,
        bool_or(entry = 'unknown' and stage_type = 'lost') as is_beginning_unknown
    from visit
    group by opportunity_id
),
described as (
    select
        lost_from.opportunity_id,
        visit.stage_id,
        case
            when visit.stage_id is not null then visit.stage_name
            when not lost_from.is_beginning_unknown then '(created as lost)'
        end as stage_name
    from visit
    right join lost_from
        on visit.opportunity_id = lost_from.opportunity_id
        and visit.visit_number = lost_from.visit_number
),
lost as (
    select
        deal.rep_key,
        deal.closed_date,
        described.stage_id,
        coalesce(described.stage_name, '(unknown)') as stage_name,
        deal.lost_reason,
        detail.competitor,
        deal.cycle_days,
        case
            when deal.cycle_days is null then '(unknown)'
            when deal.cycle_days <= 30 then '0-30'
            when deal.cycle_days <= 90 then '31-90'
            when deal.cycle_days <= 180 then '91-180'
            when deal.cycle_days <= 365 then '181-365'
            else '366+'
        end as age_band,
        case
            when
                deal.amount_exclusion is null
                and deal.win_value_exclusion is distinct from 'loss_amounts_not_recorded'
                then deal.amount_reporting
        end as amount
    from deal
    left join detail on deal.opportunity_id = detail.opportunity_id
    left join described on deal.opportunity_id = described.opportunity_id
),
-- Added up before it is spread over scopes and periods, and texts numbered for that.
counted as (
    select
        rep_key,
        closed_date,
        stage_id,
        stage_name,
        lost_reason,
        competitor,
        age_band,
        count(*) as n_lost,
        count(amount) as n_valued,
        sum(amount) as value_lost,
        count(cycle_days) as n_aged,
        sum(cycle_days) as age_days
    from lost
    group by rep_key, closed_date, stage_id, stage_name, lost_reason, competitor, age_band
),
numbered as (
    select
        *,
        dense_rank() over (order by stage_id, stage_name, lost_reason, competitor, age_band)
            as slice_key
    from counted
),
slice as (
    select distinct slice_key, stage_id, stage_name, lost_reason, competitor, age_band
    from numbered
),
spread as (
    select
        rep_scope.scope_key,
        date_period.period_key,
        numbered.slice_key,
        sum(numbered.n_lost) as n_lost,
        sum(numbered.n_valued) as n_valued,
        sum(numbered.value_lost) as value_lost,
        sum(numbered.n_aged) as n_aged,
        sum(numbered.age_days) as age_days
    from numbered
    inner join date_period on numbered.closed_date = date_period.date_day
    inner join rep_scope on numbered.rep_key = rep_scope.rep_key
    group by rep_scope.scope_key, date_period.period_key, numbered.slice_key
),
final as (
    select
        period.period_grain,
        period.period_start,
        period.period_end,
        scope.scope,
        scope.scope_id,
        scope.scope_name,
        slice.stage_id,
        slice.stage_name,
        slice.lost_reason,
        slice.competitor,
        slice.age_band,
        spread.n_lost,
        cast(spread.value_lost as decimal(38, 2)) as value_lost,
        spread.n_lost - spread.n_valued as n_excluded,
        spread.age_days,
        spread.n_aged,
        case
            when spread.n_aged > 0
                then
                    cast(
                        cast(spread.age_days as decimal(38, 6))
                        / cast(spread.n_aged as decimal(38, 6))
                        as decimal(38, 6)
                    )
        end as age_days_mean,
        (select reporting_currency from business) as unit,
        case
            when not scope.is_whole then 'partial'
            when spread.n_lost > spread.n_valued or slice.stage_name = '(unknown)' then 'degraded'
            else 'complete'
        end as completeness,
        $as_of as as_of
    from spread
    inner join slice on spread.slice_key = slice.slice_key
    inner join scope on spread.scope_key = scope.scope_key
    inner join period on spread.period_key = period.period_key
)
select
    period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id, stage_name,
    lost_reason, competitor, age_band, n_lost, value_lost, n_excluded, age_days, n_aged,
    age_days_mean, unit, completeness, as_of
from final
