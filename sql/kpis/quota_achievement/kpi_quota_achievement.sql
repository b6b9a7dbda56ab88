/* @model
description: Who met the quota, and bookings over quota, by month, quarter and year. The current period has its whole quota and the bookings so far.
grain: [metric, period_grain, period_start, scope, scope_id, stage_id, forecast_category, close_period_start, target_metric]
kind: table
owner: revops
tags: [crm, kpi, quotas]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null, "accepted_values: [quota_achievement_rate, quota_attainment, quota_attainment_unprorated]"]}
  period_grain: {type: string, doc: "month, quarter or year", checks: [not_null, "accepted_values: [month, quarter, year]"]}
  period_start: {type: date, doc: "first day of the period", checks: [not_null]}
  period_end: {type: date, doc: "last day of the period, inclusive", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  stage_id: {type: string, doc: "no slice"}
  stage_name: {type: string, doc: "no slice"}
  forecast_category: {type: string, doc: "no slice"}
  close_period_start: {type: date, doc: "no slice"}
  target_metric: {type: string, doc: "no slice"}
  numerator: {type: "decimal(38,6)", doc: "reps who met the quota, or bookings in the reporting currency; null: none is known"}
  denominator: {type: "decimal(38,6)", doc: "reps with a quota, or the quota in the reporting currency; null: none"}
  value: {type: "decimal(38,6)", doc: "the figure; null: no quota, or not all of it is known, or of no booking how much"}
  unit: {type: string, doc: "ratio", checks: [not_null]}
  n: {type: int64, doc: "reps, or credited bookings and months of quotas, in the figure", checks: ["between 0 and 1000000000000"]}
  n_excluded: {type: int64, doc: "those that a rule leaves out of it", checks: ["between 0 and 1000000000000"]}
  completeness: {type: string, doc: "complete, degraded (something left out) or partial (a source did not come in whole); reasons in ops.completeness", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
metrics:
  - id: quota_achievement_rate
    title: Quota achievement rate
    definition: "Of the reps with a quota in the period, the share whose bookings met or exceeded it."
    formula: "reps whose bookings ≥ prorated quota ÷ reps with a prorated quota above 0"
    unit: ratio
    grain: period × scope
    time_anchor: "closed_date of bookings, month of quotas"
    additive: false
    numerator: "reps who met their quota"
    denominator: "reps with a quota"
    null_rule: "no rep with a quota: no row; reps part of whose quota is unknown or unconverted are left out"
  - id: quota_attainment
    title: Quota attainment
    definition: "Bookings of the period over its quota, prorated for those who joined, left or moved in it."
    formula: "bookings ÷ prorated quota"
    unit: ratio
    grain: period × scope
    time_anchor: "closed_date of bookings, month of quotas"
    additive: false
    numerator: "credit for deals won, in the reporting currency; overlay credit for the rep only"
    denominator: "prorated quota, in the reporting currency; a team's own where it has one, else the sum of its reps'"
    null_rule: "null without a quota, when a part of the quota is unknown or unconverted, and when every booking is"
  - id: quota_attainment_unprorated
    title: Quota attainment, unprorated
    definition: "Bookings of the period over its quota as it was entered."
    formula: "bookings ÷ quota"
    unit: ratio
    grain: period × scope
    time_anchor: "closed_date of bookings, month of quotas"
    additive: false
    numerator: "as quota_attainment"
    denominator: "quota as entered, in the reporting currency, in the team that its rep began the month in"
    null_rule: "as quota_attainment"
*/
with
contribution as (
    select * from mart.fct_quota_achievement_contribution
),
rep_scope as (
    select * from mart.bridge_rep_scope
),
scope as (
    select * from mart.dim_scope
),
date_period as (
    select * from mart.bridge_date_period
),
period as (
    select *
    from mart.dim_period
    where period_grain in ('month', 'quarter', 'year') and not is_future
),
-- Money is summed by rep and day, and then by the three periods.
by_rep_and_day as (
    select
        metric,
        part,
        counts_for,
        period_grain,
        rep_key,
        date_day,
        sum(numerator) as numerator,
        sum(denominator) as denominator,
        sum(case when exclusion is null then 1 else 0 end) as n,
        sum(case when exclusion is not null then 1 else 0 end) as n_excluded
    from contribution
    group by metric, part, counts_for, period_grain, rep_key, date_day
),
-- The rate has a row a rep and period already: nobody meets a quarter's quota month by month.
by_rep_and_period as (
    select
        counted.metric,
        counted.part,
        counted.counts_for,
        counted.rep_key,
        period.period_key,
        sum(counted.numerator) as numerator,
        sum(counted.denominator) as denominator,
        sum(counted.n) as n,
        sum(counted.n_excluded) as n_excluded
    from by_rep_and_day as counted
    inner join date_period on counted.date_day = date_period.date_day
    inner join period on date_period.period_key = period.period_key
    where coalesce(counted.period_grain, period.period_grain) = period.period_grain
    group by
        counted.metric, counted.part, counted.counts_for, counted.rep_key, period.period_key
),
by_scope_and_period as (
    select
        counted.metric,
        rep_scope.scope_key,
        counted.period_key,
        sum(counted.numerator) as numerator,
        sum(counted.denominator) as denominator,
        sum(counted.n) as n,
        sum(counted.n_excluded) as n_excluded,
        sum(case when counted.part = 'bookings' then counted.n else 0 end) as bookings,
        sum(case when counted.part = 'bookings' then counted.n_excluded else 0 end)
            as bookings_excluded,
        sum(case when counted.part = 'quota' then counted.n_excluded else 0 end)
            as quotas_excluded
    from by_rep_and_period as counted
    inner join rep_scope on counted.rep_key = rep_scope.rep_key
    inner join scope on rep_scope.scope_key = scope.scope_key
    -- Overlay credit, and a rep's quota in a team that has its own, are the person's; the team's
    -- own is not its manager's.
    where
        case counted.counts_for
            when 'rep' then scope.scope = 'rep'
            when 'team' then scope.scope <> 'rep'
            else true
        end
    group by counted.metric, rep_scope.scope_key, counted.period_key
),
-- A quota that is partly unknown is unknown, because dividing by the rest would flatter; and
-- bookings none of which is known are no 0. Parts stay as they are, so that rows keep adding up.
parts as (
    select
        metric,
        scope_key,
        period_key,
        cast(numerator as decimal(38, 6)) as numerator,
        cast(denominator as decimal(38, 6)) as denominator,
        n,
        n_excluded,
        quotas_excluded = 0 and (bookings > 0 or bookings_excluded = 0) as is_known
    from by_scope_and_period
),
-- The rate counts reps; whether their bookings are all known, the attainment says.
attainment as (
    select scope_key, period_key, n_excluded
    from parts
    where metric = 'quota_attainment'
),
final as (
    select
        parts.metric,
        period.period_grain,
        period.period_start,
        period.period_end,
        scope.scope,
        scope.scope_id,
        scope.scope_name,
        cast(null as varchar) as stage_id,
        cast(null as varchar) as stage_name,
        cast(null as varchar) as forecast_category,
        cast(null as date) as close_period_start,
        cast(null as varchar) as target_metric,
        parts.numerator,
        parts.denominator,
        case
            when parts.is_known
                then
                    cast(
                        parts.numerator / nullif(parts.denominator, cast(0 as decimal(38, 6)))
                        as decimal(38, 6)
                    )
        end as value,
        'ratio' as unit,
        parts.n,
        parts.n_excluded,
        case
            when not scope.is_whole then 'partial'
            when parts.n_excluded > 0 or coalesce(attainment.n_excluded, 0) > 0 then 'degraded'
            else 'complete'
        end as completeness,
        $as_of as as_of
    from parts
    inner join scope on parts.scope_key = scope.scope_key
    inner join period on parts.period_key = period.period_key
    left join attainment
        on parts.scope_key = attainment.scope_key and parts.period_key = attainment.period_key
    where parts.n > 0 or parts.n_excluded > 0
)
select
    metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
    stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
    value, unit, n, n_excluded, completeness, as_of
from final
