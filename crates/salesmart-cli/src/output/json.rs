//! JSON lines: one object a row. Numbers are written with exactly the digits they have, so that a
//! reader which keeps decimals loses nothing; floats that are no numbers become null.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use salesmart_core::{Error, Result};

use super::cell::{CellKind, Column};
use super::{BatchWriter, Sink};

pub(super) struct JsonWriter {
    sink: Sink,
    /// The names, already quoted, with what their values are.
    columns: Vec<(String, CellKind)>,
}

impl JsonWriter {
    pub(super) fn new(sink: Sink, schema: &SchemaRef) -> Self {
        let column = |field: &arrow::datatypes::FieldRef| {
            (
                serde_json::Value::from(field.name().as_str()).to_string(),
                CellKind::of(field.data_type()),
            )
        };
        Self { sink, columns: schema.fields().iter().map(column).collect() }
    }
}

impl BatchWriter for JsonWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let values = batch.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
        let mut line = Vec::new();
        for row in 0..batch.num_rows() {
            line.clear();
            line.push(b'{');
            for (place, ((name, kind), column)) in self.columns.iter().zip(&values).enumerate() {
                if place > 0 {
                    line.extend_from_slice(b", ");
                }
                line.extend_from_slice(name.as_bytes());
                line.extend_from_slice(b": ");
                value(&mut line, *kind, column.text(row).as_deref())?;
            }
            line.extend_from_slice(b"}\n");
            self.sink.write_all(&line).map_err(|e| self.sink.failed(e))?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Sink> {
        Ok(self.sink)
    }
}

fn value(line: &mut Vec<u8>, kind: CellKind, text: Option<&str>) -> Result<()> {
    match (kind, text) {
        (_, None) => line.extend_from_slice(b"null"),
        (CellKind::Number | CellKind::Boolean, Some(text)) => {
            line.extend_from_slice(text.as_bytes());
        }
        (CellKind::Float, Some(text)) => {
            // `inf` and `NaN` have no JSON; Arrow's other spellings of floats are JSON already.
            let is_finite = text.parse::<f64>().is_ok_and(f64::is_finite);
            line.extend_from_slice(if is_finite { text.as_bytes() } else { b"null" });
        }
        (CellKind::Text, Some(text)) => serde_json::to_writer(line, text)
            .map_err(|e| Error::bug("failed to write text as JSON").with_source(e))?,
    }
    Ok(())
}
