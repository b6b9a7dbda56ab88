/* @model
description: For each day, connection and field of a deal whether history is observed (runs were looking), reconstructed (the CRM's own history tells) or unknown. From the day of the connection's first deal to the as-of day.
grain: [date_day, connection, field]
kind: table
owner: revops
tags: [forecast, coverage]
columns:
  date_day: {type: date, doc: "the day", checks: [not_null]}
  connection: {type: string, doc: "the connection", checks: [not_null]}
  field: {type: string, doc: "stage, amount, close_date, probability, forecast_category, owner or currency", checks: [not_null]}
  coverage: {type: string, doc: "observed, reconstructed or unknown", checks: [not_null, "accepted_values: [observed, reconstructed, unknown]"]}
*/
with
range as (
    select * from mart.fct_history_coverage
),
entry as (
    select * from forecast.ledger_entry
),
deal as (
    select * from mart.fct_opportunity where deal_exclusion is null
),
field as (
    select distinct field
    from (
        values
            ('stage'), ('amount'), ('close_date'), ('probability'), ('forecast_category'),
            ('owner'), ('currency')
    ) as listed (field)
),
with_history as (
    select distinct connection from range
),
-- A source that keeps no history is known from the first run on that wrote it down.
first_deal as (
    select connection, min(start_date) as first_date
    from deal
    group by connection
),
oldest as (
    select first_deal.connection, first_deal.first_date
    from first_deal
    left join with_history on first_deal.connection = with_history.connection
    where with_history.connection is null
),
first_seen as (
    select connection, company_date(min(known_from)) as seen_date
    from entry
    group by connection
),
bounds as (
    select
        oldest.connection,
        oldest.first_date,
        coalesce(first_seen.seen_date, $as_of_date + 1) as seen_date
    from oldest
    left join first_seen on oldest.connection = first_seen.connection
    where oldest.first_date <= $as_of_date
),
without_history as (
    select
        connection,
        first_date as from_date,
        least(seen_date - 1, $as_of_date) as to_date,
        'unknown' as coverage
    from bounds
    union all
    select
        connection,
        greatest(first_date, seen_date) as from_date,
        $as_of_date as to_date,
        'observed' as coverage
    from bounds
),
united as (
    select connection, field, from_date, to_date, coverage from range
    union all
    select
        without_history.connection,
        field.field,
        without_history.from_date,
        without_history.to_date,
        without_history.coverage
    from field
    cross join without_history
),
final as (
    select
        cast(unnest(generate_series(from_date, to_date, interval '1 day')) as date) as date_day,
        connection,
        field,
        coverage
    from united
    where from_date <= to_date
)
select date_day, connection, field, coverage
from final
