/* @model
description: Why figures are degraded or partial, one row a metric, reason and connection with the number of deals concerned.
grain: [metric, reason, connection]
kind: table
owner: revops
tags: [ops, crm]
columns:
  metric: {type: string, doc: "the metric's id without its statistic, as in ops.exclusion; * for all", checks: [not_null]}
  reason: {type: string, doc: "the reason", checks: [not_null]}
  connection: {type: string, doc: "the connection it comes from", checks: [not_null]}
  completeness: {type: string, doc: "what it makes of a row it touches; excluded: it is in no period and taints none", checks: ["accepted_values: [degraded, partial, excluded]"]}
  deals: {type: int64, doc: "deals (or reps) concerned; null where it is about streams"}
  explanation: {type: string, doc: "in words", checks: [not_null]}
*/
with
exclusion as (
    select * from ops.exclusion
),
deal as (
    select * from mart.fct_opportunity where deal_exclusion is null
),
connection as (
    select * from intermediate.int_connection
),
left_out_subject as (
    select metric, reason, connection, subject_id, count(anchor_date) as anchored
    from exclusion
    where metric is not null
    group by metric, reason, connection, subject_id
),
left_out as (
    select
        metric,
        reason,
        connection,
        case when sum(anchored) > 0 then 'degraded' else 'excluded' end as completeness,
        count(*) as deals
    from left_out_subject
    group by metric, reason, connection
),
substituted as (
    select
        metric.metric,
        'cycle_starts_at_engagement' as reason,
        deal.connection,
        'degraded' as completeness,
        count(*) as deals
    from deal
    cross join (
        values ('sales_cycle', 'won'), ('pipeline_velocity', 'won'), ('win_rate_cohort_count', '*'),
        ('win_rate_cohort_value', '*'), ('win_rate_cohort_open_share', '*')
    ) as metric (metric, outcome)
    where deal.cycle_start_source = 'engaged' and metric.outcome in ('*', deal.outcome)
    group by metric.metric, deal.connection
),
valued_today as (
    select
        'pipeline_yield' as metric,
        'no_history_of_amounts' as reason,
        connection,
        'degraded' as completeness,
        count(*) as deals
    from deal
    where not has_history and start_date is not null
    group by connection
),
not_whole as (
    select
        '*' as metric,
        'source_not_whole' as reason,
        connection,
        'partial' as completeness,
        cast(null as bigint) as deals
    from connection
    where failed_streams > 0
    union all
    select
        '*' as metric,
        'rows_missing' as reason,
        connection,
        'partial' as completeness,
        cast(null as bigint) as deals
    from connection
    where short_streams > 0
),
united as (
    select * from left_out
    union all
    select * from substituted
    union all
    select * from valued_today
    union all
    select * from not_whole
),
explained as (
    select reason, explanation
    from (
        values
            ('unknown_stage', 'the deal is in a stage that no source describes, so its outcome is unknown'),
            ('no_close_date', 'the deal is won or lost and has no close date'),
            ('implausible_date', 'a date of the deal is before 1970'),
            ('created_after_as_of', 'the deal was created after the as-of instant'),
            ('closed_after_as_of', 'the deal was won or lost after the as-of instant'),
            ('amount_too_large', 'the deal''s amount has more than 16 digits before the point'),
            ('no_amount', 'the deal has no amount'),
            ('no_currency', 'the deal has an amount and no currency'),
            ('unconverted', 'the deal is in another currency than the reporting currency, and there is no rate for its close date'),
            ('amount_not_positive', 'the amount is 0 or negative: the deal counts by number and not by value'),
            ('loss_amounts_not_recorded', 'none of the connection''s lost deals has an amount, so what was lost is unknown and a share of won value would be 100 % for no reason'),
            ('no_start_date', 'the deal has neither a creation date nor a qualification date'),
            ('no_qualified_date', 'the deal has no date of entry into a qualified stage'),
            ('negative_cycle', 'the deal was won or lost before it started'),
            ('no_activity_recorded', 'the last activity of the deal is unknown'),
            ('pushes_not_recorded', 'how often the planned close date was moved is unknown'),
            ('cycle_starts_at_engagement', 'the source has no creation date: the start is the entry into the first qualified stage'),
            ('no_history_of_amounts', 'the source keeps no history: amounts are today''s, not what the deal was worth at the time'),
            ('no_history_of_close_dates', 'the source keeps no history: when the deal was planned to close is known of today only'),
            ('no_probability', 'the deal has no probability'),
            ('no_stage_probability', 'the deal''s stage has no default probability, or is unknown'),
            ('no_decided_deals', 'no deal that was in the stage was won or lost in the twelve months before'),
            ('no_quotas_recorded', 'the connection has no quotas: what it brings would only raise the others'' figure'),
            ('unknown_holder', 'nobody knows whose quota it is'),
            ('source_not_whole', 'a stream of the connection failed or did not add up when it was last read'),
            ('rows_missing', 'the source says it has rows that were not landed: see ops.reconciliation')
    ) as listed (reason, explanation)
),
final as (
    select
        united.metric,
        united.reason,
        united.connection,
        united.completeness,
        united.deals,
        explained.explanation
    from united
    left join explained on united.reason = explained.reason
)
select metric, reason, connection, completeness, deals, explanation
from final
