/* @model
description: The figures of each sealed snapshot, made of its deals and of what had been submitted by then. Sealed by forecast.snapshot, never changed.
grain: [snapshot_date, period_start, scope, scope_id, series]
kind: snapshot
owner: revops
tags: [forecast, snapshot]
columns:
  snapshot_date: {type: date, doc: "the company's day of the as-of instant", checks: [not_null]}
  period_start: {type: date, doc: "first day of the fiscal quarter", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name then", checks: [not_null]}
  series: {type: string, doc: "which figure: a series of dim_forecast_series or a call", checks: [not_null]}
  amount: {type: "decimal(38,2)", doc: "the figure in the reporting currency; null: all its deals are left out"}
  n: {type: int64, doc: "deals in it; of a call the calls", checks: [not_null]}
  n_excluded: {type: int64, doc: "deals of the series without a usable amount, or without that probability", checks: [not_null]}
  completeness: {type: string, doc: "complete, degraded (deals are left out) or partial (a source had not come in whole that night)", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
*/
with
sealed as (
    select * from forecast.snapshot_figure
),
deal as (
    select * from forecast.snapshot_deal
),
series as (
    select * from mart.dim_forecast_series
),
call as (
    select * from mart.fct_forecast_call where counts_from is not null
),
scope as (
    select * from mart.dim_scope
),
tenure as (
    select * from mart.dim_rep_tenure
),
done as (
    select distinct snapshot_date, period_start from sealed
),
-- What a run that was killed left without figures, too.
looked_at as (
    select snapshot_date, period_start, min(as_of) as as_of
    from deal
    group by snapshot_date, period_start
),
pending as (
    select looked_at.*
    from looked_at
    left join done
        on looked_at.snapshot_date = done.snapshot_date
        and looked_at.period_start = done.period_start
    where done.snapshot_date is null
),
weighed as (
    select
        deal.snapshot_date,
        deal.period_start,
        deal.rep_id,
        deal.team_id,
        deal.region_id,
        deal.bucket,
        deal.amount_reporting,
        cast(deal.amount_reporting * deal.probability as decimal(18, 2)) as weighted_deal,
        cast(deal.amount_reporting * deal.stage_probability as decimal(18, 2)) as weighted_stage,
        cast(deal.amount_reporting * deal.historical_probability as decimal(18, 2))
            as weighted_historical
    from pending
    inner join deal
        on pending.snapshot_date = deal.snapshot_date and pending.period_start = deal.period_start
),
-- Reps first: teams, regions and the company are sums of them.
by_rep as (
    select
        snapshot_date,
        period_start,
        rep_id,
        team_id,
        region_id,
        bucket,
        count(*) as deals,
        count(amount_reporting) as n,
        sum(amount_reporting) as amount,
        count(weighted_deal) as n_deal,
        sum(weighted_deal) as weighted_deal,
        count(weighted_stage) as n_stage,
        sum(weighted_stage) as weighted_stage,
        count(weighted_historical) as n_historical,
        sum(weighted_historical) as weighted_historical
    from weighed
    group by snapshot_date, period_start, rep_id, team_id, region_id, bucket
),
by_scope as (
    select *, 'company' as scope, 'company' as scope_id from by_rep
    union all
    select *, 'region' as scope, region_id as scope_id from by_rep
    union all
    select *, 'team' as scope, team_id as scope_id from by_rep
    union all
    select *, 'rep' as scope, rep_id as scope_id from by_rep
),
-- Every unit with a deal has every series: no deal in it is a measured 0.
unit as (
    select distinct snapshot_date, period_start, scope, scope_id from by_scope
),
unit_series as (
    select unit.*, series.series
    from (select distinct series from series) as series
    cross join unit
),
added as (
    select
        by_scope.snapshot_date,
        by_scope.period_start,
        by_scope.scope,
        by_scope.scope_id,
        series.series,
        sum(
            case series.weight
                when 'deal' then by_scope.weighted_deal
                when 'stage' then by_scope.weighted_stage
                when 'historical' then by_scope.weighted_historical
                else by_scope.amount
            end
        ) as amount,
        sum(
            case series.weight
                when 'deal' then by_scope.n_deal
                when 'stage' then by_scope.n_stage
                when 'historical' then by_scope.n_historical
                else by_scope.n
            end
        ) as n,
        sum(by_scope.deals) as deals
    from series
    inner join by_scope on series.bucket = by_scope.bucket
    group by
        by_scope.snapshot_date, by_scope.period_start, by_scope.scope, by_scope.scope_id,
        series.series
),
of_deals as (
    select
        unit_series.snapshot_date,
        unit_series.period_start,
        unit_series.scope,
        unit_series.scope_id,
        unit_series.series,
        coalesce(added.n, 0) as n,
        coalesce(added.deals, 0) - coalesce(added.n, 0) as n_excluded,
        added.amount
    from unit_series
    left join added
        on unit_series.snapshot_date = added.snapshot_date
        and unit_series.period_start = added.period_start
        and unit_series.scope = added.scope
        and unit_series.scope_id = added.scope_id
        and unit_series.series = added.series
),
-- What had been said by then and not been replaced.
said as (
    select
        pending.snapshot_date,
        pending.period_start,
        tenure.rep_id,
        tenure.team_id,
        tenure.region_id,
        call.role,
        case
            when call.call_category = 'commit' then call.role || '_call'
            else call.role || '_call_' || call.call_category
        end as series,
        call.amount_reporting
    from pending
    inner join call
        on pending.period_start = call.quarter_start
        and pending.snapshot_date >= call.counts_from
        and pending.as_of >= call.submitted_at
        and (call.superseded_at is null or pending.as_of < call.superseded_at)
    inner join tenure on call.rep_key = tenure.rep_key
),
said_by_scope as (
    select *, 'company' as scope, 'company' as scope_id from said
    union all
    select *, 'region' as scope, region_id as scope_id from said
    union all
    select *, 'team' as scope, team_id as scope_id from said
    union all
    select *, 'rep' as scope, rep_id as scope_id from said where role = 'rep'
),
of_calls as (
    select
        snapshot_date,
        period_start,
        scope,
        scope_id,
        series,
        count(amount_reporting) as n,
        count(*) - count(amount_reporting) as n_excluded,
        sum(amount_reporting) as amount
    from said_by_scope
    group by snapshot_date, period_start, scope, scope_id, series
),
united as (
    select * from of_deals
    union all
    select * from of_calls
),
final as (
    select
        united.snapshot_date,
        united.period_start,
        united.scope,
        united.scope_id,
        coalesce(scope.scope_name, united.scope_id) as scope_name,
        united.series,
        case
            when united.n > 0 or united.n_excluded = 0 then coalesce(united.amount, 0)
        end as amount,
        united.n,
        united.n_excluded,
        case
            when not coalesce(scope.is_whole, true) then 'partial'
            when united.n_excluded > 0 then 'degraded'
            else 'complete'
        end as completeness
    from united
    left join scope on united.scope = scope.scope and united.scope_id = scope.scope_id
)
select
    snapshot_date, period_start, scope, scope_id, scope_name, series, amount, n, n_excluded,
    completeness
from final
