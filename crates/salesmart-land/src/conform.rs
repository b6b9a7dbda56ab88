//! Bringing values of a retyped column into the type that the raw table holds, without ever
//! changing what they say: a value that does not fit is found, not rounded.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::array::{Date32Array, Float64Array, Int64Array};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::{cast, filter_record_batch, nullif};
use arrow::datatypes::{Field, Schema};
use arrow::util::display::array_value_to_string;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use salesmart_core::stream::RejectedRow;
use salesmart_core::{ColumnType, Result};

use crate::batch::{arrow_error, position, row_as_json};

/// Whether a type holds the values of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    /// They are the same type.
    Same,
    /// It holds all of them.
    Always,
    /// It holds some of them.
    IfItFits,
}

/// Columns that are landed as another type than the source has, with both.
#[derive(Debug, Default)]
pub(crate) struct Casts(BTreeMap<String, (ColumnType, ColumnType)>);

impl Casts {
    /// Adds a column, if the types differ.
    pub(crate) fn add(&mut self, name: &str, from: ColumnType, to: ColumnType) {
        if Holding::of(from, to) != Holding::Same {
            self.0.insert(name.to_owned(), (from, to));
        }
    }

    /// The batch as the raw table holds it, without the rows that it cannot hold, and those.
    pub(crate) fn apply(&self, batch: RecordBatch) -> Result<(RecordBatch, Vec<RejectedRow>)> {
        if !batch.schema_ref().fields().iter().any(|field| self.0.contains_key(field.name())) {
            return Ok((batch, Vec::new()));
        }
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
        let mut fields: Vec<Field> = Vec::with_capacity(batch.num_columns());
        let mut fits = vec![true; batch.num_rows()];
        let mut rejected: Vec<(usize, RejectedRow)> = Vec::new();
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let Some((from, to)) = self.0.get(field.name()) else {
                columns.push(Arc::clone(column));
                fields.push(field.as_ref().clone());
                continue;
            };
            let held = hold(column, *from, *to)?;
            for (row, fits) in fits.iter_mut().enumerate() {
                if *fits && column.is_valid(row) && held.is_null(row) {
                    *fits = false;
                    let value = array_value_to_string(column, row).map_err(arrow_error)?;
                    let rejection = RejectedRow {
                        position: position(&batch, row),
                        column: Some(field.name().clone()),
                        value: Some(value),
                        reason: format!(
                            "the column became {from} in the source, and this value is not a {to}, \
                             as which the column is landed"
                        ),
                        record: row_as_json(&batch, row),
                    };
                    rejected.push((row, rejection));
                }
            }
            fields.push(Field::new(field.name(), to.to_arrow(), true));
            columns.push(held);
        }
        rejected.sort_by_key(|(row, _)| *row);
        let conformed = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .and_then(|batch| match rejected.is_empty() {
                true => Ok(batch),
                false => filter_record_batch(&batch, &BooleanArray::from(fits)),
            })
            .map_err(arrow_error)?;
        Ok((conformed, rejected.into_iter().map(|(_, row)| row).collect()))
    }
}

/// The values as another type; null where it cannot hold them.
fn hold(column: &ArrayRef, from: ColumnType, to: ColumnType) -> Result<ArrayRef> {
    use ColumnType::{Date, Decimal, Float64, Int64, String, Timestamp};
    if Holding::of(from, to) == Holding::Always {
        return cast(column, &to.to_arrow()).map_err(arrow_error);
    }
    let is_number = |t| matches!(t, Int64 | Decimal(..) | Float64);
    let is_time = |t| matches!(t, Date | Timestamp);
    match (from, to) {
        (String, to) => parse(column.as_string::<i32>(), to),
        (from, to) if is_number(from) && is_number(to) || is_time(from) && is_time(to) => {
            // There and back again: what comes back changed was not held.
            let there = cast(column, &to.to_arrow()).map_err(arrow_error)?;
            let back = cast(&there, &from.to_arrow()).map_err(arrow_error)?;
            let same = eq(&back, column).map_err(arrow_error)?;
            let changed: BooleanArray =
                same.iter().map(|same| Some(!same.unwrap_or(false))).collect();
            nullif(&there, &changed).map_err(arrow_error)
        }
        // A truth is no number and a number no day, whatever the engine makes of them.
        (_, to) => Ok(arrow::array::new_null_array(&to.to_arrow(), column.len())),
    }
}

/// Texts as values of a type; null where they are none.
fn parse(texts: &StringArray, to: ColumnType) -> Result<ArrayRef> {
    Ok(match to {
        ColumnType::String => Arc::new(texts.clone()),
        ColumnType::Int64 => {
            Arc::new(texts.iter().map(|text| text?.trim().parse().ok()).collect::<Int64Array>())
        }
        ColumnType::Float64 => Arc::new(
            texts
                .iter()
                .map(|text| text?.trim().parse().ok().filter(|value: &f64| value.is_finite()))
                .collect::<Float64Array>(),
        ),
        ColumnType::Boolean => Arc::new(
            texts
                .iter()
                .map(|text| match text?.trim() {
                    "true" => Some(true),
                    "false" => Some(false),
                    _ => None,
                })
                .collect::<BooleanArray>(),
        ),
        ColumnType::Decimal(precision, scale) => {
            let values: Decimal128Array =
                texts.iter().map(|text| decimal(text?.trim(), precision, scale)).collect();
            Arc::new(values.with_precision_and_scale(precision, scale).map_err(arrow_error)?)
        }
        ColumnType::Date => Arc::new(
            texts
                .iter()
                .map(|text| {
                    let day: NaiveDate = text?.trim().parse().ok()?;
                    i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).ok()
                })
                .collect::<Date32Array>(),
        ),
        ColumnType::Timestamp => Arc::new(
            texts
                .iter()
                .map(|text| instant(text?.trim()).map(|instant| instant.timestamp_micros()))
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        ),
    })
}

/// A decimal in digits, with an optional sign and point; `None` if a digit would be lost.
fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let scale = usize::from(scale.unsigned_abs());
    if fraction.len() > scale {
        return None;
    }
    let unscaled: i128 = format!("{whole}{fraction:0<scale$}").parse().ok()?;
    let limit = 10_i128.checked_pow(u32::from(precision))?;
    (unscaled < limit).then_some(if negative { -unscaled } else { unscaled })
}

/// An instant with its offset, or a day, which begins at midnight in UTC.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Some(instant.to_utc());
    }
    if let Ok(instant) = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z") {
        return Some(instant.to_utc());
    }
    let day: NaiveDate = text.parse().ok()?;
    day.and_hms_opt(0, 0, 0).as_ref().map(NaiveDateTime::and_utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(values: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    fn held(column: &ArrayRef, from: ColumnType, to: ColumnType) -> Vec<String> {
        let held = hold(column, from, to).unwrap();
        assert_eq!(held.data_type(), &to.to_arrow());
        (0..held.len())
            .map(|row| {
                if held.is_null(row) {
                    "-".to_owned()
                } else {
                    array_value_to_string(&held, row).unwrap()
                }
            })
            .collect()
    }

    #[test]
    fn texts_are_taken_as_what_they_say_and_nothing_is_rounded() {
        use ColumnType::{Boolean, Date, Decimal, Int64, String, Timestamp};
        let numbers = text(&["12", "-3.50", "1.005", "ten", "1e3", "99999999999999999.99", ".5"]);
        assert_eq!(
            held(&numbers, String, Decimal(18, 2)),
            ["12.00", "-3.50", "-", "-", "-", "-", "0.50"]
        );
        assert_eq!(held(&text(&["12", "1.0", "x"]), String, Int64), ["12", "-", "-"]);
        assert_eq!(held(&text(&["true", "yes"]), String, Boolean), ["true", "-"]);
        assert_eq!(held(&text(&["2026-02-28", "2026-02-30"]), String, Date), ["2026-02-28", "-"]);
        assert_eq!(
            held(
                &text(&[
                    "2026-02-28T10:00:00.5Z",
                    "2026-02-28T10:00:00.000+0100",
                    "2026-02-28",
                    "now"
                ]),
                String,
                Timestamp
            ),
            ["2026-02-28T10:00:00.500Z", "2026-02-28T09:00:00Z", "2026-02-28T00:00:00Z", "-"]
        );
    }

    #[test]
    fn numbers_and_moments_are_held_only_whole() {
        use ColumnType::{Boolean, Date, Decimal, Float64, Int64, Timestamp};
        let decimals: ArrayRef = Arc::new(
            Decimal128Array::from(vec![1_200_i128, 1_250]).with_precision_and_scale(18, 2).unwrap(),
        );
        assert_eq!(held(&decimals, Decimal(18, 2), Int64), ["12", "-"]);
        assert_eq!(held(&decimals, Decimal(18, 2), Decimal(18, 1)), ["12.0", "12.5"]);
        assert_eq!(held(&decimals, Decimal(18, 2), Decimal(18, 4)), ["12.0000", "12.5000"]);
        assert_eq!(held(&decimals, Decimal(18, 2), Decimal(3, 2)), ["-", "-"]);
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![2.0, 2.5]));
        assert_eq!(held(&floats, Float64, Int64), ["2", "-"]);
        let integers: ArrayRef = Arc::new(Int64Array::from(vec![7, i64::MAX]));
        assert_eq!(held(&integers, Int64, Decimal(10, 2)), ["7.00", "-"]);
        assert_eq!(held(&integers, Int64, Boolean), ["-", "-"]);
        assert_eq!(held(&integers, Int64, Date), ["-", "-"]);
        let noon = 86_400_000_000 / 2;
        let moments: ArrayRef =
            Arc::new(TimestampMicrosecondArray::from(vec![0, noon]).with_timezone("UTC"));
        assert_eq!(held(&moments, Timestamp, Date), ["1970-01-01", "-"]);
    }
}
