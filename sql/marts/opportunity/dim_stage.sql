/* @model
description: Stages with their order and type.
grain: [stage_id]
kind: table
owner: revops
tags: [crm, opportunities]
columns:
  stage_id: {type: string, doc: "connection:stage name", checks: [not_null]}
  stage_key: {type: int64, doc: "number of the stage within this build, for quick joins; it may change from build to build", checks: [not_null, unique]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  stage_name: {type: string, doc: "the stage's name in the source", checks: [not_null]}
  sort_order: {type: int64, doc: "place in the order of stages"}
  stage_type: {type: string, doc: "open, won or lost; null: unknown", checks: ["accepted_values: [open, won, lost]"]}
  is_qualified: {type: boolean, doc: "whether a deal in it counts as qualified"}
  default_probability: {type: "decimal(9,6)", doc: "the stage's default probability, a fraction", checks: ["between 0 and 1"]}
  is_inferred: {type: boolean, doc: "true: only deals name it", checks: [not_null]}
*/
with
stage as (
    select * from intermediate.int_stage
),
final as (
    select
        stage_id,
        cast(row_number() over (order by stage_id) as bigint) as stage_key,
        connection,
        stage_name,
        sort_order,
        stage_type,
        is_qualified,
        default_probability,
        is_inferred
    from stage
)
select
    stage_id, stage_key, connection, stage_name, sort_order, stage_type, is_qualified,
    default_probability, is_inferred
from final
