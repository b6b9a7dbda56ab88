//! The column types a person may declare, in pipeline files and model contracts.

use std::fmt;
use std::str::FromStr;

use arrow_schema::{DataType, Field, TimeUnit};
use serde::{Deserialize, Serialize};

use crate::Error;

/// A declared column type. Money is always [`ColumnType::Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ColumnType {
    /// UTF-8 text.
    String,
    /// A 64-bit signed integer.
    Int64,
    /// A 64-bit float, for measurements that are not money.
    Float64,
    /// A fixed-point number with so many digits in all and behind the point, at most 38.
    Decimal(u8, i8),
    /// A calendar day.
    Date,
    /// An instant with microseconds, in UTC.
    Timestamp,
    /// True or false.
    Boolean,
}

impl ColumnType {
    /// The Arrow type that holds it.
    #[must_use]
    pub fn to_arrow(self) -> DataType {
        match self {
            ColumnType::String => DataType::Utf8,
            ColumnType::Int64 => DataType::Int64,
            ColumnType::Float64 => DataType::Float64,
            ColumnType::Decimal(precision, scale) => DataType::Decimal128(precision, scale),
            ColumnType::Date => DataType::Date32,
            ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ColumnType::Boolean => DataType::Boolean,
        }
    }

    /// The declared type that an Arrow type stands for, if any: every text encoding is
    /// [`ColumnType::String`], every integer [`ColumnType::Int64`].
    #[must_use]
    pub fn from_arrow(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnType::String,
            DataType::Dictionary(_, value) => return Self::from_arrow(value),
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::UInt64 => ColumnType::Int64,
            DataType::Float16 | DataType::Float32 | DataType::Float64 => ColumnType::Float64,
            DataType::Decimal128(precision, scale) => ColumnType::Decimal(*precision, *scale),
            DataType::Date32 => ColumnType::Date,
            DataType::Timestamp(_, _) => ColumnType::Timestamp,
            DataType::Boolean => ColumnType::Boolean,
            _ => return None,
        })
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnType::String => f.write_str("string"),
            ColumnType::Int64 => f.write_str("int64"),
            ColumnType::Float64 => f.write_str("float64"),
            ColumnType::Decimal(precision, scale) => write!(f, "decimal({precision},{scale})"),
            ColumnType::Date => f.write_str("date"),
            ColumnType::Timestamp => f.write_str("timestamp"),
            ColumnType::Boolean => f.write_str("boolean"),
        }
    }
}

impl From<ColumnType> for String {
    fn from(column_type: ColumnType) -> Self {
        column_type.to_string()
    }
}

impl TryFrom<String> for ColumnType {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl FromStr for ColumnType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || {
            Error::configuration(format!("`{text}` is not a column type")).with(
                "expected",
                "string, int64, float64, decimal(p,s), date, timestamp or boolean",
            )
        };
        match text.trim() {
            "string" => return Ok(ColumnType::String),
            "int64" => return Ok(ColumnType::Int64),
            "float64" => return Ok(ColumnType::Float64),
            "date" => return Ok(ColumnType::Date),
            "timestamp" => return Ok(ColumnType::Timestamp),
            "boolean" => return Ok(ColumnType::Boolean),
            _ => {}
        }
        let (precision, scale) = text
            .trim()
            .strip_prefix("decimal(")
            .and_then(|rest| rest.strip_suffix(')'))
            .and_then(|inner| inner.split_once(','))
            .ok_or_else(unknown)?;
        let precision: u8 = precision.trim().parse().map_err(|_| unknown())?;
        let scale: i8 = scale.trim().parse().map_err(|_| unknown())?;
        if !(1..=38).contains(&precision) || scale < 0 || scale.unsigned_abs() > precision {
            return Err(Error::configuration(format!("`{text}` is out of range")).with(
                "expected",
                "1 to 38 digits in all, and no more behind the point than in all",
            ));
        }
        Ok(ColumnType::Decimal(precision, scale))
    }
}

/// A declared column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name in the landed table.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
}

impl Column {
    /// The Arrow field; every landed column may be null.
    #[must_use]
    pub fn to_field(&self) -> Field {
        Field::new(&self.name, self.column_type.to_arrow(), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_as_they_are_written() {
        for text in ["string", "int64", "float64", "decimal(18,2)", "date", "timestamp", "boolean"]
        {
            let parsed: ColumnType = text.parse().expect("a valid type");
            assert_eq!(parsed.to_string(), text);
            assert_eq!(ColumnType::from_arrow(&parsed.to_arrow()), Some(parsed));
        }
        for text in ["money", "decimal", "decimal(39,2)", "decimal(5,6)", "decimal(5,-1)", ""] {
            assert!(text.parse::<ColumnType>().is_err(), "{text}");
        }
    }
}
