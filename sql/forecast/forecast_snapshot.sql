/* @model
description: One row a sealed snapshot - what a night's run knew of a quarter's deals and figures, closed by a hash that contains the hash of the snapshot before. `salesmart audit verify` recomputes the chain. The document that is hashed is described in docs/forecast-history.md.
grain: [snapshot_date, period_start]
kind: snapshot
owner: revops
tags: [forecast, snapshot]
columns:
  snapshot_no: {type: int64, doc: "place in the chain, from 1, over all periods", checks: [not_null, unique]}
  snapshot_date: {type: date, doc: "the company's day of the as-of instant", checks: [not_null]}
  period_grain: {type: string, doc: "quarter", checks: [not_null, "accepted_values: [quarter]"]}
  period_start: {type: date, doc: "first day of the quarter", checks: [not_null]}
  period_end: {type: date, doc: "its last day", checks: [not_null]}
  period_name: {type: string, doc: "its name, such as FY26Q3", checks: [not_null]}
  as_of: {type: timestamp, doc: "the instant that the deals are of", checks: [not_null]}
  sealed_run_id: {type: string, doc: "the run that looked at the deals", checks: [not_null]}
  deal_rows: {type: int64, doc: "rows in forecast.snapshot_deal", checks: [not_null]}
  figure_rows: {type: int64, doc: "rows in forecast.snapshot_figure", checks: [not_null]}
  deal_columns: {type: string, doc: "the columns in the lines of deals, in order", checks: [not_null]}
  figure_columns: {type: string, doc: "the columns in the lines of figures, in order", checks: [not_null]}
  content_hash: {type: string, doc: "SHA-256 of the lines of deals and figures", checks: [not_null]}
  previous_hash: {type: string, doc: "hash of the snapshot before; of the first one 64 zeros", checks: [not_null]}
  hash: {type: string, doc: "SHA-256 of the whole document, which names the hash before", checks: [not_null, unique]}
*/
with
sealed as (
    select * from forecast.snapshot
),
deal as (
    select * from forecast.snapshot_deal
),
figure as (
    select * from forecast.snapshot_figure
),
day as (
    select * from mart.dim_forecast_day
),
period as (
    select * from mart.dim_period where period_grain = 'quarter'
),
run as (
    select max(run_id) as run_id
    from system.run
    where as_of = $as_of and finished_at is null
),
head as (
    select
        coalesce(max(snapshot_no), 0) as snapshot_no,
        coalesce(max(as_of) < $as_of, true) as is_later
    from sealed
),
head_hash as (
    select sealed.hash
    from sealed
    inner join head on sealed.snapshot_no = head.snapshot_no
),
-- Tonight's quarters, also one in which nothing is due, and what a run that was killed between
-- the deals and the seal left behind.
candidate as (
    select
        snapshot_date,
        period_start,
        min(as_of) as as_of,
        min(run_id) as run_id
    from deal
    group by snapshot_date, period_start
    union all
    select
        snapshot_date,
        period_start,
        cast(null as timestamp) as as_of,
        cast(null as varchar) as run_id
    from day
    where is_open and (select is_later from head)
),
pending as (
    select
        candidate.snapshot_date,
        candidate.period_start,
        max(candidate.as_of) as as_of,
        max(candidate.run_id) as run_id
    from candidate
    left join sealed
        on candidate.snapshot_date = sealed.snapshot_date
        and candidate.period_start = sealed.period_start
    where sealed.snapshot_date is null
    group by candidate.snapshot_date, candidate.period_start
),
numbered as (
    select
        (select snapshot_no from head)
        + cast(row_number() over (order by pending.snapshot_date, pending.period_start) as bigint)
            as snapshot_no,
        pending.snapshot_date,
        pending.period_start,
        period.period_end,
        period.period_name,
        coalesce(
            arrow_cast(pending.as_of, 'Timestamp(Microsecond, Some("UTC"))'), $as_of
        ) as as_of,
        coalesce(pending.run_id, (select run_id from run)) as run_id
    from pending
    inner join period on pending.period_start = period.period_start
),
-- One line a deal and one a figure: fields between tabs, null as \N, and what would break a line
-- escaped.
deal_line as (
    select
        snapshot_date,
        period_start,
        opportunity_id,
        'deal'
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(opportunity_id, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(connection, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(opportunity_name, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(rep_id, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(team_id, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(region_id, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(stage_id, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(stage_name, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(outcome, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(bucket, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(cast(amount as varchar), '\N')
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(currency, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(cast(amount_reporting as varchar), '\N')
        || chr(9)
        || coalesce(cast(close_date as varchar), '\N')
        || chr(9)
        || coalesce(cast(due_date as varchar), '\N')
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(forecast_category, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(cast(probability as varchar), '\N')
        || chr(9)
        || coalesce(cast(stage_probability as varchar), '\N')
        || chr(9)
        || coalesce(cast(historical_probability as varchar), '\N')
        || chr(9)
        || to_char(as_of, '%Y-%m-%dT%H:%M:%S%.6fZ')
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(run_id, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(10) as line
    from deal
),
figure_line as (
    select
        snapshot_date,
        period_start,
        scope,
        scope_id,
        series,
        'figure'
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(scope, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(scope_id, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(scope_name, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(
            replace(replace(replace(replace(series, '\', '\\'), chr(9), '\t'), chr(13), '\r'), chr(10), '\n'),
            '\N'
        )
        || chr(9)
        || coalesce(cast(amount as varchar), '\N')
        || chr(9)
        || coalesce(cast(n as varchar), '\N')
        || chr(9)
        || coalesce(cast(n_excluded as varchar), '\N')
        || chr(9)
        || coalesce(completeness, '\N')
        || chr(10) as line
    from figure
),
deals as (
    select
        deal_line.snapshot_date,
        deal_line.period_start,
        count(*) as deal_rows,
        text_in_order(deal_line.line, deal_line.opportunity_id) as lines
    from numbered
    inner join deal_line
        on numbered.snapshot_date = deal_line.snapshot_date
        and numbered.period_start = deal_line.period_start
    group by deal_line.snapshot_date, deal_line.period_start
),
figures as (
    select
        figure_line.snapshot_date,
        figure_line.period_start,
        count(*) as figure_rows,
        text_in_order(
            figure_line.line,
            figure_line.scope || chr(1) || figure_line.scope_id || chr(1) || figure_line.series
        ) as lines
    from numbered
    inner join figure_line
        on numbered.snapshot_date = figure_line.snapshot_date
        and numbered.period_start = figure_line.period_start
    group by figure_line.snapshot_date, figure_line.period_start
),
content as (
    select
        numbered.*,
        coalesce(deals.deal_rows, 0) as deal_rows,
        coalesce(figures.figure_rows, 0) as figure_rows,
        'opportunity_id connection opportunity_name rep_id team_id region_id stage_id stage_name outcome bucket amount currency amount_reporting close_date due_date forecast_category probability stage_probability historical_probability as_of run_id'
            as deal_columns,
        'scope scope_id scope_name series amount n n_excluded completeness' as figure_columns,
        concat(coalesce(deals.lines, ''), coalesce(figures.lines, '')) as lines
    from numbered
    left join deals
        on numbered.snapshot_date = deals.snapshot_date
        and numbered.period_start = deals.period_start
    left join figures
        on numbered.snapshot_date = figures.snapshot_date
        and numbered.period_start = figures.period_start
),
documented as (
    select
        *,
        'no ' || cast(snapshot_no as varchar) || chr(10)
        || 'date ' || cast(snapshot_date as varchar) || chr(10)
        || 'period quarter ' || cast(period_start as varchar) || ' '
        || cast(period_end as varchar) || ' ' || period_name || chr(10)
        || 'as_of ' || to_char(as_of, '%Y-%m-%dT%H:%M:%S%.6fZ') || chr(10)
        || 'run ' || run_id || chr(10)
        || 'deals ' || cast(deal_rows as varchar) || chr(10)
        || 'figures ' || cast(figure_rows as varchar) || chr(10)
        || 'deal_columns ' || deal_columns || chr(10)
        || 'figure_columns ' || figure_columns || chr(10)
        || lines as body
    from content
),
chained as (
    select
        *,
        hash_chain(body, coalesce((select hash from head_hash), repeat('0', 64))) over (
            order by snapshot_no
        ) as hash
    from documented
),
final as (
    select
        snapshot_no,
        snapshot_date,
        'quarter' as period_grain,
        period_start,
        period_end,
        period_name,
        as_of,
        run_id as sealed_run_id,
        deal_rows,
        figure_rows,
        deal_columns,
        figure_columns,
        sha256_hex(lines) as content_hash,
        coalesce(
            lag(hash) over (order by snapshot_no),
            (select hash from head_hash),
            repeat('0', 64)
        ) as previous_hash,
        hash
    from chained
)
select
    snapshot_no, snapshot_date, period_grain, period_start, period_end, period_name, as_of,
    sealed_run_id, deal_rows, figure_rows, deal_columns, figure_columns, content_hash,
    previous_hash, hash
from final
