/* @check
description: The regions, the teams and the reps each sum up to the company, in numerator, denominator, n and n_excluded of every metric whose parts add up.
severity: error
table: kpi.metric_value
*/
with
-- Velocity is a product of ratios, so its parts do not add up; all others' do.
value as (
    select * from kpi.metric_value where metric <> 'pipeline_velocity'
),
summed as (
    select
        metric,
        period_grain,
        period_start,
        stage_id,
        scope,
        coalesce(sum(numerator), 0) as numerator,
        coalesce(sum(denominator), 0) as denominator,
        sum(n) as n,
        sum(n_excluded) as n_excluded
    from value
    group by metric, period_grain, period_start, stage_id, scope
),
compared as (
    select
        metric,
        period_grain,
        period_start,
        stage_id,
        count(*) as scopes,
        max(numerator) - min(numerator) as numerator_gap,
        max(denominator) - min(denominator) as denominator_gap,
        max(n) - min(n) as n_gap,
        max(n_excluded) - min(n_excluded) as n_excluded_gap
    from summed
    group by metric, period_grain, period_start, stage_id
)
select *
from compared
where scopes <> 4 or numerator_gap <> 0 or denominator_gap <> 0 or n_gap <> 0 or n_excluded_gap <> 0
