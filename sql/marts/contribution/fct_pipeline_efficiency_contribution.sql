/* @model
description: What yield, velocity, slippage, coverage, pushes and the stale share are made of - one row a metric, part and deal (of coverage also quotas and bookings). What was open is there for every day, so ask for a metric and a day.
grain: [metric, part, period_grain, subject_id, rep_key, date_day]
kind: view
owner: revops
tags: [crm, contribution, pipeline]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric"}
  part: {type: string, doc: "which part of the figure; value where it has one only"}
  subject: {type: string, doc: "what subject_id is the id of"}
  subject_id: {type: string, doc: "the deal, or the holder of a quota"}
  rep_key: {type: int64, doc: "whose it is, as in dim_rep_tenure; joins bridge_rep_scope"}
  date_day: {type: date, doc: "the day that puts it into a period, see anchor"}
  stage_id: {type: string, doc: "slice by stage; null where the metric has none"}
  forecast_category: {type: string, doc: "slice by forecast category; null where the metric has none"}
  close_period_start: {type: date, doc: "slice by the quarter of the planned close; null where the metric has none"}
  target_metric: {type: string, doc: "the metric that a target is for; null where there is none"}
  numerator: {type: "decimal(38,6)", doc: "what it adds to the numerator"}
  denominator: {type: "decimal(38,6)", doc: "what it adds to the denominator"}
  measure: {type: "decimal(38,6)", doc: "what percentiles are taken of"}
  exclusion: {type: string, doc: "null: it counts; else why a rule leaves it out"}
  substitute: {type: string, doc: "what stands in for something unknown and makes the figure degraded; null: nothing"}
  anchor: {type: string, doc: "which days are a period's: period (all of them), before (the day before it begins), end (its last day, or the as-of day), year (the twelve months up to that day)"}
  period_grain: {type: string, doc: "the one grain that the row is for; null: any"}
  counts_for: {type: string, doc: "all scopes; rep: the person only; team: the team, region and company only (see fct_quota_achievement_contribution)"}
*/
with
deal as (
    select * from mart.fct_opportunity where deal_exclusion is null
),
span as (
    select * from mart.fct_pipeline_span
),
start as (
    select * from mart.fct_pipeline_start
),
attainment as (
    select * from mart.fct_quota_achievement_contribution where metric = 'quota_attainment'
),
date_period as (
    select * from mart.bridge_date_period
),
period as (
    select * from mart.dim_period where period_grain in ('month', 'quarter', 'year')
),
tenure as (
    select * from mart.dim_rep_tenure
),
day as (
    select date_day from mart.dim_date where not is_future
),
business as (
    select * from system.business
),
-- What was open at the end of each day: of the day before a period for its yield, of its last day
-- for its velocity.
open_on_day as (
    select
        day.date_day,
        span.opportunity_id,
        span.rep_key,
        span.is_qualified,
        span.amount_reporting,
        span.yield_exclusion,
        span.is_assumed
    from day
    inner join span on day.date_day >= span.valid_from and day.date_day < span.valid_to
),
yield as (
    select
        'pipeline_yield' as metric,
        'won' as part,
        opportunity_id as subject_id,
        rep_key,
        closed_date as date_day,
        case when pipeline_exclusion is null then amount_reporting end as numerator,
        cast(null as decimal(18, 2)) as denominator,
        pipeline_exclusion as exclusion,
        case when not has_history then 'no_history_of_amounts' end as substitute,
        'period' as anchor
    from deal
    where outcome = 'won'
    union all
    select
        'pipeline_yield' as metric,
        'open_at_start' as part,
        opportunity_id as subject_id,
        rep_key,
        date_day,
        cast(null as decimal(18, 2)) as numerator,
        case when yield_exclusion is null then amount_reporting end as denominator,
        yield_exclusion as exclusion,
        case when is_assumed then 'no_history_of_amounts' end as substitute,
        'before' as anchor
    from open_on_day
    union all
    select
        'pipeline_yield' as metric,
        'created' as part,
        opportunity_id as subject_id,
        rep_key,
        date_day,
        cast(null as decimal(18, 2)) as numerator,
        case when yield_exclusion is null then amount_reporting end as denominator,
        yield_exclusion as exclusion,
        case when is_assumed then 'no_history_of_amounts' end as substitute,
        'period' as anchor
    from start
),
velocity as (
    select
        'pipeline_velocity' as metric,
        'open_qualified' as part,
        opportunity_id as subject_id,
        rep_key,
        date_day,
        1 as numerator,
        cast(null as bigint) as denominator,
        cast(null as varchar) as exclusion,
        cast(null as varchar) as substitute,
        'end' as anchor
    from open_on_day
    where is_qualified
    union all
    select
        'pipeline_velocity' as metric,
        'win_rate' as part,
        opportunity_id as subject_id,
        rep_key,
        closed_date as date_day,
        case when outcome = 'won' then 1 else 0 end as numerator,
        1 as denominator,
        cast(null as varchar) as exclusion,
        cast(null as varchar) as substitute,
        'year' as anchor
    from deal
    where outcome in ('won', 'lost')
    union all
    select
        'pipeline_velocity' as metric,
        'size' as part,
        opportunity_id as subject_id,
        rep_key,
        closed_date as date_day,
        case when amount_exclusion is null then amount_reporting end as numerator,
        case when amount_exclusion is null then 1 end as denominator,
        amount_exclusion as exclusion,
        cast(null as varchar) as substitute,
        'year' as anchor
    from deal
    where outcome = 'won'
    union all
    select
        'pipeline_velocity' as metric,
        'cycle' as part,
        opportunity_id as subject_id,
        rep_key,
        closed_date as date_day,
        case when cycle_exclusion is null then cycle_days end as numerator,
        case when cycle_exclusion is null then 1 end as denominator,
        cycle_exclusion as exclusion,
        case
            when cycle_exclusion is null and cycle_start_source = 'engaged'
                then 'cycle_starts_at_engagement'
        end as substitute,
        'year' as anchor
    from deal
    where outcome = 'won'
),
-- Open when a period began and due in it: each span has at most one month, quarter and year.
due_period as (
    select
        date_period.date_day as close_date,
        period.period_grain,
        period.period_start,
        period.period_end,
        least(period.period_end, $as_of_date) as last_day
    from date_period
    inner join period on date_period.period_key = period.period_key
    where period.period_start <= $as_of_date
),
due as (
    select
        due_period.period_grain,
        due_period.period_start,
        due_period.period_end,
        due_period.last_day,
        span.opportunity_id,
        span.rep_key,
        span.amount_reporting,
        case
            when span.is_assumed then 'no_history_of_close_dates'
            else span.amount_exclusion
        end as exclusion
    from due_period
    inner join span
        on due_period.close_date = span.close_date
        and span.valid_from < due_period.period_start
        and span.valid_to >= due_period.period_start
),
-- Still open at its end, and due later.
slipped as (
    select
        due.*,
        span.opportunity_id is not null as has_slipped
    from due
    left join span
        on due.opportunity_id = span.opportunity_id
        and due.last_day >= span.valid_from
        and due.last_day < span.valid_to
        and span.close_date > due.period_end
),
slippage as (
    select
        'pipeline_slippage' as metric,
        'value' as part,
        'deal' as subject,
        opportunity_id as subject_id,
        rep_key,
        cast(period_start - interval '1 day' as date) as date_day,
        case
            when exclusion is not null then null
            when has_slipped then amount_reporting
            else 0
        end as numerator,
        case when exclusion is null then amount_reporting end as denominator,
        exclusion,
        'before' as anchor,
        period_grain
    from slipped
),
-- The periods that hold the as-of day, and those after them.
current_period as (
    select period_grain, period_end from period where is_current
),
covered_period as (
    select period.period_key, period.period_grain
    from period
    inner join current_period on period.period_grain = current_period.period_grain
    where
        period.is_current
        or period.period_start = cast(current_period.period_end + interval '1 day' as date)
),
covered_day as (
    select date_period.date_day, covered_period.period_grain
    from date_period
    inner join covered_period on date_period.period_key = covered_period.period_key
),
coverage_metric as (
    select metric, is_remaining
    from (
        values ('pipeline_coverage', true), ('pipeline_coverage_full', false)
    ) as listed (metric, is_remaining)
),
-- A connection without any quota has no coverage: its pipeline would only raise the company's.
-- Where there is no quota at all, there is no figure.
connection_with_quotas as (
    select distinct tenure.connection
    from tenure
    inner join attainment on tenure.rep_key = attainment.rep_key
    where attainment.part = 'quota'
),
cover as (
    select
        'open' as part,
        'deal' as subject,
        deal.opportunity_id as subject_id,
        deal.rep_key,
        deal.expected_close_date as date_day,
        case
            when deal.amount_exclusion is null and connection_with_quotas.connection is not null
                then deal.amount_reporting
        end as numerator,
        cast(null as decimal(18, 2)) as denominator,
        case
            when connection_with_quotas.connection is null then 'no_quotas_recorded'
            else deal.amount_exclusion
        end as exclusion,
        'all' as counts_for
    from connection_with_quotas
    right join deal on connection_with_quotas.connection = deal.connection
    where deal.outcome = 'open' and exists (select 1 from connection_with_quotas)
    union all
    select
        part,
        subject,
        subject_id,
        rep_key,
        date_day,
        -- A quota without any pipeline is covered by a measured 0.
        case when part = 'quota' and exclusion is null then 0 end as numerator,
        case when part = 'quota' then denominator else -numerator end as denominator,
        exclusion,
        counts_for
    from attainment
),
coverage as (
    select
        coverage_metric.metric,
        cover.part,
        cover.subject,
        cover.subject_id,
        cover.rep_key,
        cover.date_day,
        cover.numerator,
        cover.denominator,
        cover.exclusion,
        cover.counts_for,
        covered_day.period_grain
    from covered_day
    inner join cover on covered_day.date_day = cover.date_day
    cross join coverage_metric
    where coverage_metric.is_remaining or cover.part <> 'bookings'
),
stale as (
    select
        'pipeline_stale_share' as metric,
        opportunity_id as subject_id,
        rep_key,
        $as_of_date as date_day,
        case
            when stale_exclusion is not null then null
            when inactive_days >= (select stale_after_days from business) then amount_reporting
            else 0
        end as numerator,
        case when stale_exclusion is null then amount_reporting end as denominator,
        stale_exclusion as exclusion
    from deal
    where outcome = 'open'
),
pushed as (
    select
        'pipeline_pushes_per_deal' as metric,
        opportunity_id as subject_id,
        rep_key,
        closed_date as date_day,
        push_count as numerator,
        case when push_count is not null then 1 end as denominator,
        case when push_count is null then 'pushes_not_recorded' end as exclusion
    from deal
    where outcome in ('won', 'lost')
),
united as (
    select
        metric, part, 'deal' as subject, subject_id, rep_key, date_day,
        cast(numerator as decimal(38, 6)) as numerator,
        cast(denominator as decimal(38, 6)) as denominator,
        exclusion, substitute, anchor, cast(null as varchar) as period_grain, 'all' as counts_for
    from yield
    union all
    select
        metric, part, 'deal' as subject, subject_id, rep_key, date_day,
        cast(numerator as decimal(38, 6)) as numerator,
        cast(denominator as decimal(38, 6)) as denominator,
        exclusion, substitute, anchor, cast(null as varchar) as period_grain, 'all' as counts_for
    from velocity
    union all
    select
        metric, part, subject, subject_id, rep_key, date_day,
        cast(numerator as decimal(38, 6)) as numerator,
        cast(denominator as decimal(38, 6)) as denominator,
        exclusion, cast(null as varchar) as substitute, anchor, period_grain,
        'all' as counts_for
    from slippage
    union all
    select
        metric, part, subject, subject_id, rep_key, date_day,
        cast(numerator as decimal(38, 6)) as numerator,
        cast(denominator as decimal(38, 6)) as denominator,
        exclusion, cast(null as varchar) as substitute, 'period' as anchor, period_grain,
        counts_for
    from coverage
    union all
    select
        metric, 'value' as part, 'deal' as subject, subject_id, rep_key, date_day,
        cast(numerator as decimal(38, 6)) as numerator,
        cast(denominator as decimal(38, 6)) as denominator,
        exclusion, cast(null as varchar) as substitute, 'period' as anchor,
        cast(null as varchar) as period_grain, 'all' as counts_for
    from stale
    union all
    select
        metric, 'value' as part, 'deal' as subject, subject_id, rep_key, date_day,
        cast(numerator as decimal(38, 6)) as numerator,
        cast(denominator as decimal(38, 6)) as denominator,
        exclusion, cast(null as varchar) as substitute, 'period' as anchor,
        cast(null as varchar) as period_grain, 'all' as counts_for
    from pushed
),
final as (
    select
        metric,
        part,
        subject,
        subject_id,
        rep_key,
        date_day,
        cast(null as varchar) as stage_id,
        cast(null as varchar) as forecast_category,
        cast(null as date) as close_period_start,
        cast(null as varchar) as target_metric,
        numerator,
        denominator,
        cast(null as decimal(38, 6)) as measure,
        exclusion,
        substitute,
        anchor,
        period_grain,
        counts_for
    from united
)
select
    metric, part, subject, subject_id, rep_key, date_day, stage_id, forecast_category,
    close_period_start, target_metric, numerator, denominator, measure, exclusion, substitute,
    anchor, period_grain, counts_for
from final
