//! What a stream remembers between runs: its cursor.

use chrono::{DateTime, Utc};
use salesmart_core::{Cursor, Result};
use serde::{Deserialize, Serialize};

use super::soql::Place;

/// Where a stream stands. Instants are the server's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The field by which changes are found; another one means another order, so a new beginning.
    #[serde(default)]
    pub(super) cursor_field: String,
    /// Everything up to here has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<DateTime<Utc>>,
    /// The window that was being read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) window: Option<Window>,
    /// The columns that all records up to `until` were read with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) columns: Vec<String>,
    /// Up to where the log of deletions was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) deletions_until: Option<DateTime<Utc>>,
    /// When all ids were last listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) census_at: Option<DateTime<Utc>>,
    /// When formula fields were last read for all records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) formulas_at: Option<DateTime<Utc>>,
    /// The day of the last photograph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) snapshot_date: Option<String>,
}

/// A window of changes that is being read: behind `from`, up to and including `to`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Window {
    pub(super) from: Option<DateTime<Utc>>,
    pub(super) to: DateTime<Utc>,
    /// How far it is read.
    pub(super) at: Progress,
    /// How many of its records were delivered.
    pub(super) delivered: u64,
}

/// How far a window or list is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Progress {
    /// Nothing of it.
    #[default]
    Start,
    /// Up to and including a record, by REST.
    Record(Place),
    /// Up to a page of a job's results.
    Job {
        /// The job.
        id: String,
        /// Where the next page begins; none: at the first one.
        locator: Option<String>,
    },
    /// All of it; only Salesforce's count is missing.
    End,
}

impl Window {
    /// A window of which nothing is read.
    pub(super) fn new(from: Option<DateTime<Utc>>, to: DateTime<Utc>) -> Self {
        Self { from, to, at: Progress::Start, delivered: 0 }
    }
}

impl Position {
    /// The position that a cursor holds.
    pub(super) fn of(cursor: Option<&Cursor>) -> Result<Self> {
        Ok(cursor.map(Cursor::decode).transpose()?.unwrap_or_default())
    }

    /// Whether nothing was read yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.until.is_none() && self.window.is_none()
    }
}
