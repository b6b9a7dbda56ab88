//! Values as PostgreSQL writes them in text, where pgwire writes them otherwise: floats, instants and
//! times of day.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, Float32Type, Float64Type, Int64Type, Schema, TimeUnit,
    TimestampMicrosecondType,
};
use arrow::error::Result;
use chrono::{DateTime, Datelike, NaiveDateTime};
use pgwire::api::results::{FieldFormat, FieldInfo};

/// Replaces the columns that are sent as text and need it by their texts.
pub(super) fn written(batch: RecordBatch, fields: &[FieldInfo]) -> Result<RecordBatch> {
    let mut columns = batch.columns().to_vec();
    let mut changed = false;
    for (column, field) in columns.iter_mut().zip(fields) {
        if field.format() != FieldFormat::Text {
            continue;
        }
        // Other styles are pgwire's.
        let iso = field.format_options().date_style.to_ascii_uppercase().starts_with("ISO");
        let shortest = field.format_options().extra_float_digits >= 1;
        let texts = match column.data_type() {
            DataType::Float64 if shortest => {
                let values = column.as_primitive::<Float64Type>().iter();
                values
                    .map(|value| value.map(|v| float(&format!("{v:e}"), v.is_finite(), 15)))
                    .collect()
            }
            DataType::Float32 if shortest => {
                let values = column.as_primitive::<Float32Type>().iter();
                values
                    .map(|value| value.map(|v| float(&format!("{v:e}"), v.is_finite(), 6)))
                    .collect()
            }
            DataType::Timestamp(_, zone) if iso => {
                let zone = if zone.is_some() { "+00" } else { "" };
                instants(column, zone)?
            }
            DataType::Time32(_) | DataType::Time64(_) if iso => times(column)?,
            _ => continue,
        };
        *column = Arc::new(texts) as ArrayRef;
        changed = true;
    }
    if !changed {
        return Ok(batch);
    }
    let schema = batch.schema();
    let as_they_are = schema.fields().iter().zip(&columns);
    let typed: Vec<Field> = as_they_are
        .map(|(field, column)| field.as_ref().clone().with_data_type(column.data_type().clone()))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(typed)), columns)
}

/// A float by its shortest digits, `d.ddde±x`: plain between 0.0001 and so many digits before the
/// point, with an exponent beyond.
fn float(digits: &str, finite: bool, most: i32) -> String {
    if !finite {
        return match digits {
            "inf" => "Infinity".to_owned(),
            "-inf" => "-Infinity".to_owned(),
            other => other.to_owned(),
        };
    }
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((digits, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => ("-", mantissa),
        None => ("", mantissa),
    };
    if exponent < -4 || exponent >= most {
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{direction}{:02}", exponent.abs());
    }
    let all: String = mantissa.chars().filter(|letter| *letter != '.').collect();
    let before = usize::try_from(exponent + 1).unwrap_or(0);
    if before == 0 {
        let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
        return format!("{sign}0.{}{all}", "0".repeat(zeros));
    }
    match all.split_at_checked(before) {
        Some((whole, "")) => format!("{sign}{whole}"),
        Some((whole, rest)) => format!("{sign}{whole}.{rest}"),
        None => format!("{sign}{all}{}", "0".repeat(before - all.len())),
    }
}

fn instants(column: &ArrayRef, zone: &str) -> Result<StringArray> {
    let micros = cast(column, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
    let values = micros.as_primitive::<TimestampMicrosecondType>().iter();
    Ok(values
        .map(|value| {
            let instant = DateTime::from_timestamp_micros(value?)?.naive_utc();
            Some(instant_text(&instant, zone))
        })
        .collect())
}

fn instant_text(instant: &NaiveDateTime, zone: &str) -> String {
    let year = instant.year();
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    let rest = instant.format("-%m-%d %H:%M:%S%.6f").to_string();
    format!("{year:04}{}{zone}{era}", short(&rest))
}

fn times(column: &ArrayRef) -> Result<StringArray> {
    let micros = cast(column, &DataType::Time64(TimeUnit::Microsecond))?;
    let micros = cast(&micros, &DataType::Int64)?;
    let values = micros.as_primitive::<Int64Type>().iter();
    Ok(values
        .map(|value| {
            let instant = DateTime::from_timestamp_micros(value?)?.naive_utc();
            Some(short(&instant.format("%H:%M:%S%.6f").to_string()).to_owned())
        })
        .collect())
}

/// Without the zeros at the end of a fraction.
fn short(text: &str) -> &str {
    text.trim_end_matches('0').strip_suffix('.').unwrap_or_else(|| text.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_postgresql_writes_them() {
        // What PostgreSQL 15 says to `select x::float8`.
        for (value, wanted) in [
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.25e-7, "1.25e-07"),
            (100_000.0, "100000"),
            (123_456_789.5, "123456789.5"),
            (999_999_999_999_999.0, "999999999999999"),
            (1e15, "1e+15"),
            (1.5e16, "1.5e+16"),
            (1e300, "1e+300"),
            (0.0, "0"),
            (-0.0, "-0"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(float(&format!("{value:e}"), value.is_finite(), 15), wanted);
        }
        // And to `x::float4`.
        for (value, wanted) in
            [(0.1_f32, "0.1"), (100_000.0, "100000"), (1e6, "1e+06"), (1_234_567.0, "1.234567e+06")]
        {
            assert_eq!(float(&format!("{value:e}"), value.is_finite(), 6), wanted);
        }
    }

    #[test]
    fn instants_have_no_more_digits_than_they_need() {
        for (micros, wanted) in [
            (0, "1970-01-01 00:00:00+00"),
            (1_500_000, "1970-01-01 00:00:01.5+00"),
            (10_000_000, "1970-01-01 00:00:10+00"),
            (1, "1970-01-01 00:00:00.000001+00"),
            (-62_167_219_200_000_000, "0001-01-01 00:00:00+00 BC"),
            (253_402_300_800_000_000, "10000-01-01 00:00:00+00"),
        ] {
            let instant = DateTime::from_timestamp_micros(micros).unwrap().naive_utc();
            assert_eq!(instant_text(&instant, "+00"), wanted);
        }
    }
}
