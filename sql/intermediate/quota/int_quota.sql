/* @model
description: Quotas as they were entered, with the days that they are for. In Salesforce those of one forecast type; in HubSpot the goals.
grain: [quota_id]
kind: table
owner: revops
tags: [crm, quotas]
columns:
  quota_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection that delivered it", checks: [not_null]}
  rep_id: {type: string, doc: "connection:source id of the holder; connection:(unassigned) where the source names nobody whom it knows", checks: [not_null]}
  first_day: {type: date, doc: "first day that it is for; null: unknown"}
  last_day: {type: date, doc: "last day, inclusive"}
  amount: {type: "decimal(18,2)", doc: "how much; null: unknown"}
  currency: {type: string, doc: "ISO 4217 code; null: unknown"}
  source: {type: string, doc: "salesforce or hubspot", checks: [not_null, "accepted_values: [salesforce, hubspot]"]}
  quota_exclusion: {type: string, doc: "why it is in no figure", checks: ["accepted_values: [unknown_holder, no_period, no_amount, amount_too_large]"]}
*/
with
salesforce_quota as (
    select * from staging.stg_salesforce__forecasting_quotas
),
forecasting_type as (
    select * from staging.stg_salesforce__forecasting_types
),
salesforce_period as (
    select * from staging.stg_salesforce__periods
),
hubspot_goal as (
    select * from staging.stg_hubspot__goal_targets
),
hubspot_owner as (
    select * from staging.stg_hubspot__owners
),
home as (
    select * from intermediate.int_home_currency
),
business as (
    select * from system.business
),
-- An org may hold quotas of several forecast types. Those of one type count: of opportunities'
-- revenue, else of revenue shares, else of the first other type by name. Quantities and overlay
-- credit are no revenue.
ranked_type as (
    select
        quota.connection,
        quota.forecasting_type_id,
        row_number() over (
            partition by quota.connection
            order by
                case
                    when type.developer_name = 'OpportunityRevenue' then 1
                    when type.developer_name = 'OpportunitySplitRevenue' then 2
                    else 3
                end,
                type.developer_name,
                quota.forecasting_type_id
        ) as place
    from (
        select distinct connection, forecasting_type_id from salesforce_quota
    ) as quota
    left join forecasting_type as type
        on quota.connection = type.connection
        and quota.forecasting_type_id = type.forecasting_type_id
    where
        coalesce(type.is_amount, true)
        and coalesce(type.is_active, true)
        and coalesce(type.developer_name, '') not like '%Overlay%'
),
-- Without its period a quota is for the fiscal month that it begins in.
from_salesforce as (
    select
        quota.connection || ':' || quota.quota_id as quota_id,
        quota.connection,
        quota.connection || ':' || coalesce(quota.user_id, '(unassigned)') as rep_id,
        quota.user_id is not null as is_holder_known,
        coalesce(period.start_date, quota.start_date) as first_day,
        coalesce(period.end_date, period_end('month', quota.start_date)) as last_day,
        quota.amount,
        quota.currency,
        'salesforce' as source
    from salesforce_quota as quota
    inner join ranked_type
        on quota.connection = ranked_type.connection
        and ranked_type.place = 1
        and quota.forecasting_type_id is not distinct from ranked_type.forecasting_type_id
    left join salesforce_period as period
        on quota.connection = period.connection and quota.period_id = period.period_id
),
-- A user who came back may have two owners: the one who works here.
owner_of_user as (
    select connection, user_id, owner_id
    from (
        select
            *,
            row_number() over (
                partition by connection, user_id
                order by coalesce(is_archived, false), owner_id desc
            ) as place
        from hubspot_owner
        where user_id is not null
    ) as ranked
    where place = 1
),
-- As with close dates: midnight UTC is a day that somebody picked, anything else a moment.
from_hubspot as (
    select
        goal.connection || ':' || goal.goal_id as quota_id,
        goal.connection,
        goal.connection || ':' || coalesce(holder.owner_id, '(unassigned)') as rep_id,
        holder.owner_id is not null as is_holder_known,
        case
            when goal.starts_at = date_trunc('day', goal.starts_at) then cast(goal.starts_at as date)
            else company_date(goal.starts_at)
        end as first_day,
        case
            when goal.ends_at is null then period_end('month', company_date(goal.starts_at))
            when goal.starts_at = date_trunc('day', goal.starts_at) then cast(goal.ends_at as date)
            else company_date(goal.ends_at)
        end as last_day,
        goal.target_amount as amount,
        goal.currency,
        'hubspot' as source
    from hubspot_goal as goal
    left join owner_of_user as holder
        on goal.connection = holder.connection and goal.user_id = holder.user_id
),
united as (
    select * from from_salesforce
    union all
    select * from from_hubspot
),
final as (
    select
        united.quota_id,
        united.connection,
        united.rep_id,
        united.first_day,
        united.last_day,
        case
            when abs(united.amount) < 10000000000000000 then cast(united.amount as decimal(18, 2))
        end as amount,
        coalesce(
            united.currency, home.currency, (select reporting_currency from business)
        ) as currency,
        united.source,
        case
            when not united.is_holder_known then 'unknown_holder'
            when
                united.first_day is null
                or united.last_day is null
                or united.last_day < united.first_day
                then 'no_period'
            when united.amount is null then 'no_amount'
            when abs(united.amount) >= 10000000000000000 then 'amount_too_large'
        end as quota_exclusion
    from united
    left join home on united.connection = home.connection
)
select
    quota_id, connection, rep_id, first_day, last_day, amount, currency, source, quota_exclusion
from final
