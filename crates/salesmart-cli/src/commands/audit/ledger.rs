//! What the ledger says of the deals due in a period, at a pair of instants, by the same rules as
//! `mart.fct_forecast_state`: an open deal is due by its close date, a decided one on the day of
//! its outcome, for the rep of that day.

use chrono::{DateTime, Utc};

use super::moment::sql_instant;
use super::scope::Scope;
use crate::period::Period;

/// The deals, as a query with the columns of `forecast.snapshot_deal` that the ledger can tell.
pub(super) fn deals(
    valid_at: DateTime<Utc>,
    known_at: DateTime<Utc>,
    period: &Period,
    scope: &Scope,
) -> String {
    let (valid_at, known_at) = (sql_instant(valid_at), sql_instant(known_at));
    let (first, last, is_in_scope) = (period.start, period.end, scope.holds("deal"));
    format!(
        "with known as ( \
            select * from forecast.ledger \
            where known_from <= {known_at} and (known_to is null or known_to > {known_at}) \
              and valid_from <= {valid_at}), \
        followed as ( \
            select *, lag(stage_id) over versions as stage_before, \
                lag(valid_from) over versions as version_before \
            from known window versions as (partition by opportunity_id order by valid_from)), \
        decided as ( \
            select *, row_number() over \
                (partition by opportunity_id order by valid_from desc) as place \
            from followed \
            where outcome in ('won', 'lost') and not is_deleted \
              and (version_before is null or stage_before <> stage_id)), \
        team as (select distinct team_id, region_id from mart.dim_team), \
        dated as ( \
            select current.opportunity_id, opportunity.opportunity_name, \
                coalesce(decided.rep_id, current.rep_id) as rep_id, \
                coalesce(decided.team_id, current.team_id) as team_id, \
                current.stage_name, current.outcome, current.probability, current.amount, \
                current.currency, current.amount_reporting, \
                coalesce(company_date(decided.valid_from), current.close_date) as due_date, \
                case when current.outcome in ('won', 'lost') then current.outcome \
                    when current.forecast_category is null then 'pipeline' \
                    when current.forecast_category = 'closed' then 'commit' \
                    else current.forecast_category end as bucket \
            from known current \
            left join mart.fct_opportunity opportunity \
                on opportunity.opportunity_id = current.opportunity_id \
            left join decided \
                on decided.opportunity_id = current.opportunity_id and decided.place = 1 \
                and current.outcome in ('won', 'lost') \
                and coalesce(opportunity.has_history, true) \
            where (current.valid_to is null or current.valid_to > {valid_at}) \
              and not current.is_deleted and current.outcome is not null \
              and opportunity.deal_exclusion is null), \
        deal as ( \
            select dated.*, team.region_id from dated left join team on team.team_id = dated.team_id) \
        select * from deal \
        where deal.due_date between date '{first}' and date '{last}' and {is_in_scope}"
    )
}

/// What they add up to, in the series that the ledger can tell: all but the submitted calls and
/// the two that weigh by the stage.
pub(super) fn figures(
    valid_at: DateTime<Utc>,
    known_at: DateTime<Utc>,
    period: &Period,
    scope: &Scope,
) -> String {
    let deals = deals(valid_at, known_at, period, scope);
    format!(
        "with due as ({deals}), \
        counted as ( \
            select series.series, \
                case when series.weight = 'none' then due.amount_reporting \
                    else cast(due.amount_reporting * due.probability as decimal(18, 2)) \
                end as amount \
            from mart.dim_forecast_series series \
            inner join due on due.bucket = series.bucket \
            where series.series not in ('weighted_stage', 'weighted_historical')) \
        select series.series, \
            coalesce(sum(counted.amount), case when count(counted.series) = 0 then 0 end) as amount, \
            count(counted.amount) as n, \
            count(counted.series) - count(counted.amount) as n_excluded, \
            'reconstructed' as provenance \
        from (select distinct series from mart.dim_forecast_series \
              where series not in ('weighted_stage', 'weighted_historical')) series \
        left join counted on counted.series = series.series \
        group by series.series order by series.series"
    )
}
