/* @model
description: What runs saw of every deal of a CRM that keeps histories - its first state, its newest moment, and when it was last found gone.
grain: [connection, opportunity_id]
kind: table
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
        owner_id
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
        cast(null as varchar) as owner_id
    from hubspot_version
),
-- Ordered by a number, which the engine does in one pass; the first is the last from behind. A
-- row that only says that a deal is gone comes before all others there.
numbered as (
    select
        *,
        case when is_marker then -9223372036854775807 else -sequence end as backwards
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
        max(case when is_deleted then sequence end) as gone_sequence,
        max(case when is_deleted then modified_at end) as gone_at
    from numbered
    group by connection, opportunity_id
)
select
    connection, opportunity_id, known_until, created_at, first_currency, first_pipeline,
    first_owner_id, gone_sequence, gone_at
from final
