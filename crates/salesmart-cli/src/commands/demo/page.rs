//! The page that the demo prints.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use chrono::NaiveDate;
use salesmart_run::RunRecord;

use super::figures::{Figures, Row};
use super::{nothing_new, shell_word};
use crate::output::{Align, TextTable, grouped};
use crate::style::Style;

/// What the demo is about.
pub(super) struct About {
    /// Where the rows come from, as a person says it.
    pub(super) source: &'static str,
    /// How many deals there are.
    pub(super) deals: u64,
    /// How many people sell.
    pub(super) reps: usize,
    /// The first day of the history.
    pub(super) starts: NaiveDate,
    /// The last one.
    pub(super) ends: NaiveDate,
}

/// What is about to happen.
pub(super) fn opening(about: &About, dir: &Path, style: Style) -> String {
    format!(
        "{}: {} deals of {} reps from {} to {}, read from {}, in {}\n",
        style.bold(salesmart_simulator::COMPANY_NAME),
        grouped(about.deals),
        about.reps,
        about.starts,
        about.ends,
        about.source,
        shell_word(dir),
    )
}

/// The tables.
pub(super) fn figures(figures: &Figures, style: Style) -> String {
    let money = format!("({})", figures.currency);
    let mut text = String::new();
    let mut section = |title: &str, first: &str, rows: &[Row]| {
        let mut names = vec![
            "won".to_owned(),
            "lost".to_owned(),
            "win rate".to_owned(),
            "by value".to_owned(),
            format!("amount won {money}"),
            format!("average deal {money}"),
            "median cycle (days)".to_owned(),
        ];
        // Not every source knows quotas.
        let has_quotas = rows.iter().any(|row| row.last().is_some_and(Option::is_some));
        if has_quotas {
            names.push("of quota".to_owned());
        }
        let names = names.into_iter().map(|name| (name, Align::Right));
        let mut table = TextTable::new([(first.to_owned(), Align::Left)].into_iter().chain(names));
        for row in rows {
            let [name, won, lost, rate, by_value, amount, average, cycle, attainment] =
                row.as_slice()
            else {
                continue;
            };
            let mut cells = vec![
                name.clone().unwrap_or_default(),
                number(won, 0),
                number(lost, 0),
                percent(rate),
                percent(by_value),
                number(amount, 0),
                number(average, 0),
                number(cycle, 1),
            ];
            if has_quotas {
                cells.push(percent(attainment));
            }
            table.row(cells);
        }
        let _ = write!(text, "\n{}\n{}", style.bold(title), table.render(style));
    };
    section("The company, by fiscal quarter", "quarter", &figures.quarters);
    section("Teams, this quarter", "team", &figures.teams);
    section("The five reps who won most, this quarter", "rep", &figures.reps);
    text.push_str(&pipeline(figures, &money, style));
    text.push_str(&forecast(figures, &money, style));
    text
}

/// The forecast as it was sealed.
fn forecast(figures: &Figures, money: &str, style: Style) -> String {
    if figures.forecast.is_empty() {
        return String::new();
    }
    let columns = ["closed", "commit", "best case", "pipeline", "weighted"];
    let columns = columns.map(|name| (format!("{name} {money}"), Align::Right));
    let mut table =
        TextTable::new([("quarter".to_owned(), Align::Left)].into_iter().chain(columns));
    for row in &figures.forecast {
        let amounts = row.iter().skip(1).map(|amount| number(amount, 0));
        table.row([row.first().cloned().flatten().unwrap_or_default()].into_iter().chain(amounts));
    }
    let title = "Forecast, as sealed: closed, and with all that is at least as sure";
    format!("\n{}\n{}", style.bold(title), table.render(style))
}

fn pipeline(figures: &Figures, money: &str, style: Style) -> String {
    let mut table = TextTable::new([
        ("stage".to_owned(), Align::Left),
        ("deals".to_owned(), Align::Right),
        ("with an amount".to_owned(), Align::Right),
        (format!("amount {money}"), Align::Right),
        (format!("weighted {money}"), Align::Right),
        (format!("quiet for {} days", figures.stale_after_days), Align::Right),
    ]);
    for row in &figures.pipeline {
        let [stage, deals, with_amount, amount, weighted, stale] = row.as_slice() else { continue };
        table.row([
            stage.clone().unwrap_or_default(),
            number(deals, 0),
            number(with_amount, 0),
            number(amount, 0),
            number(weighted, 0),
            number(stale, 0),
        ]);
    }
    format!("\n{}\n{}", style.bold("Open pipeline"), table.render(style))
}

/// What the run did.
pub(super) fn closing(record: &RunRecord, took: Duration, style: Style) -> String {
    let rows = record.rows();
    let mut text = format!("\n{} in {:.1} s", style.green("done"), took.as_secs_f64());
    if nothing_new(record) {
        text.push_str(": nothing new landed, the source holds what was read before");
    } else {
        let _ = write!(
            text,
            ": {} rows read = {} landed + {} quarantined + {} unchanged",
            grouped(rows.read),
            grouped(rows.landed),
            grouped(rows.quarantined),
            grouped(rows.unchanged)
        );
    }
    if let Some(modeled) = &record.modeled {
        let built = modeled.tables.iter().filter(|table| table.built).count();
        let passed = modeled.checks.iter().filter(|check| check.passed).count();
        let _ = write!(
            text,
            "; {built} tables built, {} up to date; {passed} of {} checks passed",
            modeled.tables.len() - built,
            modeled.checks.len()
        );
    }
    if let Some(published) = &record.published {
        let _ = write!(text, "; release {}", published.release);
    }
    text.push('\n');
    text
}

/// Where to look next.
pub(super) fn next(
    dir: &Path,
    own_lake: Option<&Path>,
    quarter: Option<&str>,
    style: Style,
) -> String {
    let mut program = format!("{} --project {}", program(), shell_word(dir));
    if let Some(lake) = own_lake {
        let _ = write!(program, " --lake {}", shell_word(lake));
    }
    let mut text = format!("\n{}\n", style.bold("Look further"));
    let explain = quarter
        .map(|quarter| format!("explain win_rate_count --period {}", quarter.replace(' ', "")));
    if let Some(command) = explain {
        let what = style.dim("# the deals behind a figure, and that they add up to it");
        let _ = writeln!(text, "  {what}\n  {program} {command}");
    }
    for (command, what) in [
        (
            "query \"select scope_name, value, n from kpi.win_rate where metric = 'win_rate_count' \
             and scope = 'rep' and period_grain = 'year' order by value desc nulls last\"",
            "any figure, by day to year, for the company, regions, teams and reps",
        ),
        ("metrics show win_rate_count", "what a figure means; `metrics` lists them all"),
        ("runs show last", "every row, table and check of this run"),
        ("models list", "the SQL behind it, and which of it is the project's own"),
        ("models show kpi.win_rate", "one model: columns, checks, definitions"),
    ] {
        let _ = writeln!(text, "  {}\n  {program} {command}", style.dim(&format!("# {what}")));
    }
    let _ =
        writeln!(text, "The project is in {}; its README.md says what is where.", shell_word(dir));
    text
}

/// How this program was called, so that what is printed can be pasted.
fn program() -> String {
    std::env::args_os()
        .next()
        .map_or_else(|| "salesmart".to_owned(), |name| shell_word(Path::new(&name)))
}

/// A decimal's text, rounded half up to `digits` behind the point, thousands set apart; `–` for
/// what is not known.
fn number(text: &Option<String>, digits: usize) -> String {
    text.as_deref().and_then(|text| rounded(text, 0, digits)).unwrap_or_else(|| "–".to_owned())
}

/// A fraction's text as per cent.
fn percent(text: &Option<String>) -> String {
    let rounded = text.as_deref().and_then(|text| rounded(text, 2, 1));
    rounded.map_or_else(|| "–".to_owned(), |text| text + " %")
}

/// `text` times ten to the power of `shift`, rounded to `digits` behind the point. All in whole
/// numbers: no figure passes through a float, not even for show.
fn rounded(text: &str, shift: usize, digits: usize) -> Option<String> {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let kept = shift + digits;
    let fraction = format!("{fraction:0<width$}", width = kept + 1);
    let scaled: u128 = format!("{whole}{}", &fraction[..kept]).parse().ok()?;
    let rounds_up = fraction.as_bytes()[kept] >= b'5';
    let scaled = scaled + u128::from(rounds_up);
    let unit = 10_u128.pow(u32::try_from(digits).ok()?);
    let whole = grouped(u64::try_from(scaled / unit).ok()?);
    Some(match digits {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{:0digits$}", scaled % unit),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded_without_floats() {
        let number = |text: &str, digits| number(&Some(text.to_owned()), digits);
        assert_eq!(number("1234567.500000", 0), "1,234,568");
        assert_eq!(number("999.96", 1), "1,000.0");
        assert_eq!(number("42", 0), "42");
        assert_eq!(number("-0.25", 1), "-0.3");
        assert_eq!(super::number(&None, 0), "–");
        assert_eq!(percent(&Some("0.342500".to_owned())), "34.3 %");
        assert_eq!(percent(&Some("1.000000".to_owned())), "100.0 %");
        assert_eq!(percent(&Some("0.3".to_owned())), "30.0 %");
    }
}
