/* @check
description: The regions, the teams and the reps each sum up to the company, in numerator, denominator, n and n_excluded of every metric whose parts add up, and in the value of weighted pipelines, slice by slice.
severity: error
table: kpi.metric_value
*/
with
-- Velocity is a product of ratios. Quotas, and what is measured by them, have parts that count for
-- the rep only (overlay credit, quotas within a team that has its own) or for all but the rep (the
-- team's own). All others' parts add up.
value as (
    select *
    from kpi.metric_value
    where
        metric <> 'pipeline_velocity'
        and metric not like 'quota_%'
        and metric not like 'pipeline_coverage%'
        and metric not like 'target_%'
),
summed as (
    select
        metric,
        period_grain,
        period_start,
        stage_id,
        forecast_category,
        close_period_start,
        scope,
        coalesce(sum(numerator), 0) as numerator,
        coalesce(sum(denominator), 0) as denominator,
        coalesce(sum(case when metric like 'weighted_pipeline_%' then value end), 0) as value,
        sum(n) as n,
        sum(n_excluded) as n_excluded
    from value
    group by
        metric, period_grain, period_start, stage_id, forecast_category, close_period_start, scope
),
compared as (
    select
        metric,
        period_grain,
        period_start,
        stage_id,
        forecast_category,
        close_period_start,
        count(*) as scopes,
        max(numerator) - min(numerator) as numerator_gap,
        max(denominator) - min(denominator) as denominator_gap,
        max(value) - min(value) as value_gap,
        max(n) - min(n) as n_gap,
        max(n_excluded) - min(n_excluded) as n_excluded_gap
    from summed
    group by metric, period_grain, period_start, stage_id, forecast_category, close_period_start
)
-- Slices of a weighted pipeline are for the company, regions and teams.
select *
from compared
where
    case
        when
            metric like 'weighted_pipeline_%'
            and coalesce(
                stage_id, forecast_category, cast(close_period_start as varchar)
            ) is not null
            then scopes <> 3
        else scopes <> 4
    end
    or numerator_gap <> 0
    or denominator_gap <> 0
    or value_gap <> 0
    or n_gap <> 0
    or n_excluded_gap <> 0
