//! Progress towards a target: the value of another figure over what the settings name.

use std::fmt::Write;

use salesmart_core::{Error, Millionths, Result};
use salesmart_run::Period;

use super::figure::Figure;
use super::proof::{Compared, compare, exactly, near, quotient, shown};
use super::release::{Explained, Row};
use super::scope::{Scope, Slice};
use super::{cell, quoted};
use crate::commands::metrics;
use crate::style::Style;

/// The view of the targets of the settings.
const VIEW: &str = "mart.fct_target_progress_contribution";
/// The metric that compares with the part of the target that is due by now.
const PACE: &str = "target_pace";

/// What progress towards a target is made of.
pub(super) struct Target {
    /// The metric that the target is for.
    metric: String,
    /// The target's name, value and note.
    named: Vec<Row>,
    /// The value of the metric.
    actual: Option<Millionths>,
    /// Working days of the period, and those that have passed; for the pace only.
    days: Option<(i64, i64)>,
    /// Whether the period has begun on the release's day; before that there is no figure.
    has_begun: bool,
}

/// Whether a figure is one of a target: then the metric that it is for.
pub(super) fn metric(slices: &[Slice]) -> Option<&str> {
    let slice = slices.iter().find(|slice| slice.column == "target_metric")?;
    Some(&slice.value)
}

impl Target {
    /// What the figure of a target is made of.
    ///
    /// # Errors
    /// When the release or the settings know nothing of the target.
    pub(super) async fn find(
        explained: &Explained<'_>,
        progress: &str,
        metric: &str,
        period: &Period,
        scope: &Scope,
    ) -> Result<Self> {
        let (card, model) = metrics::card(explained.catalog(), metric)?;
        if progress == PACE && !card.additive {
            return Err(Error::configuration(format!("a target for `{metric}` has no pace"))
                .with(
                    "because",
                    "its values do not add up over time, so they do not grow with the days",
                )
                .with_hint("`salesmart explain target_progress` says how far it is"));
        }
        let place = place(period, scope);
        let named = explained
            .rows(&format!(
                "select subject_id, denominator, note from {VIEW} \
                 where target_metric = {} and exclusion is null and {place} order by subject_id",
                quoted(metric)
            ))
            .await?;
        if named.is_empty() {
            return Err(Error::configuration(format!(
                "there is no target for `{metric}` in {} for this {}",
                period.name, scope.scope
            ))
            .with_hint("targets are written in `config/targets.yml`"));
        }
        let slices: String = super::scope::SLICES
            .iter()
            .filter(|(_, column)| model.header.column(column).is_some())
            .map(|(_, column)| format!(" and {column} is null"))
            .collect();
        let actual = explained
            .rows(&format!(
                "select value from {} where metric = {} and {place}{slices}",
                model.name,
                quoted(metric)
            ))
            .await?;
        let actual =
            actual.first().and_then(|row| row[0].as_deref()).map(str::parse).transpose()?;
        let days = match progress {
            PACE => Some(working_days(explained, period).await?),
            _ => None,
        };
        let has_begun = explained
            .rows(&format!(
                "select 1 from (values (1)) as one (one) \
                 where cast('{}' as date) <= $as_of_date",
                period.start
            ))
            .await?;
        let has_begun = !has_begun.is_empty();
        Ok(Self { metric: metric.to_owned(), named, actual, days, has_begun })
    }

    /// The target as rows, for programs.
    pub(super) fn rows(&self, period: &Period, scope: &Scope) -> String {
        format!(
            "select subject, subject_id, target_metric, denominator, exclusion, note from {VIEW} \
             where target_metric = {} and {} order by subject_id",
            quoted(&self.metric),
            place(period, scope)
        )
    }

    /// Compares with the figure.
    pub(super) fn prove(&self, figure: &Figure) -> Result<Vec<Compared>> {
        if !self.has_begun && !figure.is_published {
            return Ok(Vec::new());
        }
        let target: Option<Millionths> = match self.named.as_slice() {
            [row] => Some(cell(row, 1, "value")?.parse()?),
            _ => None,
        };
        let due = match (target, self.days) {
            (Some(target), Some((days, passed))) => {
                let part = target.0.checked_mul(i128::from(passed));
                part.and_then(|part| part.checked_div(i128::from(days))).map(Millionths)
            }
            (target, _) => target,
        };
        let mut compared = vec![
            compare("value of the metric", self.actual, figure.numerator, exactly),
            compare("target", due, figure.denominator, near),
        ];
        let quotient = quotient(self.actual, due);
        if quotient.is_some() && figure.value.is_some() {
            compared.push(compare("quotient", quotient, figure.value, near));
        }
        Ok(compared)
    }

    /// The part of the page that says it.
    pub(super) fn render(&self, period: &Period, scope: &Scope, style: Style) -> String {
        let mut text = String::new();
        for row in &self.named {
            let text_of = |place: usize| row.get(place).and_then(Option::as_deref).unwrap_or("");
            let value = text_of(1).parse().ok();
            let _ = write!(text, "\n  target        {}, of {}", shown(value), text_of(0));
            let _ = match text_of(2) {
                "" => writeln!(text),
                note => writeln!(text, " ({note})"),
            };
        }
        if let Some((days, passed)) = self.days {
            let _ = writeln!(text, "  working days  {passed} of {days} have passed");
        }
        let _ = writeln!(text, "  so far        {} = {}", self.metric, shown(self.actual));
        let whose = match scope.scope.as_str() {
            "company" => String::new(),
            level => format!(" --scope \"{level}:{}\"", scope.id),
        };
        let hint = format!("salesmart explain {} --period {}{whose}", self.metric, period.name);
        let _ = writeln!(text, "\n{} {hint}", style.cyan("what that is made of:"));
        text
    }
}

/// The condition for rows of a period and scope.
fn place(period: &Period, scope: &Scope) -> String {
    format!(
        "scope = '{}' and scope_id = {} and period_grain = '{}' \
         and period_start = cast('{}' as date)",
        scope.scope,
        quoted(&scope.id),
        period.grain.as_str(),
        period.start,
    )
}

/// Working days of a period, and those up to the release's day.
async fn working_days(explained: &Explained<'_>, period: &Period) -> Result<(i64, i64)> {
    let (start, end) = (period.start, period.end);
    let rows = explained
        .rows(&format!(
            "select working_days(cast('{start}' as date), cast('{end}' as date)), \
             working_days(cast('{start}' as date), least(cast('{end}' as date), $as_of_date)) \
             from (values (1)) as one (one)"
        ))
        .await?;
    let row = rows.first().map_or(&[][..], Vec::as_slice);
    let days = |place| super::contribution::whole(cell(row, place, "number of days")?);
    Ok((days(0)?, days(1)?))
}
