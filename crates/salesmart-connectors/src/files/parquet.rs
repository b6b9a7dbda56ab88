//! Parquet: the declared columns, cast where that is exact, row by row rejected where it is not.
//!
//! A value is accepted when it comes back unchanged from the declared type. So a double `1100.04`
//! is the decimal `1100.04`, and a timestamp with nanoseconds that are not zero is rejected.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Float32Array, Float64Array, RecordBatch,
    make_array, new_null_array,
};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{CastOptions, can_cast_types, cast, cast_with_options, filter};
use arrow::datatypes::{DataType, Field as ArrowField, Float32Type, Float64Type, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::errors::ParquetError;
use salesmart_core::{ColumnType, Error, ErrorKind, Result, suggest};
use tokio::runtime::Handle;

use super::batch::{Batcher, Field, append, lossy};
use super::builder::ColumnBuilder;
use super::declaration::Stream;
use super::failure;
use super::identity::SourceFile;
use super::ranges::RangeReader;
use super::rules::ColumnRule;
use super::store::Store;

/// Rows that are decoded at a time.
const ROWS: usize = 32_768;

/// How a source column becomes the declared one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conversion {
    /// Its text is read as CSV text would be.
    Text,
    /// It is cast, and cast back to see that nothing was lost.
    Cast,
}

type Reader = ParquetRecordBatchStreamBuilder<RangeReader>;

/// Opens a file and reads its schema.
async fn open(store: &Store, file: &SourceFile) -> Result<Reader> {
    let reader = RangeReader::new(store.clone(), file.clone());
    ParquetRecordBatchStreamBuilder::new(reader)
        .await
        .map_err(|error| unreadable(error, &file.path))
}

fn unreadable(error: ParquetError, file: &str) -> Error {
    let message = format!("failed to read `{file}` as Parquet");
    let error = match error {
        ParquetError::External(cause) => match cause.downcast::<object_store::Error>() {
            Ok(cause) => return failure::store(*cause, file, message),
            Err(cause) => ParquetError::External(cause),
        },
        error => error,
    };
    Error::new(ErrorKind::SchemaChanged, message)
        .with_source(error)
        .with_hint("it is cut off, damaged, or another format: look at `format`")
}

/// Compares a file's schema with the declaration; gives the names of columns that are not read.
pub(super) async fn compare(
    store: &Store,
    file: &SourceFile,
    stream: &Stream,
) -> Result<Vec<String>> {
    let reader = open(store, file).await?;
    let fields = reader.schema().fields();
    conversions(fields, &stream.columns, &file.path)?;
    let read = |name: &String| stream.columns.iter().any(|rule| rule.source == *name);
    Ok(fields.iter().map(|field| field.name().clone()).filter(|name| !read(name)).collect())
}

/// Reads one file, on a thread that may block.
pub(super) fn read(
    handle: &Handle,
    store: &Store,
    file: &SourceFile,
    stream: &Stream,
    batcher: &mut Batcher<'_>,
) -> Result<()> {
    let reader = handle.block_on(open(store, file))?;
    let fields = reader.schema().fields().clone();
    let conversions = conversions(&fields, &stream.columns, &file.path)?;
    let is_read =
        |field: &ArrowField| stream.columns.iter().any(|rule| rule.source == *field.name());
    let extra: Vec<String> =
        fields.iter().filter(|field| !is_read(field)).map(|field| field.name().clone()).collect();
    failure::log_extra(stream, &file.path, &extra);
    let roots = (0..fields.len()).filter(|index| is_read(&fields[*index]));
    let mask = ProjectionMask::roots(reader.parquet_schema(), roots);
    let mut batches = reader
        .with_projection(mask)
        .with_batch_size(ROWS)
        .build()
        .map_err(|error| unreadable(error, &file.path))?;
    let mut line = 1;
    loop {
        // Only the wait for bytes is asynchronous: sending the rows may block.
        let next = handle.block_on(batches.try_next());
        let Some(batch) = next.map_err(|error| unreadable(error, &file.path))? else {
            return Ok(());
        };
        take(&batch, line, stream, &conversions, batcher)?;
        line += batch.num_rows() as u64;
    }
}

/// How each declared column is read; names every one that cannot be.
fn conversions(
    fields: &arrow::datatypes::Fields,
    columns: &[ColumnRule],
    file: &str,
) -> Result<Vec<Conversion>> {
    let mut problems = Vec::new();
    let mut conversions = Vec::new();
    for rule in columns {
        let mut found = fields.iter().filter(|field| *field.name() == rule.source);
        match (found.next(), found.next()) {
            (Some(field), None) => match conversion(field.data_type(), rule.column_type) {
                Some(conversion) => conversions.push(conversion),
                None => problems.push(
                    failure::schema(
                        rule,
                        format!("column `{}` of `{file}` is no {}", rule.source, rule.column_type),
                    )
                    .with("found", field.data_type())
                    .with_hint("declare the type that it has"),
                ),
            },
            (Some(_), Some(_)) => {
                problems.push(failure::schema(
                    rule,
                    format!("column `{}` occurs twice in `{file}`", rule.source),
                ));
            }
            (None, _) => {
                let names = fields.iter().map(|field| field.name().as_str());
                let error =
                    failure::schema(rule, format!("column `{}` is not in `{file}`", rule.source))
                        .with("found", suggest::list(names.clone()));
                problems.push(match suggest::nearest(&rule.source, names) {
                    Some(near) => error.with_hint(format!("did you mean `from: \"{near}\"`?")),
                    None => error
                        .with_hint("name the source's column with `from`, or take the column out"),
                });
            }
        }
    }
    match Error::many(problems) {
        Some(error) => Err(error),
        None => Ok(conversions),
    }
}

/// Which conversions mean the same value. Numbers do not become dates, nor truth values numbers.
fn conversion(from: &DataType, to: ColumnType) -> Option<Conversion> {
    use DataType as D;
    match from {
        D::Utf8 | D::LargeUtf8 | D::Utf8View | D::Binary | D::LargeBinary | D::BinaryView => {
            Some(Conversion::Text)
        }
        D::Dictionary(_, values) => conversion(values, to),
        D::Null => Some(Conversion::Cast),
        _ if from.is_nested() => None,
        _ => {
            let fits = match to {
                ColumnType::String => {
                    !matches!(from, D::FixedSizeBinary(_)) && can_cast_types(from, &D::Utf8)
                }
                ColumnType::Int64 | ColumnType::Float64 | ColumnType::Decimal(..) => {
                    from.is_numeric()
                }
                ColumnType::Date | ColumnType::Timestamp => {
                    matches!(from, D::Date32 | D::Date64 | D::Timestamp(..))
                }
                ColumnType::Boolean => *from == D::Boolean,
            };
            fits.then_some(Conversion::Cast)
        }
    }
}

/// What is wrong with one row: the first of its columns that does not fit.
struct Failed {
    column: usize,
    value: Option<String>,
    reason: String,
}

/// Takes one batch: the rows whose every value fits, and the others rejected.
fn take(
    batch: &RecordBatch,
    first_line: u64,
    stream: &Stream,
    conversions: &[Conversion],
    batcher: &mut Batcher<'_>,
) -> Result<()> {
    let bug =
        |error: ArrowError| Error::bug("failed to convert a Parquet column").with_source(error);
    let mut failed: BTreeMap<usize, Failed> = BTreeMap::new();
    let mut repaired: Vec<(usize, usize, usize)> = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(stream.columns.len());
    for (column, (rule, conversion)) in stream.columns.iter().zip(conversions).enumerate() {
        let source = batch
            .column_by_name(&rule.source)
            .ok_or_else(|| Error::bug(format!("column `{}` was not projected", rule.source)))?;
        let mut fail = |row: usize, value: Option<String>, reason: String| {
            failed.entry(row).or_insert(Failed { column, value, reason });
        };
        columns.push(match conversion {
            Conversion::Text => {
                read_text(source, rule, |row, index| repaired.push((row, column, index)), &mut fail)
                    .map_err(bug)?
            }
            Conversion::Cast => read_cast(source, rule, &mut fail).map_err(bug)?,
        });
    }
    for (row, column, index) in repaired {
        if !failed.contains_key(&row) {
            batcher.repaired(column, index);
        }
    }
    let line = |row: usize| first_line + row as u64;
    if failed.is_empty() {
        return batcher.columns(columns, (0..batch.num_rows()).map(line));
    }
    let kept: BooleanArray =
        (0..batch.num_rows()).map(|row| Some(!failed.contains_key(&row))).collect();
    let columns: Result<Vec<ArrayRef>, ArrowError> =
        columns.iter().map(|column| filter(column, &kept)).collect();
    let lines = (0..batch.num_rows()).filter(|row| !failed.contains_key(row)).map(line);
    batcher.columns(columns.map_err(bug)?, lines)?;
    for (row, failure) in &failed {
        let rule = &stream.columns[failure.column];
        let record = record(batch, *row).map_err(bug)?;
        let value = failure.value.clone();
        batcher.reject(line(*row), Some(&rule.name), value, failure.reason.clone(), record)?;
    }
    Ok(())
}

/// Reads a text column value by value, as CSV would be.
fn read_text(
    source: &ArrayRef,
    rule: &ColumnRule,
    mut repaired: impl FnMut(usize, usize),
    fail: &mut impl FnMut(usize, Option<String>, String),
) -> Result<ArrayRef, ArrowError> {
    // Through bytes, so that what is no text is that value's problem.
    let bytes = match source.data_type() {
        DataType::Utf8View => cast(&cast(source, &DataType::Utf8)?, &DataType::Binary)?,
        DataType::LargeUtf8 => cast(&cast(source, &DataType::LargeBinary)?, &DataType::Binary)?,
        _ => cast(source, &DataType::Binary)?,
    };
    let bytes: &BinaryArray = bytes.as_binary();
    let mut builder = ColumnBuilder::new(rule.column_type, bytes.len());
    for (row, value) in bytes.iter().enumerate() {
        let field = value.map_or(Field::Null, |text| Field::Text(text.into()));
        if let Err(misfit) = append(rule, &mut builder, &field, |index| repaired(row, index)) {
            builder.append_null();
            fail(row, value.map(lossy), misfit.reason(rule));
        }
    }
    Ok(builder.finish())
}

/// Casts a column; a value that does not come back as it was does not fit.
fn read_cast(
    source: &ArrayRef,
    rule: &ColumnRule,
    fail: &mut impl FnMut(usize, Option<String>, String),
) -> Result<ArrayRef, ArrowError> {
    if *source.data_type() == DataType::Null {
        return Ok(new_null_array(&rule.column_type.to_arrow(), source.len()));
    }
    let source = plain(source)?;
    let (values, back) = there_and_back(&source, rule.column_type)?;
    let same = match back {
        Some(back) => not_distinct(&back, &source)?,
        None => BooleanArray::from(vec![true; source.len()]),
    };
    let finite = finite(&source);
    let shown = ArrayFormatter::try_new(&source, &FormatOptions::default())?;
    for row in (0..source.len()).filter(|row| !same.value(*row) || !finite(*row)) {
        let reason = match rule.column_type {
            _ if !finite(row) => "not a finite number".to_owned(),
            ColumnType::Date | ColumnType::Timestamp => {
                format!("not exactly a {}, and nothing is rounded", rule.column_type)
            }
            _ => format!("does not fit {} exactly, and nothing is rounded", rule.column_type),
        };
        fail(row, Some(shown.value(row).to_string()), reason);
    }
    // Text that says null is null here too.
    if rule.keeps_spaces() && (!rule.null_tokens.is_empty() || !rule.lookup.is_empty()) {
        let mut ignore = |_: usize, _: Option<String>, _: String| {};
        return read_text(&values, rule, |_, _| {}, &mut ignore);
    }
    Ok(values)
}

/// The column in a type that casts understand: dictionaries unpacked, instants without a zone
/// (their numbers are UTC whatever the zone is called), no half floats, no negative zero.
fn plain(source: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let source = match source.data_type() {
        DataType::Dictionary(_, values) => cast(source, values)?,
        DataType::Float16 => cast(source, &DataType::Float32)?,
        DataType::Date64 => cast(source, &DataType::Timestamp(TimeUnit::Millisecond, None))?,
        _ => Arc::clone(source),
    };
    Ok(match source.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            let data = source.to_data().into_builder().data_type(DataType::Timestamp(*unit, None));
            make_array(data.build()?)
        }
        DataType::Float32 => {
            let array: &Float32Array = source.as_primitive::<Float32Type>();
            Arc::new(array.unary::<_, Float32Type>(|value| value + 0.0))
        }
        DataType::Float64 => {
            let array: &Float64Array = source.as_primitive::<Float64Type>();
            Arc::new(array.unary::<_, Float64Type>(|value| value + 0.0))
        }
        _ => source,
    })
}

/// The column in the declared type, and that cast back; `None` where nothing can be lost.
fn there_and_back(
    source: &ArrayRef,
    to: ColumnType,
) -> Result<(ArrayRef, Option<ArrayRef>), ArrowError> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let cast = |array: &ArrayRef, to: &DataType| cast_with_options(array, to, &options);
    if to == ColumnType::String {
        return Ok((cast(source, &DataType::Utf8)?, None));
    }
    // Without its zone until the end: a cast would look the zone's name up.
    let target = match to {
        ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        other => other.to_arrow(),
    };
    let values = cast(source, &target)?;
    let back = cast(&values, source.data_type())?;
    let values = match to {
        ColumnType::Timestamp => {
            make_array(values.to_data().into_builder().data_type(to.to_arrow()).build()?)
        }
        _ => values,
    };
    Ok((values, Some(back)))
}

/// Whether a row's value is a number at all: NaN would poison every sum it comes into.
fn finite(source: &ArrayRef) -> impl Fn(usize) -> bool + use<> {
    let source = Arc::clone(source);
    move |row| match source.data_type() {
        DataType::Float32 => {
            source.is_null(row) || source.as_primitive::<Float32Type>().value(row).is_finite()
        }
        DataType::Float64 => {
            source.is_null(row) || source.as_primitive::<Float64Type>().value(row).is_finite()
        }
        _ => true,
    }
}

/// A row as JSON text.
fn record(batch: &RecordBatch, row: usize) -> Result<String, ArrowError> {
    let options = FormatOptions::default();
    let mut object = serde_json::Map::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let value = match column.is_null(row) {
            true => serde_json::Value::Null,
            false => ArrayFormatter::try_new(column, &options)?.value(row).to_string().into(),
        };
        object.insert(field.name().clone(), value);
    }
    Ok(serde_json::Value::Object(object).to_string())
}
