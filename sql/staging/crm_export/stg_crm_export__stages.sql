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
-- Most keys have one version, so only the others are looked up: the join holds those in memory
-- and streams the rest. (An ordered aggregate of every column took 17 times as long.)
changed as (
    select _connection, stage, max(_sequence) as newest_sequence
    from version
    group by _connection, stage
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.stage as stage_name,
        version.sort_order,
        version.stage_type,
        version.is_qualified,
        version.probability
    from changed
    right join version
        on changed._connection = version._connection and changed.stage = version.stage
    -- One expression over both sides, so that it stays above the join: a filter pushed below it
    -- makes the planner think that `version` is the small side, and hold that in memory.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) = version._sequence
                then version._op
            else 'delete'
        end <> 'delete'
)
select
    connection, stage_name, sort_order, stage_type, is_qualified, probability
from latest
