/* @model
description: Average and median amount of the deals won in the period, of the open deals now in each stage (on the rows of the periods that hold the as-of day), and of deals when they came into each stage.
grain: [metric, period_grain, period_start, scope, scope_id, stage_id, forecast_category, close_period_start, target_metric]
kind: incremental
incremental:
  key: opportunity_id
  periods: select * from mart.fct_deal_size_contribution
  changed_by:
    mart.fct_opportunity: opportunity_id
    mart.fct_opportunity_version: opportunity_id
  matters:
    mart.dim_period: select period_key, period_grain, period_start, period_end from mart.dim_period
  as_of: >-
    select opportunity_id from mart.fct_opportunity_version
    where valid_from > $last_as_of and valid_from <= $as_of
owner: revops
tags: [crm, kpi, deal_size]
columns:
  metric: {type: string, doc: "which figure, as in ops.metric", checks: [not_null, "accepted_values: [deal_size_won_average, deal_size_won_median, deal_size_stage_average, deal_size_stage_median, deal_size_stage_entry_average, deal_size_stage_entry_median]"]}
  period_grain: {type: string, doc: "day, week, month, quarter or year", checks: [not_null, "accepted_values: [day, week, month, quarter, year]"]}
  period_start: {type: date, doc: "first day of the period", checks: [not_null]}
  period_end: {type: date, doc: "last day of the period, inclusive", checks: [not_null]}
  scope: {type: string, doc: "company, region, team or rep", checks: [not_null, "accepted_values: [company, region, team, rep]"]}
  scope_id: {type: string, doc: "company, or the id of the region, team or rep", checks: [not_null]}
  scope_name: {type: string, doc: "its name", checks: [not_null]}
  stage_id: {type: string, doc: "slice by stage; null: all stages"}
  stage_name: {type: string, doc: "the stage's name"}
  forecast_category: {type: string, doc: "slice by forecast category; null: all"}
  close_period_start: {type: date, doc: "slice by the fiscal quarter of the planned close date: its first day; null: all"}
  target_metric: {type: string, doc: "the metric that a target is for; null where there is none"}
  numerator: {type: "decimal(38,6)", doc: "upper part of a ratio; null where the metric is no ratio or nothing was observed"}
  denominator: {type: "decimal(38,6)", doc: "lower part of a ratio"}
  value: {type: "decimal(38,6)", doc: "the figure; null: not measurable, see completeness"}
  unit: {type: string, doc: "ratio, days, pushes, a currency, or a currency per day", checks: [not_null]}
  n: {type: int64, doc: "rows in the figure, mostly deals", checks: ["between 0 and 1000000000000"]}
  n_excluded: {type: int64, doc: "rows that a rule leaves out of it, listed in ops.exclusion", checks: ["between 0 and 1000000000000"]}
  completeness: {type: string, doc: "complete, degraded (something left out or replaced) or partial (a source did not come in whole); reasons in ops.completeness", checks: [not_null, "accepted_values: [complete, degraded, partial]"]}
  as_of: {type: timestamp, doc: "the instant that the figures are of", checks: [not_null]}
metrics:
  - id: deal_size_won_average
    title: Deal size of won deals, average
    definition: "Average amount of the deals won in the period."
    formula: "Σ amount ÷ won deals"
    unit: reporting currency
    grain: period × scope
    time_anchor: closed_date
    additive: false
    numerator: "Σ amount, in the reporting currency"
    denominator: "won deals with a usable amount"
    null_rule: "no deal with a usable amount: null; deals without an amount, without a currency or in one that is not converted are left out and counted"
  - id: deal_size_won_median
    title: Deal size of won deals, median
    definition: "Median amount of the deals won in the period."
    formula: "50th percentile of amount, interpolated"
    unit: reporting currency
    grain: period × scope
    time_anchor: closed_date
    additive: false
    null_rule: "no deal with a usable amount: null; deals without an amount, without a currency or in one that is not converted are left out and counted; medians do not roll up"
  - id: deal_size_stage_average
    title: Deal size by stage, average
    definition: "Average current amount of the open deals now in the stage."
    formula: "Σ amount ÷ open deals in the stage"
    unit: reporting currency
    grain: period × scope × stage
    time_anchor: the as-of instant
    additive: false
    numerator: "Σ amount, in the reporting currency"
    denominator: "open deals in the stage with a usable amount"
    null_rule: "no deal with a usable amount: null; deals without an amount, without a currency or in one that is not converted are left out and counted"
  - id: deal_size_stage_median
    title: Deal size by stage, median
    definition: "Median current amount of the open deals now in the stage."
    formula: "50th percentile of amount, interpolated"
    unit: reporting currency
    grain: period × scope × stage
    time_anchor: the as-of instant
    additive: false
    null_rule: "no deal with a usable amount: null; deals without an amount, without a currency or in one that is not converted are left out and counted; medians do not roll up"
  - id: deal_size_stage_entry_average
    title: Deal size at the entry into a stage, average
    definition: "Average amount that deals had when they came into the stage, of the entries in the period."
    formula: "Σ amount at entry ÷ entries"
    unit: reporting currency
    grain: month, quarter, year × scope × stage
    time_anchor: day of the entry into the stage, and who had the deal then
    additive: false
    numerator: "Σ amount at entry, in the reporting currency"
    denominator: "entries with a usable amount; a deal that comes back counts again"
    null_rule: "no entry with a usable amount: null; entries without one are left out and counted; deals of a source without history have none"
  - id: deal_size_stage_entry_median
    title: Deal size at the entry into a stage, median
    definition: "Median amount that deals had when they came into the stage, of the entries in the period."
    formula: "50th percentile of the amount at entry, interpolated"
    unit: reporting currency
    grain: month, quarter, year × scope × stage
    time_anchor: day of the entry into the stage, and who had the deal then
    additive: false
    null_rule: "as deal_size_stage_entry_average; medians do not roll up"
*/
with
-- The averages' rows carry the amounts of the medians too: each is looked at once.
contribution as (
    select *
    from mart.fct_deal_size_contribution
    where
        metric in (
            'deal_size_won_average', 'deal_size_stage_average', 'deal_size_stage_entry_average'
        )
),
stage as (
    select * from mart.dim_stage
),
rep_scope as (
    select * from mart.bridge_rep_scope
),
date_period as (
    select * from mart.bridge_date_period
),
scope as (
    select * from mart.dim_scope
),
period as (
    select * from mart.dim_period
),
business as (
    select * from system.business
),
metric as (
    select metric, of_what, statistic
    from (
        values
            ('deal_size_won_average', 1, 'average'),
            ('deal_size_won_median', 1, 'median'),
            ('deal_size_stage_average', 2, 'average'),
            ('deal_size_stage_median', 2, 'median'),
            ('deal_size_stage_entry_average', 3, 'average'),
            ('deal_size_stage_entry_median', 3, 'median')
    ) as listed (metric, of_what, statistic)
),
-- Stage 0 is none. An amount is null where a rule leaves the deal out. Entries are many times the
-- deals: they have months, quarters and years, no weeks and days, so a month's stand on its
-- first day.
sized as (
    select
        case contribution.metric
            when 'deal_size_won_average' then 1
            when 'deal_size_stage_average' then 2
            else 3
        end as of_what,
        coalesce(stage.stage_key, 0) as stage_key,
        contribution.rep_key,
        contribution.date_day,
        cast(cast(contribution.measure as decimal(18, 2)) * cast(100 as decimal(3, 0)) as bigint)
            as cents
    from stage
    right join contribution on stage.stage_id = contribution.stage_id
),
dated as (
    select
        of_what,
        stage_key,
        rep_key,
        case when of_what = 3 then period_start('month', date_day) else date_day end as date_day,
        cents,
        magnitude(cents) as magnitude
    from sized
),
period_of_day as (
    select
        date_period.date_day,
        array_agg(date_period.period_key) as period_keys,
        array_agg(date_period.period_key)
            filter (where period.period_grain in ('month', 'quarter', 'year')) as long_period_keys
    from date_period
    inner join period on date_period.period_key = period.period_key
    group by date_period.date_day
),
-- Medians without sorting every amount in all of its periods and scopes: amounts are counted by
-- magnitude, which tells in which magnitude the middle ones are; only these are looked at.
cell as (
    select
        of_what,
        stage_key,
        rep_key,
        date_day,
        magnitude,
        count(*) as deals,
        count(cents) as n,
        sum(cents) as cents
    from dated
    group by of_what, stage_key, rep_key, date_day, magnitude
),
counted as (
    select
        cell.of_what,
        cell.stage_key,
        rep_scope.scope_key,
        cell.period_key,
        cell.magnitude,
        sum(cell.deals) as deals,
        sum(cell.n) as n,
        sum(cast(cell.cents as decimal(38, 0))) as cents
    from rep_scope
    inner join (
        select
            cell.*,
            unnest(
                case
                    when cell.of_what = 3 then period_of_day.long_period_keys
                    else period_of_day.period_keys
                end
            ) as period_key
        from period_of_day
        inner join cell on period_of_day.date_day = cell.date_day
    ) as cell on rep_scope.rep_key = cell.rep_key
    group by cell.of_what, cell.stage_key, rep_scope.scope_key, cell.period_key, cell.magnitude
),
placed as (
    select
        *,
        sum(n) over whole as n_all,
        sum(case when magnitude is null then 0 else n end) over so_far - n as n_before
    from counted
    window
        whole as (partition by of_what, stage_key, scope_key, period_key),
        so_far as (
            partition by of_what, stage_key, scope_key, period_key
            order by magnitude
            rows between unbounded preceding and current row
        )
),
-- Places count from 0: of N amounts the middle ones are at (N - 1) / 2 and N / 2, which are one
-- where N is odd.
summed as (
    select
        of_what,
        stage_key,
        scope_key,
        period_key,
        sum(deals) as deals,
        sum(n) as n,
        cast(
            cast(sum(cents) as decimal(38, 6)) / cast(100 as decimal(38, 6)) as decimal(38, 6)
        ) as total,
        max(case when is_low then magnitude end) as low_magnitude,
        max(case when is_low then n_before end) as low_before,
        max(case when is_high then magnitude end) as high_magnitude,
        max(case when is_high then n_before end) as high_before
    from (
        select
            *,
            n_before <= (n_all - 1) / 2 and (n_all - 1) / 2 < n_before + n as is_low,
            n_before <= n_all / 2 and n_all / 2 < n_before + n as is_high
        from placed
    )
    group by of_what, stage_key, scope_key, period_key
),
middle as (
    select
        summed.*,
        unnest(
            case
                when low_magnitude = high_magnitude then make_array(low_magnitude)
                else make_array(low_magnitude, high_magnitude)
            end
        ) as magnitude
    from summed
),
spread as (
    select
        dated.of_what,
        dated.stage_key,
        rep_scope.scope_key,
        dated.period_key,
        dated.magnitude,
        dated.cents
    from rep_scope
    inner join (
        select
            dated.*,
            unnest(
                case
                    when dated.of_what = 3 then period_of_day.long_period_keys
                    else period_of_day.period_keys
                end
            ) as period_key
        from period_of_day
        inner join dated on period_of_day.date_day = dated.date_day
    ) as dated on rep_scope.rep_key = dated.rep_key
),
-- The small side stands on the left: the engine holds it and streams the amounts. (It would hold
-- the amounts if it thought that they were few, which after `unnest` it does not.)
near as (
    select
        middle.*,
        spread.cents,
        row_number() over (
            partition by
                middle.of_what, middle.stage_key, middle.scope_key, middle.period_key,
                middle.magnitude
            order by spread.cents
        ) - 1 as place
    from middle
    left join spread
        on middle.of_what = spread.of_what
        and middle.stage_key = spread.stage_key
        and middle.scope_key = spread.scope_key
        and middle.period_key = spread.period_key
        and middle.magnitude = spread.magnitude
),
read_off as (
    select
        of_what,
        stage_key,
        scope_key,
        period_key,
        max(deals) as deals,
        max(n) as n,
        max(total) as total,
        max(
            case
                when magnitude = low_magnitude and place = (n - 1) / 2 - low_before then cents
            end
        ) as low_cents,
        max(
            case when magnitude = high_magnitude and place = n / 2 - high_before then cents end
        ) as high_cents
    from near
    group by of_what, stage_key, scope_key, period_key
),
parts as (
    select
        metric.metric,
        read_off.stage_key,
        read_off.scope_key,
        read_off.period_key,
        case
            when metric.statistic = 'average' and read_off.n > 0
                then read_off.total
        end as numerator,
        case
            when metric.statistic = 'average' and read_off.n > 0
                then cast(read_off.n as decimal(38, 6))
        end as denominator,
        case
            when read_off.n = 0 then null
            when metric.statistic = 'average'
                then
                    cast(
                        read_off.total
                        / cast(read_off.n as decimal(38, 6))
                        as decimal(38, 6)
                    )
            when metric.statistic = 'median'
                then
                    cast(
                        cast(read_off.low_cents + read_off.high_cents as decimal(38, 6))
                        / cast(200 as decimal(38, 6))
                        as decimal(38, 6)
                    )
        end as value,
        read_off.n,
        read_off.deals - read_off.n as n_excluded
    from metric
    inner join read_off on metric.of_what = read_off.of_what
),
final as (
    select
        parts.metric,
        period.period_grain,
        period.period_start,
        period.period_end,
        scope.scope,
        scope.scope_id,
        scope.scope_name,
        stage.stage_id,
        stage.stage_name,
        cast(null as varchar) as forecast_category,
        cast(null as date) as close_period_start,
        cast(null as varchar) as target_metric,
        parts.numerator,
        parts.denominator,
        parts.value,
        (select reporting_currency from business) as unit,
        parts.n,
        parts.n_excluded,
        case
            when not scope.is_whole then 'partial'
            when parts.n_excluded > 0 then 'degraded'
            else 'complete'
        end as completeness,
        $as_of as as_of
    from parts
    inner join scope on parts.scope_key = scope.scope_key
    inner join period on parts.period_key = period.period_key
    left join stage on parts.stage_key = stage.stage_key
)
select
    metric, period_grain, period_start, period_end, scope, scope_id, scope_name, stage_id,
    stage_name, forecast_category, close_period_start, target_metric, numerator, denominator,
    value, unit, n, n_excluded, completeness, as_of
from final
