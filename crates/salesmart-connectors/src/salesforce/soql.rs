//! Queries and their literals.

use chrono::{DateTime, Utc};
use salesmart_extract::columns::parse;
use serde::{Deserialize, Serialize};

/// A place in the order of (stamp, id): the last record that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The cursor field's value, as a literal; empty in the order of ids alone.
    pub(super) stamp: String,
    /// The record.
    pub(super) id: String,
}

/// An instant as SOQL and the REST API take it: UTC, in milliseconds, without quotes.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Reads an instant in any spelling that Salesforce uses.
pub(super) fn read_instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(parse::timestamp(text).ok()?)
}

/// A text between quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// `field IN (…)`.
pub(super) fn any_of<'a>(field: &str, values: impl IntoIterator<Item = &'a str>) -> String {
    let values: Vec<String> = values.into_iter().map(quoted).collect();
    format!("{field} IN ({})", values.join(","))
}

/// Rows behind `from` up to and including `to`.
pub(super) fn within(field: &str, from: Option<DateTime<Utc>>, to: DateTime<Utc>) -> Vec<String> {
    let mut conditions = Vec::new();
    if let Some(from) = from {
        conditions.push(format!("{field} > {}", instant(from)));
    }
    conditions.push(format!("{field} <= {}", instant(to)));
    conditions
}

/// The order in which records are read, so that a reading can go on behind any of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// By a cursor field and, within the same stamp, by id: bulk changes share one second.
    Stamp(String),
    /// By id.
    Id,
}

impl Order {
    /// Records behind a place.
    pub(super) fn behind(&self, place: &Place) -> String {
        let id = quoted(&place.id);
        match self {
            Order::Stamp(field) => {
                let stamp = &place.stamp;
                format!("({field} > {stamp} OR ({field} = {stamp} AND Id > {id}))")
            }
            Order::Id => format!("Id > {id}"),
        }
    }

    /// Records up to and including a place.
    pub(super) fn up_to(&self, place: &Place) -> String {
        let id = quoted(&place.id);
        match self {
            Order::Stamp(field) => {
                let stamp = &place.stamp;
                format!("({field} < {stamp} OR ({field} = {stamp} AND Id <= {id}))")
            }
            Order::Id => format!("Id <= {id}"),
        }
    }

    fn clause(&self) -> String {
        match self {
            Order::Stamp(field) => format!("{field}, Id"),
            Order::Id => "Id".to_owned(),
        }
    }
}

/// A query for records.
pub(super) fn select(
    fields: &[&str],
    object: &str,
    conditions: &[String],
    order: Option<&Order>,
) -> String {
    let mut query = format!("SELECT {} FROM {object}", fields.join(","));
    filter(&mut query, conditions);
    if let Some(order) = order {
        query.push_str(" ORDER BY ");
        query.push_str(&order.clause());
    }
    query
}

/// A query for how many records there are.
pub(super) fn count(object: &str, conditions: &[String]) -> String {
    let mut query = format!("SELECT COUNT() FROM {object}");
    filter(&mut query, conditions);
    query
}

fn filter(query: &mut String, conditions: &[String]) {
    if !conditions.is_empty() {
        query.push_str(" WHERE ");
        query.push_str(&conditions.join(" AND "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyset_query_goes_on_behind_a_record() {
        let at = |text| read_instant(text).unwrap();
        let order = Order::Stamp("SystemModstamp".to_owned());
        let place = Place {
            stamp: "2026-01-02T03:04:05.000Z".to_owned(),
            id: "006000000000001AAA".to_owned(),
        };
        let mut conditions = within(
            "SystemModstamp",
            Some(at("2026-01-01T00:00:00Z")),
            at("2026-02-01T00:00:00.000+0000"),
        );
        conditions.push(order.behind(&place));
        assert_eq!(
            select(&["Id", "SystemModstamp", "Name"], "Opportunity", &conditions, Some(&order)),
            "SELECT Id,SystemModstamp,Name FROM Opportunity WHERE SystemModstamp > \
             2026-01-01T00:00:00.000Z AND SystemModstamp <= 2026-02-01T00:00:00.000Z AND \
             (SystemModstamp > 2026-01-02T03:04:05.000Z OR (SystemModstamp = \
             2026-01-02T03:04:05.000Z AND Id > '006000000000001AAA')) ORDER BY SystemModstamp, Id"
        );
        assert_eq!(count("Period", &[]), "SELECT COUNT() FROM Period");
    }

    #[test]
    fn texts_are_quoted() {
        assert_eq!(quoted(r"O'Neil \ Co"), r"'O\'Neil \\ Co'");
        assert_eq!(any_of("Id", ["a", "b"]), "Id IN ('a','b')");
    }
}
