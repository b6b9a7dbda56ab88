/* @model
description: Every version of every HubSpot stage of deal pipelines that a run saw, and the deletes. HubSpot does not tell when a stage was changed, so the moment is that of the run.
grain: [connection, pipeline_id, stage_id, sequence]
kind: view
owner: revops
tags: [crm, opportunities]
source: {pipeline_id: string, stage_id: string, pipeline_label: string, label: string, display_order: int64, is_closed: boolean, probability: "decimal(38,18)", archived: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  pipeline_id: {type: string, doc: "id of the pipeline", checks: [not_null]}
  stage_id: {type: string, doc: "id of the stage, unique in its pipeline", checks: [not_null]}
  sequence: {type: int64, doc: "place among all rows of the raw table; the greatest is the newest", checks: [not_null]}
  run_id: {type: string, doc: "the run that saw it"}
  changed_at: {type: timestamp, doc: "when a run saw it, or missed it", checks: [not_null]}
  is_gone: {type: boolean, doc: "true: the source has no such stage any more, and nothing else is known", checks: [not_null]}
  pipeline_label: {type: string, doc: "label of the pipeline"}
  stage_label: {type: string, doc: "label of the stage"}
  sort_order: {type: int64, doc: "place in the order of the pipeline's stages"}
  is_closed: {type: boolean, doc: "whether deals in it are won or lost"}
  probability: {type: "decimal(9,6)", doc: "chance of winning as a fraction; 1 and closed is won"}
  is_archived: {type: boolean, doc: "whether deals can no longer be put into it"}
*/
select
    _connection as connection,
    pipeline_id,
    stage_id,
    _sequence as sequence,
    _run_id as run_id,
    _extracted_at as changed_at,
    _op = 'delete' as is_gone,
    pipeline_label,
    label as stage_label,
    display_order as sort_order,
    is_closed,
    cast(probability as decimal(9, 6)) as probability,
    archived as is_archived
from raw.hubspot.deal_stages
