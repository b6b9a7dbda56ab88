//! What a check says: from `between 0 and 1` in a header to a rule that can be run.

use std::str::FromStr;

use chrono::TimeDelta;
use salesmart_core::receipt::Severity;
use salesmart_core::{Error, Location, Result};

use crate::name::TableName;
use crate::nearest::did_you_mean;

/// One check of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckSpec {
    /// The column it is about, where it is about one.
    pub column: Option<String>,
    /// As it is written.
    pub text: String,
    /// What it means.
    pub rule: Rule,
    /// What a failure means.
    pub severity: Severity,
    /// Where it is written.
    pub location: Location,
}

impl CheckSpec {
    /// What it is called within its table.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.column {
            Some(column) => format!("{column}: {}", self.text),
            None => self.text.clone(),
        }
    }
}

/// What a check demands.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// `not_null`: the column has a value in every row.
    NotNull,
    /// `unique`: no two rows have the same value (rows without one do not count).
    Unique,
    /// `grain: [a, b]` or `unique: [a, b]`: no two rows have the same values.
    UniqueTogether(Vec<String>),
    /// `accepted_values: [won, lost]`: nothing else, where there is a value.
    AcceptedValues(Vec<String>),
    /// `relationships: mart.dim_rep.rep_id`: every value is found there.
    Relationships {
        /// The table that knows the values.
        table: TableName,
        /// Its column.
        column: String,
    },
    /// `between 0 and 1`, both inclusive, where there is a value.
    Between(String, String),
    /// `row_count_change: 50%`: at most so much more or less than in the last release.
    RowCountChange(f64),
    /// `freshness: close_date 45d`: the newest value is at most so old at `$as_of`. A table
    /// without rows has nothing to be stale.
    Freshness {
        /// A date or timestamp column.
        column: String,
        /// The age, in seconds.
        max_age_seconds: i64,
    },
}

const KNOWN: [&str; 7] = [
    "not_null",
    "unique",
    "accepted_values",
    "relationships",
    "between",
    "row_count_change",
    "freshness",
];

fn parts(text: &str) -> (&str, Option<&str>) {
    let end = text.find([':', ' ']).unwrap_or(text.len());
    let rest = text[end..].trim_start_matches(':').trim();
    (&text[..end], (!rest.is_empty()).then_some(rest))
}

/// `[won, "closed, lost"]` as its members.
fn list(text: &str) -> Option<Vec<String>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let mut members = Vec::new();
    let mut rest = inner.trim();
    while !rest.is_empty() {
        let (member, after) = match rest.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let end = rest[1..].find(quote)? + 1;
                (&rest[1..end], rest[end + 1..].trim_start())
            }
            _ => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].trim(), &rest[end..])
            }
        };
        members.push(member.to_owned());
        rest = match after.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    (!members.is_empty()).then_some(members)
}

impl Rule {
    /// Reads a check as it is written for a column, or for the table.
    ///
    /// # Errors
    /// Says which checks there are, or how this one is written.
    pub fn parse(text: &str, on_column: bool) -> Result<Self> {
        let (name, argument) = parts(text.trim());
        let form = |expected: &str| {
            Error::configuration(format!("`{text}` is not a usable check"))
                .with("expected", expected)
        };
        let rule = match (name, argument, on_column) {
            ("not_null", None, true) => Rule::NotNull,
            ("unique", None, true) => Rule::Unique,
            ("unique", Some(columns), false) => Rule::UniqueTogether(
                list(columns).ok_or_else(|| form("`unique: [one_column, another]`"))?,
            ),
            ("accepted_values", Some(values), true) => Rule::AcceptedValues(
                list(values).ok_or_else(|| form("`accepted_values: [one, another]`"))?,
            ),
            ("relationships", Some(target), true) => {
                let (table, column) = target
                    .rsplit_once('.')
                    .and_then(|(table, column)| Some((TableName::from_str(table).ok()?, column)))
                    .ok_or_else(|| form("`relationships: schema.table.column`"))?;
                Rule::Relationships { table, column: column.to_owned() }
            }
            ("between", Some(bounds), true) => {
                let (low, high) =
                    bounds.split_once(" and ").ok_or_else(|| form("`between 0 and 1`"))?;
                Rule::Between(low.trim().to_owned(), high.trim().to_owned())
            }
            ("row_count_change", Some(share), false) => Rule::RowCountChange(
                share
                    .strip_suffix('%')
                    .and_then(|percent| percent.trim().parse::<f64>().ok())
                    .filter(|percent| percent.is_finite() && *percent >= 0.0)
                    .map(|percent| percent / 100.0)
                    .ok_or_else(|| form("`row_count_change: 50%`"))?,
            ),
            ("freshness", Some(argument), false) => argument
                .split_once(char::is_whitespace)
                .and_then(|(column, age)| {
                    Some(Rule::Freshness {
                        column: column.to_owned(),
                        max_age_seconds: age_seconds(age.trim())?,
                    })
                })
                .ok_or_else(|| form("`freshness: close_date 45d` (or `36h`)"))?,
            ("not_null", ..) => return Err(form("`not_null` at a column")),
            ("unique", ..) => {
                return Err(form("`unique` at a column, or `unique: [one, another]` at the table"));
            }
            ("accepted_values", ..) => {
                return Err(form("`accepted_values: [one, another]` at a column"));
            }
            ("relationships", ..) => {
                return Err(form("`relationships: schema.table.column` at a column"));
            }
            ("between", ..) => return Err(form("`between 0 and 1` at a column")),
            ("row_count_change", ..) => return Err(form("`row_count_change: 50%` at the table")),
            ("freshness", ..) => return Err(form("`freshness: close_date 45d` at the table")),
            _ => {
                let error = Error::configuration(format!("`{name}` is not a check"));
                return Err(match did_you_mean(name, KNOWN, "checks there are") {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                });
            }
        };
        Ok(rule)
    }

    /// The columns of its own table that the rule names.
    pub(crate) fn columns(&self) -> Vec<&str> {
        match self {
            Rule::UniqueTogether(columns) => columns.iter().map(String::as_str).collect(),
            Rule::Freshness { column, .. } => vec![column],
            _ => Vec::new(),
        }
    }
}

fn age_seconds(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: i64 = number.trim().parse().ok().filter(|number| *number > 0)?;
    let age = match unit {
        "d" => TimeDelta::try_days(number)?,
        "h" => TimeDelta::try_hours(number)?,
        _ => return None,
    };
    Some(age.num_seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_read_as_they_are_written() {
        assert_eq!(Rule::parse("not_null", true).unwrap(), Rule::NotNull);
        assert_eq!(
            Rule::parse(r#"accepted_values: [won, "closed, lost", 'open']"#, true).unwrap(),
            Rule::AcceptedValues(vec!["won".into(), "closed, lost".into(), "open".into()])
        );
        assert_eq!(
            Rule::parse("relationships: mart.dim_rep.rep_id", true).unwrap(),
            Rule::Relationships {
                table: TableName::new("mart", "dim_rep"),
                column: "rep_id".into()
            }
        );
        assert_eq!(
            Rule::parse("between 2016-01-01 and 2018-01-01", true).unwrap(),
            Rule::Between("2016-01-01".into(), "2018-01-01".into())
        );
        assert_eq!(Rule::parse("row_count_change: 50%", false).unwrap(), Rule::RowCountChange(0.5));
        assert_eq!(
            Rule::parse("freshness: close_date 45d", false).unwrap(),
            Rule::Freshness { column: "close_date".into(), max_age_seconds: 45 * 86_400 }
        );
        assert_eq!(
            Rule::parse("unique: [a, b]", false).unwrap(),
            Rule::UniqueTogether(vec!["a".into(), "b".into()])
        );
    }

    #[test]
    fn a_check_that_cannot_be_read_says_how_it_is_written() {
        for (text, on_column) in [
            ("not_null", false),
            ("accepted_values", true),
            ("accepted_values: []", true),
            ("accepted_values: [\"a]", true),
            ("relationships: dim_rep", true),
            ("between 0", true),
            ("row_count_change: lots", false),
            ("freshness: close_date", false),
            ("freshness: close_date 3x", false),
            ("freshness: close_date 0d", false),
        ] {
            let error = Rule::parse(text, on_column).unwrap_err();
            assert!(error.context().iter().any(|(key, _)| *key == "expected"), "{text}");
        }
        let error = Rule::parse("notnull", true).unwrap_err();
        assert_eq!(error.hint(), Some("did you mean `not_null`?"));
    }
}
