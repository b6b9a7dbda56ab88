//! Where the reading of a stream stands: what its cursor holds.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where the reading of an object type, of its history or of its associations stands. Instants are
/// of HubSpot's clock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ObjectState {
    /// Everything modified up to here was read; `None` before the first listing is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) read_to: Option<DateTime<Utc>>,
    /// The first listing, while it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) listing: Option<Listing>,
    /// The window of modifications that is being read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) window: Option<Window>,
    /// The sweep that is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sweep: Option<Sweep>,
    /// The columns that every landed row has been read with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) columns: Vec<String>,
    /// When archived records, or all associations, were last read as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) swept_at: Option<DateTime<Utc>>,
    /// When calculated properties were last read of all records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) calculated_at: Option<DateTime<Utc>>,
    /// When the ids of all records were last compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) census_at: Option<DateTime<Utc>>,
}

/// A listing of all records, in pages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Listing {
    /// Where the next page begins, as HubSpot said it.
    pub(super) after: Option<String>,
    /// The instant from which on windows take over.
    pub(super) to: DateTime<Utc>,
    /// What came so far.
    pub(super) tally: Tally,
    /// Whether it is read for the second time, because the first time rows were missing.
    #[serde(default)]
    pub(super) again: bool,
}

/// Records modified between two instants, by id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Window {
    pub(super) from: DateTime<Utc>,
    pub(super) to: DateTime<Utc>,
    /// What came so far; the next page has ids above its last one.
    pub(super) tally: Tally,
    /// As [`Listing::again`].
    #[serde(default)]
    pub(super) again: bool,
}

/// A reading of all records for something that modification dates do not tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sweep {
    pub(super) what: Swept,
    /// Where the next page begins.
    pub(super) after: Option<String>,
}

/// What a sweep is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Swept {
    /// Archived records.
    Archived,
    /// These columns are new: their values of all records.
    New(Vec<String>),
    /// The values of calculated properties of all records, and that they are not archived.
    Calculated,
}

/// How many records came, each counted once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// The largest id so far.
    pub(super) last_id: u64,
    /// Distinct records, modified within the window.
    pub(super) delivered: u64,
    /// Distinct records that were modified since: they come with the next window.
    pub(super) newer: u64,
    /// The ids of the last page, since a page may repeat some of them.
    #[serde(skip)]
    last_page: Vec<u64>,
}

impl Tally {
    /// Counts a page: ids, and whether each was modified after the window.
    pub(super) fn page(&mut self, mut ids: Vec<(u64, bool)>) {
        ids.sort_unstable();
        ids.dedup_by_key(|(id, _)| *id);
        for &(id, is_newer) in &ids {
            if id <= self.last_id && self.last_page.binary_search(&id).is_ok() {
                continue;
            }
            match is_newer {
                true => self.newer += 1,
                false => self.delivered += 1,
            }
        }
        self.last_id = ids.last().map_or(self.last_id, |(id, _)| self.last_id.max(*id));
        if !ids.is_empty() {
            self.last_page = ids.into_iter().map(|(id, _)| id).collect();
        }
    }

    /// How many of the records that the source counts are neither delivered nor known to have
    /// moved on.
    pub(super) fn missing(&self, counted: u64) -> u64 {
        counted.saturating_sub(self.delivered).saturating_sub(self.newer)
    }
}

/// Where the reading of a small stream stands, which is read as a whole each time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct WholeState {
    /// When it was last read.
    pub(super) read_at: DateTime<Utc>,
}

/// Where the reading of submitted forecasts stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct EventState {
    /// Everything that occurred up to here was read.
    pub(super) read_to: DateTime<Utc>,
}
