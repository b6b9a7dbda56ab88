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
#[derive(Clone, Debug)]
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
    /// What value maps changed in the rows since the last [`Event::Checkpoint`], by column and
    /// value. Sent before the checkpoint that the rows belong to, at most once for each.
    Repaired(Vec<Repair>),
    /// Everything sent so far is complete up to this cursor and may be committed with it. The
    /// last event of every read that sent anything.
    Checkpoint(Cursor),
}
