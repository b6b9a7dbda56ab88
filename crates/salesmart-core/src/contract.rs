//! What a published table promises, in words that every target can read.

use serde::{Deserialize, Serialize};

/// What a model promises of its table. A target makes of it what it can: constraints, indexes,
/// comments, formats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableContract {
    /// What the table is.
    pub description: String,
    /// The columns that together identify a row; no two rows have the same. Empty: not promised.
    pub grain: Vec<String>,
    /// The columns, in their order.
    pub columns: Vec<ColumnPromise>,
}

/// What a model promises of one column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnPromise {
    /// Its name.
    pub name: String,
    /// What it means.
    pub doc: String,
    /// Whether every row has a value.
    pub not_null: bool,
    /// What holds of every value that is there.
    pub rules: Vec<ValueRule>,
}

/// A rule about single values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueRule {
    /// It is one of these.
    OneOf(Vec<String>),
    /// It is not below the first and not above the second, both as they are written.
    Between(String, String),
}

impl TableContract {
    /// What is promised of a column.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnPromise> {
        self.columns.iter().find(|column| column.name == name)
    }
}
