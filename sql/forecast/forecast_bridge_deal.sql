/* @model
description: By how much each deal moved each series between one sealed snapshot of a quarter and the next, and why. A deal has one row a series and reason; what came in and went out within one series at once is not there.
grain: [to_date, period_start, series, component, opportunity_id]
kind: table
owner: revops
tags: [forecast, bridge]
columns:
  period_start: {type: date, doc: "first day of the fiscal quarter", checks: [not_null]}
  from_date: {type: date, doc: "day of the snapshot before", checks: [not_null]}
  to_date: {type: date, doc: "day of the snapshot", checks: [not_null]}
  series: {type: string, doc: "the series that it moved, as in forecast.figure", checks: [not_null]}
  component: {type: string, doc: "why, as in forecast.bridge", checks: [not_null, "accepted_values: [new, pulled_in, pushed_in, pushed_out, pulled_out, increased, decreased, revalued, recategorised, won, lost, reopened, moved_in, moved_out, deleted_or_merged]"]}
  opportunity_id: {type: string, doc: "the deal", checks: [not_null]}
  amount: {type: "decimal(38,2)", doc: "by how much, in the reporting currency", checks: [not_null]}
  rep_id: {type: string, doc: "whose figure it moved", checks: [not_null]}
  team_id: {type: string, doc: "his team", checks: [not_null]}
  region_id: {type: string, doc: "its region", checks: [not_null]}
  other_rep_id: {type: string, doc: "where it came from or went to, when it changed hands; else null"}
  other_team_id: {type: string, doc: "that rep's team"}
  other_region_id: {type: string, doc: "its region"}
  close_date_before: {type: date, doc: "close date in the snapshot before; null: it was not in it"}
  close_date: {type: date, doc: "close date in the snapshot; null: it is not in it"}
*/
with
sealed as (
    select * from forecast.snapshot
),
deal as (
    select * from forecast.snapshot_deal
),
state as (
    select * from mart.fct_forecast_state
),
series as (
    select * from mart.dim_forecast_series where is_bridged
),
followed as (
    select
        period_start,
        snapshot_date as to_date,
        lag(snapshot_date) over (partition by period_start order by snapshot_date) as from_date
    from sealed
),
pair as (
    select * from followed where from_date is not null
),
earlier as (
    select pair.to_date, pair.from_date, deal.*
    from pair
    inner join deal
        on pair.period_start = deal.period_start and pair.from_date = deal.snapshot_date
),
later as (
    select pair.to_date, pair.from_date, deal.*
    from pair
    inner join deal
        on pair.period_start = deal.period_start and pair.to_date = deal.snapshot_date
),
-- Lost and omitted deals are in no series: for that, they are not there. No usable amount is none.
compared as (
    select
        coalesce(later.period_start, earlier.period_start) as period_start,
        coalesce(later.from_date, earlier.from_date) as from_date,
        coalesce(later.to_date, earlier.to_date) as to_date,
        coalesce(later.opportunity_id, earlier.opportunity_id) as opportunity_id,
        earlier.bucket as bucket_before,
        later.bucket,
        coalesce(earlier.bucket not in ('lost', 'omitted'), false) as was_in,
        coalesce(later.bucket not in ('lost', 'omitted'), false) as is_in,
        coalesce(earlier.amount_reporting, 0) as amount_before,
        coalesce(later.amount_reporting, 0) as amount,
        (earlier.amount is not distinct from later.amount)
        and (earlier.currency is not distinct from later.currency) as is_same_price,
        earlier.rep_id as rep_before,
        earlier.team_id as team_before,
        earlier.region_id as region_before,
        later.rep_id,
        later.team_id,
        later.region_id,
        earlier.close_date as close_date_before,
        later.close_date
    from earlier
    full outer join later
        on earlier.period_start = later.period_start
        and earlier.to_date = later.to_date
        and earlier.opportunity_id = later.opportunity_id
),
changed as (
    select *
    from compared
    where
        (was_in or is_in)
        and (
            was_in <> is_in
            or bucket_before <> bucket
            or amount_before <> amount
            or rep_before <> rep_id
            or team_before <> team_id
            or region_before <> region_id
        )
),
-- Of a deal that is in one of the two snapshots only, how it stood on the day of the other.
alone as (
    select
        period_start,
        to_date,
        opportunity_id,
        case when bucket is null then to_date else from_date end as other_day
    from changed
    where bucket is null or bucket_before is null
),
elsewhere as (
    select
        alone.period_start,
        alone.to_date,
        alone.opportunity_id,
        min(state.valid_from) <= max(alone.other_day) as was_known,
        max(
            case
                when state.valid_from <= alone.other_day and state.valid_to > alone.other_day
                    then state.period_start
            end
        ) as period_then,
        max(
            case
                when state.valid_from <= alone.other_day and state.valid_to > alone.other_day
                    then state.outcome
            end
        ) as outcome_then
    from alone
    inner join state on alone.opportunity_id = state.opportunity_id
    group by alone.period_start, alone.to_date, alone.opportunity_id
),
explained as (
    select
        changed.*,
        case
            -- it came in
            when is_in and not was_in and changed.bucket_before = 'lost' then 'reopened'
            when is_in and not was_in and changed.bucket_before = 'omitted' then 'recategorised'
            when is_in and not was_in and not coalesce(elsewhere.was_known, false) then 'new'
            when is_in and not was_in and elsewhere.period_then is null then 'deleted_or_merged'
            when is_in and not was_in and elsewhere.outcome_then = 'lost' then 'reopened'
            when is_in and not was_in and elsewhere.period_then > changed.period_start
                then 'pulled_in'
            when is_in and not was_in and elsewhere.period_then < changed.period_start
                then 'pushed_in'
            when is_in and not was_in then 'recategorised'
            -- it went out
            when was_in and not is_in and changed.bucket = 'lost' then 'lost'
            when was_in and not is_in and changed.bucket = 'omitted' then 'recategorised'
            when was_in and not is_in and elsewhere.period_then is null then 'deleted_or_merged'
            when was_in and not is_in and elsewhere.outcome_then = 'lost' then 'lost'
            when was_in and not is_in and elsewhere.period_then > changed.period_start
                then 'pushed_out'
            when was_in and not is_in and elsewhere.period_then < changed.period_start
                then 'pulled_out'
            when was_in and not is_in then 'recategorised'
            -- it is in another bucket
            when changed.bucket = 'won' then 'won'
            when changed.bucket_before = 'won' then 'reopened'
            else 'recategorised'
        end as component
    from changed
    left join elsewhere
        on changed.period_start = elsewhere.period_start
        and changed.to_date = elsewhere.to_date
        and changed.opportunity_id = elsewhere.opportunity_id
),
-- A deal's way from one snapshot to the other, step by step, each step adding to one bucket. First
-- it changes hands at the old amount, then the amount changes, then the bucket. What came in as
-- won came in as pipeline and was won; what was won and is lost was reopened and lost.
effect as (
    select
        period_start, from_date, to_date, opportunity_id, bucket_before as bucket,
        'moved_out' as component, -amount_before as amount, rep_before as rep_id,
        team_before as team_id, region_before as region_id, rep_id as other_rep_id,
        team_id as other_team_id, region_id as other_region_id, close_date_before, close_date
    from explained
    where
        was_in and is_in
        and (rep_before <> rep_id or team_before <> team_id or region_before <> region_id)
    union all
    select
        period_start, from_date, to_date, opportunity_id, bucket_before as bucket,
        'moved_in' as component, amount_before as amount, rep_id, team_id, region_id,
        rep_before as other_rep_id, team_before as other_team_id,
        region_before as other_region_id, close_date_before, close_date
    from explained
    where
        was_in and is_in
        and (rep_before <> rep_id or team_before <> team_id or region_before <> region_id)
    union all
    select
        period_start, from_date, to_date, opportunity_id, bucket_before as bucket,
        case
            when is_same_price then 'revalued'
            when amount > amount_before then 'increased'
            else 'decreased'
        end as component,
        amount - amount_before as amount, rep_id, team_id, region_id,
        cast(null as varchar) as other_rep_id, cast(null as varchar) as other_team_id,
        cast(null as varchar) as other_region_id, close_date_before, close_date
    from explained
    where was_in and is_in
    union all
    -- out of the bucket it was in, after its amount changed
    select
        period_start, from_date, to_date, opportunity_id, bucket_before as bucket, component,
        -amount as amount, rep_id, team_id, region_id,
        cast(null as varchar) as other_rep_id, cast(null as varchar) as other_team_id,
        cast(null as varchar) as other_region_id, close_date_before, close_date
    from explained
    where was_in and is_in and bucket_before <> bucket
    union all
    select
        period_start, from_date, to_date, opportunity_id, bucket, component,
        amount, rep_id, team_id, region_id,
        cast(null as varchar) as other_rep_id, cast(null as varchar) as other_team_id,
        cast(null as varchar) as other_region_id, close_date_before, close_date
    from explained
    where was_in and is_in and bucket_before <> bucket
    union all
    -- in, at the amount of the later snapshot
    select
        period_start, from_date, to_date, opportunity_id,
        case
            when bucket = 'won' and component <> 'deleted_or_merged' then 'pipeline'
            else bucket
        end as bucket,
        component, amount, rep_id, team_id, region_id,
        cast(null as varchar) as other_rep_id, cast(null as varchar) as other_team_id,
        cast(null as varchar) as other_region_id, close_date_before, close_date
    from explained
    where is_in and not was_in
    union all
    select
        explained.period_start, explained.from_date, explained.to_date,
        explained.opportunity_id, step.bucket, 'won' as component,
        step.sign * explained.amount as amount, explained.rep_id, explained.team_id,
        explained.region_id,
        cast(null as varchar) as other_rep_id, cast(null as varchar) as other_team_id,
        cast(null as varchar) as other_region_id, explained.close_date_before,
        explained.close_date
    from (values ('pipeline', -1), ('won', 1)) as step (bucket, sign)
    cross join explained
    where
        explained.is_in and not explained.was_in and explained.bucket = 'won'
        and explained.component <> 'deleted_or_merged'
    union all
    -- out, at the amount of the earlier one
    select
        period_start, from_date, to_date, opportunity_id,
        case
            when bucket_before = 'won' and component = 'lost' then 'pipeline'
            else bucket_before
        end as bucket,
        component, -amount_before as amount, rep_before as rep_id, team_before as team_id,
        region_before as region_id,
        cast(null as varchar) as other_rep_id, cast(null as varchar) as other_team_id,
        cast(null as varchar) as other_region_id, close_date_before, close_date
    from explained
    where was_in and not is_in
    union all
    select
        explained.period_start, explained.from_date, explained.to_date,
        explained.opportunity_id, step.bucket, 'reopened' as component,
        step.sign * explained.amount_before as amount, explained.rep_before as rep_id,
        explained.team_before as team_id, explained.region_before as region_id,
        cast(null as varchar) as other_rep_id, cast(null as varchar) as other_team_id,
        cast(null as varchar) as other_region_id, explained.close_date_before,
        explained.close_date
    from (values ('won', -1), ('pipeline', 1)) as step (bucket, sign)
    cross join explained
    where
        explained.was_in and not explained.is_in and explained.bucket_before = 'won'
        and explained.component = 'lost'
),
-- Steps within one series cancel out.
final as (
    select
        effect.period_start,
        effect.from_date,
        effect.to_date,
        series.series,
        effect.component,
        effect.opportunity_id,
        sum(effect.amount) as amount,
        effect.rep_id,
        effect.team_id,
        effect.region_id,
        effect.other_rep_id,
        effect.other_team_id,
        effect.other_region_id,
        effect.close_date_before,
        effect.close_date
    from series
    inner join effect on series.bucket = effect.bucket
    group by
        effect.period_start, effect.from_date, effect.to_date, series.series, effect.component,
        effect.opportunity_id, effect.rep_id, effect.team_id, effect.region_id,
        effect.other_rep_id, effect.other_team_id, effect.other_region_id,
        effect.close_date_before, effect.close_date
    having sum(effect.amount) <> 0
)
select
    period_start, from_date, to_date, series, component, opportunity_id, amount, rep_id, team_id,
    region_id, other_rep_id, other_team_id, other_region_id, close_date_before, close_date
from final
