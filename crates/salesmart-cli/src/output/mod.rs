//! Data for people and programs: tables, CSV, JSON lines and Parquet, to standard output or a
//! file.
//!
//! A file appears under its name only when it is complete. A reader that stops listening
//! (`| head`) ends the command quietly.

mod cell;
mod csv;
mod json;
mod parquet;
mod sink;
mod table;

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clap::ValueEnum;
use salesmart_core::{Error, Result};

pub use sink::{Sink, is_closed_stdout};
pub use table::{Align, TextTable};

use crate::style::Style;

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For reading: aligned columns; `∅` is null.
    #[default]
    Table,
    /// Comma-separated with a header; null is an empty field.
    Csv,
    /// One JSON object a line; decimals keep all their digits.
    Json,
    /// A Parquet file; needs `--output`.
    Parquet,
}

/// Takes batches of one schema and writes them in one format.
trait BatchWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Writes what is left and hands the sink back.
    fn finish(self: Box<Self>) -> Result<Sink>;
}

/// Rows on their way out.
pub struct RowWriter {
    writer: Box<dyn BatchWriter>,
    rows: usize,
}

impl RowWriter {
    /// A writer to `output`, or to standard output.
    ///
    /// # Errors
    /// When the file cannot be made, or Parquet would go to standard output.
    pub fn new(
        format: Format,
        output: Option<&Path>,
        schema: SchemaRef,
        style: Style,
    ) -> Result<Self> {
        if format == Format::Parquet && output.is_none() {
            return Err(Error::configuration("Parquet is not written to standard output")
                .with_hint("name a file: `--format parquet --output rows.parquet`"));
        }
        let sink = Sink::open(output)?;
        let style = if output.is_some() { Style::PLAIN } else { style };
        let writer: Box<dyn BatchWriter> = match format {
            Format::Table => Box::new(table::TableWriter::new(sink, schema, style)),
            Format::Csv => Box::new(csv::CsvWriter::new(sink, &schema)?),
            Format::Json => Box::new(json::JsonWriter::new(sink, &schema)),
            Format::Parquet => Box::new(parquet::ParquetWriter::new(sink, schema)?),
        };
        Ok(Self { writer, rows: 0 })
    }

    /// Writes some rows.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows();
        self.writer.write(batch)
    }

    /// Completes the output; a file gets its name now. Returns how many rows there were.
    ///
    /// # Errors
    /// When the end cannot be written.
    pub fn finish(self) -> Result<usize> {
        self.writer.finish()?.complete()?;
        Ok(self.rows)
    }
}

/// A whole number with its thousands set apart: `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The texts of all values, row by row; `None` is null.
///
/// # Errors
/// When a column has no text.
pub fn texts(batches: &[RecordBatch]) -> Result<Vec<Vec<Option<String>>>> {
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter().map(cell::Column::new).collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|column| column.text(row)).collect());
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests;
