//! CSV: RFC 4180, UTF-8. Null is an empty field, an empty text is `""`.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, Schema, TimestampMicrosecondType,
};
use chrono::SecondsFormat;
use salesmart_core::{Error, Result};

use super::config::Settings;

/// What ends a record.
const RECORD_END: &[u8] = b"\r\n";
/// The byte order mark.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Writes records.
pub(super) struct Writer {
    delimiter: u8,
    escape_formulas: bool,
    out: Vec<u8>,
}

impl Writer {
    /// Begins with the names of the columns.
    pub(super) fn new(settings: &Settings, schema: &Schema) -> Self {
        let mut writer = Self {
            delimiter: settings.delimiter,
            escape_formulas: settings.escape_formulas,
            out: Vec::new(),
        };
        if settings.byte_order_mark {
            writer.out.extend_from_slice(MARK);
        }
        for (n, field) in schema.fields().iter().enumerate() {
            writer.between(n);
            writer.text(field.name(), false);
        }
        writer.out.extend_from_slice(RECORD_END);
        writer
    }

    /// The bytes so far.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Writes the rows of a batch.
    pub(super) fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        for row in 0..batch.num_rows() {
            for (n, column) in batch.columns().iter().enumerate() {
                self.between(n);
                self.value(column, row)?;
            }
            self.out.extend_from_slice(RECORD_END);
        }
        Ok(())
    }

    fn between(&mut self, column: usize) {
        if column > 0 {
            self.out.push(self.delimiter);
        }
    }

    fn value(&mut self, column: &ArrayRef, row: usize) -> Result<()> {
        if column.is_null(row) {
            return Ok(());
        }
        if let DataType::Utf8 = column.data_type() {
            self.text(column.as_string::<i32>().value(row), self.escape_formulas);
        } else {
            self.out.extend_from_slice(plain(column, row)?.as_bytes());
        }
        Ok(())
    }

    fn text(&mut self, text: &str, escape_formulas: bool) {
        let runs = escape_formulas
            && text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
        let quoted = runs
            || text.is_empty()
            || text.bytes().any(|b| b == self.delimiter || matches!(b, b'"' | b'\r' | b'\n'))
            || text.starts_with(' ')
            || text.ends_with(' ');
        if !quoted {
            self.out.extend_from_slice(text.as_bytes());
            return;
        }
        self.out.push(b'"');
        if runs {
            self.out.push(b'\'');
        }
        for byte in text.bytes() {
            if byte == b'"' {
                self.out.push(b'"');
            }
            self.out.push(byte);
        }
        self.out.push(b'"');
    }
}

/// A value that is no text, as it is written.
pub(super) fn plain(column: &ArrayRef, row: usize) -> Result<String> {
    Ok(match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Decimal128(..) => column.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Date32 => column
            .as_primitive::<Date32Type>()
            .value_as_date(row)
            .map(|day| day.to_string())
            .unwrap_or_default(),
        DataType::Timestamp(..) => column
            .as_primitive::<TimestampMicrosecondType>()
            .value_as_datetime(row)
            .map(|instant| instant.and_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
            .unwrap_or_default(),
        other => {
            return Err(Error::configuration(format!("files hold no values of the type {other}"))
                .with_hint("cast the column in its model"));
        }
    })
}
