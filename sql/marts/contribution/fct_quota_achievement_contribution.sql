/* @model
description: What quota achievement and attainment are made of - each credited booking, each month's quota, and for the rate each rep who has a quota in a period.
grain: [metric, part, subject_id, rep_key, date_day, counts_for, period_grain]
kind: view
owner: revops
tags: [crm, contribution, quotas]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null]}
  part: {type: string, doc: "bookings and quota of the attainment; value of the rate", checks: [not_null, "accepted_values: [bookings, quota, value]"]}
  subject: {type: string, doc: "deal or rep", checks: [not_null]}
  subject_id: {type: string, doc: "its id", checks: [not_null]}
  rep_key: {type: int64, doc: "who it counts for, in the team of the time", checks: [not_null]}
  date_day: {type: date, doc: "outcome of the deal, first day of the month, or of the period", checks: [not_null]}
  stage_id: {type: string, doc: "no slice"}
  forecast_category: {type: string, doc: "no slice"}
  close_period_start: {type: date, doc: "no slice"}
  target_metric: {type: string, doc: "no slice"}
  numerator: {type: "decimal(38,6)", doc: "credit in the reporting currency, 0 of a quota, so that a quota without bookings is a measured 0; of the rate 1 for a rep who met the quota, else 0"}
  denominator: {type: "decimal(38,6)", doc: "quota in the reporting currency; of the rate 1"}
  measure: {type: "decimal(38,6)", doc: "no percentiles are taken"}
  exclusion: {type: string, doc: "null: counted; else why not"}
  counts_for: {type: string, doc: "all scopes; rep: the person only (overlay credit, and the quota of a rep whose team has its own); team: the team, region and company only (a team's own quota)", checks: [not_null, "accepted_values: [all, rep, team]"]}
  period_grain: {type: string, doc: "the one grain that the row is for; null: any", checks: ["accepted_values: [month, quarter, year]"]}
  period_start: {type: date, doc: "and the one period; null: any that holds date_day"}
*/
with
booking as (
    select * from mart.fct_booking
),
quota as (
    select * from mart.fct_quota
),
tenure as (
    select * from mart.dim_rep_tenure
),
date_period as (
    select * from mart.bridge_date_period
),
period as (
    select *
    from mart.dim_period
    where period_grain in ('month', 'quarter', 'year') and not is_future
),
attainment as (
    select metric, is_prorated
    from (
        values
            ('quota_attainment', true),
            ('quota_attainment_unprorated', false)
    ) as listed (metric, is_prorated)
),
-- A connection without any quota has no attainment: its bookings would only raise the company's.
-- Where there is no quota at all, there is no figure.
connection_with_quotas as (
    select distinct tenure.connection
    from quota
    inner join tenure on quota.rep_key = tenure.rep_key
),
credited as (
    select
        booking.*,
        case
            when connection_with_quotas.connection is null then 'no_quotas_recorded'
            else booking.amount_exclusion
        end as exclusion
    from tenure
    inner join booking on tenure.rep_key = booking.rep_key
    left join connection_with_quotas
        on tenure.connection = connection_with_quotas.connection
    where exists (select 1 from connection_with_quotas)
),
booked as (
    select
        attainment.metric,
        'bookings' as part,
        'deal' as subject,
        credited.opportunity_id as subject_id,
        credited.rep_key,
        credited.closed_date as date_day,
        case when credited.exclusion is null then credited.amount_reporting end as numerator,
        cast(null as decimal(18, 2)) as denominator,
        credited.exclusion,
        credited.counts_for,
        cast(null as varchar) as period_grain,
        cast(null as date) as period_start
    from attainment
    cross join credited
),
owed as (
    select
        attainment.metric,
        'quota' as part,
        'rep' as subject,
        quota.rep_id as subject_id,
        quota.rep_key,
        quota.month_start as date_day,
        case when quota.quota_exclusion is null then 0 end as numerator,
        case
            when attainment.is_prorated then quota.prorated_amount
            else quota.unprorated_amount
        end as denominator,
        quota.quota_exclusion as exclusion,
        quota.counts_for,
        cast(null as varchar) as period_grain,
        cast(null as date) as period_start
    from attainment
    cross join quota
    where
        quota.counts_for <> 'none'
        and case
            when attainment.is_prorated then quota.working_days_held > 0
            else quota.is_first_of_month
        end
),
-- Who met the quota: a person's whole credit in a period against the whole prorated quota, once,
-- in the team that held the last of it.
person_quota as (
    select
        quota.rep_id,
        period.period_key,
        max(quota.rep_key) as rep_key,
        sum(quota.prorated_amount) as quota,
        min(quota.quota_exclusion) as exclusion
    from quota
    inner join date_period on quota.month_start = date_period.date_day
    inner join period on date_period.period_key = period.period_key
    where quota.counts_for in ('all', 'rep') and quota.working_days_held > 0
    group by quota.rep_id, period.period_key
),
person_day as (
    select rep_id, closed_date as date_day, sum(amount_reporting) as bookings
    from booking
    group by rep_id, closed_date
),
person_bookings as (
    select person_day.rep_id, period.period_key, sum(person_day.bookings) as bookings
    from person_day
    inner join date_period on person_day.date_day = date_period.date_day
    inner join period on date_period.period_key = period.period_key
    group by person_day.rep_id, period.period_key
),
met as (
    select
        'quota_achievement_rate' as metric,
        'value' as part,
        'rep' as subject,
        person_quota.rep_id as subject_id,
        person_quota.rep_key,
        period.period_start as date_day,
        case
            when person_quota.exclusion is not null then null
            when coalesce(person_bookings.bookings, 0) >= person_quota.quota then 1
            else 0
        end as numerator,
        case when person_quota.exclusion is null then 1 end as denominator,
        person_quota.exclusion,
        'all' as counts_for,
        period.period_grain,
        period.period_start
    from person_quota
    inner join period on person_quota.period_key = period.period_key
    left join person_bookings
        on person_quota.rep_id = person_bookings.rep_id
        and person_quota.period_key = person_bookings.period_key
    where person_quota.quota > 0 or person_quota.exclusion is not null
),
united as (
    select * from booked
    union all
    select * from owed
    union all
    select * from met
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
        cast(numerator as decimal(38, 6)) as numerator,
        cast(denominator as decimal(38, 6)) as denominator,
        cast(null as decimal(38, 6)) as measure,
        exclusion,
        counts_for,
        period_grain,
        period_start
    from united
)
select
    metric, part, subject, subject_id, rep_key, date_day, stage_id, forecast_category,
    close_period_start, target_metric, numerator, denominator, measure, exclusion,
    counts_for, period_grain, period_start
from final
