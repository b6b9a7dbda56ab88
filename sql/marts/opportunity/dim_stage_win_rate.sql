/* @model
description: For each stage and fiscal month the share of deals won, of those that ever were in the stage and were decided in the twelve months before the month. The historical probability of that month's days.
grain: [stage_id, month_start]
kind: table
owner: revops
tags: [crm, opportunities]
columns:
  stage_id: {type: string, doc: "the stage", checks: [not_null]}
  month_start: {type: date, doc: "first day of the fiscal month", checks: [not_null]}
  won: {type: int64, doc: "of the decided deals those that were won", checks: [not_null]}
  decided: {type: int64, doc: "deals that any version had in the stage and that were won or lost in the twelve months before", checks: [not_null]}
  win_rate: {type: "decimal(9,6)", doc: "won ÷ decided", checks: [not_null, "between 0 and 1"]}
*/
with
version as (
    select * from mart.fct_opportunity_version
),
decided_deal as (
    select opportunity_id, closed_date, case when outcome = 'won' then 1 else 0 end as is_won
    from mart.fct_opportunity
    where deal_exclusion is null and outcome in ('won', 'lost')
),
stage as (
    select stage_id, stage_key from mart.dim_stage
),
month as (
    select period_start
    from mart.dim_period
    where period_grain = 'month' and period_start <= $as_of_date
),
-- Only where the stage becomes another one or known at all: the versions between say the same.
visit as (
    select opportunity_id, stage_id
    from version
    where stage_id is not null and stage_id is distinct from previous_stage_id
),
keyed as (
    select stage.stage_key, visit.opportunity_id
    from stage
    inner join visit on stage.stage_id = visit.stage_id
),
-- A deal counts once for a stage, however often it was in it.
visited as (
    select opportunity_id, stage_key
    from keyed
    group by opportunity_id, stage_key
),
decided_on as (
    select
        visited.stage_key,
        decided_deal.closed_date,
        sum(decided_deal.is_won) as won,
        count(*) as decided
    from decided_deal
    inner join visited on decided_deal.opportunity_id = visited.opportunity_id
    group by visited.stage_key, decided_deal.closed_date
),
by_month as (
    select
        decided_on.stage_key,
        month.period_start as month_start,
        sum(decided_on.won) as won,
        sum(decided_on.decided) as decided
    from decided_on
    inner join month
        on decided_on.closed_date < month.period_start
        and decided_on.closed_date >= cast(month.period_start - interval '12 months' as date)
    group by decided_on.stage_key, month.period_start
),
final as (
    select
        stage.stage_id,
        by_month.month_start,
        by_month.won,
        by_month.decided,
        cast(
            cast(by_month.won as decimal(20, 6)) / cast(by_month.decided as decimal(20, 6))
            as decimal(9, 6)
        ) as win_rate
    from by_month
    inner join stage on by_month.stage_key = stage.stage_key
)
select stage_id, month_start, won, decided, win_rate
from final
