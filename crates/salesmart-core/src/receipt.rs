//! What each stage hands to the next. Receipts are written into the run record, so that any stage
//! can be run again from the last one.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::stream::{Repair, Usage};
use crate::{ConnectionName, ReleaseId, StreamName, TargetName};

/// What happened to every row that was read. `rows_read = landed + quarantined + unchanged`, or
/// the run fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows that came out of the source.
    pub read: u64,
    /// Rows appended to the raw table because they are new or different.
    pub landed: u64,
    /// Rows that could not be used, kept in quarantine with their reason.
    pub quarantined: u64,
    /// Rows that are already in the raw table exactly as they came.
    pub unchanged: u64,
    /// Delete markers appended for keys that a full read no longer delivered. Not part of `read`.
    pub deleted: u64,
}

impl RowCounts {
    /// Whether every row that was read is accounted for.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.landed.checked_add(self.quarantined).and_then(|sum| sum.checked_add(self.unchanged))
            == Some(self.read)
    }

    /// Adds another stream's counts.
    pub fn add(&mut self, other: &RowCounts) {
        self.read += other.read;
        self.landed += other.landed;
        self.quarantined += other.quarantined;
        self.unchanged += other.unchanged;
        self.deleted += other.deleted;
    }
}

/// One stream, read into the spool (stage `extract` run alone).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExtractedStream {
    /// The connection it belongs to.
    pub connection: ConnectionName,
    /// The stream.
    pub stream: StreamName,
    /// Where the spooled batches are, relative to the lake.
    pub spool: String,
    /// Rows that came out of the source, rejected ones included.
    pub rows_read: u64,
    /// Why the reading ended early, when it did. What came before is in the spool.
    #[serde(default)]
    pub failure: Option<Failure>,
}

/// A connection whose source said nothing, so that it is not known which streams there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedConnection {
    /// The connection.
    pub connection: ConnectionName,
    /// What happened.
    pub failure: Failure,
}

/// What stage `extract` hands on when it runs alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Extracted {
    /// One entry a stream.
    pub streams: Vec<ExtractedStream>,
    /// Connections whose streams could not be listed.
    #[serde(default)]
    pub failed_connections: Vec<FailedConnection>,
}

/// One stream in its raw table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LandedStream {
    /// The connection it belongs to.
    pub connection: ConnectionName,
    /// The stream.
    pub stream: StreamName,
    /// What happened to the rows.
    pub rows: RowCounts,
    /// The raw table's Delta version after this run (unchanged when nothing new landed).
    pub version: u64,
    /// The quarantine table's Delta version, when rows of this run are in it.
    pub quarantine_version: Option<u64>,
    /// What declared value maps changed in the rows.
    #[serde(default)]
    pub repairs: Vec<Repair>,
    /// What the source's own counts and lists of keys say beside what is in the raw table.
    #[serde(default)]
    pub reconciliations: Vec<Reconciliation>,
    /// How the source's schema differs from that of the raw table before this run.
    #[serde(default)]
    pub schema_changes: Vec<SchemaChange>,
    /// What the reading cost.
    #[serde(default)]
    pub usage: Usage,
    /// Why the stream failed, when it did; the other streams go on.
    pub failure: Option<Failure>,
}

/// A comparison of what the source says it has with what was landed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// `window`: the source's count of the rows of a window beside those that came;
    /// `keys`: the source's list of all keys beside those in the raw table.
    pub check: String,
    /// The lower end of the window, as the source spells it.
    pub from: Option<String>,
    /// The upper end.
    pub to: Option<String>,
    /// How many rows or keys the source says it has.
    pub source_rows: u64,
    /// How many of them are landed, in quarantine, or were there unchanged.
    pub landed_rows: u64,
    /// How it ended.
    pub status: ReconciliationStatus,
    /// Some of the keys that are missing, at most five, and what else explains the numbers.
    pub note: Option<String>,
}

/// How a comparison with the source ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReconciliationStatus {
    /// Both have the same.
    Matched,
    /// We have more than the source's count of that window: rows moved out of it while it was read.
    Moved,
    /// The source has rows that were not landed.
    Mismatched,
}

impl ReconciliationStatus {
    /// As tables spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ReconciliationStatus::Matched => "matched",
            ReconciliationStatus::Moved => "moved",
            ReconciliationStatus::Mismatched => "mismatched",
        }
    }
}

/// One difference between the schema a source has now and that of its raw table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaChange {
    /// The column.
    pub column: String,
    /// What happened to it.
    pub change: SchemaChangeKind,
    /// Its type before, as [`crate::ColumnType`] spells it.
    pub from: Option<String>,
    /// Its type now.
    pub to: Option<String>,
    /// What was done: `added`, `nulls`, `widened`, `quarantined`, `stopped`.
    pub action: String,
}

/// What happened to a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaChangeKind {
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// It has another type.
    Retyped,
}

impl SchemaChangeKind {
    /// As tables spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SchemaChangeKind::Added => "added",
            SchemaChangeKind::Removed => "removed",
            SchemaChangeKind::Retyped => "retyped",
        }
    }
}

/// A failure as a run record keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The error's kind, as [`crate::ErrorKind::as_str`] spells it.
    pub kind: String,
    /// The message with its causes.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl From<&crate::Error> for Failure {
    fn from(error: &crate::Error) -> Self {
        let mut message = error.message().to_owned();
        for cause in error.causes() {
            message.push_str(": ");
            message.push_str(&cause);
        }
        Self {
            kind: error.kind().as_str().to_owned(),
            message,
            hint: error.hint().map(str::to_owned),
        }
    }
}

/// What stage `land` hands on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Landed {
    /// One entry a stream, those that failed included.
    pub streams: Vec<LandedStream>,
    /// Connections whose streams could not be listed. Those of their streams that have landed
    /// before are among the failed streams.
    #[serde(default)]
    pub failed_connections: Vec<FailedConnection>,
}

impl LandedStream {
    /// A stream of which nothing has happened yet.
    #[must_use]
    pub fn nothing(connection: ConnectionName, stream: StreamName) -> Self {
        Self {
            connection,
            stream,
            rows: RowCounts::default(),
            version: 0,
            quarantine_version: None,
            repairs: Vec::new(),
            reconciliations: Vec::new(),
            schema_changes: Vec::new(),
            usage: Usage::default(),
            failure: None,
        }
    }
}

impl Landed {
    /// Whether a stream or a connection failed.
    #[must_use]
    pub fn has_failures(&self) -> bool {
        !self.failed_connections.is_empty()
            || self.streams.iter().any(|stream| stream.failure.is_some())
    }

    /// The counts of all streams together.
    #[must_use]
    pub fn total(&self) -> RowCounts {
        let mut total = RowCounts::default();
        for stream in &self.streams {
            total.add(&stream.rows);
        }
        total
    }
}

/// One table that stage `model` built or found up to date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModeledTable {
    /// Schema, such as `kpi`.
    pub schema: String,
    /// Table, such as `win_rate`.
    pub table: String,
    /// The Delta version that holds this build.
    pub version: u64,
    /// Rows in it.
    pub rows: u64,
    /// Whether this run wrote it; `false` when its inputs had not changed.
    pub built: bool,
    /// Whether releases show it to readers (marts, kpis, funnel, forecast, ops) or keep it inside
    /// (staging, intermediate).
    pub published: bool,
    /// Seconds it took to build.
    pub seconds: f64,
}

/// How severe a failing check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The release is not published.
    Error,
    /// The release is published and the run says so.
    Warn,
}

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The checked table, `schema.table`.
    pub table: String,
    /// The column, where the check is about one.
    pub column: Option<String>,
    /// The check as written, such as `not_null` or `between 0 and 1`.
    pub check: String,
    /// What a failure means.
    pub severity: Severity,
    /// Whether it passed.
    pub passed: bool,
    /// How many rows offend.
    pub offending_rows: u64,
    /// Some of them, as text, at most five.
    pub samples: Vec<String>,
    /// Where the check is written.
    pub location: Option<crate::Location>,
}

/// What stage `model` hands on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Modeled {
    /// The instant the models were built as of.
    pub as_of: DateTime<Utc>,
    /// One entry a table.
    pub tables: Vec<ModeledTable>,
    /// One entry a check.
    pub checks: Vec<CheckResult>,
}

/// The last link of the chain of sealed forecast snapshots. Runs and releases keep it, so that a
/// chain whose end was cut off, or that was sealed anew, is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForecastHead {
    /// The snapshot's number.
    pub snapshot_no: i64,
    /// Its hash, in lower-case hex.
    pub hash: String,
}

/// A forecast snapshot that a run sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSnapshot {
    /// Its number.
    pub snapshot_no: i64,
    /// The fiscal period, such as `FY26Q3`.
    pub period: String,
}

/// What stage `publish` leaves behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// The release that is current now.
    pub release: ReleaseId,
    /// Whether this run made it; `false` when the tables were those of the current release.
    pub new: bool,
    /// What each target got, in the order of the pipeline file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<TargetLoad>,
}

/// What one target got of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetLoad {
    /// The target.
    pub target: TargetName,
    /// What kind it is, such as `postgres`.
    pub kind: String,
    /// The release it was to hold.
    pub release: ReleaseId,
    /// The release it held before, as far as it said.
    pub before: Option<ReleaseId>,
    /// Seconds it took, waiting and trying again included.
    pub seconds: f64,
    /// How often a lost connection was made anew.
    #[serde(default)]
    pub reconnects: u32,
    /// One entry a table of the release that the target takes.
    pub tables: Vec<TableLoad>,
    /// What a person should know although nothing failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Why the target does not hold the release.
    pub failure: Option<Failure>,
}

/// What happened to one table in a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableLoad {
    /// `schema.table`.
    pub table: String,
    /// How it came to be what it is.
    pub how: LoadedHow,
    /// Rows in it.
    pub rows: u64,
    /// Rows that were sent.
    pub sent: u64,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Seconds it took.
    pub seconds: f64,
}

/// How a table came into a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadedHow {
    /// The target had this version.
    Unchanged,
    /// All rows were sent, into a new table.
    Whole,
    /// All rows were sent, and those that differ were exchanged.
    Merged,
    /// The rows of changed files were sent, and those that differ were exchanged.
    Difference,
    /// It is no longer in the release, and was taken away.
    Removed,
}

impl LoadedHow {
    /// As tables spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            LoadedHow::Unchanged => "unchanged",
            LoadedHow::Whole => "whole",
            LoadedHow::Merged => "merged",
            LoadedHow::Difference => "difference",
            LoadedHow::Removed => "removed",
        }
    }
}

impl TargetLoad {
    /// Rows that were sent to it.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.tables.iter().map(|table| table.sent).sum()
    }

    /// Bytes that were sent to it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.bytes).sum()
    }

    /// How many tables changed.
    #[must_use]
    pub fn changed(&self) -> usize {
        self.tables.iter().filter(|table| table.how != LoadedHow::Unchanged).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_or_say_so() {
        let counts = RowCounts { read: 10, landed: 6, quarantined: 1, unchanged: 3, deleted: 2 };
        assert!(counts.adds_up());
        assert!(!RowCounts { read: 11, ..counts }.adds_up());
        assert!(!RowCounts { landed: u64::MAX, ..counts }.adds_up());
    }
}
