/* @model
description: What is left out of a metric and why, one row a metric, reason and deal; and dirt in the data that no metric leaves out (metric is null). The rows whose anchor date falls into a period are its n_excluded; yield counts a deal in each period it is alive in, velocity in the 12 months after.
grain: [metric, reason, subject, subject_id]
kind: table
owner: revops
tags: [ops, crm]
columns:
  metric: {type: string, doc: "the metric's id without its statistic (sales_cycle stands for sales_cycle_mean, _median and _p90); * for all of them; null: only reported"}
  reason: {type: string, doc: "why, or what is dirty; explained in ops.completeness and docs/metrics.md", checks: [not_null]}
  subject: {type: string, doc: "deal, rep or value", checks: [not_null, "accepted_values: [deal, rep, value]"]}
  subject_id: {type: string, doc: "the deal's or rep's id; of a repaired value connection/stream/column: from", checks: [not_null]}
  connection: {type: string, doc: "the connection it came from", checks: [not_null]}
  opportunity_id: {type: string, doc: "the deal"}
  rep_id: {type: string, doc: "the deal's owner, or the rep"}
  stage_id: {type: string, doc: "the deal's stage"}
  anchor_date: {type: date, doc: "the day that would put it into a period; null: it is in no period's n_excluded"}
  rows: {type: int64, doc: "1, or of a repaired value how many rows were repaired", checks: [not_null]}
  detail: {type: string, doc: "the values at fault"}
*/
with
deal as (
    select * from mart.fct_opportunity
),
rep as (
    select * from mart.dim_rep
),
stage as (
    select * from mart.dim_stage
),
repair as (
    select * from system.repair
),
metric as (
    select metric
    from (
        values
            ('*'), ('win_rate_value'), ('win_rate_cohort_count'), ('win_rate_cohort_value'),
            ('sales_cycle'), ('sales_cycle_qualified'), ('deal_size_won'), ('deal_size_stage'),
            ('pipeline_yield'), ('pipeline_velocity'), ('pipeline_stale_share'),
            ('pipeline_pushes_per_deal'), ('(no account)'), ('(open without amount)'),
            ('(outcome by planned date)')
    ) as listed (metric)
),
-- Most deals are in every figure. Only the others are worth multiplying by the metrics.
suspect as (
    select *
    from deal
    where
        deal_exclusion is not null
        or amount_exclusion is not null
        or win_value_exclusion is not null
        or cycle_exclusion is not null
        or qualified_cycle_exclusion is not null
        or pipeline_exclusion is not null
        or stale_exclusion is not null
        or qualified_date is null
        or push_count is null
        or account_id is null
        or anchor_source = 'expected_close_date'
),
-- Every rule once: for each deal and metric the reason, or null where the deal is in.
judged as (
    select
        metric.metric,
        case
            when metric.metric = '*' then deal.deal_exclusion
            when metric.metric = '(no account)'
                then case when deal.account_id is null then 'deal_without_account' end
            when deal.deal_exclusion is not null then null
            when metric.metric = '(open without amount)'
                then
                    case
                        when deal.outcome = 'open' and deal.amount is null
                            then 'open_deal_without_amount'
                    end
            when metric.metric = '(outcome by planned date)'
                then
                    case
                        when deal.anchor_source = 'expected_close_date'
                            then 'outcome_dated_by_plan'
                    end
            when metric.metric = 'win_rate_value' then deal.win_value_exclusion
            when metric.metric = 'win_rate_cohort_count'
                then case when deal.start_date is null then 'no_start_date' end
            when metric.metric = 'win_rate_cohort_value'
                then
                    case
                        when deal.outcome = 'open' then null
                        when deal.start_date is null then 'no_start_date'
                        else deal.win_value_exclusion
                    end
            when metric.metric = 'sales_cycle' then deal.cycle_exclusion
            when metric.metric = 'sales_cycle_qualified' then deal.qualified_cycle_exclusion
            when metric.metric = 'deal_size_won'
                then case when deal.outcome = 'won' then deal.amount_exclusion end
            when metric.metric = 'deal_size_stage'
                then case when deal.outcome = 'open' then deal.amount_exclusion end
            when metric.metric = 'pipeline_yield' then deal.pipeline_exclusion
            when metric.metric = 'pipeline_velocity'
                then
                    case
                        when deal.outcome = 'open' and stage.is_qualified and deal.qualified_date is null
                            then 'no_qualified_date'
                        when deal.outcome = 'won'
                            then coalesce(deal.amount_exclusion, deal.cycle_exclusion)
                    end
            when metric.metric = 'pipeline_stale_share' then deal.stale_exclusion
            when metric.metric = 'pipeline_pushes_per_deal'
                then
                    case
                        when deal.outcome <> 'open' and deal.push_count is null
                            then 'pushes_not_recorded'
                    end
        end as reason,
        deal.connection,
        deal.opportunity_id,
        deal.rep_id,
        deal.stage_id,
        deal.outcome,
        deal.start_date,
        deal.closed_date,
        deal.amount,
        deal.currency,
        deal.account_id,
        deal.qualified_date
    from metric
    cross join suspect as deal
    inner join stage on deal.stage_id = stage.stage_id
),
left_out as (
    select
        case when metric not like '(%' then metric end as metric,
        reason,
        'deal' as subject,
        opportunity_id as subject_id,
        connection,
        opportunity_id,
        rep_id,
        stage_id,
        case
            when reason in ('no_start_date', 'no_qualified_date')
                and metric not in ('sales_cycle', 'sales_cycle_qualified')
                then null
            when metric in ('win_rate_cohort_value') then start_date
            when metric in ('deal_size_stage', 'pipeline_stale_share') then $as_of_date
            when metric = 'pipeline_yield' then
                case when reason <> 'negative_cycle' then start_date end
            when
                metric in (
                    'win_rate_value', 'sales_cycle', 'sales_cycle_qualified', 'deal_size_won',
                    'pipeline_velocity', 'pipeline_pushes_per_deal'
                )
                then closed_date
        end as anchor_date,
        1 as rows,
        concat(
            outcome,
            coalesce(', amount ' || cast(amount as varchar), ', no amount'),
            coalesce(' ' || currency, ''),
            coalesce(', started ' || cast(start_date as varchar), ''),
            coalesce(', qualified ' || cast(qualified_date as varchar), ''),
            coalesce(', closed ' || cast(closed_date as varchar), '')
        ) as detail
    from judged
    where reason is not null
),
rep_with_deals as (
    select rep_id, count(*) as deals from deal group by rep_id
),
idle_rep as (
    select
        cast(null as varchar) as metric,
        'rep_without_deals' as reason,
        'rep' as subject,
        rep.rep_id as subject_id,
        rep.connection,
        cast(null as varchar) as opportunity_id,
        rep.rep_id,
        cast(null as varchar) as stage_id,
        cast(null as date) as anchor_date,
        1 as rows,
        concat(rep.rep_name, ', team ', rep.team_name) as detail
    from rep
    left join rep_with_deals on rep.rep_id = rep_with_deals.rep_id
    where rep_with_deals.rep_id is null and not rep.is_manager
),
repaired_value as (
    select
        cast(null as varchar) as metric,
        'value_repaired' as reason,
        'value' as subject,
        concat(connection, '/', stream, '/', column_name, ': ', from_value) as subject_id,
        connection,
        cast(null as varchar) as opportunity_id,
        cast(null as varchar) as rep_id,
        cast(null as varchar) as stage_id,
        cast(null as date) as anchor_date,
        cast(sum(rows) as bigint) as rows,
        concat(stream, '.', column_name, ': ', from_value, ' → ', max(to_value)) as detail
    from repair
    group by connection, stream, column_name, from_value
),
final as (
    select * from left_out
    union all
    select * from idle_rep
    union all
    select * from repaired_value
)
select
    metric, reason, subject, subject_id, connection, opportunity_id, rep_id, stage_id,
    anchor_date, rows, detail
from final
