//! Tables of true counts, as text: what is counted under which key.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::Fixed6;

use super::{Grain, Scope};

/// A table of true figures that are no KPIs: a row of values under each key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// What it is called, such as `stage_conversion`.
    pub name: &'static str,
    /// The columns of keys.
    pub keys: &'static [&'static str],
    /// The columns of values.
    pub values: &'static [&'static str],
    /// The rows; what is not known is empty.
    pub rows: BTreeMap<Vec<String>, Vec<String>>,
}

impl Sheet {
    pub(super) fn new(
        name: &'static str,
        keys: &'static [&'static str],
        values: &'static [&'static str],
    ) -> Self {
        Self { name, keys, values, rows: BTreeMap::new() }
    }

    /// Writes a row.
    pub(super) fn put(&mut self, key: Vec<String>, values: Vec<String>) {
        debug_assert_eq!((key.len(), values.len()), (self.keys.len(), self.values.len()));
        self.rows.insert(key, values);
    }
}

/// Whom and which period a row is about.
pub(super) type Whose = (Scope, String, Grain, NaiveDate);

/// The key of that: scope, name, grain and first day.
pub(super) fn whose((scope, name, grain, start): &Whose) -> [String; 4] {
    let scope = scope.as_str().to_owned();
    [scope, name.clone(), grain.as_str().to_owned(), start.to_string()]
}

/// Cents as `123.45`.
pub(super) fn money(cents: i128) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// A number, or nothing.
pub(super) fn maybe(number: Option<Fixed6>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}
