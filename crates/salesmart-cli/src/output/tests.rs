//! The same rows in every format.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};

use super::*;

fn rows() -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("scope_name", Arc::new(StringArray::from(vec![Some("EMEA, \"north\""), None]))),
        ("n", Arc::new(Int64Array::from(vec![Some(1204), Some(-7)]))),
        (
            "value",
            Arc::new(
                Decimal128Array::from(vec![Some(123_456_789_012_345_678_900_i128), None])
                    .with_precision_and_scale(38, 6)
                    .unwrap(),
            ),
        ),
        ("ratio", Arc::new(Float64Array::from(vec![f64::NAN, 0.25]))),
        ("closed_date", Arc::new(Date32Array::from(vec![Some(20_484), None]))),
        (
            "as_of",
            Arc::new(
                TimestampMicrosecondArray::from(vec![1_790_812_799_000_000, 1_790_812_799_000_500])
                    .with_timezone("UTC"),
            ),
        ),
        ("complete", Arc::new(BooleanArray::from(vec![true, false]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, a)| (name, a, true)))
        .unwrap()
}

fn written(format: Format) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows");
    let mut writer = RowWriter::new(format, Some(&path), rows().schema(), Style::PLAIN).unwrap();
    writer.write(&rows()).unwrap();
    assert!(!path.exists(), "an unfinished file has no name yet");
    assert_eq!(writer.finish().unwrap(), 2);
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(names, std::slice::from_ref(&path));
    std::fs::read(path).unwrap()
}

#[test]
fn a_table_is_aligned_and_shows_null() {
    insta::assert_snapshot!(String::from_utf8(written(Format::Table)).unwrap());
}

#[test]
fn csv_quotes_what_it_must_and_leaves_null_empty() {
    insta::assert_snapshot!(String::from_utf8(written(Format::Csv)).unwrap());
}

#[test]
fn json_lines_keep_every_digit() {
    let text = String::from_utf8(written(Format::Json)).unwrap();
    for line in text.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn parquet_reads_back_as_it_was() {
    let bytes = written(Format::Parquet);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.parquet");
    std::fs::write(&path, bytes).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    let reader =
        ::parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 100).unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!(batches.len(), 1);
    // NaN is not equal to itself.
    let without_floats = [0, 1, 2, 4, 5, 6];
    assert_eq!(
        batches[0].project(&without_floats).unwrap(),
        rows().project(&without_floats).unwrap()
    );
}

#[test]
fn no_rows_are_still_a_table_with_a_header() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.csv");
    for (format, expected) in [(Format::Csv, "scope_name,n,"), (Format::Table, "scope_name  n")] {
        let writer = RowWriter::new(format, Some(&path), rows().schema(), Style::PLAIN).unwrap();
        assert_eq!(writer.finish().unwrap(), 0);
        assert!(std::fs::read_to_string(&path).unwrap().starts_with(expected));
    }
}

#[test]
fn an_abandoned_file_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.csv");
    let mut writer =
        RowWriter::new(Format::Csv, Some(&path), rows().schema(), Style::PLAIN).unwrap();
    writer.write(&rows()).unwrap();
    drop(writer);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn parquet_wants_a_file() {
    let error = RowWriter::new(Format::Parquet, None, rows().schema(), Style::PLAIN).err().unwrap();
    assert!(error.hint().unwrap().contains("--output"));
}
