//! The page that explains a figure.

use std::fmt::Write;

use salesmart_lake::Release;
use salesmart_run::Period;

use super::contribution::{Listed, Reading, Sums};
use super::figure::Figure;
use super::proof::{Compared, shown};
use super::release::Row;
use super::scope::{SLICES, Scope};
use super::target::Target;
use crate::commands::metrics::Card;
use crate::commands::runs::instant;
use crate::output::{Align, TextTable, grouped};
use crate::style::Style;

/// What every page has.
#[derive(Clone, Copy)]
pub(super) struct Page<'a> {
    pub(super) card: Card<'a>,
    pub(super) period: &'a Period,
    pub(super) scope: &'a Scope,
    pub(super) release: &'a Release,
    pub(super) figure: &'a Figure,
}

/// What a figure is made of.
pub(super) struct Made<'a> {
    pub(super) sums: &'a Sums,
    pub(super) reading: Option<&'a Reading>,
    pub(super) listed: &'a Listed,
}

/// Places of the columns of [`Listed`].
const SUBJECT: usize = 0;
const PART: usize = 5;
const NUMERATOR: usize = 6;
const MEASURE: usize = 8;
const PLACE: usize = 9;
const SUBSTITUTE: usize = 11;

impl Page<'_> {
    /// The page of a figure that contributions make.
    pub(super) fn of_contributions(
        &self,
        made: &Made<'_>,
        proof: &[Compared],
        style: Style,
    ) -> String {
        let mut text = self.top(style);
        made.parts(&mut text, style);
        made.contributions(&mut text, style);
        made.left_out(&mut text, style);
        text.push_str(&verdict(proof, style));
        text
    }

    /// The page of progress towards a target.
    pub(super) fn of_target(&self, target: &Target, proof: &[Compared], style: Style) -> String {
        let mut text = self.top(style);
        text.push_str(&target.render(self.period, self.scope, style));
        text.push_str(&verdict(proof, style));
        text
    }

    /// What the figure is, and the figure.
    fn top(&self, style: Style) -> String {
        let mut text = String::new();
        self.head(&mut text, style);
        self.figure(&mut text);
        self.reasons(&mut text, style);
        text
    }

    fn head(&self, text: &mut String, style: Style) {
        let (metric, model) = self.card;
        let _ = writeln!(text, "{} · {}", style.bold(&metric.id), metric.title);
        let _ = writeln!(text, "{}\n", metric.definition);
        let Period { grain, start, end, name } = self.period;
        let days = if start == end { String::new() } else { format!(", {start} to {end}") };
        let _ = writeln!(text, "  period        {name} ({}{days})", grain.as_str());
        let Scope { scope, id, name } = self.scope;
        let _ = match scope.as_str() {
            "company" => writeln!(text, "  scope         company ({name})"),
            _ => writeln!(text, "  scope         {scope} {name} ({id})"),
        };
        for slice in &self.figure.slices {
            let key = SLICES.iter().find(|(_, column)| *column == slice.column);
            let key = key.map_or(slice.column, |(key, _)| key);
            let _ = writeln!(text, "  slice         {key}={}", slice.value);
        }
        let as_of = instant(self.release.as_of);
        let _ = writeln!(text, "  release       {}, as of {as_of}", self.release.id);
        let _ = writeln!(text, "  table         {}\n", model.name);
    }

    fn figure(&self, text: &mut String) {
        let (metric, _) = self.card;
        let figure = self.figure;
        if !figure.is_published {
            let _ = writeln!(text, "  no figure: there is no row for it, nothing was observed");
            return;
        }
        let _ = writeln!(text, "  value         {} {}", shown(figure.value), figure.unit);
        let mut part = |label: &str, value, words: &Option<String>| {
            if figure.numerator.is_some() || figure.denominator.is_some() {
                let words = words.as_ref().map_or_else(String::new, |words| format!("  {words}"));
                let _ = writeln!(text, "  {label:<13} {}{words}", shown(value));
            }
        };
        part("numerator", figure.numerator, &metric.numerator);
        part("denominator", figure.denominator, &metric.denominator);
        let _ = writeln!(text, "  n             {}", figure.n);
        let _ = writeln!(text, "  n_excluded    {}", figure.n_excluded);
        let _ = writeln!(text, "  completeness  {}", figure.completeness);
        if let (None, Some(rule)) = (figure.value, &metric.null_rule) {
            let _ = writeln!(text, "  null rule     {rule}");
        }
    }

    /// Why the figure is not complete.
    fn reasons(&self, text: &mut String, style: Style) {
        let mut table = TextTable::new([
            ("why not complete", Align::Left),
            ("connection", Align::Left),
            ("deals in all", Align::Right),
            ("", Align::Left),
        ]);
        for row in &self.figure.reasons {
            table.row(row.iter().map(|cell| cell.clone().unwrap_or_default()));
        }
        if !table.is_empty() {
            let _ = write!(text, "\n{}", table.render(style));
        }
    }
}

impl Made<'_> {
    /// The sums of each part, where the figure has several.
    fn parts(&self, text: &mut String, style: Style) {
        if self.sums.parts.len() < 2 {
            return;
        }
        let mut table = TextTable::new([
            ("part", Align::Left),
            ("Σ numerator", Align::Right),
            ("Σ denominator", Align::Right),
            ("counted", Align::Right),
            ("left out", Align::Right),
        ]);
        for part in &self.sums.parts {
            table.row([
                part.name.clone(),
                shown(part.numerator),
                shown(part.denominator),
                part.n.to_string(),
                part.n_excluded.to_string(),
            ]);
        }
        let _ = write!(text, "\n{}", table.render(style));
    }

    fn contributions(&self, text: &mut String, style: Style) {
        let all = self.sums.total().n;
        if let Some(reading) = self.reading {
            let _ = writeln!(text, "\n{}", where_read(reading, self.sums.total().measures));
        }
        if self.listed.counted.is_empty() {
            return;
        }
        let _ = write!(text, "\n{}", self.table(&self.listed.counted, style));
        let listed = self.listed.counted.len();
        if i64::try_from(listed).is_ok_and(|listed| listed < all) {
            let which = if self.reading.is_some() { "around it" } else { "the largest" };
            let line =
                format!("({listed} of {all} contributions, {which}; `--limit {all}` shows all)\n");
            text.push_str(&style.dim(&line));
        }
    }

    /// What was left out, by reason and row by row; and what is counted with a substitute.
    fn left_out(&self, text: &mut String, style: Style) {
        for (title, rows) in [
            ("counted although", &self.sums.substituted),
            ("left out because", &self.sums.left_out),
        ] {
            let mut table =
                TextTable::new([(title, Align::Left), ("rows", Align::Right), ("", Align::Left)]);
            for row in rows {
                table.row(row.iter().map(|cell| cell.clone().unwrap_or_default()));
            }
            if !table.is_empty() {
                let _ = write!(text, "\n{}", table.render(style));
            }
        }
        if self.listed.left_out.is_empty() {
            return;
        }
        let _ = write!(text, "\n{}", self.table(&self.listed.left_out, style));
        let (listed, all) = (self.listed.left_out.len(), self.sums.total().n_excluded);
        if i64::try_from(listed).is_ok_and(|listed| listed < all) {
            text.push_str(&style.dim(&format!("({listed} of {all} that were left out)\n")));
        }
    }

    /// Contributions, with those columns that say something.
    fn table(&self, rows: &[Row], style: Style) -> String {
        let says = |place: usize| rows.iter().any(|row| row[place].is_some());
        let columns: Vec<usize> = (1..=SUBSTITUTE)
            .filter(|place| match *place {
                PART => self.sums.parts.len() > 1,
                PLACE => self.reading.is_some() && says(PLACE),
                place => says(place),
            })
            .collect();
        let mut table = TextTable::new(columns.iter().map(|place| {
            let (name, side) = match place {
                1 => (subject(rows), Align::Left),
                2 => ("name", Align::Left),
                3 => ("rep", Align::Left),
                4 => ("day", Align::Left),
                5 => ("part", Align::Left),
                6 => ("numerator", Align::Right),
                7 => ("denominator", Align::Right),
                8 => ("measure", Align::Right),
                9 => ("place", Align::Right),
                10 => ("reason", Align::Left),
                _ => ("although", Align::Left),
            };
            (name.to_owned(), side)
        }));
        let digits: Vec<usize> = columns.iter().map(|place| digits(rows, *place)).collect();
        for row in rows {
            table.row(columns.iter().zip(&digits).map(|(place, digits)| {
                match (*place, &row[*place]) {
                    (_, None) => String::new(),
                    (NUMERATOR..=MEASURE, Some(decimal)) => cut(decimal, *digits).to_owned(),
                    (_, Some(cell)) => cell.clone(),
                }
            }));
        }
        table.render(style)
    }
}

/// What all rows are about, or that they are about several kinds of things.
fn subject(rows: &[Row]) -> &str {
    let first = rows.first().and_then(|row| row[SUBJECT].as_deref());
    let is_same = rows.iter().all(|row| row[SUBJECT].as_deref() == first);
    first.filter(|_| is_same).unwrap_or("subject")
}

/// Digits behind the point that a column needs.
fn digits(rows: &[Row], place: usize) -> usize {
    rows.iter()
        .filter_map(|row| row[place].as_deref()?.split_once('.'))
        .map(|(_, fraction)| fraction.trim_end_matches('0').len())
        .max()
        .unwrap_or(0)
}

/// A decimal with so many digits behind the point; those that are cut off are zeros.
fn cut(decimal: &str, digits: usize) -> &str {
    let Some(point) = decimal.find('.') else { return decimal };
    let end = if digits == 0 { point } else { point + 1 + digits };
    decimal.get(..end).unwrap_or(decimal)
}

/// Whether it adds up.
fn verdict(proof: &[Compared], style: Style) -> String {
    if proof.is_empty() {
        return "\nnothing to add up: the period has not begun\n".to_owned();
    }
    let says: Vec<String> = proof
        .iter()
        .map(|one| {
            let equals = match one.is_same {
                false => "≠",
                true if one.contributions == one.figure => "=",
                true => "≈",
            };
            format!("{} {} {equals} {}", one.what, one.contributions, one.figure)
        })
        .collect();
    let label = if proof.iter().all(|one| one.is_same) {
        style.green("it adds up:")
    } else {
        style.red("IT DOES NOT ADD UP:")
    };
    format!("\n{label} {}\n", says.join(", "))
}

/// How a percentile was read off, in words.
fn where_read(reading: &Reading, n: i64) -> String {
    let Reading { percent, low, high, hundredths, low_measure, high_measure } = reading;
    let n = grouped(n.unsigned_abs());
    let place = format!("the {percent}th percentile of {n} sorted measures");
    if low == high {
        return format!("{place} is that at place {low}: {low_measure}");
    }
    format!(
        "{place} is between place {low} ({low_measure}) and place {high} ({high_measure}), \
         {hundredths} % of the way: {}",
        reading.value()
    )
}
