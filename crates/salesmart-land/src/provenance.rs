//! What every raw row says about where it came from.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use salesmart_core::stream::SOURCE_POSITION;
use salesmart_core::{Column, ColumnType};

/// The project's name for the connection.
pub(crate) const CONNECTION: &str = "_connection";
/// The stream.
pub(crate) const STREAM: &str = "_stream";
/// The run that landed the row.
pub(crate) const RUN_ID: &str = "_run_id";
/// When the run began to read.
pub(crate) const EXTRACTED_AT: &str = "_extracted_at";
/// `upsert` or `delete`.
pub(crate) const OPERATION: &str = "_op";
/// Grows from row to row and from commit to commit: the highest is the latest version of a key.
pub(crate) const SEQUENCE: &str = "_sequence";
/// The content hash of the declared columns.
pub(crate) const ROW_HASH: &str = "_row_hash";
/// The identity of a row in a stream without a key: content and occurrence.
pub(crate) const ROW_KEY: &str = "_row_key";

/// What a raw row says happened to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The key is there, with these values.
    Upsert,
    /// The key is gone.
    Delete,
}

impl Operation {
    /// As the `_op` column spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Upsert => "upsert",
            Operation::Delete => "delete",
        }
    }
}

/// The provenance columns that follow the declared ones in every raw table. `keyless` adds
/// `_row_key`.
#[must_use]
pub fn columns(keyless: bool) -> Vec<Column> {
    let column = |name: &str, column_type| Column { name: name.to_owned(), column_type };
    let mut columns = vec![
        column(CONNECTION, ColumnType::String),
        column(STREAM, ColumnType::String),
        column(RUN_ID, ColumnType::String),
        column(EXTRACTED_AT, ColumnType::Timestamp),
        column(OPERATION, ColumnType::String),
        column(SOURCE_POSITION, ColumnType::String),
        column(SEQUENCE, ColumnType::Int64),
        column(ROW_HASH, ColumnType::Int64),
    ];
    if keyless {
        columns.push(column(ROW_KEY, ColumnType::String));
    }
    columns
}

/// The columns of a raw table that come from the source: all but provenance.
#[must_use]
pub fn source_columns(schema: &Schema) -> Vec<Column> {
    let provenance = columns(true);
    schema
        .fields()
        .iter()
        .filter(|field| !provenance.iter().any(|column| column.name == *field.name()))
        .filter_map(|field| {
            let column_type = ColumnType::from_arrow(field.data_type())?;
            Some(Column { name: field.name().clone(), column_type })
        })
        .collect()
}

/// The schema of every quarantine table.
pub(crate) fn quarantine_schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        text(CONNECTION),
        text(STREAM),
        text(RUN_ID),
        Field::new(
            EXTRACTED_AT,
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            true,
        ),
        text(SOURCE_POSITION),
        text("column_name"),
        text("value"),
        text("reason"),
        text("record"),
    ]))
}
