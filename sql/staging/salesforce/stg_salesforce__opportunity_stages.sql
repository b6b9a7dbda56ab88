/* @model
description: Salesforce stages of opportunities, active or not, latest version.
grain: [connection, stage_record_id]
kind: view
owner: revops
tags: [crm, opportunities]
source: {id: string, apiname: string, masterlabel: string, sortorder: int64, isactive: boolean, isclosed: boolean, iswon: boolean, defaultprobability: "decimal(38,18)", forecastcategory: string}
columns:
  connection: {type: string, doc: "the connection that delivered the row", checks: [not_null]}
  stage_record_id: {type: string, doc: "record id", checks: [not_null]}
  stage: {type: string, doc: "API name, which opportunities hold"}
  stage_label: {type: string, doc: "label"}
  sort_order: {type: int64, doc: "place in the order of stages"}
  is_active: {type: boolean, doc: "whether deals can be put into it"}
  is_closed: {type: boolean, doc: "whether deals in it are won or lost"}
  is_won: {type: boolean, doc: "whether deals in it are won"}
  default_probability: {type: "decimal(9,6)", doc: "default chance of winning as a fraction; the source has percent"}
  forecast_category: {type: string, doc: "API code of the category"}
*/
with
version as (
    select * from raw.salesforce.opportunitystage
),
-- Most keys have one version, so only the others are looked up: see sql/DECISIONS.md.
changed as (
    select _connection, id, max(_sequence) as newest_sequence
    from version
    group by _connection, id
    having count(*) > 1
),
latest as (
    select
        version._connection as connection,
        version.id as stage_record_id,
        version.apiname as stage,
        version.masterlabel as stage_label,
        version.sortorder as sort_order,
        version.isactive as is_active,
        version.isclosed as is_closed,
        version.iswon as is_won,
        cast(version.defaultprobability / 100 as decimal(9, 6)) as default_probability,
        version.forecastcategory as forecast_category
    from changed
    right join version
        on changed._connection = version._connection
        and changed.id = version.id
    -- One expression over both sides, so that it stays above the join.
    where
        case
            when coalesce(changed.newest_sequence, version._sequence) <> version._sequence
                then 'delete'
            else version._op
        end <> 'delete'
)
select
    connection, stage_record_id, stage, stage_label, sort_order, is_active, is_closed,
    is_won, default_probability, forecast_category
from latest
