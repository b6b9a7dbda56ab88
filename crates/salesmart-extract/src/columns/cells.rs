//! The values of one column while a batch grows. Unlike Arrow's builders they can be cut back to
//! a row, which is how a rejected row leaves no trace.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use salesmart_core::ColumnType;

use super::parse;

/// One column.
#[derive(Debug)]
pub(super) enum Cells {
    Text(Texts),
    Int64(Values<i64>),
    Float64(Values<f64>),
    Decimal(Values<i128>, u8, i8),
    Date(Values<i32>),
    Timestamp(Values<i64>),
    Boolean(Values<bool>),
}

/// Calls a method of whatever values there are.
macro_rules! each {
    ($cells:expr, $values:ident => $call:expr) => {
        match $cells {
            Cells::Text($values) => $call,
            Cells::Int64($values) | Cells::Timestamp($values) => $call,
            Cells::Float64($values) => $call,
            Cells::Decimal($values, ..) => $call,
            Cells::Date($values) => $call,
            Cells::Boolean($values) => $call,
        }
    };
}

impl Cells {
    pub(super) fn new(column_type: ColumnType, capacity: usize) -> Self {
        match column_type {
            ColumnType::String => Cells::Text(Texts::new(capacity)),
            ColumnType::Int64 => Cells::Int64(Values::new(capacity)),
            ColumnType::Float64 => Cells::Float64(Values::new(capacity)),
            ColumnType::Decimal(precision, scale) => {
                Cells::Decimal(Values::new(capacity), precision, scale)
            }
            ColumnType::Date => Cells::Date(Values::new(capacity)),
            ColumnType::Timestamp => Cells::Timestamp(Values::new(capacity)),
            ColumnType::Boolean => Cells::Boolean(Values::new(capacity)),
        }
    }

    pub(super) fn column_type(&self) -> ColumnType {
        match self {
            Cells::Text(_) => ColumnType::String,
            Cells::Int64(_) => ColumnType::Int64,
            Cells::Float64(_) => ColumnType::Float64,
            Cells::Decimal(_, precision, scale) => ColumnType::Decimal(*precision, *scale),
            Cells::Date(_) => ColumnType::Date,
            Cells::Timestamp(_) => ColumnType::Timestamp,
            Cells::Boolean(_) => ColumnType::Boolean,
        }
    }

    /// Sets the value of the row after `rows` rows, or says why the text is none.
    pub(super) fn text(&mut self, rows: usize, text: &str) -> Result<(), String> {
        match self {
            Cells::Text(values) => return values.push(rows, text),
            Cells::Int64(values) => values.push(rows, parse::int64(text)?),
            Cells::Float64(values) => values.push(rows, parse::float64(text)?),
            Cells::Decimal(values, precision, scale) => {
                values.push(rows, parse::decimal(text, *precision, *scale)?);
            }
            Cells::Date(values) => values.push(rows, parse::date(text)?),
            Cells::Timestamp(values) => values.push(rows, parse::timestamp(text)?),
            Cells::Boolean(values) => values.push(rows, parse::boolean(text)?),
        }
        Ok(())
    }

    pub(super) fn null(&mut self, rows: usize) {
        each!(self, values => values.push_null(rows));
    }

    pub(super) fn len(&self) -> usize {
        each!(self, values => values.valid.len())
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        each!(self, values => values.truncate(rows));
    }

    pub(super) fn size(&self) -> usize {
        each!(self, values => values.size())
    }

    /// The values as an array; the cells are empty then.
    pub(super) fn finish(&mut self, capacity: usize) -> ArrayRef {
        match self {
            Cells::Text(values) => values.finish(capacity),
            Cells::Int64(values) => {
                let (values, nulls) = values.finish(capacity);
                Arc::new(Int64Array::new(values.into(), nulls))
            }
            Cells::Float64(values) => {
                let (values, nulls) = values.finish(capacity);
                Arc::new(Float64Array::new(values.into(), nulls))
            }
            Cells::Decimal(values, precision, scale) => {
                let (values, nulls) = values.finish(capacity);
                Arc::new(
                    Decimal128Array::new(values.into(), nulls)
                        .with_precision_and_scale(*precision, *scale)
                        .expect("a column type has a precision and scale that Arrow takes"),
                )
            }
            Cells::Date(values) => {
                let (values, nulls) = values.finish(capacity);
                Arc::new(Date32Array::new(values.into(), nulls))
            }
            Cells::Timestamp(values) => {
                let (values, nulls) = values.finish(capacity);
                Arc::new(TimestampMicrosecondArray::new(values.into(), nulls).with_timezone("UTC"))
            }
            Cells::Boolean(values) => {
                let (values, nulls) = values.finish(capacity);
                Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
            }
        }
    }
}

/// Values of a fixed size; what stands at a null is the default.
#[derive(Debug)]
pub(super) struct Values<T> {
    values: Vec<T>,
    valid: Vec<bool>,
}

impl<T: Default + Copy> Values<T> {
    fn new(capacity: usize) -> Self {
        Self { values: Vec::with_capacity(capacity), valid: Vec::with_capacity(capacity) }
    }

    /// Sets the value of the row after `rows` rows.
    pub(super) fn push(&mut self, rows: usize, value: T) {
        self.put(rows, value, true);
    }

    fn push_null(&mut self, rows: usize) {
        self.put(rows, T::default(), false);
    }

    fn put(&mut self, rows: usize, value: T, valid: bool) {
        // A value that was told before for the same row gives way.
        self.truncate(rows);
        self.values.push(value);
        self.valid.push(valid);
    }

    fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.valid.truncate(rows);
    }

    fn size(&self) -> usize {
        self.values.len() * (size_of::<T>() + 1)
    }

    fn finish(&mut self, capacity: usize) -> (Vec<T>, Option<NullBuffer>) {
        let values = std::mem::replace(&mut self.values, Vec::with_capacity(capacity));
        (values, nulls(&mut self.valid))
    }
}

/// Texts, one behind the other.
#[derive(Debug)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    offsets: Vec<i32>,
    valid: Vec<bool>,
}

impl Texts {
    fn new(capacity: usize) -> Self {
        let mut offsets = Vec::with_capacity(capacity + 1);
        offsets.push(0);
        Self { bytes: Vec::new(), offsets, valid: Vec::with_capacity(capacity) }
    }

    fn push(&mut self, rows: usize, text: &str) -> Result<(), String> {
        self.truncate(rows);
        let Ok(end) = i32::try_from(self.bytes.len() + text.len()) else {
            return Err("the texts of one batch are longer than 2 GiB in all".to_owned());
        };
        self.bytes.extend_from_slice(text.as_bytes());
        self.offsets.push(end);
        self.valid.push(true);
        Ok(())
    }

    fn push_null(&mut self, rows: usize) {
        self.truncate(rows);
        self.offsets.push(self.end());
        self.valid.push(false);
    }

    /// Where the last text ends. The first offset is always there.
    fn end(&self) -> i32 {
        self.offsets.last().copied().unwrap_or_default()
    }

    fn truncate(&mut self, rows: usize) {
        if self.valid.len() > rows {
            self.valid.truncate(rows);
            self.offsets.truncate(rows + 1);
            self.bytes.truncate(usize::try_from(self.end()).unwrap_or_default());
        }
    }

    fn size(&self) -> usize {
        self.bytes.len() + self.valid.len() * (size_of::<i32>() + 1)
    }

    fn finish(&mut self, capacity: usize) -> ArrayRef {
        // The next page is about as long as this one.
        let bytes = std::mem::take(&mut self.bytes);
        self.bytes.reserve(bytes.len());
        let mut empty = Vec::with_capacity(capacity + 1);
        empty.push(0);
        let offsets = std::mem::replace(&mut self.offsets, empty);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let nulls = nulls(&mut self.valid);
        let array = StringArray::try_new(offsets, Buffer::from_vec(bytes), nulls)
            .expect("every text was a `str`, and offsets lie between them");
        Arc::new(array)
    }
}

/// Which values are null; nothing where none is.
fn nulls(valid: &mut Vec<bool>) -> Option<NullBuffer> {
    let nulls = valid.contains(&false).then(|| NullBuffer::from(valid.as_slice()));
    valid.clear();
    nulls
}
