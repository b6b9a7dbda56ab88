/* @model
description: What is left out of a metric and why, one row a metric, reason, deal, stage and day; and dirt in the data that no metric leaves out (metric is null). The rows whose anchor date falls into a period are its n_excluded; yield also counts a deal when it is open at a period's start, velocity in the 12 months after, weighted pipelines list the as-of day.
grain: [metric, reason, subject, subject_id, stage_id, anchor_date]
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
  stage_id: {type: string, doc: "the stage that the figure is of, else the deal's now"}
  anchor_date: {type: date, doc: "the day that would put it into a period; null: it is in no period's n_excluded"}
  rows: {type: int64, doc: "how often it is left out: mostly 1, of a repaired value how many rows were repaired", checks: [not_null]}
  detail: {type: string, doc: "the values at fault"}
*/
with
deal as (
    select * from mart.fct_opportunity
),
rep as (
    select * from mart.dim_rep
),
repair as (
    select * from system.repair
),
win_rate as (
    select * from mart.fct_win_rate_contribution where exclusion is not null
),
sales_cycle as (
    select * from mart.fct_sales_cycle_contribution where exclusion is not null
),
deal_size as (
    select * from mart.fct_deal_size_contribution where exclusion is not null
),
-- What was open at the start of each period is there for every day; created and won are enough.
pipeline as (
    select *
    from mart.fct_pipeline_efficiency_contribution
    where
        exclusion is not null
        and (
            metric in (
                'pipeline_velocity', 'pipeline_slippage', 'pipeline_coverage',
                'pipeline_coverage_full', 'pipeline_stale_share', 'pipeline_pushes_per_deal'
            )
            or (metric = 'pipeline_yield' and part in ('won', 'created'))
        )
),
quota as (
    select * from mart.fct_quota_achievement_contribution where exclusion is not null
),
weighted as (
    select *
    from mart.fct_weighted_pipeline_contribution
    where exclusion is not null and date_day = $as_of_date
),
-- Of figures with several statistics one speaks for all.
contributed as (
    select
        metric, exclusion as reason, subject, subject_id, rep_key,
        cast(null as varchar) as stage_id, date_day as anchor_date
    from win_rate
    union all
    select
        replace(metric, '_mean', '') as metric, exclusion as reason, subject, subject_id, rep_key,
        cast(null as varchar) as stage_id, date_day as anchor_date
    from sales_cycle
    where metric like '%_mean'
    union all
    select
        replace(metric, '_average', '') as metric, exclusion as reason, subject, subject_id,
        rep_key, stage_id, date_day as anchor_date
    from deal_size
    where metric like '%_average'
    union all
    select
        metric, exclusion as reason, subject, subject_id, rep_key,
        cast(null as varchar) as stage_id,
        case
            when anchor = 'before' then cast(date_day + interval '1 day' as date)
            else date_day
        end as anchor_date
    from pipeline
    union all
    select
        metric, exclusion as reason, subject, subject_id, rep_key,
        cast(null as varchar) as stage_id, date_day as anchor_date
    from quota
    union all
    select
        metric, exclusion as reason, subject, subject_id, rep_key, stage_id,
        date_day as anchor_date
    from weighted
),
left_out as (
    select
        metric, reason, subject, subject_id, stage_id, anchor_date,
        max(rep_key) as rep_key,
        count(*) as rows
    from contributed
    group by metric, reason, subject, subject_id, stage_id, anchor_date
),
tenure as (
    select rep_key, rep_id, rep_name, team_name, connection from mart.dim_rep_tenure
),
described as (
    select
        opportunity_id,
        connection,
        rep_id,
        stage_id,
        concat(
            outcome,
            coalesce(', amount ' || cast(amount as varchar), ', no amount'),
            coalesce(' ' || currency, ''),
            coalesce(', started ' || cast(start_date as varchar), ''),
            coalesce(', qualified ' || cast(qualified_date as varchar), ''),
            coalesce(', closed ' || cast(closed_date as varchar), '')
        ) as detail,
        outcome,
        start_date,
        account_id,
        amount,
        anchor_source,
        deal_exclusion
    from deal
),
left_out_deal as (
    select
        left_out.metric,
        left_out.reason,
        left_out.subject,
        left_out.subject_id,
        described.connection,
        described.opportunity_id,
        described.rep_id,
        coalesce(left_out.stage_id, described.stage_id) as stage_id,
        left_out.anchor_date,
        left_out.rows,
        described.detail
    from left_out
    inner join described on left_out.subject_id = described.opportunity_id
    where left_out.subject = 'deal'
),
left_out_rep as (
    select
        left_out.metric,
        left_out.reason,
        left_out.subject,
        left_out.subject_id,
        tenure.connection,
        cast(null as varchar) as opportunity_id,
        tenure.rep_id,
        left_out.stage_id,
        left_out.anchor_date,
        left_out.rows,
        concat(tenure.rep_name, ', team ', tenure.team_name) as detail
    from left_out
    inner join tenure on left_out.rep_key = tenure.rep_key
    where left_out.subject = 'rep'
),
-- In no figure at all, in no cohort, or only dirty.
rule as (
    select metric
    from (
        values
            ('*'), ('win_rate_cohort_count'), ('win_rate_cohort_value'), ('(no account)'),
            ('(open without amount)'), ('(outcome by planned date)')
    ) as listed (metric)
),
suspect as (
    select *
    from described
    where
        deal_exclusion is not null
        or start_date is null
        or account_id is null
        or amount is null
        or anchor_source = 'expected_close_date'
),
judged as (
    select
        rule.metric,
        case
            when rule.metric = '*' then suspect.deal_exclusion
            when rule.metric = '(no account)'
                then case when suspect.account_id is null then 'deal_without_account' end
            when suspect.deal_exclusion is not null then null
            when rule.metric = '(open without amount)'
                then
                    case
                        when suspect.outcome = 'open' and suspect.amount is null
                            then 'open_deal_without_amount'
                    end
            when rule.metric = '(outcome by planned date)'
                then
                    case
                        when suspect.anchor_source = 'expected_close_date'
                            then 'outcome_dated_by_plan'
                    end
            when suspect.start_date is not null then null
            when rule.metric = 'win_rate_cohort_value' and suspect.outcome = 'open' then null
            else 'no_start_date'
        end as reason,
        suspect.*
    from rule
    cross join suspect
),
judged_deal as (
    select
        case when metric not like '(%' then metric end as metric,
        reason,
        'deal' as subject,
        opportunity_id as subject_id,
        connection,
        opportunity_id,
        rep_id,
        stage_id,
        cast(null as date) as anchor_date,
        1 as rows,
        detail
    from judged
    where reason is not null
),
rep_with_deals as (
    select rep_id from deal
    union
    select created_rep_id as rep_id from deal
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
    select * from left_out_deal
    union all
    select * from left_out_rep
    union all
    select * from judged_deal
    union all
    select * from idle_rep
    union all
    select * from repaired_value
)
select
    metric, reason, subject, subject_id, connection, opportunity_id, rep_id, stage_id,
    anchor_date, rows, detail
from final
