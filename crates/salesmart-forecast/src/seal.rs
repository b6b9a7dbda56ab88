//! A sealed snapshot: one row of `forecast.snapshot`.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate, Utc};
use salesmart_core::{Error, ErrorKind, Result};

/// What is sealed under one number: a fiscal period as it was believed to stand one night.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// 1, 2, 3 … over all periods.
    pub snapshot_no: i64,
    /// The company's day it shows.
    pub snapshot_date: NaiveDate,
    /// `quarter`.
    pub period_grain: String,
    /// The period's first day.
    pub period_start: NaiveDate,
    /// The period's last day.
    pub period_end: NaiveDate,
    /// How people call the period: `FY26Q3`.
    pub period_name: String,
    /// The instant of the run that sealed it.
    pub as_of: DateTime<Utc>,
    /// The run that sealed it.
    pub sealed_run_id: String,
    /// How many deals it has.
    pub deal_rows: i64,
    /// How many figures it has.
    pub figure_rows: i64,
    /// The columns of its deal lines, in order.
    pub deal_columns: Vec<String>,
    /// The columns of its figure lines, in order.
    pub figure_columns: Vec<String>,
    /// SHA-256 of its deal and figure lines alone.
    pub content_hash: String,
    /// The hash of the snapshot before it.
    pub previous_hash: String,
    /// SHA-256 of its whole document.
    pub hash: String,
}

impl Seal {
    /// `no 12 (FY26Q3 as of 2026-08-01)`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("no {} ({} as of {})", self.snapshot_no, self.period_name, self.snapshot_date)
    }

    /// What its rows in the tables of deals and figures are found by.
    #[must_use]
    pub fn key(&self) -> SealKey {
        SealKey { snapshot_date: self.snapshot_date, period_start: self.period_start }
    }

    /// The seals in a batch of `forecast.snapshot`. A value that is null (which the model rules
    /// out) becomes an empty one, so that its document has another hash.
    pub(crate) fn read(batch: &RecordBatch) -> Result<Vec<Self>> {
        let text = |name: &str| column(batch, name, &DataType::Utf8);
        let date = |name: &str| column(batch, name, &DataType::Date32);
        let count = |name: &str| column(batch, name, &DataType::Int64);
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let number = count("snapshot_no")?;
        let snapshot_date = date("snapshot_date")?;
        let grain = text("period_grain")?;
        let (start, end, name) = (date("period_start")?, date("period_end")?, text("period_name")?);
        let as_of = column(batch, "as_of", &instant)?;
        let run = text("sealed_run_id")?;
        let (deals, figures) = (count("deal_rows")?, count("figure_rows")?);
        let (deal_columns, figure_columns) = (text("deal_columns")?, text("figure_columns")?);
        let (content, previous, hash) =
            (text("content_hash")?, text("previous_hash")?, text("hash")?);
        let read = |row: usize| {
            let text = |array: &dyn Array| {
                let array = array.as_string::<i32>();
                if array.is_null(row) { String::new() } else { array.value(row).to_owned() }
            };
            let date = |array: &dyn Array| {
                array.as_primitive::<Date32Type>().value_as_date(row).unwrap_or_default()
            };
            let count = |array: &dyn Array| array.as_primitive::<Int64Type>().value(row);
            let names = |array: &dyn Array| {
                text(array).split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect()
            };
            let micros = as_of.as_primitive::<TimestampMicrosecondType>().value(row);
            Seal {
                snapshot_no: count(&number),
                snapshot_date: date(&snapshot_date),
                period_grain: text(&grain),
                period_start: date(&start),
                period_end: date(&end),
                period_name: text(&name),
                as_of: DateTime::from_timestamp_micros(micros).unwrap_or_default(),
                sealed_run_id: text(&run),
                deal_rows: count(&deals),
                figure_rows: count(&figures),
                deal_columns: names(&deal_columns),
                figure_columns: names(&figure_columns),
                content_hash: text(&content),
                previous_hash: text(&previous),
                hash: text(&hash),
            }
        };
        Ok((0..batch.num_rows()).map(read).collect())
    }
}

/// Which snapshot a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SealKey {
    /// The day.
    pub snapshot_date: NaiveDate,
    /// The period's first day.
    pub period_start: NaiveDate,
}

/// A column of a batch in the type that is expected.
pub(crate) fn column(
    batch: &RecordBatch,
    name: &str,
    data_type: &DataType,
) -> Result<arrow::array::ArrayRef> {
    let strange = || {
        Error::new(
            ErrorKind::CheckFailed,
            format!("the forecast history has no usable column `{name}`"),
        )
        .with("expected", data_type)
        .with_hint("its tables are those of another version of Salesmart, or were rewritten")
    };
    let column = batch.column_by_name(name).ok_or_else(strange)?;
    cast(column, data_type).map_err(|e| strange().with_source(e))
}
