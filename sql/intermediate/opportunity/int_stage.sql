/* @model
description: Stages of all connections. A stage that deals name, or named once, and no source describes has no type; its deals are excluded and counted.
grain: [stage_id]
kind: table
owner: revops
tags: [crm, opportunities]
columns:
  stage_id: {type: string, doc: "connection:stage name; in HubSpot connection:pipeline/stage", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  stage_name: {type: string, doc: "the stage's name in the source"}
  sort_order: {type: int64, doc: "place in the order of stages"}
  stage_type: {type: string, doc: "open, won or lost; null: unknown", checks: ["accepted_values: [open, won, lost]", {check: not_null, severity: warn}]}
  is_qualified: {type: boolean, doc: "whether a deal in it counts as qualified"}
  default_probability: {type: "decimal(9,6)", doc: "the stage's default probability, a fraction"}
  is_inferred: {type: boolean, doc: "true: only deals name it", checks: [not_null]}
*/
with
deal as (
    select * from intermediate.int_opportunity
),
version as (
    select * from intermediate.int_opportunity_version
),
described as (
    select * from intermediate.int_stage_described
),
described_stage as (
    select
        stage_id,
        connection,
        stage_name,
        sort_order,
        stage_type,
        is_qualified,
        default_probability,
        false as is_inferred
    from described
),
-- Of a stage that only versions name, the label is what its id has after the connection and the
-- pipeline.
named as (
    select stage_id, connection, stage_name
    from deal
    union all
    select
        stage_id,
        connection,
        regexp_replace(substr(stage_id, length(connection) + 2), '^.*/', '') as stage_name
    from version
    where is_stage_entry
),
named_by_deals as (
    select stage_id, min(connection) as connection, min(stage_name) as stage_name
    from named
    group by stage_id
),
inferred_stage as (
    select
        named_by_deals.stage_id,
        named_by_deals.connection,
        coalesce(named_by_deals.stage_name, '(none)') as stage_name,
        cast(null as bigint) as sort_order,
        cast(null as varchar) as stage_type,
        cast(null as boolean) as is_qualified,
        cast(null as decimal(9, 6)) as default_probability,
        true as is_inferred
    from named_by_deals
    left join described_stage on named_by_deals.stage_id = described_stage.stage_id
    where described_stage.stage_id is null
),
final as (
    select * from described_stage
    union all
    select * from inferred_stage
)
select
    stage_id, connection, stage_name, sort_order, stage_type, is_qualified, default_probability,
    is_inferred
from final
