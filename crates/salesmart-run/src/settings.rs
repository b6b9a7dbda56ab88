//! What models know of the company: `config/business.yml` and `config/targets.yml`, judged by the
//! fiscal calendar and by the metrics that there are.

use salesmart_config::business::{self, Business, Pattern};
use salesmart_config::targets::{self, TargetPeriod};
use salesmart_core::suggest::nearest;
use salesmart_core::{Error, Location, Result};
use salesmart_model::{
    BusinessSettings, Calendar, Catalog, FiscalYear, Grain, Model, Target, WeekPattern, YearEnd,
};

use crate::period::Period;

/// The settings of a project.
///
/// # Errors
/// Every target that cannot be: of an unknown metric, of no fiscal period, or given twice.
pub(crate) fn settings(
    business: &Business,
    written: &[targets::Target],
    catalog: &Catalog,
) -> Result<BusinessSettings> {
    let calendar = calendar(business);
    Ok(BusinessSettings {
        company_name: business.company_name.clone(),
        reporting_currency: business.reporting_currency.clone(),
        time_zone: business.time_zone,
        calendar,
        stale_after_days: i64::from(business.stale_after_days),
        forecast_open_periods: i64::from(business.forecast.open_periods),
        books_close_days: i64::from(business.forecast.books_close_days),
        forecast_checkpoints: business.forecast.checkpoints.iter().map(|n| (*n).into()).collect(),
        holidays: business.holidays.iter().map(|day| (day.date, day.name.clone())).collect(),
        targets: resolve(written, &calendar, catalog)?,
    })
}

/// The fiscal calendar.
fn calendar(business: &Business) -> Calendar {
    let fiscal = business.fiscal_year;
    let weeks = |pattern| FiscalYear::Weeks {
        pattern,
        // A year of whole weeks ends by the end of the month before the one it starts with.
        end_month: if fiscal.starts == 1 { 12 } else { fiscal.starts - 1 },
        ends_on: fiscal.ends_on,
        rule: match fiscal.rule {
            business::YearEnd::Last => YearEnd::Last,
            business::YearEnd::Nearest => YearEnd::Nearest,
        },
    };
    let year = match fiscal.pattern {
        Pattern::Calendar => FiscalYear::Months { start_month: fiscal.starts },
        Pattern::FourFourFive => weeks(WeekPattern::FourFourFive),
        Pattern::FourFiveFour => weeks(WeekPattern::FourFiveFour),
        Pattern::FiveFourFour => weeks(WeekPattern::FiveFourFour),
    };
    Calendar { year, week_start: fiscal.week_starts }
}

/// The targets with their days.
fn resolve(
    written: &[targets::Target],
    calendar: &Calendar,
    catalog: &Catalog,
) -> Result<Vec<Target>> {
    let mut resolved: Vec<(Target, &Location)> = Vec::new();
    let mut problems = Vec::new();
    for target in written {
        let place = &target.period.location;
        if let Some(error) = unknown_metric(target, catalog) {
            // A target for several periods names its metric once.
            if !problems.iter().any(|other: &Error| other.location() == error.location()) {
                problems.push(error);
            }
            continue;
        }
        let period = match period(target, calendar) {
            Ok(period) => period,
            Err(error) => {
                problems.push(error.at(place.clone()));
                continue;
            }
        };
        let target = Target {
            id: id(target, &period),
            metric: target.metric.value.clone(),
            scope: target.scope.as_str().to_owned(),
            scope_id: target.scope_id.clone(),
            period_grain: period.grain.as_str().to_owned(),
            period_start: period.start,
            value: target.value.0,
            note: target.note.clone(),
        };
        match resolved.iter().find(|(other, _)| other.id == target.id) {
            Some((_, first)) => problems.push(
                Error::configuration(format!("the target `{}` is given twice", target.id))
                    .with("first", first)
                    .at(place.clone())
                    .with_hint("keep one of the two"),
            ),
            None => resolved.push((target, place)),
        }
    }
    match Error::many(problems) {
        Some(error) => Err(error),
        None => Ok(resolved.into_iter().map(|(target, _)| target).collect()),
    }
}

/// What a target is called: metric, scope and period, of which there is one each.
fn id(target: &targets::Target, period: &Period) -> String {
    let metric = &target.metric.value;
    match target.scope {
        targets::Scope::Company => format!("{metric} company {}", period.name),
        scope => format!("{metric} {}:{} {}", scope.as_str(), target.scope_id, period.name),
    }
}

/// An error for a metric that no target can be for: one that is not there, or that is not
/// published by period and scope.
fn unknown_metric(target: &targets::Target, catalog: &Catalog) -> Option<Error> {
    let metric = &target.metric;
    let is_by_period = |model: &Model| {
        ["period_grain", "period_start", "scope", "value"]
            .iter()
            .all(|column| model.header.column(column).is_some())
    };
    let cards =
        || catalog.models().flat_map(|m| m.header.metrics.iter().map(move |card| (&*card.id, m)));
    let known = || cards().filter(|(_, model)| is_by_period(model)).map(|(id, _)| id);
    if known().any(|id| id == metric.value) {
        return None;
    }
    let error = match cards().find(|(id, _)| *id == metric.value) {
        Some((id, model)) => Error::configuration(format!("there is no target for `{id}`"))
            .with("because", format!("`{}` is not by period and scope", model.name)),
        None => Error::configuration(format!("there is no metric `{}`", metric.value)),
    };
    let error = error.at(metric.location.clone());
    Some(match nearest(&metric.value, known()) {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error.with_hint("`salesmart metrics` lists them"),
    })
}

fn period(target: &targets::Target, calendar: &Calendar) -> Result<Period> {
    match &target.period.value {
        TargetPeriod::Named(text) => {
            let period = Period::parse(text, calendar)?;
            if matches!(period.grain, Grain::Day | Grain::Week) {
                return Err(Error::configuration(format!(
                    "a target for a {} is too short",
                    period.grain.as_str()
                ))
                .with("expected", "a month, a quarter or a year: `2026-08`, `FY26Q3`, `FY26`"));
            }
            Ok(period)
        }
        TargetPeriod::Begins(written, day) => {
            let grain = match written {
                targets::TargetGrain::Month => Grain::Month,
                targets::TargetGrain::Quarter => Grain::Quarter,
                targets::TargetGrain::Year => Grain::Year,
            };
            let name = grain.as_str();
            let period = Period::of(grain, *day, calendar)
                .ok_or_else(|| Error::configuration(format!("{day} is beyond all calendars")))?;
            if period.start != *day {
                return Err(Error::configuration(format!("no fiscal {name} begins on {day}"))
                    .with_hint(format!(
                        "that day is in {}: write `period: {}` or `period: {{{name}: {}}}`",
                        period.name, period.name, period.start
                    )));
            }
            Ok(period)
        }
    }
}

#[cfg(test)]
mod tests {
    use salesmart_config::{Project, Variables};

    use super::*;

    const MODEL: &str = "/* @model
description: A figure.
grain: [metric]
kind: table
columns:
  metric: {type: string, doc: x}
  period_grain: {type: string, doc: x}
  period_start: {type: date, doc: x}
  scope: {type: string, doc: x}
  value: {type: \"decimal(38,6)\", doc: x}
metrics:
  - {id: win_rate_count, title: a, definition: b, formula: c, unit: ratio, grain: d, time_anchor: e, additive: false}
  - {id: deals_won, title: a, definition: b, formula: c, unit: count, grain: d, time_anchor: e, additive: true}
*/
select 'x' as metric, 'month' as period_grain, date '2026-01-01' as period_start, 'rep' as scope, 1.0 as value
";
    const FORECAST: &str = "/* @model
description: Another kind of figure.
grain: [day]
kind: table
columns:
  day: {type: date, doc: x}
metrics:
  - {id: forecast_amount, title: a, definition: b, formula: c, unit: d, grain: e, time_anchor: f, additive: true}
*/
select date '2026-01-01' as day
";

    fn of(business: &str, targets: &str) -> Result<BusinessSettings> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("config")).unwrap();
        std::fs::write(folder.path().join("config/business.yml"), business).unwrap();
        std::fs::write(folder.path().join("config/targets.yml"), targets).unwrap();
        let project = Project::load(folder.path(), &Variables::default()).unwrap();
        let models = [
            ("kpis/figure/kpi_figure.sql".to_owned(), MODEL.to_owned()),
            ("forecast/forecast_figure.sql".to_owned(), FORECAST.to_owned()),
        ];
        let catalog = Catalog::load(&models, None).unwrap();
        settings(project.business(), project.targets(), &catalog)
    }

    #[test]
    fn every_setting_reaches_the_models() {
        let settings = of(
            "holidays: [{date: 2026-12-25, name: Christmas}]\n\
             forecast: {open_periods: 3, books_close_days: 7, checkpoints: [7, 30]}\n\
             stale_after_days: 21\nreporting_currency: EUR\n",
            "",
        )
        .unwrap();
        assert_eq!(settings.holidays, [("2026-12-25".parse().unwrap(), "Christmas".to_owned())]);
        assert_eq!((settings.forecast_open_periods, settings.books_close_days), (3, 7));
        assert_eq!(settings.forecast_checkpoints, [30, 7]);
        assert_eq!((settings.stale_after_days, settings.reporting_currency.as_str()), (21, "EUR"));
        assert_eq!(of("", "").unwrap(), BusinessSettings::default(), "the defaults are the same");
    }

    #[test]
    fn periods_are_those_of_the_fiscal_calendar() {
        let targets = "
- {metric: win_rate_count, scope: team, id: 'crm:Europe Enterprise', period: FY26Q3, value: 0.35, note: agreed}
- {metric: deals_won, period: {year: 2025-02-01}, value: 1200}
- {metric: deals_won, scope: rep, id: crm:7, values: {2025-09: 9, FY26M09: 10, fy2027: 100}}
";
        let settings = of("fiscal_year: {starts: february}", targets).unwrap();
        let told: Vec<String> = settings
            .targets
            .iter()
            .map(|t| {
                format!("{} | {} {} | {} {}", t.id, t.scope, t.scope_id, t.period_start, t.value)
            })
            .collect();
        assert_eq!(
            told,
            [
                "win_rate_count team:crm:Europe Enterprise FY26Q3 | team crm:Europe Enterprise | 2025-08-01 350000",
                "deals_won company FY26 | company company | 2025-02-01 1200000000",
                "deals_won rep:crm:7 FY26M08 | rep crm:7 | 2025-09-01 9000000",
                "deals_won rep:crm:7 FY26M09 | rep crm:7 | 2025-10-01 10000000",
                "deals_won rep:crm:7 FY27 | rep crm:7 | 2026-02-01 100000000",
            ]
        );
        assert_eq!(settings.targets[0].note.as_deref(), Some("agreed"));
        let weeks =
            "fiscal_year: {starts: february, pattern: 4-5-4, ends_on: saturday, rule: nearest}";
        let month = "- {metric: deals_won, period: 2024-02, value: 1}";
        let settings = of(weeks, month).unwrap();
        assert_eq!(settings.targets[0].period_start, "2024-02-04".parse().unwrap());
        assert_eq!(settings.targets[0].id, "deals_won company FY25M01");
    }

    #[test]
    fn a_target_that_cannot_be_says_where_and_what_to_do() {
        let targets = "
- {metric: win_rate_cuont, values: {FY26Q1: 1, FY26Q2: 2}}
- {metric: revenue, period: FY26, value: 1}
- {metric: forecast_amount, period: FY26, value: 1}
- {metric: deals_won, period: FY26Q5, value: 1}
- {metric: deals_won, period: 2026-W31, value: 1}
- {metric: deals_won, period: 2026-08-14, value: 1}
- {metric: deals_won, period: {quarter: 2026-08-15}, value: 1}
- {metric: deals_won, period: FY26Q3, value: 1}
- {metric: deals_won, scope: company, period: {quarter: 2026-07-01}, value: 2}
- {metric: deals_won, scope: team, id: a, period: FY26Q3, value: 3}
";
        let error = of("", targets).unwrap_err();
        let told = format!("{error:#}").replace('\u{1e}', "");
        insta::assert_snapshot!(told, @"
        there is no metric `win_rate_cuont`
          at: config/targets.yml:2:12
          hint: did you mean `win_rate_count`?
        there is no metric `revenue`
          at: config/targets.yml:3:12
          hint: `salesmart metrics` lists them
        there is no target for `forecast_amount`
          at: config/targets.yml:4:12
          because: `forecast.figure` is not by period and scope
          hint: `salesmart metrics` lists them
        `FY26Q5` is not a period
          at: config/targets.yml:5:31
          expected: a fiscal year `FY26`, quarter `FY26Q3` or month `FY26M07`, a month `2026-08`, a week `2026-W31` or a day `2026-08-14`
          hint: a fiscal year is named by the calendar year in which it ends
        a target for a week is too short
          at: config/targets.yml:6:31
          expected: a month, a quarter or a year: `2026-08`, `FY26Q3`, `FY26`
        a target for a day is too short
          at: config/targets.yml:7:31
          expected: a month, a quarter or a year: `2026-08`, `FY26Q3`, `FY26`
        no fiscal quarter begins on 2026-08-15
          at: config/targets.yml:8:41
          hint: that day is in FY26Q3: write `period: FY26Q3` or `period: {quarter: 2026-07-01}`
        the target `deals_won company FY26Q3` is given twice
          at: config/targets.yml:10:57
          first: config/targets.yml:9:31
          hint: keep one of the two
        ");
    }
}
