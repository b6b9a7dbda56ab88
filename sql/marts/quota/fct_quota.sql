/* @model
description: Quotas by holder and fiscal month, converted and prorated by working days. A longer quota is spread over its months by working days. Quarters and years are sums of months.
grain: [rep_key, month_start]
kind: table
owner: revops
tags: [crm, quotas]
columns:
  rep_key: {type: int64, doc: "the holder in one of his teams, as in dim_rep_tenure", checks: [not_null, "relationships: mart.dim_rep_tenure.rep_key"]}
  month_start: {type: date, doc: "first day of the fiscal month", checks: [not_null]}
  rep_id: {type: string, doc: "the holder", checks: [not_null]}
  amount: {type: "decimal(18,2)", doc: "the month's quota as entered; null where it is in several currencies or unknown"}
  currency: {type: string, doc: "its currency; null where there are several"}
  amount_reporting: {type: "decimal(18,2)", doc: "the whole month's quota in the reporting currency, by the rate of the month's first day; null: unknown or unconverted"}
  working_days: {type: int64, doc: "working days of the month", checks: [not_null]}
  working_days_held: {type: int64, doc: "those of them on which the holder worked in this team", checks: [not_null]}
  prorated_amount: {type: "decimal(18,2)", doc: "amount_reporting × working_days_held ÷ working_days, rounded half away from zero to cents"}
  unprorated_amount: {type: "decimal(18,2)", doc: "amount_reporting in the team that the holder began the month in, null in others"}
  is_first_of_month: {type: boolean, doc: "true: the row of the month that has the unprorated quota", checks: [not_null]}
  is_team_quota: {type: boolean, doc: "true: the quota of a team, held by its manager; it is never prorated", checks: [not_null]}
  quota_source: {type: string, doc: "what the team's quota of the month is: own, or the sum of its reps'", checks: [not_null, "accepted_values: [own, sum]"]}
  counts_for: {type: string, doc: "all scopes; rep: the person only, because the team has its own; team: the team, region and company only; none: a head of several teams, whose quota theirs make up", checks: [not_null, "accepted_values: [all, rep, team, none]"]}
  source: {type: string, doc: "salesforce or hubspot", checks: [not_null]}
  quota_exclusion: {type: string, doc: "why it is in no figure", checks: ["accepted_values: [unknown_holder, no_amount, amount_too_large, unconverted]"]}
*/
with
entered as (
    select * from intermediate.int_quota where first_day is not null and last_day >= first_day
),
rep as (
    select * from intermediate.int_rep
),
team_manager as (
    select * from intermediate.int_team_manager
),
rate as (
    select * from intermediate.int_exchange_rate
),
portal_rate as (
    select * from intermediate.int_portal_rate
),
business as (
    select * from system.business
),
tenure as (
    select * from mart.dim_rep_tenure
),
day as (
    select * from mart.dim_date
),
month as (
    select
        fiscal_month_start as month_start,
        max(date_day) as month_end,
        working_days(fiscal_month_start, max(date_day)) as working_days
    from day
    group by fiscal_month_start
),
-- How much of a quota is over by the end of each month that it touches, in working days; in days
-- where it has no working day at all.
touched as (
    select
        entered.*,
        month.month_start,
        case
            when working_days(entered.first_day, entered.last_day) > 0
                then working_days(entered.first_day, least(entered.last_day, month.month_end))
            else cast(least(entered.last_day, month.month_end) - entered.first_day + 1 as bigint)
        end as days_by_end,
        case
            when working_days(entered.first_day, entered.last_day) > 0
                then
                    working_days(
                        entered.first_day, cast(month.month_start - interval '1 day' as date)
                    )
            else
                cast(greatest(month.month_start - entered.first_day, 0) as bigint)
        end as days_before,
        case
            when working_days(entered.first_day, entered.last_day) > 0
                then working_days(entered.first_day, entered.last_day)
            else cast(entered.last_day - entered.first_day + 1 as bigint)
        end as days
    from entered
    inner join month
        on entered.first_day <= month.month_end and entered.last_day >= month.month_start
),
-- Sums so far are rounded, not the parts, so that the months sum to the quota to the cent.
spread as (
    select
        connection,
        rep_id,
        month_start,
        currency,
        source,
        quota_exclusion,
        cast(amount * days_by_end / days as decimal(18, 2))
        - cast(amount * days_before / days as decimal(18, 2)) as amount
    from touched
),
by_currency as (
    select
        connection,
        rep_id,
        month_start,
        currency,
        min(source) as source,
        min(quota_exclusion) as quota_exclusion,
        sum(amount) as amount
    from spread
    group by connection, rep_id, month_start, currency
),
-- A portal tells its rates at its deals only: that of the first deal due in the month counts, and
-- in a month without any the last before it.
portal_rate_of_month as (
    select connection, currency, month_start, rate
    from (
        select
            need.connection,
            need.currency,
            need.month_start,
            portal_rate.rate,
            row_number() over (
                partition by need.connection, need.currency, need.month_start
                order by
                    portal_rate.date_day >= need.month_start desc,
                    abs(portal_rate.date_day - need.month_start)
            ) as place
        from (
            select distinct by_currency.connection, by_currency.currency, month.*
            from by_currency
            inner join month on by_currency.month_start = month.month_start
        ) as need
        inner join portal_rate
            on need.connection = portal_rate.connection
            and need.currency = portal_rate.currency
            and portal_rate.date_day <= need.month_end
        inner join business on portal_rate.home_currency = business.reporting_currency
    ) as ranked
    where place = 1
),
-- As amounts of deals are converted: through the corporate currency, with one rounding.
converted as (
    select
        quota.connection,
        quota.rep_id,
        quota.month_start,
        quota.currency,
        quota.source,
        quota.amount,
        quota.quota_exclusion,
        case
            when quota.currency = business.reporting_currency then quota.amount
            when own_rate.rate is not null and reporting_rate.rate is not null
                then
                    cast(quota.amount * reporting_rate.rate as decimal(38, 6)) / own_rate.rate
            else quota.amount * portal_rate_of_month.rate
        end as amount_reporting
    from by_currency as quota
    cross join business
    left join rate as own_rate
        on quota.connection = own_rate.connection
        and quota.currency = own_rate.currency
        and quota.month_start >= own_rate.valid_from
        and quota.month_start < coalesce(own_rate.valid_to, date '9999-12-31')
    left join rate as reporting_rate
        on quota.connection = reporting_rate.connection
        and business.reporting_currency = reporting_rate.currency
        and quota.month_start >= reporting_rate.valid_from
        and quota.month_start < coalesce(reporting_rate.valid_to, date '9999-12-31')
    left join portal_rate_of_month
        on quota.connection = portal_rate_of_month.connection
        and quota.currency = portal_rate_of_month.currency
        and quota.month_start = portal_rate_of_month.month_start
),
-- One row a holder and month. A part that is unknown makes the whole unknown.
by_holder as (
    select
        converted.rep_id,
        converted.month_start,
        month.month_end,
        month.working_days,
        case when count(*) = 1 then max(converted.amount) end as amount,
        case when count(*) = 1 then max(converted.currency) end as currency,
        min(converted.source) as source,
        case
            when
                bool_and(
                    converted.quota_exclusion is null and converted.amount_reporting is not null
                )
                then sum(cast(converted.amount_reporting as decimal(18, 2)))
        end as amount_reporting,
        coalesce(
            min(converted.quota_exclusion),
            max(case when converted.amount_reporting is null then 'unconverted' end)
        ) as quota_exclusion
    from converted
    inner join month on converted.month_start = month.month_start
    group by
        converted.rep_id, converted.month_start, month.month_end, month.working_days
),
-- The teams that the holder was in during the month, and the working days in each. Whoever
-- manages the team on the month's first day holds its quota, whole.
held as (
    select
        quota.*,
        tenure.rep_key,
        tenure.team_id,
        case
            when team_manager.rep_id is not null then quota.working_days
            else
                working_days(
                    greatest(tenure.valid_from, quota.month_start, rep.start_date),
                    least(
                        cast(tenure.valid_to - interval '1 day' as date),
                        quota.month_end,
                        rep.end_date
                    )
                )
        end as working_days_held,
        team_manager.rep_id is not null as is_team_quota,
        coalesce(team_manager.has_teams_below, false) as has_teams_below,
        tenure.valid_from
    from by_holder as quota
    inner join tenure
        on quota.rep_id = tenure.rep_id
        and tenure.valid_from <= quota.month_end
        and tenure.valid_to > quota.month_start
    inner join rep on quota.rep_id = rep.rep_id
    left join team_manager
        on tenure.rep_id = team_manager.rep_id
        and tenure.team_id = team_manager.team_id
        and tenure.valid_from <= quota.month_start
        and team_manager.valid_from <= quota.month_start
        and team_manager.valid_to > quota.month_start
),
ranked as (
    select
        *,
        row_number() over (
            partition by rep_id, month_start
            order by working_days_held > 0 desc, valid_from
        ) as place,
        bool_or(is_team_quota) over (partition by rep_id, month_start) as has_team_quota
    from held
),
-- Who holds a quota without a day of work in the month keeps a row of the team of its first day.
kept as (
    select *
    from ranked
    where
        case
            when has_team_quota then is_team_quota
            else working_days_held > 0 or place = 1
        end
),
own_quota as (
    select distinct team_id, month_start
    from kept
    where is_team_quota and not has_teams_below
),
final as (
    select
        kept.rep_key,
        kept.month_start,
        kept.rep_id,
        cast(kept.amount as decimal(18, 2)) as amount,
        kept.currency,
        cast(kept.amount_reporting as decimal(18, 2)) as amount_reporting,
        kept.working_days,
        kept.working_days_held,
        case
            when kept.is_team_quota or kept.working_days = 0
                then cast(kept.amount_reporting as decimal(18, 2))
            else
                cast(
                    kept.amount_reporting * kept.working_days_held / kept.working_days
                    as decimal(18, 2)
                )
        end as prorated_amount,
        case
            when kept.is_team_quota or kept.place = 1
                then cast(kept.amount_reporting as decimal(18, 2))
        end as unprorated_amount,
        kept.is_team_quota or kept.place = 1 as is_first_of_month,
        kept.is_team_quota,
        case when own_quota.team_id is not null then 'own' else 'sum' end as quota_source,
        case
            when kept.is_team_quota and kept.has_teams_below then 'none'
            when kept.is_team_quota then 'team'
            when own_quota.team_id is not null then 'rep'
            else 'all'
        end as counts_for,
        kept.source,
        kept.quota_exclusion
    from kept
    left join own_quota
        on kept.team_id = own_quota.team_id and kept.month_start = own_quota.month_start
)
select
    rep_key, month_start, rep_id, amount, currency, amount_reporting, working_days,
    working_days_held, prorated_amount, unprorated_amount, is_first_of_month, is_team_quota,
    quota_source, counts_for, source, quota_exclusion
from final
