/* @model
description: Stages that a source describes, of all connections, with what the rules make of them.
grain: [stage_id]
kind: table
owner: revops
tags: [crm, opportunities]
columns:
  stage_id: {type: string, doc: "connection:stage; in HubSpot connection:pipeline/stage", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  stage_name: {type: string, doc: "the stage's label in the source", checks: [not_null]}
  sort_order: {type: int64, doc: "place in the order of stages"}
  stage_type: {type: string, doc: "open, won or lost; null: the source does not say", checks: ["accepted_values: [open, won, lost]"]}
  is_qualified: {type: boolean, doc: "whether a deal in it counts as qualified"}
  default_probability: {type: "decimal(9,6)", doc: "the stage's default probability, a fraction"}
  forecast_category: {type: string, doc: "the stage's default forecast category"}
*/
with
export_stage as (
    select * from staging.stg_crm_export__stages
),
salesforce_stage as (
    select * from staging.stg_salesforce__opportunity_stages
),
hubspot_stage as (
    select * from staging.stg_hubspot__deal_stages
),
-- The files have no table of stages; these are the four of their data dictionary, for every
-- connection that delivers such files.
file_connection as (
    select connection from staging.stg_crm_sales_opportunities__sales_teams
    union
    select connection from staging.stg_crm_sales_opportunities__products
    union
    select connection from staging.stg_crm_sales_opportunities__accounts
),
file_stage as (
    select stage_name, sort_order, stage_type, is_qualified
    from (
        values
            ('Prospecting', 1, 'open', false),
            ('Engaging', 2, 'open', true),
            ('Won', 3, 'won', true),
            ('Lost', 4, 'lost', false)
    ) as described (stage_name, sort_order, stage_type, is_qualified)
),
salesforce_typed as (
    select
        connection,
        coalesce(stage, stage_label) as stage,
        coalesce(stage_label, stage) as stage_name,
        sort_order,
        is_active,
        case when is_won then 'won' when is_closed then 'lost' when not is_closed then 'open' end
            as stage_type,
        default_probability,
        forecast_category
    from salesforce_stage
),
hubspot_typed as (
    select
        connection,
        pipeline_id,
        stage_id,
        coalesce(stage_label, stage_id) as stage_name,
        sort_order,
        is_archived,
        case
            when is_closed and probability = 1 then 'won'
            when is_closed then 'lost'
            when not is_closed then 'open'
        end as stage_type,
        probability
    from hubspot_stage
),
-- Every open stage but the first counts as qualified.
salesforce_first as (
    select connection, min(sort_order) as sort_order
    from salesforce_typed
    where stage_type = 'open' and coalesce(is_active, true)
    group by connection
),
hubspot_first as (
    select connection, pipeline_id, min(sort_order) as sort_order
    from hubspot_typed
    where stage_type = 'open' and not coalesce(is_archived, false)
    group by connection, pipeline_id
),
final as (
    select
        connection || ':' || stage_name as stage_id,
        connection,
        stage_name,
        sort_order,
        stage_type,
        is_qualified,
        cast(null as decimal(9, 6)) as default_probability,
        cast(null as varchar) as forecast_category
    from file_connection
    cross join file_stage
    union all
    select
        connection || ':' || stage_name as stage_id,
        connection,
        stage_name,
        sort_order,
        stage_type,
        is_qualified,
        probability as default_probability,
        cast(null as varchar) as forecast_category
    from export_stage
    union all
    select
        stage.connection || ':' || stage.stage as stage_id,
        stage.connection,
        stage.stage_name,
        stage.sort_order,
        stage.stage_type,
        case stage.stage_type
            when 'won' then true
            when 'lost' then false
            when 'open' then stage.sort_order > first_stage.sort_order
        end as is_qualified,
        stage.default_probability,
        case stage.forecast_category
            when 'Omitted' then 'omitted'
            when 'Pipeline' then 'pipeline'
            when 'BestCase' then 'best_case'
            when 'MostLikely' then 'most_likely'
            when 'Forecast' then 'commit'
            when 'Closed' then 'closed'
        end as forecast_category
    from salesforce_typed as stage
    left join salesforce_first as first_stage on stage.connection = first_stage.connection
    union all
    select
        stage.connection || ':' || stage.pipeline_id || '/' || stage.stage_id as stage_id,
        stage.connection,
        stage.stage_name,
        stage.sort_order,
        stage.stage_type,
        case stage.stage_type
            when 'won' then true
            when 'lost' then false
            when 'open' then stage.sort_order > first_stage.sort_order
        end as is_qualified,
        stage.probability as default_probability,
        cast(null as varchar) as forecast_category
    from hubspot_typed as stage
    left join hubspot_first as first_stage
        on stage.connection = first_stage.connection
        and stage.pipeline_id = first_stage.pipeline_id
)
select
    stage_id, connection, stage_name, sort_order, stage_type, is_qualified, default_probability,
    forecast_category
from final
