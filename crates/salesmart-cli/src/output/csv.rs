//! Comma-separated values with a header. Null is an empty field.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use salesmart_core::{Error, Result};

use super::cell::Column;
use super::{BatchWriter, Sink};

pub(super) struct CsvWriter(csv::Writer<Sink>);

impl CsvWriter {
    pub(super) fn new(sink: Sink, schema: &SchemaRef) -> Result<Self> {
        let mut writer = Self(csv::Writer::from_writer(sink));
        writer.record(schema.fields().iter().map(|field| field.name().as_str()))?;
        Ok(writer)
    }

    fn record<T: AsRef<[u8]>>(&mut self, fields: impl Iterator<Item = T>) -> Result<()> {
        self.0.write_record(fields).map_err(|e| failed(self.0.get_ref(), e))
    }
}

impl BatchWriter for CsvWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = batch.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            self.record(columns.iter().map(|column| column.text(row).unwrap_or_default()))?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Sink> {
        self.0.flush().map_err(|e| self.0.get_ref().failed(e))?;
        self.0.into_inner().map_err(|e| {
            Error::bug("failed to complete the CSV output").with_source(e.into_error())
        })
    }
}

fn failed(sink: &Sink, error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => sink.failed(error),
        other => Error::bug("failed to write a CSV row").with("reason", format!("{other:?}")),
    }
}
