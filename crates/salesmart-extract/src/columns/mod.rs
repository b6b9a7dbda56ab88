//! From a source's texts to typed batches, a page at a time.
//!
//! A connector walks through the records of a page and tells each value with its column;
//! [`Rows::end_row`] closes the record. A value that does not fit its column rejects the whole row,
//! with the column, the value and the reason; the other rows are not disturbed. Nothing is
//! rounded, guessed or dropped.

mod cells;
pub mod parse;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use salesmart_core::stream::{RejectedRow, SOURCE_POSITION, StreamSpec};
use salesmart_core::{Column, ColumnType};

use cells::Cells;

/// The longest value and the longest record that a rejected row keeps, in characters.
const LONGEST_VALUE: usize = 1_000;
const LONGEST_RECORD: usize = 10_000;

/// Rows of one shape on their way into a batch.
///
/// Values may be told in any order. A column that is not told is null; one that is told twice has
/// the later value. A column number beyond the last one is ignored.
#[derive(Debug)]
pub struct Rows {
    schema: SchemaRef,
    names: Vec<String>,
    cells: Vec<Cells>,
    positions: Option<StringBuilder>,
    capacity: usize,
    rows: usize,
    fault: Option<Fault>,
    rejected: Vec<RejectedRow>,
}

/// The first value of a row that does not fit.
#[derive(Debug)]
struct Fault {
    column: usize,
    value: String,
    reason: String,
}

impl Rows {
    /// Rows of a stream, in the schema of [`StreamSpec::batch_schema`].
    #[must_use]
    pub fn new(spec: &StreamSpec, capacity: usize) -> Self {
        Self::of(&spec.columns, capacity)
    }

    /// Rows of some columns and [`SOURCE_POSITION`], as patches and deletions have them.
    #[must_use]
    pub fn of(columns: &[Column], capacity: usize) -> Self {
        Self::build(columns, capacity, true)
    }

    /// Rows of some columns alone, as a census has them.
    #[must_use]
    pub fn without_position(columns: &[Column], capacity: usize) -> Self {
        Self::build(columns, capacity, false)
    }

    fn build(columns: &[Column], capacity: usize, positions: bool) -> Self {
        let mut fields: Vec<Field> = columns.iter().map(Column::to_field).collect();
        if positions {
            fields.push(Field::new(SOURCE_POSITION, DataType::Utf8, false));
        }
        Self {
            schema: Arc::new(Schema::new(fields)),
            names: columns.iter().map(|column| column.name.clone()).collect(),
            cells: columns.iter().map(|column| Cells::new(column.column_type, capacity)).collect(),
            positions: positions.then(|| StringBuilder::with_capacity(capacity, capacity * 16)),
            capacity,
            rows: 0,
            fault: None,
            rejected: Vec::new(),
        }
    }

    /// The number of a column.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The type of a column.
    #[must_use]
    pub fn column_type(&self, column: usize) -> Option<ColumnType> {
        self.cells.get(column).map(Cells::column_type)
    }

    /// Tells a value by its text: a number as JSON spells it, `true` or `false`, a date, an
    /// instant, or the text itself. [`parse`] says what each type takes. An empty text is a text;
    /// where it means null, use [`Rows::text_or_null`].
    pub fn text(&mut self, column: usize, value: &str) {
        let rows = self.rows;
        let Some(cells) = self.cells.get_mut(column) else { return };
        if let Err(reason) = cells.text(rows, value) {
            self.refuse(column, value, reason);
        }
    }

    /// As [`Rows::text`], and an empty text is null, whatever the type.
    pub fn text_or_null(&mut self, column: usize, value: &str) {
        if value.is_empty() { self.null(column) } else { self.text(column, value) }
    }

    /// Tells that a value is not there.
    pub fn null(&mut self, column: usize) {
        let rows = self.rows;
        if let Some(cells) = self.cells.get_mut(column) {
            cells.null(rows);
        }
    }

    /// Tells true or false.
    pub fn boolean(&mut self, column: usize, value: bool) {
        let rows = self.rows;
        match self.cells.get_mut(column) {
            Some(Cells::Boolean(values)) => values.push(rows, value),
            Some(_) => self.text(column, if value { "true" } else { "false" }),
            None => {}
        }
    }

    /// Tells a whole number.
    pub fn int64(&mut self, column: usize, value: i64) {
        let rows = self.rows;
        match self.cells.get_mut(column) {
            Some(Cells::Int64(values)) => values.push(rows, value),
            Some(_) => self.text(column, &value.to_string()),
            None => {}
        }
    }

    /// Tells an instant in microseconds since 1970.
    pub fn timestamp(&mut self, column: usize, micros: i64) {
        let rows = self.rows;
        match self.cells.get_mut(column) {
            Some(Cells::Timestamp(values)) => values.push(rows, micros),
            Some(_) => self.text(column, &parse::write_timestamp(micros)),
            None => {}
        }
    }

    /// Marks the row as unusable for a reason of the connector's own.
    pub fn reject(&mut self, column: usize, value: &str, reason: impl Into<String>) {
        self.refuse(column, value, reason.into());
    }

    fn refuse(&mut self, column: usize, value: &str, reason: String) {
        if self.fault.is_none() {
            self.fault = Some(Fault { column, value: cut(value, LONGEST_VALUE), reason });
        }
    }

    /// Ends the row: keeps it, or rejects it if one of its values did not fit. `position` says
    /// where it is in the source, `record` how it came. Whether the row was kept.
    pub fn end_row(&mut self, position: &str, record: impl FnOnce() -> String) -> bool {
        if let Some(fault) = self.fault.take() {
            for cells in &mut self.cells {
                cells.truncate(self.rows);
            }
            self.rejected.push(RejectedRow {
                position: position.to_owned(),
                column: self.names.get(fault.column).cloned(),
                value: Some(fault.value),
                reason: fault.reason,
                record: cut(&record(), LONGEST_RECORD),
            });
            return false;
        }
        for cells in &mut self.cells {
            if cells.len() == self.rows {
                cells.null(self.rows);
            }
        }
        if let Some(positions) = &mut self.positions {
            positions.append_value(position);
        }
        self.rows += 1;
        true
    }

    /// How many rows were kept since the last [`Rows::take`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is nothing to take: neither rows nor rejected ones.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0 && self.rejected.is_empty()
    }

    /// About how many bytes the kept rows take.
    #[must_use]
    pub fn size(&self) -> usize {
        self.cells.iter().map(Cells::size).sum()
    }

    /// Takes the rows out, and the rejected ones. `None` when no row was kept. A row that was begun
    /// and not ended is forgotten.
    pub fn take(&mut self) -> (Option<RecordBatch>, Vec<RejectedRow>) {
        self.fault = None;
        let rejected = std::mem::take(&mut self.rejected);
        let rows = std::mem::take(&mut self.rows);
        let capacity = self.capacity;
        let mut arrays: Vec<ArrayRef> = self
            .cells
            .iter_mut()
            .map(|cells| {
                cells.truncate(rows);
                cells.finish(capacity)
            })
            .collect();
        if let Some(positions) = &mut self.positions {
            arrays.push(Arc::new(positions.finish()));
        }
        if rows == 0 {
            return (None, rejected);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .expect("the cells are made for the schema and have a value for each row");
        (Some(batch), rejected)
    }
}

/// At most so many characters of a text.
fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end - last_length(&text[..end])]),
        None => text.to_owned(),
    }
}

/// How long the last character is, which makes room for the sign that something was cut.
fn last_length(text: &str) -> usize {
    text.chars().next_back().map_or(0, char::len_utf8)
}
