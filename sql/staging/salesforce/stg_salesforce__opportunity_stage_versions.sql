/* @model
description: Every version of every Salesforce stage of opportunities that a run saw, and the deletes.
grain: [connection, stage_record_id, sequence]
kind: view
owner: revops
tags: [crm, opportunities]
source: {id: string, apiname: string, masterlabel: string, sortorder: int64, isactive: boolean, isclosed: boolean, iswon: boolean, systemmodstamp: timestamp}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  stage_record_id: {type: string, doc: "record id", checks: [not_null]}
  sequence: {type: int64, doc: "place among all rows of the raw table; the greatest is the newest", checks: [not_null]}
  run_id: {type: string, doc: "the run that saw it"}
  changed_at: {type: timestamp, doc: "moment of the change that made this version; of a stage that is gone, when a run missed it", checks: [not_null]}
  is_gone: {type: boolean, doc: "true: the source has no such stage any more, and nothing else is known", checks: [not_null]}
  stage: {type: string, doc: "API name, which opportunities hold"}
  stage_label: {type: string, doc: "label"}
  sort_order: {type: int64, doc: "place in the order of stages"}
  is_active: {type: boolean, doc: "whether deals can be put into it"}
  is_closed: {type: boolean, doc: "whether deals in it are won or lost"}
  is_won: {type: boolean, doc: "whether deals in it are won"}
*/
select
    _connection as connection,
    id as stage_record_id,
    _sequence as sequence,
    _run_id as run_id,
    case when _op = 'delete' then _extracted_at else coalesce(systemmodstamp, _extracted_at) end
        as changed_at,
    _op = 'delete' as is_gone,
    coalesce(apiname, masterlabel) as stage,
    coalesce(masterlabel, apiname) as stage_label,
    sortorder as sort_order,
    isactive as is_active,
    isclosed as is_closed,
    iswon as is_won
from raw.salesforce.opportunitystage
