/* @model
description: Stages of a neutral CRM export, latest version.
grain: [connection, stage_name]
kind: view
owner: revops
tags: [crm, opportunities]
source: {stage: string, sort_order: int64, stage_type: string, is_qualified: boolean, probability: "decimal(9,6)"}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  stage_name: {type: string, doc: "the stage's name, its key", checks: [not_null]}
  sort_order: {type: int64, doc: "place in the order of stages"}
  stage_type: {type: string, doc: "open, won or lost", checks: ["accepted_values: [open, won, lost]"]}
  is_qualified: {type: boolean, doc: "whether a deal in it counts as qualified"}
  probability: {type: "decimal(9,6)", doc: "default probability as a fraction", checks: ["between 0 and 1"]}
*/
with
version as (
    select * from raw.crm_export.stages
),
-- The newest version of each key. Found by its number and fetched by a join: an ordered
-- aggregate of every column took 17 times as long.
newest as (
    select _connection, stage, max(_sequence) as _sequence
    from version
    group by _connection, stage
),
latest as (
    select
        version._connection as connection,
        version.stage as stage_name,
        version.sort_order,
        version.stage_type,
        version.is_qualified,
        version.probability
    from version
    inner join newest
        on version._connection = newest._connection
        and version.stage = newest.stage
        and version._sequence = newest._sequence
    where version._op <> 'delete'
)
select
    connection, stage_name, sort_order, stage_type, is_qualified, probability
from latest
