/* @model
description: How each stage of a CRM that keeps histories was called, where it stood in its pipeline and what it meant, from one change of that pipeline to the next.
grain: [stage_id, valid_from]
kind: table
owner: revops
tags: [crm, opportunities]
columns:
  stage_id: {type: string, doc: "connection:stage; in HubSpot connection:pipeline/stage", checks: [not_null]}
  valid_from: {type: timestamp, doc: "moment from which it was so; 1900-01-01 for what the first run saw", checks: [not_null]}
  valid_to: {type: timestamp, doc: "moment of the pipeline's next change, at which it is no longer so; null: it is so now"}
  layout_key: {type: int64, doc: "number of the pipeline and span, the same for all its stages; it may change from build to build", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  pipeline_id: {type: string, doc: "the pipeline whose order it is in: connection, or in HubSpot connection:pipeline", checks: [not_null]}
  pipeline_name: {type: string, doc: "label of the pipeline; null where the CRM has one without a name"}
  stage_name: {type: string, doc: "the stage's label then", checks: [not_null]}
  sort_order: {type: int64, doc: "its number in the source; null: none"}
  stage_type: {type: string, doc: "open, won or lost; null: the source does not say", checks: ["accepted_values: [open, won, lost]"]}
  is_active: {type: boolean, doc: "whether deals could be put into it then", checks: [not_null]}
  place: {type: int64, doc: "2, 4, 6 … for the active open stages in their order; an odd number for one that is not active, between its neighbours; won comes after the last open one; null: lost, or without order"}
  provenance: {type: string, doc: "observed: a run saw it so; assumed: taken to have been as the first run saw it", checks: [not_null, "accepted_values: [observed, assumed]"]}
*/
with
version as (
    select * from intermediate.int_stage_version
),
final as (
    select
        stage_id,
        valid_from,
        valid_to,
        cast(dense_rank() over (order by pipeline_id, valid_from) as bigint) as layout_key,
        connection,
        pipeline_id,
        pipeline_name,
        stage_name,
        sort_order,
        stage_type,
        is_active,
        place,
        provenance
    from version
)
select
    stage_id, valid_from, valid_to, layout_key, connection, pipeline_id, pipeline_name,
    stage_name, sort_order, stage_type, is_active, place, provenance
from final
