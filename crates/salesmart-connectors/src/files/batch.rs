//! Rows on their way into Arrow batches: values go straight into column builders, what does not
//! fit becomes a rejected row, what a value map changes is counted.
//!
//! Memory is bounded by one batch: 65,536 rows or 16 MiB of source text, whichever is first.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, StringBuilder};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_extract::{Event, Outlet, RejectedRow, Repair};

use super::builder::{ColumnBuilder, Misfit};
use super::declaration::Stream;
use super::rules::ColumnRule;

/// Rows in a batch.
pub(super) const BATCH_ROWS: usize = 65_536;
/// Bytes of source text in a batch.
const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// Rejected rows that are sent together.
const REJECTED_ROWS: usize = 256;
/// Bytes that rejected rows which are sent together may hold.
const REJECTED_BYTES: usize = 1024 * 1024;

/// What a source says about one value.
#[derive(Clone, Debug)]
pub(super) enum Field<'a> {
    /// Nothing is there.
    Null,
    /// A text, to be read as the column's declaration says.
    Text(Cow<'a, [u8]>),
    /// A number in JSON's own form.
    Number(&'a [u8]),
    /// A truth value in JSON's own form.
    Boolean(bool),
    /// A JSON object or array, as text.
    Nested(&'a [u8]),
}

/// Where events go. Stops as soon as the reading is dropped, so that a thread that still decodes
/// cannot send into a channel nobody expects it in.
#[derive(Clone)]
pub(super) struct Sink {
    outlet: Outlet,
    cancelled: Arc<AtomicBool>,
}

/// Cancels the sinks when it is dropped.
pub(super) struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Sink {
    /// A sink, and the guard whose drop stops it.
    pub(super) fn new(outlet: Outlet) -> (Self, CancelOnDrop) {
        let cancelled = Arc::new(AtomicBool::new(false));
        (Self { outlet, cancelled: Arc::clone(&cancelled) }, CancelOnDrop(cancelled))
    }

    /// Sends an event from a thread that may block.
    pub(super) fn send(&self, event: Event) -> Result<()> {
        self.check()?;
        self.outlet.blocking_send(event)
    }

    /// Fails when the reading was dropped.
    pub(super) fn check(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Interrupted, "the reading was stopped"));
        }
        Ok(())
    }
}

/// How often each replacement of each column was made in rows that were kept.
#[derive(Clone, Debug, Default)]
pub(super) struct RepairCounts(Vec<Vec<u64>>);

impl RepairCounts {
    /// Nothing counted yet.
    pub(super) fn new(columns: &[ColumnRule]) -> Self {
        Self(columns.iter().map(|rule| vec![0; rule.replacements.len()]).collect())
    }

    /// Counts one more.
    fn add(&mut self, column: usize, replacement: usize) {
        self.0[column][replacement] += 1;
    }

    /// What was counted, in the order of the declaration; counting starts again.
    pub(super) fn take(&mut self, columns: &[ColumnRule]) -> Vec<Repair> {
        let mut repairs = Vec::new();
        for (rule, counts) in columns.iter().zip(&mut self.0) {
            for ((from, to), count) in rule.replacements.iter().zip(counts) {
                let rows = std::mem::take(count);
                if rows > 0 {
                    repairs.push(Repair {
                        column: rule.name.clone(),
                        from: from.clone(),
                        to: to.clone(),
                        rows,
                    });
                }
            }
        }
        repairs
    }
}

/// Collects the rows of one file.
pub(super) struct Batcher<'a> {
    stream: &'a Stream,
    schema: SchemaRef,
    sink: &'a Sink,
    repairs: &'a mut RepairCounts,
    /// The file's path, which every position begins with.
    file: &'a str,
    builders: Vec<ColumnBuilder>,
    positions: StringBuilder,
    /// Whether each row so far is kept; a row is rejected after its first values are in builders.
    kept: Vec<bool>,
    all_kept: bool,
    bytes: usize,
    rejected: Vec<RejectedRow>,
    rejected_bytes: usize,
    /// The replacements made in the current row: column, replacement.
    row_repairs: Vec<(usize, usize)>,
}

impl<'a> Batcher<'a> {
    /// An empty batch for a file.
    pub(super) fn new(
        stream: &'a Stream,
        file: &'a str,
        sink: &'a Sink,
        repairs: &'a mut RepairCounts,
    ) -> Self {
        let builders =
            stream.columns.iter().map(|rule| ColumnBuilder::new(rule.column_type, 1024)).collect();
        Self {
            stream,
            schema: stream.spec.batch_schema(),
            sink,
            repairs,
            file,
            builders,
            positions: StringBuilder::new(),
            kept: Vec::with_capacity(BATCH_ROWS),
            all_kept: true,
            bytes: 0,
            rejected: Vec::new(),
            rejected_bytes: 0,
            row_repairs: Vec::new(),
        }
    }

    /// Takes one row: `field` gives the value of each declared column, `record` the row as it came.
    pub(super) fn row<'r>(
        &mut self,
        line: u64,
        bytes: usize,
        mut field: impl FnMut(usize) -> Field<'r>,
        record: impl FnOnce() -> String,
    ) -> Result<()> {
        let mut failure = None;
        self.row_repairs.clear();
        for (column, (rule, builder)) in
            self.stream.columns.iter().zip(&mut self.builders).enumerate()
        {
            if failure.is_some() {
                builder.append_null();
                continue;
            }
            let field = field(column);
            let repairs = &mut self.row_repairs;
            if let Err(misfit) =
                append(rule, builder, &field, |index| repairs.push((column, index)))
            {
                builder.append_null();
                failure = Some((rule, misfit, shown(&field)));
            }
        }
        self.kept.push(failure.is_none());
        self.append_position(line);
        self.bytes += bytes;
        match failure {
            None => {
                for (column, index) in self.row_repairs.drain(..) {
                    self.repairs.add(column, index);
                }
            }
            Some((rule, misfit, value)) => {
                self.all_kept = false;
                let reason = misfit.reason(rule);
                self.reject(line, Some(&rule.name), value, reason, record())?;
            }
        }
        if self.kept.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn append_position(&mut self, line: u64) {
        use std::fmt::Write;
        // Writing into memory cannot fail.
        let _ = write!(self.positions, "{}:{line}", self.file);
        self.positions.append_value("");
    }

    /// Takes a row that cannot be used.
    pub(super) fn reject(
        &mut self,
        line: u64,
        column: Option<&str>,
        value: Option<String>,
        reason: String,
        record: String,
    ) -> Result<()> {
        let row = RejectedRow {
            position: format!("{}:{line}", self.file),
            column: column.map(str::to_owned),
            value: value.map(|value| cut(value, 1_000)),
            reason,
            record: cut(record, 10_000),
        };
        self.rejected_bytes += row.record.len() + row.value.as_ref().map_or(0, String::len);
        self.rejected.push(row);
        if self.rejected.len() >= REJECTED_ROWS || self.rejected_bytes >= REJECTED_BYTES {
            self.send_rejected()?;
        }
        Ok(())
    }

    /// Takes whole columns, which are in place of [`Batcher::row`]: the rows that are kept.
    pub(super) fn columns(
        &mut self,
        columns: Vec<ArrayRef>,
        lines: impl Iterator<Item = u64>,
    ) -> Result<()> {
        self.flush()?;
        for line in lines {
            self.append_position(line);
        }
        let positions = Arc::new(self.positions.finish());
        if !positions.is_empty() {
            let mut columns = columns;
            columns.push(positions);
            self.sink.send(Event::Rows(self.batch(columns)?))?;
        }
        Ok(())
    }

    /// Counts replacements that were made in rows given to [`Batcher::columns`].
    pub(super) fn repaired(&mut self, column: usize, replacement: usize) {
        self.repairs.add(column, replacement);
    }

    fn batch(&self, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| Error::bug("failed to put columns into a batch").with_source(error))
    }

    fn send_rejected(&mut self) -> Result<()> {
        self.rejected_bytes = 0;
        if self.rejected.is_empty() {
            return self.sink.check();
        }
        self.sink.send(Event::Rejected(std::mem::take(&mut self.rejected)))
    }

    /// Sends what is collected so far.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.send_rejected()?;
        if self.kept.is_empty() {
            return Ok(());
        }
        let mut columns: Vec<ArrayRef> =
            self.builders.iter_mut().map(ColumnBuilder::finish).collect();
        columns.push(Arc::new(self.positions.finish()));
        let mut batch = self.batch(columns)?;
        if !self.all_kept {
            let kept = BooleanArray::from(std::mem::take(&mut self.kept));
            batch = filter_record_batch(&batch, &kept).map_err(|error| {
                Error::bug("failed to leave rejected rows out").with_source(error)
            })?;
        }
        self.kept.clear();
        self.all_kept = true;
        self.bytes = 0;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.sink.send(Event::Rows(batch))
    }
}

/// Reads one field into its column. Appends exactly one value, or nothing when it does not fit.
pub(super) fn append(
    rule: &ColumnRule,
    builder: &mut ColumnBuilder,
    field: &Field<'_>,
    repaired: impl FnMut(usize),
) -> Result<(), Misfit> {
    match field {
        Field::Null => {
            builder.append_null();
            Ok(())
        }
        Field::Text(text) => append_text(rule, builder, text, false, repaired),
        Field::Number(text) => append_text(rule, builder, text, true, repaired),
        Field::Boolean(value) => builder.append_bool(*value),
        Field::Nested(text) if rule.keeps_spaces() => builder.append(&rule.parser, text),
        Field::Nested(text) if text.starts_with(b"{") => Err(Misfit::Kind("a JSON object")),
        Field::Nested(_) => Err(Misfit::Kind("a JSON array")),
    }
}

#[inline]
fn append_text(
    rule: &ColumnRule,
    builder: &mut ColumnBuilder,
    text: &[u8],
    is_number: bool,
    mut repaired: impl FnMut(usize),
) -> Result<(), Misfit> {
    let text = if rule.keeps_spaces() { text } else { trim(text) };
    if !rule.lookup.is_empty()
        && let Some(index) = rule.lookup.get(text)
    {
        let (_, to) = &rule.replacements[*index];
        match to {
            // A replacement is written in the column's own form, and was tried when it was declared.
            Some(to) => builder.append(&rule.parser, to.as_bytes())?,
            None => builder.append_null(),
        }
        repaired(*index);
        return Ok(());
    }
    if rule.null_tokens.iter().any(|token| token == text) {
        builder.append_null();
        return Ok(());
    }
    if is_number {
        builder.append_number(&rule.parser, text)
    } else {
        builder.append(&rule.parser, text)
    }
}

/// The text without spaces around it, no-break spaces included.
fn trim(text: &[u8]) -> &[u8] {
    let is_plain = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_graphic);
    if is_plain(text.first()) && is_plain(text.last()) {
        return text;
    }
    match std::str::from_utf8(text) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => text,
    }
}

/// A field as a person would see it.
fn shown(field: &Field<'_>) -> Option<String> {
    match field {
        Field::Null => None,
        Field::Text(text) => Some(lossy(text)),
        Field::Number(text) | Field::Nested(text) => Some(lossy(text)),
        Field::Boolean(value) => Some(value.to_string()),
    }
}

/// Bytes as text; what is no text becomes `�`. No longer than anything that is kept of it.
pub(super) fn lossy(bytes: &[u8]) -> String {
    // Four bytes a character, and some more so that the cut can be seen to be one.
    let end = bytes.len().min(41_000);
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// At most so many characters.
fn cut(mut text: String, characters: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_are_trimmed_whatever_they_are() {
        assert_eq!(trim(b"12"), b"12");
        assert_eq!(trim(b" 12\t"), b"12");
        assert_eq!(trim("\u{a0}12\u{202f}".as_bytes()), b"12");
        assert_eq!(trim(b"\xff "), b"\xff ");
        assert_eq!(trim(b" "), b"");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("äöü".to_owned(), 2), "äö");
        assert_eq!(cut("äöü".to_owned(), 3), "äöü");
    }
}
