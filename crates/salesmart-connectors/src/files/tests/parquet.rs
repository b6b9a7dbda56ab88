//! Parquet: casts that lose nothing, and rejected rows where they would.

use ::parquet::arrow::ArrowWriter;
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date64Array, Decimal128Array, DictionaryArray,
    Float64Array, Int32Array, Int64Array, ListArray, NullArray, StringArray,
    TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use salesmart_core::ErrorKind;

use super::*;

fn file(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
            .unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// Reads one column, declared as `column_type`.
async fn one(column: ArrayRef, column_type: &str) -> Seen {
    let folder = Folder::new(&format!("path: d.parquet\ncolumns: {{a: '{column_type}'}}"));
    folder.put("d.parquet", file(vec![("other", column.clone()), ("a", column)]));
    folder.read().await
}

/// The accepted values, and the lines of the rejected ones.
async fn outcome(column: impl Array + 'static, column_type: &str) -> (Vec<String>, Vec<String>) {
    let seen = one(Arc::new(column), column_type).await;
    let values = seen.rows().into_iter().map(|mut row| row.remove(0)).collect();
    let rejected =
        seen.rejected().into_iter().map(|row| row.position.replace("d.parquet:", "")).collect();
    (values, rejected)
}

fn found(values: &[&str], rejected: &[&str]) -> (Vec<String>, Vec<String>) {
    (row(values), row(rejected))
}

#[tokio::test]
async fn numbers_that_fit_exactly_are_cast_and_the_others_rejected() {
    let doubles = || {
        Float64Array::from(vec![
            Some(1100.04),
            None,
            Some(1.005),
            Some(f64::NAN),
            Some(-0.0),
            Some(7.0),
        ])
    };
    assert_eq!(
        outcome(doubles(), "decimal(18,2)").await,
        found(&["1100.04", "∅", "0.00", "7.00"], &["3", "4"])
    );
    assert_eq!(outcome(doubles(), "int64").await, found(&["∅", "0", "7"], &["1", "3", "4"]));
    assert_eq!(
        outcome(doubles(), "float64").await,
        found(&["1100.04", "∅", "1.005", "0.0", "7.0"], &["4"])
    );
    let unsigned = UInt64Array::from(vec![1, u64::MAX]);
    assert_eq!(outcome(unsigned, "int64").await, found(&["1"], &["2"]));
    let large = Int64Array::from(vec![9_007_199_254_740_993, 5]);
    assert_eq!(outcome(large, "float64").await, found(&["5.0"], &["1"]));
    let decimals =
        Decimal128Array::from(vec![10_500, 10_505]).with_precision_and_scale(10, 3).unwrap();
    assert_eq!(outcome(decimals, "decimal(18,2)").await, found(&["10.50"], &["2"]));
    assert_eq!(outcome(Int32Array::from(vec![7]), "string").await, found(&["7"], &[]));
}

#[tokio::test]
async fn times_are_utc_to_the_microsecond() {
    let nanos = |zone: Option<&str>| {
        TimestampNanosecondArray::from(vec![1_000, 1_001])
            .with_timezone_opt(zone.map(str::to_owned))
    };
    for zone in [None, Some("UTC"), Some("Europe/Berlin"), Some("+02:00")] {
        let expected = found(&["1970-01-01T00:00:00.000001Z"], &["2"]);
        assert_eq!(outcome(nanos(zone), "timestamp").await, expected, "{zone:?}");
    }
    let day = 86_400_000_000;
    let micros = TimestampMicrosecondArray::from(vec![day, day + 1]);
    assert_eq!(outcome(micros, "date").await, found(&["1970-01-02"], &["2"]));
    let days = Date64Array::from(vec![86_400_000]);
    assert_eq!(outcome(days.clone(), "date").await, found(&["1970-01-02"], &[]));
    assert_eq!(outcome(days, "timestamp").await, found(&["1970-01-02T00:00:00Z"], &[]));
}

#[tokio::test]
async fn text_is_read_as_csv_text_is() {
    let text = StringArray::from(vec![Some("1.5"), Some(""), None, Some("x")]);
    assert_eq!(outcome(text, "decimal(5,2)").await, found(&["1.50", "∅", "∅"], &["4"]));
    let bytes = BinaryArray::from(vec![&b"ok"[..], b"\xff"]);
    assert_eq!(outcome(bytes, "string").await, found(&["ok"], &["2"]));
    let words: DictionaryArray<Int32Type> = vec!["true", "false", "true"].into_iter().collect();
    assert_eq!(outcome(words, "boolean").await, found(&["true", "false", "true"], &[]));
}

#[tokio::test]
async fn every_text_type_is_text() {
    let text = || StringArray::from(vec![Some("1"), None, Some("x")]);
    for data_type in [
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        DataType::Binary,
        DataType::LargeBinary,
        DataType::BinaryView,
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::LargeUtf8)),
    ] {
        let seen = one(cast(&text(), &data_type).unwrap(), "string").await;
        assert_eq!(seen.rows(), [row(&["1"]), row(&["∅"]), row(&["x"])], "{data_type}");
        let seen = one(cast(&text(), &data_type).unwrap(), "int64").await;
        assert_eq!(seen.rows(), [row(&["1"]), row(&["∅"])], "{data_type}");
        assert_eq!(seen.positions(), ["d.parquet:1", "d.parquet:2"]);
    }
    assert_eq!(outcome(NullArray::new(2), "decimal(5,2)").await, found(&["∅", "∅"], &[]));
}

#[tokio::test]
async fn every_number_type_is_a_number() {
    for data_type in [
        DataType::Int8,
        DataType::UInt16,
        DataType::Float16,
        DataType::Float32,
        DataType::Decimal128(9, 0),
        DataType::Decimal256(40, 3),
        DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Int64)),
    ] {
        let numbers = cast(&Int64Array::from(vec![Some(12), None]), &data_type).unwrap();
        for (column_type, shown) in
            [("int64", "12"), ("float64", "12.0"), ("decimal(5,2)", "12.00")]
        {
            let seen = one(Arc::clone(&numbers), column_type).await;
            assert_eq!(seen.rows(), [row(&[shown]), row(&["∅"])], "{data_type} {column_type}");
        }
    }
}

#[tokio::test]
async fn a_rejected_row_says_what_and_why() {
    let folder = Folder::new(
        "path: d.parquet\ncolumns: {id: int64, name: {type: string, map: {x: y}}, amount: 'decimal(4,2)'}",
    );
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("name", Arc::new(StringArray::from(vec!["x", "x"]))),
        ("id", Arc::new(Int64Array::from(vec![1, 2]))),
        ("amount", Arc::new(Float64Array::from(vec![1.25, 123.0]))),
    ];
    folder.put("d.parquet", file(columns));
    let seen = folder.read().await;
    assert_eq!(seen.rows(), [row(&["1", "y", "1.25"])]);
    assert_eq!(seen.positions(), ["d.parquet:1"]);
    assert_eq!(seen.repairs()[0].rows, 1, "a rejected row repairs nothing");
    let rejected = &seen.rejected()[0];
    assert_eq!(
        (rejected.position.as_str(), rejected.column.as_deref()),
        ("d.parquet:2", Some("amount"))
    );
    assert_eq!(rejected.value.as_deref(), Some("123.0"));
    assert_eq!(rejected.reason, "does not fit decimal(4,2) exactly, and nothing is rounded");
    let record: serde_json::Value = serde_json::from_str(&rejected.record).unwrap();
    assert_eq!(record, serde_json::json!({"name": "x", "id": "2", "amount": "123.0"}));
}

#[tokio::test]
async fn types_that_mean_something_else_are_refused() {
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1)])]);
    let cases: Vec<(ArrayRef, &str)> = vec![
        (Arc::new(list), "string"),
        (Arc::new(Int64Array::from(vec![1])), "date"),
        (Arc::new(BooleanArray::from(vec![true])), "int64"),
        (Arc::new(Date64Array::from(vec![1])), "int64"),
    ];
    for (column, column_type) in cases {
        let folder = Folder::new(&format!("path: d.parquet\ncolumns: {{a: {column_type}}}"));
        folder.put("d.parquet", file(vec![("a", column)]));
        let error = folder.fail().await;
        assert_eq!(error.kind(), ErrorKind::SchemaChanged);
        assert_eq!(error.message(), format!("column `a` of `d.parquet` is no {column_type}"));
        assert_eq!(error.location().unwrap().line, 5);
        assert!(folder.connector().check().await.iter().any(|finding| !finding.ok));
    }
}

#[tokio::test]
async fn a_missing_column_and_a_broken_file_are_errors() {
    let folder = Folder::new("path: d.parquet\ncolumns: {amount: int64}");
    folder.put("d.parquet", file(vec![("Amount", Arc::new(Int64Array::from(vec![1])))]));
    assert_eq!(folder.fail().await.hint(), Some("did you mean `from: \"Amount\"`?"));
    folder.put("d.parquet", "not Parquet at all");
    let error = folder.fail().await;
    assert_eq!(error.message(), "failed to read `d.parquet` as Parquet");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn batches_follow_each_other_with_their_rows_counted() {
    let numbers: Int64Array = (0..100_000).collect();
    let seen = one(Arc::new(numbers), "int64").await;
    assert_eq!(seen.rows().len(), 100_000);
    assert_eq!(seen.positions().last().unwrap(), "d.parquet:100000");
}
