//! Rows of text that no query gave, written like those of a query.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use salesmart_core::{Error, Result};

use super::AuditFormat;
use crate::output::RowWriter;
use crate::style::Style;

/// Rows of text under names.
pub(super) struct Texts {
    names: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

impl Texts {
    pub(super) fn new(names: &[&str]) -> Self {
        Self { names: names.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Option<String>>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Writes them to standard output.
    pub(super) fn write(&self, format: AuditFormat, style: Style) -> Result<()> {
        let failed = |e| Error::bug("failed to put rows together").with_source(e);
        let mut fields = Vec::with_capacity(self.names.len());
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.names.len());
        for (place, name) in self.names.iter().enumerate() {
            let cells = self.rows.iter().map(|row| row.get(place).and_then(Option::as_deref));
            let texts = cells.collect::<StringArray>();
            let data_type = type_of(name);
            columns.push(cast(&texts, &data_type).map_err(failed)?);
            fields.push(Field::new(name, data_type, true));
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(failed)?;
        let mut writer = RowWriter::new(format.of_rows(), None, schema, style)?;
        writer.write(&batch)?;
        writer.finish()?;
        Ok(())
    }
}

/// Numbers lean to the right, and are numbers in JSON.
fn type_of(name: &str) -> DataType {
    match name {
        "amount" => DataType::Decimal128(38, 2),
        "n" | "snapshot_no" => DataType::Int64,
        _ => DataType::Utf8,
    }
}
