/* @model
description: How far the leads of a period came - created, contacted, qualified, converted, deal, won - by source, month, quarter and year of their creation, for the company, and for the regions, teams and reps that had them then. Beside it, in columns of their own, the leads without a deal of their own whose company had one later.
grain: [period_grain, period_start, scope, scope_id, source, step]
kind: table
owner: revops
tags: [crm, funnel, leads]
columns:
  period_grain: {type: string, doc: "month, quarter or year", checks: [not_null, "accepted_values: [month, quarter, year]"]}
  period_start: {type: date, doc: "first day of the period in which the leads were created", checks: [not_null]}
  period_end: {type: date, doc: "last day of the period, inclusive", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep: whose the lead was at its creation", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  source: {type: string, doc: "where the leads came from, in the CRM's words; (none): not said", checks: [not_null]}
  step: {type: string, doc: "created, contacted, qualified, converted, deal or won", checks: [not_null, "accepted_values: [created, contacted, qualified, converted, deal, won]"]}
  step_number: {type: int64, doc: "1 for created to 6 for won", checks: [not_null, "between 1 and 6"]}
  n_leads: {type: int64, doc: "leads created: the denominator of conversion_rate", checks: [not_null, "between 1 and 1000000000000"]}
  n_previous: {type: int64, doc: "leads that reached the step before: the denominator of step_rate; of created all", checks: [not_null]}
  n_reached: {type: int64, doc: "leads that reached the step, or a later one: who is converted was qualified", checks: [not_null]}
  n_skipped: {type: int64, doc: "of n_reached, those of which the CRM knows only a later step", checks: [not_null]}
  n_assumed: {type: int64, doc: "of n_reached, those contacted only by a logged e-mail whose direction is unknown, or by their status; contacted only", checks: [not_null]}
  n_lost: {type: int64, doc: "of n_previous, those that did not reach it and stand as unqualified, or whose deal is lost", checks: [not_null]}
  n_open: {type: int64, doc: "of n_previous, those that neither reached it nor are lost (censored: they may still come)", checks: [not_null]}
  n_matched: {type: int64, doc: "in neither of these: leads without a deal of their own whose company had a deal that started on the lead's day or later; at won: a won one; null: no such step", checks: ["between 0 and 1000000000000"]}
  conversion_rate: {type: "decimal(38,6)", doc: "n_reached ÷ n_leads", checks: ["between 0 and 1"]}
  step_rate: {type: "decimal(38,6)", doc: "n_reached ÷ n_previous; null: none reached the step before", checks: ["between 0 and 1"]}
  median_days: {type: "decimal(38,6)", doc: "median of the whole days from creation to the step, of those whose day is known and not before the creation"}
  p90_days: {type: "decimal(38,6)", doc: "90th percentile of these days, interpolated"}
  n_timed: {type: int64, doc: "leads in these percentiles", checks: [not_null]}
  completeness: {type: string, doc: "complete, degraded (something is assumed, or the CRM knows only a later step) or partial (a source did not come in whole)", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
*/
with
lead as (
    select * from mart.fct_lead where lead_exclusion is null and created_rep_key is not null
),
rep_scope as (
    select * from mart.bridge_rep_scope
),
scope as (
    select * from mart.dim_scope
),
day as (
    select * from mart.dim_date
),
period as (
    select * from mart.dim_period
),
step as (
    select step, step_number
    from (
        values
            ('created', 1), ('contacted', 2), ('qualified', 3), ('converted', 4), ('deal', 5),
            ('won', 6)
    ) as listed (step, step_number)
),
-- How far a lead came.
furthest as (
    select
        created_rep_key as rep_key,
        created_date,
        coalesce(source, '(none)') as source,
        case
            when deal_outcome = 'won' then 6
            when deal_id is not null then 5
            when is_converted then 4
            when is_qualified then 3
            when contact_source is not null then 2
            else 1
        end as furthest,
        deal_id is null and is_disqualified or coalesce(deal_outcome = 'lost', false) as is_lost,
        contact_source,
        is_qualified,
        qualified_at,
        is_converted,
        matched_deal_id,
        matched_won_date,
        company_date(first_contacted_at) - created_date as days_to_contact,
        company_date(qualified_at) - created_date as days_to_qualification,
        converted_date - created_date as days_to_conversion,
        deal_date - created_date as days_to_deal,
        won_date - created_date as days_to_win
    from lead
),
stepped as (
    select
        lead.rep_key,
        lead.created_date,
        lead.source,
        step.step_number,
        lead.furthest,
        lead.is_lost,
        lead.furthest >= step.step_number as is_reached,
        lead.furthest >= step.step_number - 1 as is_previous,
        case step.step_number
            when 2 then lead.contact_source is null
            when 3 then lead.qualified_at is null
            when 4 then not lead.is_converted
            else false
        end as is_unknown,
        step.step_number = 2 and coalesce(lead.contact_source <> 'activity', false) as is_assumed,
        case step.step_number
            when 5 then lead.matched_deal_id is not null
            when 6 then lead.matched_won_date is not null
        end as is_matched,
        case step.step_number
            when 1 then 0
            when 2 then lead.days_to_contact
            when 3 then lead.days_to_qualification
            when 4 then lead.days_to_conversion
            when 5 then lead.days_to_deal
            when 6 then lead.days_to_win
        end as days
    from step
    cross join furthest as lead
),
-- Added up before it is spread over scopes and periods. Days stay apart for the percentiles.
counted as (
    select
        rep_key,
        period_start('month', created_date) as month_start,
        source,
        step_number,
        cast(case when is_reached and days >= 0 then days end as bigint) as days,
        count(*) as n_leads,
        sum(case when is_previous then 1 else 0 end) as n_previous,
        sum(case when is_reached then 1 else 0 end) as n_reached,
        sum(case when is_reached and is_unknown then 1 else 0 end) as n_skipped,
        sum(case when is_reached and is_assumed then 1 else 0 end) as n_assumed,
        sum(case when is_previous and not is_reached and is_lost then 1 else 0 end) as n_lost,
        sum(case when is_matched then 1 else 0 end) as n_matched
    from stepped
    group by
        rep_key,
        period_start('month', created_date),
        source,
        step_number,
        case when is_reached and days >= 0 then days end
),
source_number as (
    select source, cast(row_number() over (order by source) as bigint) as source_key
    from (select distinct source from counted) as distinct_source
),
month_period as (
    select distinct
        day.fiscal_month_start as month_start,
        period.period_key
    from day
    inner join period
        on (period.period_grain = 'month' and period.period_start = day.fiscal_month_start)
        or (period.period_grain = 'quarter' and period.period_start = day.fiscal_quarter_start)
        or (period.period_grain = 'year' and period.period_start = day.fiscal_year_start)
),
spread as (
    select
        rep_scope.scope_key,
        month_period.period_key,
        source_number.source_key,
        counted.step_number,
        counted.days,
        sum(counted.n_leads) as n_leads,
        sum(counted.n_previous) as n_previous,
        sum(counted.n_reached) as n_reached,
        sum(counted.n_skipped) as n_skipped,
        sum(counted.n_assumed) as n_assumed,
        sum(counted.n_lost) as n_lost,
        sum(counted.n_matched) as n_matched
    from month_period
    inner join counted on month_period.month_start = counted.month_start
    inner join source_number on counted.source = source_number.source
    inner join rep_scope on counted.rep_key = rep_scope.rep_key
    group by
        rep_scope.scope_key, month_period.period_key, source_number.source_key,
        counted.step_number, counted.days
),
total as (
    select
        scope_key,
        period_key,
        source_key,
        step_number,
        sum(n_leads) as n_leads,
        sum(n_previous) as n_previous,
        sum(n_reached) as n_reached,
        sum(n_skipped) as n_skipped,
        sum(n_assumed) as n_assumed,
        sum(n_lost) as n_lost,
        sum(n_matched) as n_matched,
        sum(case when days is not null then n_leads else 0 end) as n_timed
    from spread
    group by scope_key, period_key, source_key, step_number
),
-- Percentiles are read off the counts by days: the day at place p is the first at which more than
-- p leads had arrived.
arriving as (
    select
        scope_key,
        period_key,
        source_key,
        step_number,
        days,
        sum(n_leads) over (
            partition by scope_key, period_key, source_key, step_number
            order by days
            rows between unbounded preceding and current row
        ) as arrived
    from spread
    where days is not null
),
read_off as (
    select
        total.scope_key,
        total.period_key,
        total.source_key,
        total.step_number,
        min(case when arrived > (n_timed - 1) / 2 then days end) as median_low,
        min(case when arrived > n_timed / 2 then days end) as median_high,
        min(case when arrived > 9 * (n_timed - 1) / 10 then days end) as p90_low,
        min(case when arrived > (9 * (n_timed - 1) + 9) / 10 then days end) as p90_high
    from total
    inner join arriving
        on total.scope_key = arriving.scope_key
        and total.period_key = arriving.period_key
        and total.source_key = arriving.source_key
        and total.step_number = arriving.step_number
    group by total.scope_key, total.period_key, total.source_key, total.step_number
),
final as (
    select
        period.period_grain,
        period.period_start,
        period.period_end,
        scope.scope,
        scope.scope_id,
        scope.scope_name,
        source_number.source,
        step.step,
        step.step_number,
        total.n_leads,
        total.n_previous,
        total.n_reached,
        total.n_skipped,
        total.n_assumed,
        total.n_lost,
        total.n_previous - total.n_reached - total.n_lost as n_open,
        case when step.step_number >= 5 then total.n_matched end as n_matched,
        cast(
            cast(total.n_reached as decimal(38, 6)) / cast(total.n_leads as decimal(38, 6))
            as decimal(38, 6)
        ) as conversion_rate,
        case
            when total.n_previous > 0
                then
                    cast(
                        cast(total.n_reached as decimal(38, 6))
                        / cast(total.n_previous as decimal(38, 6))
                        as decimal(38, 6)
                    )
        end as step_rate,
        cast(
            cast(read_off.median_low + read_off.median_high as decimal(38, 6))
            / cast(2 as decimal(38, 6))
            as decimal(38, 6)
        ) as median_days,
        cast(
            cast(
                10 * read_off.p90_low
                + (9 * (total.n_timed - 1)) % 10 * (read_off.p90_high - read_off.p90_low)
                as decimal(38, 6)
            )
            / cast(10 as decimal(38, 6))
            as decimal(38, 6)
        ) as p90_days,
        total.n_timed,
        case
            when not scope.is_whole then 'partial'
            when total.n_assumed > 0 or total.n_skipped > 0 then 'degraded'
            else 'complete'
        end as completeness,
        $as_of as as_of
    from total
    inner join step on total.step_number = step.step_number
    inner join source_number on total.source_key = source_number.source_key
    inner join scope on total.scope_key = scope.scope_key
    inner join period on total.period_key = period.period_key
    left join read_off
        on total.scope_key = read_off.scope_key
        and total.period_key = read_off.period_key
        and total.source_key = read_off.source_key
        and total.step_number = read_off.step_number
)
select
    period_grain, period_start, period_end, scope, scope_id, scope_name, source, step,
    step_number, n_leads, n_previous, n_reached, n_skipped, n_assumed, n_lost, n_open,
    n_matched, conversion_rate, step_rate, median_days, p90_days, n_timed, completeness, as_of
from final
