/* @model
description: How each stage of a CRM that keeps histories was called, where it stood in its pipeline and what it meant, from one change of that pipeline to the next. A stage that is gone keeps its last label, so that rows of its time can be read. Before the first run nobody knows, so it is taken to have been the same.
grain: [stage_id, valid_from]
kind: table
owner: revops
tags: [crm, opportunities]
columns:
  stage_id: {type: string, doc: "connection:stage; in HubSpot connection:pipeline/stage", checks: [not_null]}
  valid_from: {type: timestamp, doc: "moment from which it was so; 1900-01-01 for what the first run saw", checks: [not_null]}
  valid_to: {type: timestamp, doc: "moment of the pipeline's next change; null: it is so now"}
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
salesforce_version as (
    select * from staging.stg_salesforce__opportunity_stage_versions
),
hubspot_version as (
    select * from staging.stg_hubspot__deal_stage_versions
),
seen as (
    select
        connection,
        connection || ':' || stage_record_id as record,
        sequence,
        run_id,
        changed_at,
        is_gone,
        connection as pipeline_id,
        cast(null as varchar) as pipeline_name,
        connection || ':' || stage as stage_id,
        stage_label as stage_name,
        sort_order,
        case when is_won then 'won' when is_closed then 'lost' when not is_closed then 'open' end
            as stage_type,
        coalesce(is_active, true) as is_active
    from salesforce_version
    union all
    select
        connection,
        connection || ':' || pipeline_id || '/' || stage_id as record,
        sequence,
        run_id,
        changed_at,
        is_gone,
        connection || ':' || pipeline_id as pipeline_id,
        pipeline_label as pipeline_name,
        connection || ':' || pipeline_id || '/' || stage_id as stage_id,
        coalesce(stage_label, stage_id) as stage_name,
        sort_order,
        case
            when is_closed and probability = 1 then 'won'
            when is_closed then 'lost'
            when not is_closed then 'open'
        end as stage_type,
        not coalesce(is_archived, false) as is_active
    from hubspot_version
),
-- What is gone says nothing more than that: it keeps what it was.
filled as (
    select
        connection,
        record,
        sequence,
        run_id,
        changed_at,
        is_gone,
        pipeline_id,
        fill_forward(pipeline_name, record) over history as pipeline_name,
        fill_forward(stage_id, record) over history as stage_id,
        fill_forward(case when not is_gone then stage_name end, record) over history as stage_name,
        fill_forward(sort_order, record) over history as sort_order,
        fill_forward(stage_type, record) over history as stage_type,
        is_active and not is_gone as is_active
    from seen
    window history as (order by record, sequence)
),
followed as (
    select
        *,
        lag(record) over history as previous_record,
        lag(stage_id) over history as previous_stage_id,
        lag(stage_name) over history as previous_stage_name,
        lag(sort_order) over history as previous_sort_order,
        lag(stage_type) over history as previous_stage_type
    from filled
    window history as (order by record, sequence)
),
-- A stage that gets another API name leaves the old one behind, which deals of the time hold.
told as (
    select
        connection, pipeline_id, pipeline_name, sequence, run_id, changed_at, stage_id, stage_name,
        sort_order, stage_type, is_active
    from followed
    where stage_id is not null
    union all
    select
        connection,
        pipeline_id,
        pipeline_name,
        sequence,
        run_id,
        changed_at,
        previous_stage_id as stage_id,
        previous_stage_name as stage_name,
        previous_sort_order as sort_order,
        previous_stage_type as stage_type,
        false as is_active
    from followed
    where previous_record = record and previous_stage_id <> stage_id
),
first_row as (
    select connection, min(sequence) as sequence
    from told
    group by connection
),
first_run as (
    select told.connection, min(told.run_id) as run_id
    from first_row
    inner join told
        on first_row.connection = told.connection and first_row.sequence = told.sequence
    group by told.connection
),
dated as (
    select
        told.*,
        case
            when told.run_id = first_run.run_id
                then arrow_cast('1900-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')
            else told.changed_at
        end as at
    from first_run
    right join told on first_run.connection = told.connection
),
numbered as (
    select
        *,
        cast(row_number() over (partition by stage_id order by at, sequence) as bigint)
            as change_number,
        lag(concat(stage_name, '/', sort_order, '/', stage_type, '/', is_active, '/', pipeline_name))
            over (partition by stage_id order by at, sequence) as told_before,
        concat(stage_name, '/', sort_order, '/', stage_type, '/', is_active, '/', pipeline_name)
            as told_now
    from dated
),
-- A moment at which anything of a pipeline changed.
moment as (
    select distinct connection, pipeline_id, at
    from numbered
    where told_before is null or told_before <> told_now
),
-- What was known of each stage then; of one that came later that it was not there yet.
ranked as (
    select
        moment.at as valid_from,
        numbered.*,
        numbered.at > moment.at as is_later,
        row_number() over (
            partition by moment.at, numbered.stage_id
            order by
                case when numbered.at > moment.at then 1 else 0 end,
                case
                    when numbered.at > moment.at then numbered.change_number
                    else -numbered.change_number
                end
        ) as choice
    from moment
    inner join numbered
        on moment.connection = numbered.connection and moment.pipeline_id = numbered.pipeline_id
),
known as (
    select
        stage_id,
        valid_from,
        connection,
        pipeline_id,
        pipeline_name,
        stage_name,
        sort_order,
        stage_type,
        is_active and not is_later as is_active,
        coalesce(stage_type = 'open' and sort_order is not null, false) as is_ordered
    from ranked
    where choice = 1
),
counted as (
    select
        *,
        sum(case when is_ordered and is_active then 1 else 0 end) over (
            partition by pipeline_id, valid_from
            order by sort_order, stage_id
            rows between unbounded preceding and current row
        ) as open_so_far,
        sum(case when is_ordered and is_active then 1 else 0 end) over (
            partition by pipeline_id, valid_from
        ) as open_stages
    from known
),
final as (
    select
        stage_id,
        valid_from,
        lead(valid_from) over (partition by stage_id order by valid_from) as valid_to,
        connection,
        pipeline_id,
        pipeline_name,
        stage_name,
        sort_order,
        stage_type,
        is_active,
        cast(
            case
                when stage_type = 'won' then 2 * open_stages + 2
                when is_ordered and is_active then 2 * open_so_far
                when is_ordered then 2 * open_so_far + 1
            end
            as bigint
        ) as place,
        case
            when
                valid_from
                = arrow_cast('1900-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')
                then 'assumed'
            else 'observed'
        end as provenance
    from counted
)
select
    stage_id, valid_from, valid_to, connection, pipeline_id, pipeline_name, stage_name,
    sort_order, stage_type, is_active, place, provenance
from final
