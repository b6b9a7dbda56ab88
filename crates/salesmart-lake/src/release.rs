//! Releases: which version of each table readers see, and since when.
//!
//! A release is a document that is written once. Which release is current is said by a log of
//! pointer entries, each created under the next number: creating an object is the one conditional
//! write every store offers (a local disk has no compare-and-swap), the last entry is the
//! pointer, and the log is the history of publishing and rolling back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use salesmart_core::receipt::ForecastHead;
use salesmart_core::{Error, ErrorKind, ReleaseId, Result, RunId};
use serde::{Deserialize, Serialize};

use crate::{Lake, Table, TablePath};

const RELEASES: &str = "releases";
const POINTERS: &str = "releases/current";

/// One table in a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedTable {
    /// The Delta version.
    pub version: u64,
    /// Rows in it.
    pub rows: u64,
}

/// One release: written once, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The pipeline that made it.
    pub pipeline: String,
    /// The run that made it.
    pub run_id: RunId,
    /// The instant its models were built as of.
    pub as_of: DateTime<Utc>,
    /// The last sealed forecast snapshot, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forecast_head: Option<ForecastHead>,
    /// `schema.table` to version.
    pub tables: BTreeMap<String, ReleasedTable>,
}

impl Release {
    /// Opens one of its tables.
    ///
    /// # Errors
    /// When the release has no such table, or the store fails.
    pub async fn table(&self, lake: &Lake, name: &str) -> Result<Table> {
        let released = self.tables.get(name).ok_or_else(|| {
            Error::configuration(format!("release {} has no table `{name}`", self.id))
                .with_hint(format!("`salesmart releases show {}` lists its tables", self.id))
        })?;
        let (schema, table) = name.split_once('.').unwrap_or(("", name));
        lake.table_at(&TablePath::warehouse(schema, table), released.version).await
    }
}

/// One entry of the pointer log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointerEntry {
    /// The release that became current.
    pub release: ReleaseId,
    /// When.
    pub at: DateTime<Utc>,
    /// Why: `published`, `rolled back`.
    pub reason: String,
    /// By which run, where it was one.
    pub run_id: Option<RunId>,
}

fn release_path(id: ReleaseId) -> String {
    format!("{RELEASES}/{id}.json")
}

impl Lake {
    /// The ids of all releases that were written, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn releases(&self) -> Result<Vec<ReleaseId>> {
        let names = self.list_json(RELEASES).await?;
        let mut ids: Vec<ReleaseId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// One release.
    ///
    /// # Errors
    /// When there is none with this id, or the store fails.
    pub async fn release(&self, id: ReleaseId) -> Result<Release> {
        self.get_json(&release_path(id)).await?.ok_or_else(|| {
            Error::configuration(format!("there is no release {id}"))
                .with("lake", self.location())
                .with_hint("`salesmart releases` lists them")
        })
    }

    /// The pointer log, oldest entry first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pointer_log(&self) -> Result<Vec<PointerEntry>> {
        let mut entries = Vec::new();
        for name in self.list_json(POINTERS).await? {
            entries.extend(self.get_json(&format!("{POINTERS}/{name}.json")).await?);
        }
        Ok(entries)
    }

    /// The current release, `None` before the first one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn current_release(&self) -> Result<Option<Release>> {
        let names = self.list_json(POINTERS).await?;
        let Some(last) = names.last() else { return Ok(None) };
        let entry: PointerEntry =
            self.get_json(&format!("{POINTERS}/{last}.json")).await?.ok_or_else(|| {
                Error::bug(format!("the pointer entry {last} vanished while it was read"))
            })?;
        self.release(entry.release).await.map(Some)
    }

    /// Writes a release under the next free id. It is not current yet.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn create_release(&self, mut release: Release) -> Result<Release> {
        let mut next = self.releases().await?.last().map_or(1, |id| id.0 + 1);
        loop {
            release.id = ReleaseId(next);
            if self.create_json(&release_path(release.id), &release).await? {
                return Ok(release);
            }
            next += 1;
        }
    }

    /// Makes a release current by one create-only put.
    ///
    /// # Errors
    /// When somebody else moved the pointer at the same moment, or the store fails.
    pub async fn point_to(&self, entry: PointerEntry) -> Result<()> {
        let names = self.list_json(POINTERS).await?;
        let last: u64 = match names.last() {
            None => 0,
            Some(name) => name
                .parse()
                .map_err(|_| Error::bug(format!("the pointer log has an entry named `{name}`")))?,
        };
        let path = format!("{POINTERS}/{:010}.json", last + 1);
        if self.create_json(&path, &entry).await? {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::LeaseHeld,
            "another process moved the release pointer at the same moment",
        )
        .with_state(format!("release {} is written, but not current", entry.release))
        .with_hint("look at `salesmart releases`, then run again"))
    }
}
