/* @model
description: What runs saw of every deal of a CRM that keeps histories - its first state, its newest moment, and when it was last found gone.
grain: [opportunity_id]
kind: incremental
incremental:
  key: opportunity_id
  changed_by:
    raw.salesforce.opportunity: "_connection || ':' || id"
    raw.hubspot.deals: "_connection || ':' || id"
owner: revops
tags: [crm, opportunities]
columns:
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  opportunity_id: {type: string, doc: "connection:source id", checks: [not_null]}
  known_until: {type: timestamp, doc: "moment of the newest change that a run saw", checks: [not_null]}
  created_at: {type: timestamp, doc: "moment of creation; null: only its end was seen"}
  first_currency: {type: string, doc: "currency when it was first seen"}
  first_pipeline: {type: string, doc: "pipeline when it was first seen; empty where the source has none"}
  first_owner_id: {type: string, doc: "owner when it was first seen, where the source's history begins with the first change"}
  home_rate: {type: "decimal(18,12)", doc: "units of the source's own currency for one of the deal's, where the source converts by itself, as last seen"}
  home_rate_of: {type: string, doc: "the currency that it is the rate of, as the deal names it"}
  home_amount_of: {type: "decimal(22,2)", doc: "the amount that the source converted last"}
  home_amount: {type: "decimal(22,2)", doc: "what it made of it in its own currency"}
  gone_sequence: {type: int64, doc: "the newest row that says it is gone; null: it never was"}
  gone_at: {type: timestamp, doc: "the newest moment it was found gone"}
*/
with
salesforce_version as (
    select * from staging.stg_salesforce__opportunity_versions
),
hubspot_version as (
    select * from staging.stg_hubspot__deal_versions
),
-- Only Salesforce's history of owners lacks the first one.
seen as (
    select
        connection,
        connection || ':' || opportunity_id as opportunity_id,
        sequence,
        modified_at,
        created_at,
        is_deleted,
        is_marker,
        currency,
        '' as pipeline,
        owner_id,
        cast(null as decimal(22, 2)) as amount,
        cast(null as decimal(22, 2)) as amount_home,
        cast(null as decimal(38, 18)) as exchange_rate
    from salesforce_version
    union all
    select
        connection,
        connection || ':' || deal_id as opportunity_id,
        sequence,
        modified_at,
        created_at,
        is_deleted,
        is_marker,
        currency,
        coalesce(pipeline_id, '') as pipeline,
        cast(null as varchar) as owner_id,
        amount,
        amount_home,
        exchange_rate
    from hubspot_version
),
-- Ordered by a number, which the engine does in one pass; the first is the last from behind. A
-- row that only says that a deal is gone comes before all others there. Where the portal does not
-- tell the rate, it is the one between the two amounts.
numbered as (
    select
        *,
        case when is_marker then -9223372036854775807 else -sequence end as backwards,
        case when is_marker or amount_home is null then -1 else sequence end as converted,
        coalesce(
            try_cast(exchange_rate as decimal(18, 12)),
            try_cast(
                cast(amount_home as decimal(38, 12)) / cast(nullif(amount, 0) as decimal(22, 2))
                as decimal(18, 12)
            )
        ) as home_rate
    from seen
),
final as (
    select
        connection,
        opportunity_id,
        max(modified_at) as known_until,
        min(created_at) as created_at,
        last_value(currency order by backwards) as first_currency,
        last_value(pipeline order by backwards) as first_pipeline,
        last_value(owner_id order by backwards) as first_owner_id,
        last_value(home_rate order by converted) as home_rate,
        last_value(currency order by converted) as home_rate_of,
        last_value(amount order by converted) as home_amount_of,
        last_value(amount_home order by converted) as home_amount,
        max(case when is_deleted then sequence end) as gone_sequence,
        max(case when is_deleted then modified_at end) as gone_at
    from numbered
    group by connection, opportunity_id
)
select
    connection, opportunity_id, known_until, created_at, first_currency, first_pipeline,
    first_owner_id, home_rate, home_rate_of, home_amount_of, home_amount, gone_sequence,
    gone_at
from final
