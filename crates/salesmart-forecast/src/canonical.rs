//! The canonical form of a snapshot: the exact bytes that are hashed.
//!
//! A document is UTF-8 text; every line ends with LF. The header says what was sealed and when,
//! then comes a line a deal and a line a figure, fields separated by TAB:
//!
//! ```text
//! salesmart-snapshot v1
//! previous 0000…0000
//! no 1
//! date 2026-09-30
//! period quarter 2026-08-01 2026-10-31 FY27Q3
//! as_of 2026-09-30T23:59:59.000000Z
//! run 20260930T235959Z-0001
//! deals 1
//! figures 1
//! deal_columns opportunity_id amount close_date
//! figure_columns scope series amount
//! deal⇥crm:006⇥1234.50⇥2026-10-02
//! figure⇥company⇥commit⇥1234.50
//! ```
//!
//! Null is `\N`; in text a backslash is `\\`, TAB `\t`, LF `\n` and CR `\r`. So a field cannot hold
//! a separator, and no two different rows have the same line (property-tested). Decimals have all
//! digits of their scale, dates are ISO 8601, instants are UTC to the microsecond.

use std::fmt::Write;
use std::ops::Range;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array,
    LargeStringArray, RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, SecondsFormat, Utc};
use salesmart_core::{Error, Result};
use sha2::{Digest, Sha256};

use crate::Seal;

/// The first line of every document.
pub const VERSION: &str = "salesmart-snapshot v1";

/// What the first snapshot of a lake names as the one before.
pub const NOTHING_BEFORE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// How null is written.
const NULL: &str = "\\N";

/// The header of a document: everything before its lines.
#[must_use]
pub fn header(seal: &Seal) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        text.push_str(name);
        text.push(' ');
        text.push_str(value);
        text.push('\n');
    };
    let mut period = format!("{} {} {} ", seal.period_grain, seal.period_start, seal.period_end);
    escape(&seal.period_name, &mut period);
    let mut run = String::new();
    escape(&seal.sealed_run_id, &mut run);
    line("previous", &seal.previous_hash);
    line("no", &seal.snapshot_no.to_string());
    line("date", &seal.snapshot_date.to_string());
    line("period", &period);
    line("as_of", &instant(seal.as_of));
    line("run", &run);
    line("deals", &seal.deal_rows.to_string());
    line("figures", &seal.figure_rows.to_string());
    line("deal_columns", &seal.deal_columns.join(" "));
    line("figure_columns", &seal.figure_columns.join(" "));
    format!("{VERSION}\n{text}")
}

/// An instant in UTC, always to the microsecond.
#[must_use]
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Appends text with its separators written as escapes.
pub fn escape(text: &str, to: &mut String) {
    for character in text.chars() {
        match character {
            '\\' => to.push_str("\\\\"),
            '\t' => to.push_str("\\t"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            other => to.push(other),
        }
    }
}

/// A hash in lower-case hexadecimal.
#[must_use]
pub fn hex(hash: Sha256) -> String {
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
    }
    text
}

/// The two kinds of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LineKind {
    /// A deal that was due in the period.
    Deal,
    /// A figure of a scope.
    Figure,
}

impl LineKind {
    /// The word a line begins with.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            LineKind::Deal => "deal",
            LineKind::Figure => "figure",
        }
    }

    /// The columns by which lines are ordered, bytewise; null counts as empty text.
    #[must_use]
    pub fn order(self) -> &'static [&'static str] {
        match self {
            LineKind::Deal => &["opportunity_id"],
            LineKind::Figure => &["scope", "scope_id", "series"],
        }
    }
}

/// The lines of one snapshot and kind, on their way into their order.
#[derive(Debug, Default)]
pub struct Lines {
    /// The key of a line, then the line, for all lines.
    bytes: String,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    key: Range<usize>,
    line: Range<usize>,
}

impl Lines {
    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds the line of one row.
    pub fn push(&mut self, row: &RowLines<'_>, index: usize) {
        let start = self.bytes.len();
        for (place, column) in row.order.iter().enumerate() {
            if place > 0 {
                self.bytes.push('\0');
            }
            if let Some(column) = column {
                column.raw(index, &mut self.bytes);
            }
        }
        let middle = self.bytes.len();
        self.bytes.push_str(row.kind.word());
        for column in &row.columns {
            self.bytes.push('\t');
            match column {
                Some(column) => column.field(index, &mut self.bytes),
                None => self.bytes.push_str(NULL),
            }
        }
        self.bytes.push('\n');
        self.entries.push(Entry { key: start..middle, line: middle..self.bytes.len() });
    }

    /// The lines in their order.
    pub fn in_order(&mut self) -> impl Iterator<Item = &[u8]> {
        let bytes = self.bytes.as_bytes();
        self.entries.sort_unstable_by(|a, b| {
            let key = |entry: &Entry| &bytes[entry.key.clone()];
            let line = |entry: &Entry| &bytes[entry.line.clone()];
            key(a).cmp(key(b)).then_with(|| line(a).cmp(line(b)))
        });
        self.entries.iter().map(|entry| &bytes[entry.line.clone()])
    }
}

/// The columns of a batch, ready to be written as lines.
pub struct RowLines<'a> {
    kind: LineKind,
    order: Vec<Option<Cells<'a>>>,
    columns: Vec<Option<Cells<'a>>>,
}

impl<'a> RowLines<'a> {
    /// Lines with these columns. A column that the batch does not have is null: a file that was
    /// written before a column was added lacks it.
    ///
    /// # Errors
    /// When a column is of a type that has no canonical form.
    pub fn new(kind: LineKind, batch: &'a RecordBatch, columns: &[String]) -> Result<Self> {
        let cells = |name: &str| {
            batch.column_by_name(name).map(|column| Cells::new(name, column)).transpose()
        };
        Ok(Self {
            kind,
            order: kind.order().iter().map(|name| cells(name)).collect::<Result<_>>()?,
            columns: columns.iter().map(|name| cells(name)).collect::<Result<_>>()?,
        })
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    /// One value in its canonical spelling, without escapes; `None` is null.
    pub(crate) fn value(&self, column: usize, row: usize) -> Option<String> {
        let cells = self.columns.get(column)?.as_ref().filter(|cells| !cells.is_null(row))?;
        let mut text = String::new();
        cells.raw(row, &mut text);
        Some(text)
    }
}

/// One column.
enum Cells<'a> {
    Text(&'a StringArray),
    LargeText(&'a LargeStringArray),
    TextView(&'a StringViewArray),
    Boolean(&'a BooleanArray),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    Decimal(&'a Decimal128Array),
    Date(&'a Date32Array),
    Instant(&'a TimestampMicrosecondArray),
}

impl<'a> Cells<'a> {
    fn new(name: &str, column: &'a ArrayRef) -> Result<Self> {
        let any = column.as_any();
        let cells = match column.data_type() {
            DataType::Utf8 => any.downcast_ref().map(Cells::Text),
            DataType::LargeUtf8 => any.downcast_ref().map(Cells::LargeText),
            DataType::Utf8View => any.downcast_ref().map(Cells::TextView),
            DataType::Boolean => any.downcast_ref().map(Cells::Boolean),
            DataType::Int32 => any.downcast_ref().map(Cells::Int32),
            DataType::Int64 => any.downcast_ref().map(Cells::Int64),
            DataType::Decimal128(..) => any.downcast_ref().map(Cells::Decimal),
            DataType::Date32 => any.downcast_ref().map(Cells::Date),
            DataType::Timestamp(TimeUnit::Microsecond, _) => any.downcast_ref().map(Cells::Instant),
            _ => None,
        };
        cells.ok_or_else(|| {
            Error::configuration(format!(
                "column `{name}` of a snapshot is of a type that cannot be sealed"
            ))
            .with("found", column.data_type())
            .with("expected", "text, boolean, int, decimal, date or timestamp")
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Cells::Text(array) => array.is_null(row),
            Cells::LargeText(array) => array.is_null(row),
            Cells::TextView(array) => array.is_null(row),
            Cells::Boolean(array) => array.is_null(row),
            Cells::Int32(array) => array.is_null(row),
            Cells::Int64(array) => array.is_null(row),
            Cells::Decimal(array) => array.is_null(row),
            Cells::Date(array) => array.is_null(row),
            Cells::Instant(array) => array.is_null(row),
        }
    }

    fn text(&self, row: usize) -> Option<&str> {
        match self {
            Cells::Text(array) => Some(array.value(row)),
            Cells::LargeText(array) => Some(array.value(row)),
            Cells::TextView(array) => Some(array.value(row)),
            _ => None,
        }
    }

    /// A value for ordering: text as it is, null as empty text.
    fn raw(&self, row: usize, to: &mut String) {
        if self.is_null(row) {
            return;
        }
        match self.text(row) {
            Some(text) => to.push_str(text),
            None => self.field(row, to),
        }
    }

    /// A field of a line.
    fn field(&self, row: usize, to: &mut String) {
        if self.is_null(row) {
            to.push_str(NULL);
            return;
        }
        if let Some(text) = self.text(row) {
            return escape(text, to);
        }
        let written = match self {
            Cells::Boolean(array) => write!(to, "{}", array.value(row)),
            Cells::Int32(array) => write!(to, "{}", array.value(row)),
            Cells::Int64(array) => write!(to, "{}", array.value(row)),
            Cells::Decimal(array) => return decimal(array.value(row), array.scale(), to),
            // Beyond what a calendar holds the count itself is still exact.
            Cells::Date(array) => match array.value_as_date(row) {
                Some(date) => write!(to, "{date}"),
                None => write!(to, "{}", array.value(row)),
            },
            Cells::Instant(array) => match DateTime::from_timestamp_micros(array.value(row)) {
                Some(at) => write!(to, "{}", instant(at)),
                None => write!(to, "{}", array.value(row)),
            },
            Cells::Text(_) | Cells::LargeText(_) | Cells::TextView(_) => Ok(()),
        };
        written.expect("writing to a string cannot fail");
    }
}

/// A decimal with all the digits of its scale.
fn decimal(value: i128, scale: i8, to: &mut String) {
    let scale = usize::try_from(scale).unwrap_or(0);
    let digits = value.unsigned_abs().to_string();
    if value < 0 {
        to.push('-');
    }
    let whole = digits.len().saturating_sub(scale);
    to.push_str(if whole == 0 { "0" } else { &digits[..whole] });
    if scale > 0 {
        to.push('.');
        for _ in digits.len()..scale {
            to.push('0');
        }
        to.push_str(&digits[whole..]);
    }
}

#[cfg(test)]
mod tests;
