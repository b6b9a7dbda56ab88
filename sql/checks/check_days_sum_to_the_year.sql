/* @check
description: The days, weeks, months and quarters each sum up to all years, in numerator, denominator and n of the metrics by outcome or start.
severity: error
table: kpi.metric_value
*/
with
value as (
    select *
    from kpi.metric_value
    where
        metric like 'win_rate%'
        or metric like 'sales_cycle%'
        or metric like 'deal_size_won%'
),
summed as (
    select
        metric,
        scope,
        scope_id,
        period_grain,
        coalesce(sum(numerator), 0) as numerator,
        coalesce(sum(denominator), 0) as denominator,
        sum(n) as n,
        sum(n_excluded) as n_excluded
    from value
    group by metric, scope, scope_id, period_grain
),
compared as (
    select
        metric,
        scope,
        scope_id,
        count(*) as grains,
        max(numerator) - min(numerator) as numerator_gap,
        max(denominator) - min(denominator) as denominator_gap,
        max(n) - min(n) as n_gap,
        max(n_excluded) - min(n_excluded) as n_excluded_gap
    from summed
    group by metric, scope, scope_id
)
select *
from compared
where grains <> 5 or numerator_gap <> 0 or denominator_gap <> 0 or n_gap <> 0 or n_excluded_gap <> 0
