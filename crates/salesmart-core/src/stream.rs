//! What flows from a connector to the raw tables: the declaration of a stream, and the events of
//! one reading of it.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::{Column, Cursor, Location, StreamName, Threshold};

/// The column, last in every batch, that says where in the source a row came from
/// (`sales_pipeline.csv:123`). Text, never null.
pub const SOURCE_POSITION: &str = "_source_position";

/// One stream that a connection delivers, as it is known before anything is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamSpec {
    /// Its name.
    pub name: StreamName,
    /// Its columns, in order, without provenance.
    pub columns: Vec<Column>,
    /// The columns that identify a row. Empty: a row is identified by its content.
    pub key: Vec<String>,
    /// How many rows may be rejected before the run fails; `None` where the stream says nothing,
    /// so that the pipeline's default applies.
    pub max_rejected: Option<Threshold>,
    /// Where it is declared.
    pub location: Option<Location>,
}

impl StreamSpec {
    /// The schema of the batches: the declared columns and [`SOURCE_POSITION`].
    #[must_use]
    pub fn batch_schema(&self) -> SchemaRef {
        let mut fields: Vec<Field> = self.columns.iter().map(Column::to_field).collect();
        fields.push(Field::new(SOURCE_POSITION, DataType::Utf8, false));
        Arc::new(Schema::new(fields))
    }
}

/// What happens when a column of a stream has another type than the one it was landed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRetyped {
    /// The stream fails, and lands nothing until somebody has decided.
    #[default]
    Stop,
    /// The raw table's column takes a type that holds both, text if there is no other.
    Widen,
    /// The raw table's column keeps its type. Values that it can hold are converted; rows with
    /// others go to quarantine.
    Quarantine,
}

/// A row that does not fit its stream's declaration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRow {
    /// Where in the source it is: a file and row, a record id.
    pub position: String,
    /// The column that does not fit, where it is about one.
    pub column: Option<String>,
    /// The value as it came, cut at 1,000 characters.
    pub value: Option<String>,
    /// Why it does not fit, in words a person can act on.
    pub reason: String,
    /// The whole row as it came (JSON, a CSV line …), cut at 10,000 characters.
    pub record: String,
}

/// What a declared value map changed in the rows of one read: repairs are counted, never silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// The column.
    pub column: String,
    /// The value as the source has it.
    pub from: String,
    /// The value that is landed instead; `None` is null.
    pub to: Option<String>,
    /// In how many rows. Rejected rows do not count.
    pub rows: u64,
}

/// A source's own count of the rows of a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCount {
    /// The lower end of the window, as the source spells it; none: from the beginning.
    pub from: Option<String>,
    /// The upper end.
    pub to: Option<String>,
    /// How many rows the source says it has in it.
    pub rows: u64,
    /// How many distinct rows of the window the connector delivered. Fewer than `rows` is a loss;
    /// more is explained by rows that moved out of the window while it was read.
    pub delivered: u64,
}

/// What a reading cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Requests that were sent, retries included.
    pub requests: u64,
    /// Requests that had to be repeated.
    pub retries: u64,
    /// Seconds spent waiting for the source's limits.
    pub waited_seconds: f64,
    /// Bytes of bodies that came, before decompression where it is known.
    pub bytes: u64,
}

impl Usage {
    /// Adds what came later.
    pub fn add(&mut self, other: &Usage) {
        self.requests += other.requests;
        self.retries += other.retries;
        self.waited_seconds += other.waited_seconds;
        self.bytes += other.bytes;
    }
}

/// What a connector sends while it reads one stream.
#[derive(Clone, Debug)]
pub enum Event {
    /// Rows, in the schema of [`StreamSpec::batch_schema`]. Within one read, a later row replaces
    /// an earlier one with the same key, except inside a snapshot, where a second row with the
    /// same key is put into quarantine by the landing.
    Rows(RecordBatch),
    /// Rows that could not be used. They count as read.
    Rejected(Vec<RejectedRow>),
    /// What follows is everything the source has for this stream.
    SnapshotBegins,
    /// The snapshot is complete: keys that it did not deliver are gone from the source.
    SnapshotEnds,
    /// New values of some columns: the key columns, the columns to replace, and
    /// [`SOURCE_POSITION`]. The landing merges them into the latest version of each key and appends
    /// whole rows. They count as read; a key that has no row is put into quarantine, since the
    /// source knows a record that was never delivered. Never inside a snapshot.
    Patch(RecordBatch),
    /// Keys that are gone from the source: the key columns and [`SOURCE_POSITION`]. A key that has
    /// no row, or is gone already, is no news. Never inside a snapshot.
    Deleted(RecordBatch),
    /// What follows are the keys of everything the source has, without its rows.
    CensusBegins,
    /// Some of these keys: the key columns alone, each key once in a census.
    Census(RecordBatch),
    /// The census is complete: keys with a row that it did not name are gone from the source, and
    /// keys that it named and that have no row were lost, which is a
    /// [`Reconciliation`](crate::receipt::Reconciliation) that does not match.
    CensusEnds,
    /// The source's own count of the rows that this read delivered since the last
    /// [`Event::Checkpoint`] or [`Event::Counted`]: the landing compares it with what it got.
    Counted(SourceCount),
    /// What the reading cost since the last time it was told.
    Used(Usage),
    /// What value maps changed in the rows since the last [`Event::Checkpoint`], by column and
    /// value. Sent before the checkpoint that the rows belong to, at most once for each.
    Repaired(Vec<Repair>),
    /// Everything sent so far is complete up to this cursor and may be committed with it. The
    /// last event of every read that sent anything.
    Checkpoint(Cursor),
}
