/* @model
description: HubSpot stages of deal pipelines, latest version.
grain: [connection, pipeline_id, stage_id]
kind: view
owner: revops
tags: [crm, opportunities]
source: {pipeline_id: string, stage_id: string, pipeline_label: string, label: string, display_order: int64, is_closed: boolean, probability: "decimal(38,18)", archived: boolean}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  pipeline_id: {type: string, doc: "id of the pipeline", checks: [not_null]}
  stage_id: {type: string, doc: "id of the stage, unique in its pipeline", checks: [not_null]}
  pipeline_label: {type: string, doc: "label of the pipeline"}
  stage_label: {type: string, doc: "label of the stage"}
  sort_order: {type: int64, doc: "place in the order of the pipeline's stages"}
  is_closed: {type: boolean, doc: "whether deals in it are won or lost"}
  probability: {type: "decimal(9,6)", doc: "chance of winning as a fraction; 1 and closed is won"}
  is_archived: {type: boolean, doc: "whether deals can no longer be put into it"}
*/
with
version as (
    select * from raw.hubspot.deal_stages
),
-- Most keys have one version, so only the others are looked up: see sql/DECISIONS.md.
changed as (
    select _connection, pipeline_id, stage_id, max(_sequence) as newest_sequence
    from version
    group by _connection, pipeline_id, stage_id
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.pipeline_id,
        version.stage_id,
        version.pipeline_label,
        version.label as stage_label,
        version.display_order as sort_order,
        version.is_closed,
        cast(version.probability as decimal(9, 6)) as probability,
        version.archived as is_archived
    from changed
    right join version
        on changed._connection = version._connection
        and changed.pipeline_id = version.pipeline_id
        and changed.stage_id = version.stage_id
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, pipeline_id, stage_id, pipeline_label, stage_label, sort_order, is_closed,
    probability, is_archived
from latest
