/* @model
description: For each connection and field of a deal the days of which its history is observed (a run saw it), reconstructed (from the history the CRM keeps) or unknown. From the day of the oldest deal to the as-of day.
grain: [connection, field, from_date]
kind: table
owner: revops
tags: [crm, opportunities, forecasts]
columns:
  connection: {type: string, doc: "the connection", checks: [not_null]}
  field: {type: string, doc: "stage, amount, close_date, probability, forecast_category, owner or currency", checks: [not_null]}
  from_date: {type: date, doc: "first day, in the company's zone", checks: [not_null]}
  to_date: {type: date, doc: "last day", checks: [not_null]}
  coverage: {type: string, doc: "observed, reconstructed or unknown", checks: [not_null, "accepted_values: [observed, reconstructed, unknown]"]}
*/
with
salesforce_version as (
    select * from staging.stg_salesforce__opportunity_versions
),
salesforce_history as (
    select * from staging.stg_salesforce__opportunity_history
),
salesforce_field_history as (
    select * from staging.stg_salesforce__opportunity_field_history
),
hubspot_version as (
    select * from staging.stg_hubspot__deal_versions
),
hubspot_history as (
    select * from staging.stg_hubspot__deals_history
),
deal as (
    select * from intermediate.int_opportunity
),
field as (
    select field, property, is_in_history
    from (
        values
            ('stage', 'dealstage', true),
            ('amount', 'amount', true),
            ('close_date', 'closedate', true),
            ('probability', 'hs_deal_stage_probability', true),
            ('forecast_category', 'hs_manual_forecast_category', true),
            ('owner', 'hubspot_owner_id', false),
            ('currency', 'deal_currency_code', false)
    ) as listed (field, property, is_in_history)
),
seen as (
    select connection, min(seen_at) as observed_from
    from salesforce_version
    group by connection
    union all
    select connection, min(seen_at) as observed_from
    from hubspot_version
    group by connection
),
oldest as (
    select connection, min(created_date) as first_date
    from deal
    group by connection
),
-- Salesforce always keeps the history of five fields; of others only where tracking is on, which
-- shows when one changes. Models use the history of owners.
kept as (
    select changed.connection, field.field, changed.kept_from
    from (
        select connection, min(changed_at) as kept_from
        from salesforce_history
        group by connection
    ) as changed
    cross join field
    where field.is_in_history
    union all
    select connection, 'owner' as field, min(changed_at) as kept_from
    from salesforce_field_history
    where field = 'Owner'
    group by connection
    union all
    select changed.connection, field.field, changed.kept_from
    from (
        select connection, property, min(changed_at) as kept_from
        from hubspot_history
        group by connection, property
    ) as changed
    inner join field on changed.property = field.property
),
bounds as (
    select
        seen.connection,
        field.field,
        oldest.first_date,
        company_date(kept.kept_from) as kept_from,
        company_date(seen.observed_from) as observed_from
    from seen
    inner join oldest on seen.connection = oldest.connection
    cross join field
    left join kept on seen.connection = kept.connection and field.field = kept.field
    where oldest.first_date <= $as_of_date
),
ranges as (
    select
        connection,
        field,
        first_date as from_date,
        least(
            coalesce(least(kept_from, observed_from), observed_from) - interval '1 day',
            $as_of_date
        ) as to_date,
        'unknown' as coverage
    from bounds
    union all
    select
        connection,
        field,
        greatest(first_date, kept_from) as from_date,
        least(observed_from - interval '1 day', $as_of_date) as to_date,
        'reconstructed' as coverage
    from bounds
    where kept_from is not null
    union all
    select
        connection,
        field,
        greatest(first_date, observed_from) as from_date,
        $as_of_date as to_date,
        'observed' as coverage
    from bounds
),
final as (
    select connection, field, from_date, cast(to_date as date) as to_date, coverage
    from ranges
    where from_date <= to_date
)
select connection, field, from_date, to_date, coverage
from final
