//! One value as text, the same in every text format: instants as `2026-01-31T14:05:00Z`, decimals
//! with all their digits.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, TimeUnit};
use arrow::datatypes::{
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, SecondsFormat, Utc};
use salesmart_core::{Error, Result};

/// What a value is, for formats that care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    /// A number whose text is exact.
    Number,
    /// A float, which may be infinite or no number at all.
    Float,
    /// `true` or `false`.
    Boolean,
    /// Everything else.
    Text,
}

impl CellKind {
    pub(super) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => CellKind::Boolean,
            DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => CellKind::Number,
            other if other.is_integer() => CellKind::Number,
            other if other.is_floating() => CellKind::Float,
            DataType::Dictionary(_, value) => Self::of(value),
            _ => CellKind::Text,
        }
    }
}

/// The texts of one column of a batch.
pub(super) struct Column<'a> {
    array: &'a ArrayRef,
    formatter: ArrayFormatter<'a>,
}

impl<'a> Column<'a> {
    pub(super) fn new(array: &'a ArrayRef) -> Result<Self> {
        let formatter = ArrayFormatter::try_new(array.as_ref(), &OPTIONS)
            .map_err(|e| Error::bug("failed to write a column as text").with_source(e))?;
        Ok(Self { array, formatter })
    }

    /// The text of a row's value; `None` is null.
    pub(super) fn text(&self, row: usize) -> Option<String> {
        if self.array.is_null(row) || self.array.data_type().is_null() {
            return None;
        }
        let text = match self.array.data_type() {
            DataType::Timestamp(unit, zone) => self.instant(row, *unit, zone.is_some()),
            _ => None,
        };
        Some(text.unwrap_or_else(|| self.formatter.value(row).to_string()))
    }

    /// An instant in UTC, or a local time without the `Z`; Arrow would ask the zone's rules.
    fn instant(&self, row: usize, unit: TimeUnit, zoned: bool) -> Option<String> {
        let array = self.array.as_ref();
        let instant: DateTime<Utc> = match unit {
            TimeUnit::Second => {
                DateTime::from_timestamp(array.as_primitive::<TimestampSecondType>().value(row), 0)?
            }
            TimeUnit::Millisecond => DateTime::from_timestamp_millis(
                array.as_primitive::<TimestampMillisecondType>().value(row),
            )?,
            TimeUnit::Microsecond => DateTime::from_timestamp_micros(
                array.as_primitive::<TimestampMicrosecondType>().value(row),
            )?,
            TimeUnit::Nanosecond => DateTime::from_timestamp_nanos(
                array.as_primitive::<TimestampNanosecondType>().value(row),
            ),
        };
        let text = instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        Some(if zoned { text } else { text.trim_end_matches('Z').to_owned() })
    }
}

static OPTIONS: FormatOptions<'static> = FormatOptions::new();
