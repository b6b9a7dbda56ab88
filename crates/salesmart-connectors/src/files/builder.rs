//! One column's values, from text straight into an Arrow builder.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder,
    StringBuilder, TimestampMicrosecondBuilder,
};
use salesmart_core::ColumnType;

use super::dates::DateError;
use super::numbers::{NumberError, NumberFormat, parse_decimal, parse_float64, parse_int64};
use super::rules::{ColumnRule, Parser};

/// Grows one column of the next batch.
pub(super) enum ColumnBuilder {
    String(StringBuilder),
    Int64(Int64Builder),
    Float64(Float64Builder),
    Decimal(Decimal128Builder, u8, i8),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Boolean(BooleanBuilder),
}

/// Why a value does not fit its column. The words are made when a row is rejected, not before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// The bytes are not text in the declared encoding.
    NotText,
    /// See [`NumberError`].
    Number(NumberError),
    /// See [`DateError`].
    Date(DateError),
    /// Neither of the declared texts.
    Boolean,
    /// A JSON object or array in a column that is not text, or another kind of JSON value.
    Kind(&'static str),
}

impl Misfit {
    /// In words that a person can act on.
    pub(super) fn reason(&self, rule: &ColumnRule) -> String {
        match self {
            Misfit::NotText => "not valid text in the file's encoding".to_owned(),
            Misfit::Number(error) => rule.number_reason(*error),
            Misfit::Date(error) => rule.date_reason(*error),
            Misfit::Boolean => match &rule.parser {
                Parser::Boolean(Some((yes, no))) => {
                    format!("neither true ({}) nor false ({})", yes.join(", "), no.join(", "))
                }
                _ => "neither `true` nor `false`".to_owned(),
            },
            Misfit::Kind(found) => format!("{found} where {} is declared", rule.column_type),
        }
    }
}

impl ColumnBuilder {
    /// An empty builder for values of a type.
    pub(super) fn new(column_type: ColumnType, rows: usize) -> Self {
        match column_type {
            ColumnType::String => {
                ColumnBuilder::String(StringBuilder::with_capacity(rows, rows * 8))
            }
            ColumnType::Int64 => ColumnBuilder::Int64(Int64Builder::with_capacity(rows)),
            ColumnType::Float64 => ColumnBuilder::Float64(Float64Builder::with_capacity(rows)),
            ColumnType::Decimal(precision, scale) => {
                ColumnBuilder::Decimal(Decimal128Builder::with_capacity(rows), precision, scale)
            }
            ColumnType::Date => ColumnBuilder::Date(Date32Builder::with_capacity(rows)),
            ColumnType::Timestamp => {
                ColumnBuilder::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows))
            }
            ColumnType::Boolean => ColumnBuilder::Boolean(BooleanBuilder::with_capacity(rows)),
        }
    }

    /// Appends a null.
    pub(super) fn append_null(&mut self) {
        match self {
            ColumnBuilder::String(builder) => builder.append_null(),
            ColumnBuilder::Int64(builder) => builder.append_null(),
            ColumnBuilder::Float64(builder) => builder.append_null(),
            ColumnBuilder::Decimal(builder, ..) => builder.append_null(),
            ColumnBuilder::Date(builder) => builder.append_null(),
            ColumnBuilder::Timestamp(builder) => builder.append_null(),
            ColumnBuilder::Boolean(builder) => builder.append_null(),
        }
    }

    /// Appends a truth value; only to a boolean column.
    pub(super) fn append_bool(&mut self, value: bool) -> Result<(), Misfit> {
        match self {
            ColumnBuilder::Boolean(builder) => {
                builder.append_value(value);
                Ok(())
            }
            ColumnBuilder::String(builder) => {
                builder.append_value(if value { "true" } else { "false" });
                Ok(())
            }
            _ => Err(Misfit::Kind("a JSON boolean")),
        }
    }

    /// Appends a number as JSON writes it, whatever separators the column's text has.
    pub(super) fn append_number(&mut self, parser: &Parser, text: &[u8]) -> Result<(), Misfit> {
        let plain = match parser {
            Parser::Int64(_) => Parser::Int64(NumberFormat::PLAIN),
            Parser::Float64(_) => Parser::Float64(NumberFormat::PLAIN),
            Parser::Decimal(_, precision, scale) => {
                Parser::Decimal(NumberFormat::PLAIN, *precision, *scale)
            }
            other => return self.append(other, text),
        };
        self.append(&plain, text)
    }

    /// Appends what the text says. Appends nothing when it does not fit.
    #[inline]
    pub(super) fn append(&mut self, parser: &Parser, text: &[u8]) -> Result<(), Misfit> {
        match (self, parser) {
            (ColumnBuilder::String(builder), _) => {
                builder.append_value(std::str::from_utf8(text).map_err(|_| Misfit::NotText)?);
            }
            (ColumnBuilder::Int64(builder), Parser::Int64(format)) => {
                builder.append_value(parse_int64(text, format).map_err(|e| number(e, text))?);
            }
            (ColumnBuilder::Float64(builder), Parser::Float64(format)) => {
                builder.append_value(parse_float64(text, format).map_err(|e| number(e, text))?);
            }
            (ColumnBuilder::Decimal(builder, ..), Parser::Decimal(format, precision, scale)) => {
                let value = parse_decimal(text, format, *precision, *scale);
                builder.append_value(value.map_err(|e| number(e, text))?);
            }
            (ColumnBuilder::Date(builder), Parser::Date(format)) => {
                builder.append_value(format.parse(text).map_err(|e| date(e, text))?);
            }
            (ColumnBuilder::Timestamp(builder), Parser::Timestamp(format)) => {
                builder.append_value(format.parse(text).map_err(|e| date(e, text))?);
            }
            (ColumnBuilder::Boolean(builder), Parser::Boolean(values)) => {
                builder.append_value(boolean(values.as_ref(), text)?);
            }
            // A rule's parser is made from its type, so the two always agree.
            (_, _) => return Err(Misfit::Kind("a value")),
        }
        Ok(())
    }

    /// The column so far; the builder starts again with room for `rows`.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            ColumnBuilder::String(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Int64(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Float64(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Decimal(builder, precision, scale) => {
                let array = builder.finish();
                let typed = array.clone().with_precision_and_scale(*precision, *scale);
                // Declared types are checked to be within Arrow's range.
                Arc::new(typed.unwrap_or(array))
            }
            ColumnBuilder::Date(builder) => Arc::new(builder.finish()),
            ColumnBuilder::Timestamp(builder) => Arc::new(builder.finish().with_timezone("UTC")),
            ColumnBuilder::Boolean(builder) => Arc::new(builder.finish()),
        }
    }
}

/// Bytes that are no text at all are a better reason than "not a number".
fn number(error: NumberError, text: &[u8]) -> Misfit {
    if std::str::from_utf8(text).is_err() { Misfit::NotText } else { Misfit::Number(error) }
}

fn date(error: DateError, text: &[u8]) -> Misfit {
    if std::str::from_utf8(text).is_err() { Misfit::NotText } else { Misfit::Date(error) }
}

fn boolean(values: Option<&(Vec<String>, Vec<String>)>, text: &[u8]) -> Result<bool, Misfit> {
    match values {
        None if text.eq_ignore_ascii_case(b"true") => Ok(true),
        None if text.eq_ignore_ascii_case(b"false") => Ok(false),
        Some((yes, _)) if yes.iter().any(|value| value.as_bytes() == text) => Ok(true),
        Some((_, no)) if no.iter().any(|value| value.as_bytes() == text) => Ok(false),
        _ if std::str::from_utf8(text).is_err() => Err(Misfit::NotText),
        _ => Err(Misfit::Boolean),
    }
}
