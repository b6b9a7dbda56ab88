/* @check
description: What the metrics count in n_excluded is what ops.exclusion lists, by year and metric.
severity: error
table: ops.exclusion
*/
with
-- Yield, velocity, slippage and coverage count a deal in several periods. Weighted pipelines list
-- the as-of day only.
counted as (
    select
        case
            when metric in ('sales_cycle_mean', 'sales_cycle_qualified_mean')
                then replace(metric, '_mean', '')
            when metric like 'deal_size_%' then replace(metric, '_average', '')
            else metric
        end as metric,
        period_start,
        sum(n_excluded) as n_excluded
    from kpi.metric_value
    where
        scope = 'company'
        and period_grain = 'year'
        and (
            metric in (
                'win_rate_value', 'win_rate_cohort_value', 'sales_cycle_mean',
                'sales_cycle_qualified_mean', 'deal_size_won_average', 'deal_size_stage_average',
                'deal_size_stage_entry_average', 'pipeline_stale_share',
                'pipeline_pushes_per_deal'
            )
            or (
                metric like 'weighted_pipeline_%'
                and period_end >= $as_of_date
                and coalesce(stage_id, forecast_category, cast(close_period_start as varchar))
                is null
            )
        )
        and n_excluded > 0
    group by 1, period_start
),
listed as (
    select
        metric,
        period_start('year', anchor_date) as period_start,
        sum(rows) as n_excluded
    from ops.exclusion
    where
        anchor_date is not null
        and (
            metric in (
                'win_rate_value', 'win_rate_cohort_value', 'sales_cycle', 'sales_cycle_qualified',
                'deal_size_won', 'deal_size_stage', 'deal_size_stage_entry',
                'pipeline_stale_share', 'pipeline_pushes_per_deal'
            )
            or metric like 'weighted_pipeline_%'
        )
    group by metric, period_start('year', anchor_date)
)
select
    coalesce(counted.metric, listed.metric) as metric,
    coalesce(counted.period_start, listed.period_start) as period_start,
    counted.n_excluded as counted,
    listed.n_excluded as listed
from counted
full join listed
    on counted.metric = listed.metric and counted.period_start = listed.period_start
where coalesce(counted.n_excluded, 0) <> coalesce(listed.n_excluded, 0)
