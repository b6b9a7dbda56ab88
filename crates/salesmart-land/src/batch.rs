//! Giving rows their provenance.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use salesmart_core::stream::SOURCE_POSITION;
use salesmart_core::{ConnectionName, Error, Result, RunId, StreamName};

use crate::provenance::{
    CONNECTION, EXTRACTED_AT, OPERATION, Operation, ROW_HASH, ROW_KEY, RUN_ID, SEQUENCE, STREAM,
};

/// Arrow's own complaints mean that our schemas do not fit each other.
pub(crate) fn arrow_error(error: arrow::error::ArrowError) -> Error {
    Error::bug("failed to put a batch together").with_source(error)
}

/// Who says where rows come from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) connection: ConnectionName,
    pub(crate) stream: StreamName,
    pub(crate) run_id: RunId,
    pub(crate) extracted_at: DateTime<Utc>,
}

impl Origin {
    /// The same text in every row.
    pub(crate) fn constant(text: &str, rows: usize) -> ArrayRef {
        Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, rows)))
    }

    /// The moment of extraction in every row.
    pub(crate) fn extracted_at(&self, rows: usize) -> ArrayRef {
        let micros = self.extracted_at.timestamp_micros();
        Arc::new(TimestampMicrosecondArray::from_value(micros, rows).with_timezone("UTC"))
    }
}

/// Rows that were judged, with what they will say about themselves.
pub(crate) struct Judged {
    /// Declared columns and `_source_position`.
    pub(crate) batch: RecordBatch,
    /// Content hash of each row.
    pub(crate) contents: Vec<u64>,
    /// Identity of each row, in streams without a key.
    pub(crate) row_keys: Option<Vec<String>>,
}

impl Judged {
    /// Keeps the rows that `mask` names.
    pub(crate) fn keep(self, mask: &[bool]) -> Result<Self> {
        if mask.iter().all(|keep| *keep) {
            return Ok(self);
        }
        let batch = filter_record_batch(&self.batch, &BooleanArray::from(mask.to_vec()))
            .map_err(arrow_error)?;
        let kept = |at: &usize| mask.get(*at).copied().unwrap_or(false);
        let contents = self
            .contents
            .iter()
            .enumerate()
            .filter(|(at, _)| kept(at))
            .map(|(_, hash)| *hash)
            .collect();
        let row_keys = self.row_keys.map(|keys| {
            keys.into_iter().enumerate().filter(|(at, _)| kept(at)).map(|(_, key)| key).collect()
        });
        Ok(Self { batch, contents, row_keys })
    }

    /// The rows as the raw table holds them; a declared column the batch lacks is null.
    pub(crate) fn into_raw(
        self,
        schema: &SchemaRef,
        origin: &Origin,
        operation: Operation,
        first_sequence: i64,
    ) -> Result<RecordBatch> {
        let rows = self.batch.num_rows();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        let count = i64::try_from(rows).unwrap_or(i64::MAX);
        let row_keys = self.row_keys;
        for field in schema.fields() {
            let column: ArrayRef = match field.name().as_str() {
                CONNECTION => Origin::constant(origin.connection.as_str(), rows),
                STREAM => Origin::constant(origin.stream.as_str(), rows),
                RUN_ID => Origin::constant(origin.run_id.as_str(), rows),
                EXTRACTED_AT => origin.extracted_at(rows),
                OPERATION => Origin::constant(operation.as_str(), rows),
                SEQUENCE => {
                    Arc::new(Int64Array::from_iter_values(first_sequence..first_sequence + count))
                }
                ROW_HASH => Arc::new(Int64Array::from_iter_values(
                    self.contents.iter().map(|hash| hash.cast_signed()),
                )),
                ROW_KEY => match &row_keys {
                    Some(keys) => Arc::new(StringArray::from_iter_values(keys)),
                    None => return Err(Error::bug("a row without a key has no identity")),
                },
                name => match self.batch.column_by_name(name) {
                    Some(column) => Arc::clone(column),
                    None => new_null_array(field.data_type(), rows),
                },
            };
            columns.push(column);
        }
        RecordBatch::try_new(Arc::clone(schema), columns).map_err(arrow_error)
    }
}

/// The text of `_source_position` in a row.
pub(crate) fn position(batch: &RecordBatch, row: usize) -> String {
    batch
        .column_by_name(SOURCE_POSITION)
        .and_then(|column| column.as_any().downcast_ref::<StringArray>())
        .filter(|positions| row < positions.len() && positions.is_valid(row))
        .map(|positions| positions.value(row).to_owned())
        .unwrap_or_default()
}

/// A row as one JSON object, for people who look into quarantine.
pub(crate) fn row_as_json(batch: &RecordBatch, row: usize) -> String {
    let mut bytes = Vec::new();
    let mut writer = arrow::json::LineDelimitedWriter::new(&mut bytes);
    let written = writer.write(&batch.slice(row, 1)).and_then(|()| writer.finish());
    match written {
        Ok(()) => String::from_utf8_lossy(&bytes).trim_end().to_owned(),
        Err(error) => format!("(row cannot be shown: {error})"),
    }
}
