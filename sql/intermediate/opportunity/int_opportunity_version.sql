/* @model
description: The versions of every deal of a CRM that keeps histories, from its creation on and without holes. A moment that a run saw is observed; all others are reconstructed from the CRM's history.
grain: [opportunity_id, valid_from]
kind: incremental
incremental:
  key: opportunity_id
  changed_by:
    intermediate.int_opportunity_seen: opportunity_id
    raw.salesforce.opportunity: "_connection || ':' || id"
    raw.salesforce.opportunityhistory: "_connection || ':' || opportunityid"
    raw.salesforce.opportunityfieldhistory: "_connection || ':' || opportunityid"
    raw.hubspot.deals: "_connection || ':' || id"
    raw.hubspot.deals_history: "_connection || ':' || object_id"
owner: revops
tags: [crm, opportunities]
columns:
  opportunity_id: {type: string, doc: "connection:source id", checks: [not_null]}
  valid_from: {type: timestamp, doc: "moment from which it was so in the CRM", checks: [not_null]}
  valid_to: {type: timestamp, doc: "moment of the next version; null: it is so now"}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  stage_id: {type: string, doc: "stage; null: unknown"}
  amount: {type: "decimal(22,2)", doc: "amount in the deal's currency; null: none, or unknown while the stage is"}
  currency: {type: string, doc: "ISO 4217 code; null: the source has one currency, or it is unknown"}
  close_date: {type: date, doc: "planned close date"}
  rep_id: {type: string, doc: "owner; null: unknown"}
  forecast_category: {type: string, doc: "omitted, pipeline, best_case, most_likely, commit or closed; null: none or unknown", checks: ["accepted_values: [omitted, pipeline, best_case, most_likely, commit, closed]"]}
  probability: {type: "decimal(9,6)", doc: "the deal's own probability, a fraction"}
  is_deleted: {type: boolean, doc: "true: in the bin, merged away or gone; the other columns say what it was before", checks: [not_null]}
  provenance: {type: string, doc: "observed or reconstructed", checks: [not_null, "accepted_values: [observed, reconstructed]"]}
  previous_stage_id: {type: string, doc: "stage of the version before; null: there is none, or it is unknown"}
  previous_close_date: {type: date, doc: "close date of the version before; null: there is none, or it is unknown"}
  began_at: {type: timestamp, doc: "moment of the deal's first version", checks: [not_null]}
  is_at_creation: {type: boolean, doc: "whether it is the first version, or began within a minute of the record: as the deal was created", checks: [not_null]}
  is_stage_entry: {type: boolean, doc: "whether the deal came into the stage at valid_from: it was in another one before, or it was created in it", checks: [not_null]}
*/
with
seen as (
    select * from intermediate.int_opportunity_seen
),
gone as (
    select * from seen where gone_at is not null
),
salesforce_version as (
    select * from staging.stg_salesforce__opportunity_versions
),
-- Histories are read after the deals, so they may know of what the deals do not tell yet. That
-- waits for the next run, in which the deal itself comes; and what is known of deals that were
-- never seen is left out.
salesforce_history as (
    select
        *,
        connection || ':' || opportunity_id as key
    from staging.stg_salesforce__opportunity_history
    where opportunity_id is not null and changed_at is not null
),
-- A lookup has two rows a change, one with the labels and one with the ids.
salesforce_owner_change as (
    select
        *,
        connection || ':' || opportunity_id as key
    from staging.stg_salesforce__opportunity_field_history
    where
        field = 'Owner'
        and new_value like '005%'
        and opportunity_id is not null
        and changed_at is not null
),
hubspot_version as (
    select * from staging.stg_hubspot__deal_versions
),
-- Moments are ISO 8601 or milliseconds since 1970.
hubspot_history as (
    select
        *,
        connection || ':' || deal_id as key,
        case
            when property <> 'closedate' then null
            when regexp_like(value, '^-?[0-9]+$')
                then
                    arrow_cast(
                        to_timestamp_millis(try_cast(value as bigint)),
                        'Timestamp(Microsecond, Some("UTC"))'
                    )
            else
                arrow_cast(try_cast(value as timestamp), 'Timestamp(Microsecond, Some("UTC"))')
        end as value_at
    from staging.stg_hubspot__deals_history
    where
        property in (
            'pipeline', 'dealstage', 'amount', 'deal_currency_code', 'closedate',
            'hubspot_owner_id', 'hs_manual_forecast_category', 'hs_deal_stage_probability'
        )
),
entry as (
    select
        connection,
        connection || ':' || opportunity_id as opportunity_id,
        modified_at,
        sequence,
        is_deleted,
        is_marker,
        created_at,
        stage,
        '' as pipeline,
        amount,
        currency,
        close_date,
        owner_id,
        forecast_category,
        probability
    from salesforce_version
    union all
    select
        connection,
        connection || ':' || deal_id as opportunity_id,
        modified_at,
        sequence,
        is_deleted,
        is_marker,
        created_at,
        stage_id as stage,
        coalesce(pipeline_id, '') as pipeline,
        amount,
        currency,
        case
            when close_at = date_trunc('day', close_at) then cast(close_at as date)
            else company_date(close_at)
        end as close_date,
        owner_id,
        forecast_category,
        probability
    from hubspot_version
),
-- What HubSpot restores has the stamp it had before. When it came back is unknown, so it is taken
-- to have been gone for a second.
observed as (
    select
        entry.*,
        case
            when
                not entry.is_deleted
                and entry.sequence > deal.gone_sequence
                and entry.modified_at <= deal.gone_at
                then deal.gone_at + interval '1 second'
            else entry.modified_at
        end as at
    from gone as deal
    right join entry on deal.opportunity_id = entry.opportunity_id
),
-- Before the first change that Salesforce tracked.
first_owner as (
    select
        key as opportunity_id,
        last_value(old_value order by -cast(changed_at as bigint)) as owner_id
    from salesforce_owner_change
    group by key
),
-- Every moment at which something is known of a deal. Of several rows of one moment the last one
-- counts: what was observed comes after what was reconstructed. A null means that the row does not
-- say; a field that is empty is written as a value that none can have.
point as (
    select
        seen.opportunity_id,
        seen.connection,
        seen.created_at as at,
        0 as place,
        '' as position,
        0 as sequence,
        false as is_observed,
        false as is_deleted,
        cast(null as varchar) as stage,
        seen.first_pipeline as pipeline,
        cast(null as decimal(22, 2)) as amount,
        coalesce(seen.first_currency, '') as currency,
        cast(null as date) as close_date,
        coalesce(first_owner.owner_id, seen.first_owner_id) as owner_id,
        cast(null as varchar) as forecast_category,
        cast(null as decimal(9, 6)) as probability
    from first_owner
    right join seen on first_owner.opportunity_id = seen.opportunity_id
    where seen.created_at is not null
    union all
    select
        change.key as opportunity_id,
        change.connection,
        change.changed_at as at,
        1 as place,
        change.history_id as position,
        change.sequence,
        false as is_observed,
        cast(null as boolean) as is_deleted,
        change.stage,
        cast(null as varchar) as pipeline,
        coalesce(change.amount, -99999999999999999999.99) as amount,
        cast(null as varchar) as currency,
        coalesce(change.close_date, date '0001-01-01') as close_date,
        cast(null as varchar) as owner_id,
        coalesce(change.forecast_category, '') as forecast_category,
        coalesce(change.probability, -1.0) as probability
    from seen
    inner join salesforce_history as change
        on seen.opportunity_id = change.key
        and seen.known_until >= change.changed_at
    union all
    select
        change.key as opportunity_id,
        change.connection,
        change.changed_at as at,
        2 as place,
        change.history_id as position,
        change.sequence,
        false as is_observed,
        cast(null as boolean) as is_deleted,
        cast(null as varchar) as stage,
        cast(null as varchar) as pipeline,
        cast(null as decimal(22, 2)) as amount,
        cast(null as varchar) as currency,
        cast(null as date) as close_date,
        change.new_value as owner_id,
        cast(null as varchar) as forecast_category,
        cast(null as decimal(9, 6)) as probability
    from seen
    inner join salesforce_owner_change as change
        on seen.opportunity_id = change.key
        and seen.known_until >= change.changed_at
    union all
    select
        change.key as opportunity_id,
        change.connection,
        change.changed_at as at,
        3 as place,
        change.property as position,
        change.sequence,
        false as is_observed,
        cast(null as boolean) as is_deleted,
        case when change.property = 'dealstage' then nullif(change.value, '') end as stage,
        case when change.property = 'pipeline' then nullif(change.value, '') end as pipeline,
        case
            when change.property = 'amount'
                then
                    coalesce(
                        try_cast(try_cast(change.value as decimal(38, 18)) as decimal(22, 2)),
                        -99999999999999999999.99
                    )
        end as amount,
        case when change.property = 'deal_currency_code' then coalesce(change.value, '') end as currency,
        case
            when change.property = 'closedate'
                then
                    coalesce(
                        case
                            when change.value_at = date_trunc('day', change.value_at) then cast(change.value_at as date)
                            else company_date(change.value_at)
                        end,
                        date '0001-01-01'
                    )
        end as close_date,
        case when change.property = 'hubspot_owner_id' then coalesce(change.value, '') end as owner_id,
        case when change.property = 'hs_manual_forecast_category' then coalesce(change.value, '') end
            as forecast_category,
        case
            when change.property = 'hs_deal_stage_probability'
                then coalesce(try_cast(change.value as decimal(9, 6)), -1.0)
        end as probability
    from seen
    inner join hubspot_history as change
        on seen.opportunity_id = change.key
        and seen.known_until >= change.changed_at
    union all
    select
        opportunity_id,
        connection,
        at,
        4 as place,
        '' as position,
        sequence,
        true as is_observed,
        is_deleted,
        stage,
        case when not is_marker then pipeline end as pipeline,
        case when not is_marker then coalesce(amount, -99999999999999999999.99) end as amount,
        case when not is_marker then coalesce(currency, '') end as currency,
        case when not is_marker then coalesce(close_date, date '0001-01-01') end as close_date,
        case when not is_marker then coalesce(owner_id, '') end as owner_id,
        case when not is_marker then coalesce(forecast_category, '') end as forecast_category,
        case when not is_marker then coalesce(probability, -1.0) end as probability
    from observed
),
-- One pass over all deals in the order of deal and time, each field as the last row that says
-- something of it left it. Deals are no partitions: a million of five rows each cost many times
-- what one stream does, so the deal is compared instead.
filled as (
    select
        opportunity_id,
        connection,
        at,
        fill_forward(case when place = 0 then at end, opportunity_id) over history as created_at,
        is_observed,
        fill_forward(is_deleted, opportunity_id) over history as is_deleted,
        fill_forward(stage, opportunity_id) over history as stage,
        fill_forward(pipeline, opportunity_id) over history as pipeline,
        fill_forward(amount, opportunity_id) over history as amount,
        fill_forward(currency, opportunity_id) over history as currency,
        fill_forward(close_date, opportunity_id) over history as close_date,
        fill_forward(owner_id, opportunity_id) over history as owner_id,
        fill_forward(forecast_category, opportunity_id) over history as forecast_category,
        fill_forward(probability, opportunity_id) over history as probability,
        lead(at) over history as next_at,
        lead(opportunity_id) over history as next_id
    from point
    window history as (
        partition by connection
        order by opportunity_id, at, place, position, sequence
    )
),
-- The last row of each moment.
settled as (
    select
        opportunity_id,
        connection,
        created_at,
        at as valid_from,
        case when next_id = opportunity_id then next_at end as valid_to,
        case
            when stage is not null and pipeline <> ''
                then connection || ':' || pipeline || '/' || stage
            when stage is not null then connection || ':' || stage
        end as stage_id,
        nullif(amount, -99999999999999999999.99) as amount,
        nullif(currency, '') as currency,
        nullif(close_date, date '0001-01-01') as close_date,
        case
            when owner_id = '' then connection || ':(unassigned)'
            when owner_id is not null then connection || ':' || owner_id
        end as rep_id,
        case upper(replace(forecast_category, '_', ''))
            when 'OMIT' then 'omitted'
            when 'OMITTED' then 'omitted'
            when 'PIPELINE' then 'pipeline'
            when 'BESTCASE' then 'best_case'
            when 'MOSTLIKELY' then 'most_likely'
            when 'FORECAST' then 'commit'
            when 'COMMIT' then 'commit'
            when 'CLOSED' then 'closed'
        end as forecast_category,
        nullif(probability, -1.0) as probability,
        coalesce(is_deleted, false) as is_deleted,
        case when is_observed then 'observed' else 'reconstructed' end as provenance
    from filled
    where next_id is null or next_id <> opportunity_id or next_at > at
),
followed as (
    select
        *,
        lag(opportunity_id) over history as previous_id,
        lag(stage_id) over history as previous_stage,
        lag(close_date) over history as previous_close
    from settled
    window history as (partition by connection order by opportunity_id, valid_from)
),
final as (
    select
        *,
        fill_forward(
            case when previous_id is distinct from opportunity_id then valid_from end,
            opportunity_id
        ) over history as began_at,
        case when previous_id = opportunity_id then previous_stage end as previous_stage_id,
        case when previous_id = opportunity_id then previous_close end as previous_close_date,
        coalesce(previous_id <> opportunity_id, true)
        or coalesce(valid_from <= created_at + interval '1 minute', false) as is_at_creation,
        -- A CRM stamps the first row of its histories within seconds of the record. How a deal
        -- came to a first known stage that is later, nobody knows.
        coalesce(
            stage_id <> previous_stage
            and previous_id = opportunity_id
            or (
                stage_id is not null
                and (previous_stage is null or previous_id <> opportunity_id)
                and valid_from <= created_at + interval '1 minute'
            ),
            false
        ) as is_stage_entry
    from followed
    window history as (partition by connection order by opportunity_id, valid_from)
)
select
    opportunity_id, valid_from, valid_to, connection, stage_id, amount, currency, close_date,
    rep_id, forecast_category, probability, is_deleted, provenance, previous_stage_id,
    previous_close_date, began_at, is_at_creation, is_stage_entry
from final
