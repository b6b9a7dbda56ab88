//! The current state of raw tables, as a story compares it with what a source has.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDate};
use futures::TryStreamExt;
use salesmart_core::{ConnectionName, StreamName};
use salesmart_lake::{Lake, TablePath};

/// A row: column to its value in one spelling; null is absent.
pub type Row = BTreeMap<String, String>;

/// Rows by their key, the key's columns joined by `|`.
pub type Rows = BTreeMap<String, Row>;

/// One raw table as it stands: the latest version of each key that is not deleted.
#[derive(Debug)]
pub struct RawTable {
    /// The types of its columns, without provenance.
    pub types: BTreeMap<String, DataType>,
    /// Its live rows.
    pub rows: Rows,
}

/// The streams that a connection has landed in a local lake.
#[must_use]
pub fn streams(lake: &Path, connection: &str) -> Vec<String> {
    let folder = lake.join("raw").join(connection);
    let mut streams: Vec<String> = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("`{}`: {e}", folder.display()))
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    streams.sort();
    streams
}

/// Reads one raw table's current state.
pub async fn table(lake: &Path, connection: &str, stream: &str, key: &[&str]) -> RawTable {
    let lake = Lake::open(lake.to_str().unwrap()).await.unwrap();
    let path = TablePath::raw(
        &ConnectionName::new(connection).unwrap(),
        &StreamName::new(stream).unwrap(),
    );
    let table = lake.table(&path).await.unwrap().unwrap_or_else(|| panic!("`{path}` is not there"));
    let types = table
        .schema
        .fields()
        .iter()
        .filter(|field| !field.name().starts_with('_'))
        .map(|field| (field.name().clone(), field.data_type().clone()))
        .collect();
    let mut latest: HashMap<String, (i64, Option<Row>)> = HashMap::new();
    let mut batches = lake.read(&table, None);
    while let Some(batch) = batches.try_next().await.unwrap() {
        let sequences = batch.column_by_name("_sequence").unwrap().as_primitive::<Int64Type>();
        let operations = batch.column_by_name("_op").unwrap().as_string::<i32>();
        for row in 0..batch.num_rows() {
            let sequence = sequences.value(row);
            let name = key_of(&batch, row, key);
            if latest.get(&name).is_some_and(|(known, _)| *known >= sequence) {
                continue;
            }
            let live = operations.value(row) == "upsert";
            latest.insert(name, (sequence, live.then(|| values(&batch, row))));
        }
    }
    let rows = latest.into_iter().filter_map(|(key, (_, row))| Some((key, row?))).collect();
    RawTable { types, rows }
}

fn key_of(batch: &RecordBatch, row: usize, key: &[&str]) -> String {
    let part = |name: &&str| {
        let column = batch.column_by_name(name).unwrap_or_else(|| panic!("no column `{name}`"));
        value(column, row).unwrap_or_default()
    };
    key.iter().map(part).collect::<Vec<_>>().join("|")
}

fn values(batch: &RecordBatch, row: usize) -> Row {
    batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .filter(|(field, _)| !field.name().starts_with('_'))
        .filter_map(|(field, column)| Some((field.name().clone(), value(column, row)?)))
        .collect()
}

/// A value in one spelling: decimals without trailing zeros, instants as microseconds.
fn value(column: &dyn Array, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Decimal128(_, _) => {
            plain(&column.as_primitive::<Decimal128Type>().value_as_string(row))
        }
        DataType::Date32 => {
            column.as_primitive::<Date32Type>().value_as_date(row).unwrap().to_string()
        }
        DataType::Timestamp(_, _) => {
            column.as_primitive::<TimestampMicrosecondType>().value(row).to_string()
        }
        other => panic!("no raw column is of type {other}"),
    })
}

/// A value that came as JSON, in the spelling of a column of that type.
///
/// # Panics
/// When the value does not fit the type: the source and the raw table disagree.
#[must_use]
pub fn from_json(json: &serde_json::Value, data_type: &DataType) -> Option<String> {
    // Values of any type: what the source writes as a number is landed as its shortest text.
    let is_number = json.is_number();
    let text = match json {
        serde_json::Value::Null => return None,
        serde_json::Value::String(text) if text.is_empty() => return None,
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(match data_type {
        DataType::Decimal128(_, _) => plain(&text),
        DataType::Int64 => plain(&text),
        DataType::Timestamp(_, _) => instant(&text),
        DataType::Date32 if text.len() > 10 => text[..10].to_owned(),
        DataType::Date32 => text.parse::<NaiveDate>().unwrap().to_string(),
        DataType::Utf8 if is_number => plain(&text),
        _ => text,
    })
}

/// A decimal without an exponent and trailing zeros.
fn plain(text: &str) -> String {
    assert!(!text.contains(['e', 'E']), "a source wrote `{text}`");
    match text.split_once('.') {
        Some((whole, fraction)) => match fraction.trim_end_matches('0') {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        },
        None => text.to_owned(),
    }
}

/// Microseconds since 1970 of what systems write: `…Z`, `…+0000`, `…+00:00`, epoch milliseconds.
fn instant(text: &str) -> String {
    if let Ok(millis) = text.parse::<i64>() {
        return (millis * 1000).to_string();
    }
    let colon = match text.strip_suffix("+0000") {
        Some(start) => format!("{start}Z"),
        None => text.to_owned(),
    };
    DateTime::parse_from_rfc3339(&colon)
        .unwrap_or_else(|e| panic!("`{text}`: {e}"))
        .timestamp_micros()
        .to_string()
}

/// Fails with the first few differences between what the source has and what was landed.
#[track_caller]
pub fn assert_same(what: &str, source: &Rows, landed: &Rows) {
    let mut differences = Vec::new();
    for (key, row) in source {
        match landed.get(key) {
            None => differences.push(format!("{key}: not landed")),
            Some(other) if other != row => {
                for column in row.keys().chain(other.keys()) {
                    if row.get(column) != other.get(column) {
                        differences.push(format!(
                            "{key}.{column}: source {:?}, landed {:?}",
                            row.get(column),
                            other.get(column)
                        ));
                        break;
                    }
                }
            }
            Some(_) => {}
        }
    }
    differences.extend(
        landed
            .keys()
            .filter(|key| !source.contains_key(*key))
            .map(|key| format!("{key}: landed, but not in the source")),
    );
    assert!(
        differences.is_empty(),
        "{what}: {} differences between {} rows of the source and {} landed ones:\n{}",
        differences.len(),
        source.len(),
        landed.len(),
        differences[..differences.len().min(12)].join("\n")
    );
}
