/* @model
description: The spans of fct_pipeline_span that are not omitted from the forecast, split at fiscal months, with what the deal weighs by each probability.
grain: [opportunity_id, valid_from]
kind: view
owner: revops
tags: [crm, contribution, pipeline]
columns:
  opportunity_id: {type: string, doc: "the deal", checks: [not_null]}
  valid_from: {type: date, doc: "first day at whose end it stood so", checks: [not_null]}
  valid_to: {type: date, doc: "first day at whose end it no longer did, or the day after the as-of day", checks: [not_null]}
  rep_key: {type: int64, doc: "the owner in his team then", checks: [not_null]}
  stage_id: {type: string, doc: "stage; null: unknown"}
  stage_key: {type: int64, doc: "its number within this build"}
  forecast_category: {type: string, doc: "pipeline, best_case, most_likely, commit, closed or none", checks: [not_null]}
  close_quarter_start: {type: date, doc: "first day of the fiscal quarter of the planned close date"}
  weighted_deal: {type: "decimal(18,2)", doc: "amount × the deal's probability, rounded half away from zero to cents; null: left out"}
  weighted_stage: {type: "decimal(18,2)", doc: "amount × the stage's default probability, in the same way"}
  weighted_historical: {type: "decimal(18,2)", doc: "amount × the share of deals from that stage that were won in the twelve months before the month, in the same way"}
  exclusion_deal: {type: string, doc: "why it is not in the first: no usable amount, or no_probability"}
  exclusion_stage: {type: string, doc: "why it is not in the second: no usable amount, or no_stage_probability"}
  exclusion_historical: {type: string, doc: "why it is not in the third: no usable amount, or no_decided_deals"}
*/
with
span as (
    select * from mart.fct_pipeline_span
),
win_rate as (
    select * from mart.dim_stage_win_rate
),
month as (
    select period_start as month_start, cast(period_end + interval '1 day' as date) as next_start
    from mart.dim_period
    where period_grain = 'month' and period_start <= $as_of_date
),
-- The historical probability is another one each month.
monthly as (
    select
        span.opportunity_id,
        greatest(span.valid_from, month.month_start) as valid_from,
        least(
            span.valid_to,
            month.next_start,
            cast($as_of_date + interval '1 day' as date)
        ) as valid_to,
        month.month_start,
        span.rep_key,
        span.stage_id,
        span.stage_key,
        coalesce(span.forecast_category, 'none') as forecast_category,
        span.close_quarter_start,
        span.amount_reporting,
        span.amount_exclusion,
        span.probability,
        span.stage_probability
    from month
    inner join span
        on span.valid_from < month.next_start and span.valid_to > month.month_start
    where span.forecast_category is distinct from 'omitted'
),
rated as (
    select
        monthly.*,
        win_rate.win_rate
    from win_rate
    right join monthly
        on win_rate.stage_id = monthly.stage_id and win_rate.month_start = monthly.month_start
),
final as (
    select
        opportunity_id,
        valid_from,
        valid_to,
        rep_key,
        stage_id,
        stage_key,
        forecast_category,
        close_quarter_start,
        case
            when amount_exclusion is null
                then cast(amount_reporting * probability as decimal(18, 2))
        end as weighted_deal,
        case
            when amount_exclusion is null
                then cast(amount_reporting * stage_probability as decimal(18, 2))
        end as weighted_stage,
        case
            when amount_exclusion is null
                then cast(amount_reporting * win_rate as decimal(18, 2))
        end as weighted_historical,
        coalesce(amount_exclusion, case when probability is null then 'no_probability' end)
            as exclusion_deal,
        coalesce(
            amount_exclusion,
            case when stage_probability is null then 'no_stage_probability' end
        ) as exclusion_stage,
        coalesce(amount_exclusion, case when win_rate is null then 'no_decided_deals' end)
            as exclusion_historical
    from rated
)
select
    opportunity_id, valid_from, valid_to, rep_key, stage_id, stage_key, forecast_category,
    close_quarter_start, weighted_deal, weighted_stage, weighted_historical, exclusion_deal,
    exclusion_stage, exclusion_historical
from final
