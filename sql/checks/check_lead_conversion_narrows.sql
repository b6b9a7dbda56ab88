/* @check
description: No step of the leads' way is reached by more than the one before, every lead is in exactly one row a step, the scopes each sum up to the company, and all leads are there.
severity: error
table: funnel.lead_conversion
*/
with
conversion as (
    select * from funnel.lead_conversion
),
wider as (
    select
        concat(scope, ' ', scope_id, ' ', source, ' ', step, ' ', period_start) as what,
        'widens' as wrong
    from conversion
    where
        n_reached > n_previous
        or n_previous > n_leads
        or least(n_lost, n_open, n_skipped, n_assumed) < 0
        or n_reached + n_lost + n_open <> n_previous
        or n_skipped > n_reached
        or n_timed > n_reached
),
summed as (
    select
        concat(step, ' ', source, ' ', period_grain, ' ', period_start) as what,
        scope,
        sum(n_leads) as n_leads,
        sum(n_reached) as n_reached,
        sum(n_lost) as n_lost,
        sum(coalesce(n_matched, 0)) as n_matched
    from conversion
    group by 1, scope
),
apart as (
    select what, 'scopes do not sum up to the company' as wrong
    from summed
    group by what
    having
        count(*) <> 4
        or max(n_leads) <> min(n_leads)
        or max(n_reached) <> min(n_reached)
        or max(n_lost) <> min(n_lost)
        or max(n_matched) <> min(n_matched)
),
lead as (
    select count(*) as leads from mart.fct_lead where lead_exclusion is null
),
grain as (
    select grain, step
    from (values ('month'), ('quarter'), ('year')) as listed_grain (grain)
    cross join (
        values ('created'), ('contacted'), ('qualified'), ('converted'), ('deal'), ('won')
    ) as listed_step (step)
),
counted as (
    select grain.grain, grain.step, coalesce(sum(conversion.n_leads), 0) as leads
    from grain
    left join conversion
        on grain.grain = conversion.period_grain
        and grain.step = conversion.step
        and conversion.scope = 'company'
    group by grain.grain, grain.step
),
missing as (
    select
        concat(counted.grain, ' ', counted.step, ': ', counted.leads, ' of ', lead.leads) as what,
        'leads are missing' as wrong
    from lead
    cross join counted
    where counted.leads <> lead.leads
)
select * from wider
union all
select * from apart
union all
select * from missing
