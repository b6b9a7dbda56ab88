//! Holidays: the days of `config/business.yml` on which the company does not work.

use chrono::NaiveDate;
use salesmart_core::yaml::{At, Node, Value};
use salesmart_core::{Error, Result};
use serde::Deserialize;

/// A day that is no working day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holiday {
    /// The day.
    pub date: NaiveDate,
    /// Its name.
    pub name: String,
}

/// What a holiday is called that has no name.
const NAMELESS: &str = "holiday";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    date: At<String>,
    name: Option<String>,
}

/// The holidays in order. Every mistake among them is reported.
pub(crate) fn read(nodes: &[Node]) -> Result<Vec<Holiday>> {
    let mut holidays: Vec<At<Holiday>> = Vec::new();
    let mut problems = Vec::new();
    for node in nodes {
        match one(node) {
            Ok(holiday) => {
                let is_same = |other: &&At<Holiday>| other.value.date == holiday.value.date;
                match holidays.iter().find(is_same) {
                    Some(other) => problems.push(
                        Error::configuration(format!(
                            "the holiday {} is written twice",
                            holiday.value.date
                        ))
                        .with("first", &other.location)
                        .at(holiday.location)
                        .with_hint("keep one of the two"),
                    ),
                    None => holidays.push(holiday),
                }
            }
            Err(error) => problems.push(error),
        }
    }
    if let Some(error) = Error::many(problems) {
        return Err(error);
    }
    let mut holidays: Vec<Holiday> = holidays.into_iter().map(|at| at.value).collect();
    holidays.sort();
    Ok(holidays)
}

fn one(node: &Node) -> Result<At<Holiday>> {
    let (date, name) = match &node.value {
        Value::Mapping(_) => {
            let named: Named = node.decode()?;
            (named.date, named.name)
        }
        _ => (node.decode()?, None),
    };
    let location = date.location.clone();
    let date = day(&date)?;
    let name = name.unwrap_or_else(|| NAMELESS.to_owned());
    Ok(At::new(Holiday { date, name }, location))
}

/// A day as it is written, `2026-12-25`.
pub(crate) fn day(text: &At<String>) -> Result<NaiveDate> {
    let written = text.value.trim();
    // Chrono would also take `2026-1-5`, which other tools do not.
    let parsed = written.parse::<NaiveDate>().ok().filter(|day| day.to_string() == written);
    parsed.ok_or_else(|| {
        Error::configuration(format!("`{written}` is not a date"))
            .with("expected", "year, month and day, such as `2026-12-25`")
            .at(text.location.clone())
    })
}
