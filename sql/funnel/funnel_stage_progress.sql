/* @model
description: One row a deal, pipeline and step of the pipeline's order that the deal reached, the way it was when the deal came into it; with when, whose it was, and what came next. Who went further reached the steps before, and a deal that is won now reached the last one. It is what funnel.stage_conversion counts.
grain: [opportunity_id, pipeline_id, step]
kind: incremental
incremental:
  key: opportunity_id
  changed_by: {funnel.stage_visit: opportunity_id}
  as_of: harmless
owner: revops
tags: [crm, funnel]
columns:
  opportunity_id: {type: string, doc: "connection:source id", checks: [not_null]}
  connection: {type: string, doc: "the connection it belongs to", checks: [not_null]}
  pipeline_id: {type: string, doc: "connection, or in HubSpot connection:pipeline", checks: [not_null]}
  layout_key: {type: int64, doc: "the order of the stages that the deal follows, as in mart.dim_stage_version", checks: [not_null]}
  step: {type: int64, doc: "1 for the first active open stage, and so on; won comes after the last", checks: [not_null]}
  open_steps: {type: int64, doc: "how many open stages the order has; step is greater: won", checks: [not_null]}
  stage_id: {type: string, doc: "the stage", checks: [not_null]}
  stage_name: {type: string, doc: "its label in that order", checks: [not_null]}
  reached_date: {type: date, doc: "day on which it, or one after it, was first entered; won: the day since which it is won", checks: [not_null]}
  rep_key: {type: int64, doc: "whose it was then, joins bridge_rep_scope", checks: [not_null]}
  is_ordered: {type: boolean, doc: "whether every step up to this one was entered, one after the other", checks: [not_null]}
  has_next: {type: boolean, doc: "whether the next step was reached too", checks: [not_null]}
  next_date: {type: date, doc: "day on which the next step was reached"}
  next_is_ordered: {type: boolean, doc: "whether that was in order"}
  first_date: {type: date, doc: "day on which the first step was reached", checks: [not_null]}
  first_rep_key: {type: int64, doc: "whose it was then", checks: [not_null]}
  first_is_ordered: {type: boolean, doc: "whether the deal began with the first step", checks: [not_null]}
  ending: {type: string, doc: "what became of it: open or lost now; other: it is in another pipeline, or won", checks: [not_null, "accepted_values: [open, lost, other]"]}
  is_excluded: {type: boolean, doc: "true: nobody knows when the deal began; it is in no conversion", checks: [not_null]}
*/
with
visit as (
    select * from funnel.stage_visit where pipeline_id is not null and stage_place is not null
),
stage_version as (
    select * from mart.dim_stage_version
),
open_step as (
    select layout_key, place / 2 as step, stage_id, stage_name
    from stage_version
    where stage_type = 'open' and is_active and place % 2 = 0
),
layout as (
    select layout_key, max(step) as open_steps
    from open_step
    group by layout_key
),
won_stage as (
    select
        layout_key,
        stage_id,
        stage_name,
        row_number() over (
            partition by layout_key
            order by is_active desc, sort_order, stage_id
        ) as choice
    from stage_version
    where stage_type = 'won'
),
step as (
    select layout_key, step, stage_id, stage_name
    from open_step
    union all
    select won_stage.layout_key, layout.open_steps + 1 as step, stage_id, stage_name
    from won_stage
    inner join layout on won_stage.layout_key = layout.layout_key
    where won_stage.choice = 1
),
-- All windows look at one order, so the visits are sorted once. A deal's time in one pipeline is a
-- unit; it goes by the order of stages that the pipeline had when the unit began.
followed as (
    select
        connection,
        opportunity_id,
        pipeline_id,
        layout_key,
        stage_id,
        stage_type,
        stage_place,
        entry,
        entered_at,
        entered_date,
        rep_key,
        is_current,
        outcome,
        is_in_pipeline,
        cast(row_number() over units as bigint) as row_number,
        coalesce(
            lag(opportunity_id) over units <> opportunity_id
            or lag(pipeline_id) over units <> pipeline_id,
            true
        ) as is_first
    from visit
    window units as (order by connection, opportunity_id, pipeline_id, entered_at)
),
in_unit as (
    select
        *,
        fill_forward(case when is_first then row_number end, opportunity_id) over units as unit,
        fill_forward(case when is_first then layout_key end, opportunity_id) over units
            as unit_layout_key,
        fill_forward(case when is_first then entry end, opportunity_id) over units as unit_entry
    from followed
    window units as (order by connection, opportunity_id, pipeline_id, entered_at)
),
-- The small sides of the joins stand on the left: the engine holds them and streams the visits, in
-- their order.
with_layout as (
    select in_unit.*, layout.open_steps
    from layout
    inner join in_unit on layout.layout_key = in_unit.unit_layout_key
),
placed as (
    select
        with_layout.*,
        coalesce(then_version.place, with_layout.stage_place) as place
    from stage_version as then_version
    right join with_layout
        on then_version.layout_key = with_layout.unit_layout_key
        and then_version.stage_id = with_layout.stage_id
),
-- How many steps a visit has reached: of a stage that is not in the order, those before it; of a
-- win that was taken back, all open ones; of one that stands, won too.
stepped as (
    select
        *,
        case
            when stage_type = 'won' and is_current and outcome = 'won' then open_steps + 1
            when stage_type = 'won' then open_steps
            else least(place / 2, open_steps)
        end as reach,
        stage_type = 'open' and place % 2 = 0 as is_step
    from placed
),
-- The furthest so far. Units have growing numbers, so the running maximum forgets the units before
-- by itself.
climbing as (
    select
        *,
        max(unit * 1000 + reach) over (
            order by connection, opportunity_id, pipeline_id, entered_at
            rows between unbounded preceding and current row
        ) - unit * 1000 as high
    from stepped
),
climbed as (
    select
        *,
        case when is_first then 0 else lag(high) over units end as high_before
    from climbing
    window units as (order by connection, opportunity_id, pipeline_id, entered_at)
),
-- Visits that went further than all before. In order is who took every step, one at a time.
climb as (
    select
        *,
        case
            when is_step and high = high_before + 1 then 1
            when high_before = open_steps then 1
            else 0
        end as single
    from climbed
    where high > high_before
),
counted as (
    select
        *,
        sum(single) over (
            order by connection, opportunity_id, pipeline_id, entered_at
            rows between unbounded preceding and current row
        ) as singles
    from climb
),
ordered as (
    select
        *,
        singles - fill_forward(case when high_before = 0 then singles - single end, opportunity_id)
            over (order by connection, opportunity_id, pipeline_id, entered_at)
        = high as is_ordered
    from counted
),
paired as (
    select
        *,
        fill_forward(case when high_before = 0 then entered_date end, opportunity_id) over units
            as first_date,
        fill_forward(case when high_before = 0 then rep_key end, opportunity_id) over units
            as first_rep_key,
        fill_forward(case when high_before = 0 then is_ordered end, opportunity_id) over units
            as first_is_ordered,
        coalesce(lead(unit) over units = unit, false) as has_later,
        lead(entered_date) over units as later_date,
        lead(is_ordered) over units as later_is_ordered
    from ordered
    window units as (order by connection, opportunity_id, pipeline_id, entered_at)
),
final as (
    select
        climb.opportunity_id,
        climb.connection,
        climb.pipeline_id,
        climb.unit_layout_key as layout_key,
        step.step,
        climb.open_steps,
        step.stage_id,
        step.stage_name,
        climb.entered_date as reached_date,
        climb.rep_key,
        climb.is_ordered,
        step.step < climb.high or climb.has_later as has_next,
        case
            when step.step < climb.high then climb.entered_date
            when climb.has_later then climb.later_date
        end as next_date,
        case
            when step.step < climb.high then climb.is_ordered
            when climb.has_later then climb.later_is_ordered
        end as next_is_ordered,
        climb.first_date,
        climb.first_rep_key,
        climb.first_is_ordered,
        case
            when not climb.is_in_pipeline or climb.outcome = 'won' then 'other'
            else climb.outcome
        end as ending,
        climb.unit_entry = 'unknown' as is_excluded
    from step
    inner join paired as climb
        on step.layout_key = climb.unit_layout_key
        and step.step > climb.high_before
        and step.step <= climb.high
)
select
    opportunity_id, connection, pipeline_id, layout_key, step, open_steps, stage_id, stage_name,
    reached_date, rep_key, is_ordered, has_next, next_date, next_is_ordered, first_date,
    first_rep_key, first_is_ordered, ending, is_excluded
from final
