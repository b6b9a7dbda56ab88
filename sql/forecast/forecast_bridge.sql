/* @model
description: Why each series moved between one sealed snapshot of a quarter and the next - what it started with, what came in, changed and went out, and what it ended with. Starting and all components are the ending, to the cent. Reps have closed, commit_cumulative and pipeline_cumulative only.
grain: [to_date, period_start, scope, scope_id, series, component]
kind: table
owner: revops
tags: [forecast, bridge]
columns:
  period_start: {type: date, doc: "first day of the fiscal quarter", checks: [not_null]}
  from_date: {type: date, doc: "day of the snapshot before; more than a day back where nights were missed", checks: [not_null]}
  to_date: {type: date, doc: "day of the snapshot", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  series: {type: string, doc: "the series, as in forecast.figure", checks: [not_null]}
  component: {type: string, doc: "starting; new: the deal was not known; pulled_in, pushed_in: its close came from a later or an earlier quarter; pushed_out, pulled_out: it went to a later or an earlier one; increased, decreased: its amount; revalued: only the exchange rate; recategorised: its forecast category; won, lost, reopened; moved_in, moved_out: another owner; deleted_or_merged (positive: it came back); ending", checks: [not_null, "accepted_values: [starting, new, pulled_in, pushed_in, pushed_out, pulled_out, increased, decreased, revalued, recategorised, won, lost, reopened, moved_in, moved_out, deleted_or_merged, ending]"]}
  amount: {type: "decimal(38,2)", doc: "in the reporting currency", checks: [not_null]}
  n: {type: int64, doc: "deals; of starting and ending those in the figure", checks: [not_null]}
metrics:
  - id: forecast_bridge
    title: Bridge of a forecast
    definition: "What moved a quarter's figure from one sealed snapshot to the next, each deal by its reason."
    formula: "starting + new + pulled in + pushed in + pushed out + pulled out + increased + decreased + revalued + recategorised + won + lost + reopened + moved in + moved out + deleted or merged = ending"
    unit: reporting currency
    grain: pair of snapshots × quarter × scope × series × component
    time_anchor: snapshot_date
    additive: true
    null_rule: "a component without a deal has no row"
*/
with
sealed as (
    select * from forecast.snapshot
),
figure as (
    select * from forecast.snapshot_figure
),
bridge_deal as (
    select * from forecast.bridge_deal
),
series as (
    select series, bool_or(is_bridged_for_reps) as is_for_reps
    from mart.dim_forecast_series
    where is_bridged
    group by series
),
scope as (
    select * from mart.dim_scope
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
-- A deal that changed hands within a unit did not move it.
by_scope as (
    select
        'company' as scope, 'company' as scope_id, period_start, from_date, to_date, series,
        component, amount
    from bridge_deal
    where component not in ('moved_in', 'moved_out')
    union all
    select
        'region' as scope, region_id as scope_id, period_start, from_date, to_date, series,
        component, amount
    from bridge_deal
    where other_region_id is null or other_region_id <> region_id
    union all
    select
        'team' as scope, team_id as scope_id, period_start, from_date, to_date, series,
        component, amount
    from bridge_deal
    where other_team_id is null or other_team_id <> team_id
    union all
    select
        'rep' as scope, rep_id as scope_id, period_start, from_date, to_date, series,
        component, amount
    from bridge_deal
    where other_rep_id is null or other_rep_id <> rep_id
),
moved as (
    select
        period_start, from_date, to_date, scope, scope_id, series, component,
        sum(amount) as amount,
        count(*) as n
    from by_scope
    group by period_start, from_date, to_date, scope, scope_id, series, component
),
started as (
    select
        pair.period_start, pair.from_date, pair.to_date, figure.scope, figure.scope_id,
        figure.series, 'starting' as component, coalesce(figure.amount, 0) as amount, figure.n
    from pair
    inner join figure
        on pair.period_start = figure.period_start and pair.from_date = figure.snapshot_date
),
ended as (
    select
        pair.period_start, pair.from_date, pair.to_date, figure.scope, figure.scope_id,
        figure.series, 'ending' as component, coalesce(figure.amount, 0) as amount, figure.n
    from pair
    inner join figure
        on pair.period_start = figure.period_start and pair.to_date = figure.snapshot_date
),
united as (
    select * from started
    union all
    select * from moved
    union all
    select * from ended
),
final as (
    select
        united.period_start,
        united.from_date,
        united.to_date,
        united.scope,
        united.scope_id,
        coalesce(scope.scope_name, united.scope_id) as scope_name,
        united.series,
        united.component,
        united.amount,
        united.n
    from series
    inner join united on series.series = united.series
    left join scope on united.scope = scope.scope and united.scope_id = scope.scope_id
    where united.scope <> 'rep' or series.is_for_reps
)
select
    period_start, from_date, to_date, scope, scope_id, scope_name, series, component, amount, n
from final
