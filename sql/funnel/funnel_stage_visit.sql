/* @model
description: One row a deal and visit to a stage, with the stage as it was then. A deal that comes back to a stage has another visit. Only living deals of connections whose source keeps a history; a time of which the stage is unknown is no visit.
grain: [opportunity_id, entered_at]
kind: incremental
incremental:
  key: opportunity_id
  changed_by:
    mart.fct_opportunity_version: opportunity_id
    mart.fct_opportunity: opportunity_id
  as_of: >-
    select opportunity_id from mart.fct_opportunity_version
    where valid_from > $last_as_of and valid_from <= $as_of
owner: revops
tags: [crm, funnel]
columns:
  opportunity_id: {type: string, doc: "connection:source id", checks: [not_null, "relationships: mart.fct_opportunity.opportunity_id"]}
  visit_number: {type: int64, doc: "1 for the deal's first visit to any stage", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  pipeline_id: {type: string, doc: "the stage's pipeline: connection, or in HubSpot connection:pipeline; null: the source does not describe the stage"}
  layout_key: {type: int64, doc: "the order of the pipeline's stages at entry, as in mart.dim_stage_version"}
  stage_id: {type: string, doc: "the stage", checks: [not_null]}
  stage_name: {type: string, doc: "its label at entry"}
  stage_type: {type: string, doc: "open, won or lost at entry; null: unknown", checks: ["accepted_values: [open, won, lost]"]}
  stage_place: {type: int64, doc: "its place at entry: 2, 4, 6 … for the active open stages in their order, odd for a retired one between two, then won; null: lost, or without order"}
  entry: {type: string, doc: "created: the deal began in it; moved: from another stage; unknown: the first stage known of it, and nobody knows since when", checks: [not_null, "accepted_values: [created, moved, unknown]"]}
  entered_at: {type: timestamp, doc: "moment of the entry, or the first at which it is known to be there", checks: [not_null]}
  entered_date: {type: date, doc: "day of the entry in the company's zone", checks: [not_null]}
  left_at: {type: timestamp, doc: "moment it went to another stage; null: it is there"}
  left_date: {type: date, doc: "day it went to another stage"}
  is_current: {type: boolean, doc: "whether the deal is there at the as-of instant", checks: [not_null]}
  days: {type: int64, doc: "whole days in it; null: it is there, and nobody knows for how long yet", checks: ["between 0 and 100000"]}
  previous_stage_id: {type: string, doc: "the stage it came from; null: none, or unknown"}
  previous_stage_name: {type: string, doc: "that stage's label when it was entered"}
  next_stage_id: {type: string, doc: "the stage it went to; null: it is there"}
  next_stage_name: {type: string, doc: "that stage's label then"}
  next_stage_type: {type: string, doc: "open, won or lost", checks: ["accepted_values: [open, won, lost]"]}
  direction: {type: string, doc: "how it went on, by the order of the stages then: forward (to the next one), skip (past an active one), back, reopen (out of won or lost); null: it is there, went to lost or to another pipeline, or one of the two has no order", checks: ["accepted_values: [forward, skip, back, reopen]"]}
  amount: {type: "decimal(22,2)", doc: "amount at entry, in the deal's currency; null: none or unknown"}
  currency: {type: string, doc: "ISO 4217 code; null: unknown"}
  amount_reporting: {type: "decimal(18,2)", doc: "amount at entry in the reporting currency, by the rate of the close date planned then; null: unknown or unconverted"}
  amount_exclusion: {type: string, doc: "why the amount is in no figure in money", checks: ["accepted_values: [amount_too_large, no_amount, no_currency, unconverted]"]}
  rep_id: {type: string, doc: "owner at entry; of a deal whose owner then is unknown, the one it has now", checks: [not_null]}
  rep_key: {type: int64, doc: "the owner in the team of that day, joins bridge_rep_scope", checks: [not_null]}
  team_id: {type: string, doc: "the owner's team of that day", checks: [not_null]}
  region_id: {type: string, doc: "the owner's region of that day", checks: [not_null]}
  outcome: {type: string, doc: "the deal's outcome now: open, won or lost", checks: [not_null, "accepted_values: [open, won, lost]"]}
  is_in_pipeline: {type: boolean, doc: "whether the deal is still in this pipeline now", checks: [not_null]}
  provenance: {type: string, doc: "observed: a run saw it enter; reconstructed: from the history the CRM keeps", checks: [not_null, "accepted_values: [observed, reconstructed]"]}
*/
with
version as (
    select * from mart.fct_opportunity_version
),
deal as (
    select * from mart.fct_opportunity where deal_exclusion is null
),
stage_version as (
    select * from mart.dim_stage_version
),
tenure as (
    select * from mart.dim_rep_tenure
),
-- Versions know the stage before them, so no second look at the table in order is needed. What is
-- in the bin for a while does not leave its stage by that.
entry as (
    select
        opportunity_id,
        connection,
        stage_id,
        stage_name as stage_name_now,
        case
            when not is_stage_entry then 'unknown'
            when previous_stage_id is null then 'created'
            else 'moved'
        end as entry,
        valid_from as entered_at,
        company_date(valid_from) as entered_date,
        amount,
        currency,
        amount_reporting,
        amount_exclusion,
        rep_id,
        provenance
    from version
    where
        stage_id is not null
        and (is_stage_entry or previous_stage_id is null)
        and valid_from <= $as_of
),
pipeline as (
    select distinct stage_id, pipeline_id from stage_version
),
-- The small sides of the joins stand on the left: the engine holds them and streams the entries.
deal_in_pipeline as (
    select
        deal.opportunity_id,
        deal.outcome,
        deal.rep_id,
        deal.rep_key,
        deal.team_id,
        deal.region_id,
        pipeline.pipeline_id
    from pipeline
    right join deal on pipeline.stage_id = deal.stage_id
),
of_deal as (
    select
        entry.*,
        coalesce(entry.rep_id, deal.rep_id) as owner_id,
        deal.rep_key as deal_rep_key,
        deal.team_id as deal_team_id,
        deal.region_id as deal_region_id,
        deal.outcome as deal_outcome,
        deal.pipeline_id as deal_pipeline_id
    from deal_in_pipeline as deal
    inner join entry on deal.opportunity_id = entry.opportunity_id
),
of_rep as (
    select
        of_deal.*,
        coalesce(tenure.rep_key, of_deal.deal_rep_key) as rep_key,
        coalesce(tenure.team_id, of_deal.deal_team_id) as team_id,
        coalesce(tenure.region_id, of_deal.deal_region_id) as region_id
    from tenure
    right join of_deal
        on tenure.rep_id = of_deal.owner_id
        and of_deal.entered_date >= tenure.valid_from
        and of_deal.entered_date < tenure.valid_to
),
described as (
    select
        of_rep.*,
        stage_version.pipeline_id,
        stage_version.layout_key,
        coalesce(stage_version.stage_name, of_rep.stage_name_now) as stage_name,
        stage_version.stage_type,
        stage_version.place
    from stage_version
    right join of_rep
        on stage_version.stage_id = of_rep.stage_id
        and of_rep.entered_at >= stage_version.valid_from
        and (stage_version.valid_to is null or of_rep.entered_at < stage_version.valid_to)
),
followed as (
    select
        *,
        cast(row_number() over visits as bigint) as row_number,
        lag(opportunity_id) over visits as previous_id,
        lag(stage_id) over visits as previous_stage,
        lag(stage_name) over visits as previous_name,
        lead(opportunity_id) over visits as next_id,
        lead(entered_at) over visits as next_entered_at,
        lead(entered_date) over visits as next_entered_date,
        lead(stage_id) over visits as next_stage,
        lead(stage_name) over visits as next_name,
        lead(stage_type) over visits as next_type,
        lead(place) over visits as next_place,
        lead(pipeline_id) over visits as next_pipeline_id
    from described
    window visits as (partition by connection order by opportunity_id, entered_at)
),
-- Deals are no partitions (see sql/DECISIONS.md): the row of a deal's first visit is carried on.
numbered as (
    select
        *,
        coalesce(previous_id = opportunity_id, false) as has_previous,
        coalesce(next_id = opportunity_id, false) as has_next,
        row_number - fill_forward(
            case when previous_id is null or previous_id <> opportunity_id then row_number end,
            opportunity_id
        ) over (partition by connection order by opportunity_id, entered_at) + 1 as visit_number
    from followed
),
-- Where the stage stood when it was left: the order may have changed since it was entered.
ordered as (
    select
        numbered.*,
        coalesce(then_version.place, numbered.place) as place_at_leaving
    from stage_version as then_version
    right join numbered
        on then_version.stage_id = numbered.stage_id
        and numbered.has_next
        and numbered.next_entered_at >= then_version.valid_from
        and (
            then_version.valid_to is null
            or numbered.next_entered_at < then_version.valid_to
        )
),
final as (
    select
        opportunity_id,
        visit_number,
        connection,
        pipeline_id,
        layout_key,
        stage_id,
        stage_name,
        stage_type,
        place as stage_place,
        entry,
        entered_at,
        entered_date,
        case when has_next then next_entered_at end as left_at,
        case when has_next then next_entered_date end as left_date,
        not has_next as is_current,
        -- Of a visit that goes on the days so far would be others each night, for every open deal.
        case when has_next then cast(next_entered_date - entered_date as bigint) end as days,
        case when has_previous then previous_stage end as previous_stage_id,
        case when has_previous then previous_name end as previous_stage_name,
        case when has_next then next_stage end as next_stage_id,
        case when has_next then next_name end as next_stage_name,
        case when has_next then next_type end as next_stage_type,
        -- Active stages have even places, so those between two places are counted by halving.
        case
            when not has_next or next_type = 'lost' then null
            when stage_type in ('won', 'lost') then 'reopen'
            when pipeline_id <> next_pipeline_id then null
            when next_place < place_at_leaving then 'back'
            when (next_place - 1) / 2 > place_at_leaving / 2 then 'skip'
            when next_place >= place_at_leaving then 'forward'
        end as direction,
        amount,
        currency,
        amount_reporting,
        amount_exclusion,
        owner_id as rep_id,
        rep_key,
        team_id,
        region_id,
        deal_outcome as outcome,
        coalesce(pipeline_id = deal_pipeline_id, true) as is_in_pipeline,
        provenance
    from ordered
)
select
    opportunity_id, visit_number, connection, pipeline_id, layout_key, stage_id, stage_name,
    stage_type, stage_place, entry, entered_at, entered_date, left_at, left_date, is_current,
    days, previous_stage_id, previous_stage_name, next_stage_id, next_stage_name,
    next_stage_type, direction, amount, currency, amount_reporting, amount_exclusion, rep_id,
    rep_key, team_id, region_id, outcome, is_in_pipeline, provenance
from final
