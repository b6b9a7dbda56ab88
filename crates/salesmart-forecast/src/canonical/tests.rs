//! The canonical form: spelled exactly, and never the same for two different rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use proptest::prelude::*;

use super::*;
use crate::testing::{batch, day};

fn names(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|name| (*name).to_owned()).collect()
}

fn lines(kind: LineKind, rows: &RecordBatch, columns: &[&str]) -> String {
    let written = RowLines::new(kind, rows, &names(columns)).unwrap();
    let mut lines = Lines::default();
    for row in 0..rows.num_rows() {
        lines.push(&written, row);
    }
    lines.in_order().map(|line| std::str::from_utf8(line).unwrap()).collect()
}

#[test]
fn every_type_has_one_spelling() {
    let decimals = |scale, values: Vec<Option<i128>>| -> ArrayRef {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(38, scale).unwrap())
    };
    let micros = day("2026-09-30").and_hms_opt(23, 59, 59).unwrap().and_utc().timestamp_micros();
    let rows = batch(vec![
        ("opportunity_id", Arc::new(StringArray::from(vec!["b", "a", "c"]))),
        ("text", Arc::new(StringArray::from(vec![Some("a\\b\tc\r\nd é"), None, Some("")]))),
        ("cents", decimals(2, vec![Some(123_450), Some(-5), None])),
        ("share", decimals(6, vec![Some(0), Some(1_000_000), Some(-1_234_567)])),
        ("whole", decimals(0, vec![Some(0), Some(-17), Some(i128::from(i64::MAX))])),
        ("n", Arc::new(Int64Array::from(vec![Some(-3), None, Some(0)]))),
        ("is_won", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
        ("day", Arc::new(Date32Array::from(vec![Some(0), Some(20_726), None]))),
        (
            "at",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(micros), Some(micros + 1), None])
                    .with_timezone("UTC"),
            ),
        ),
    ]);
    let columns =
        ["opportunity_id", "text", "cents", "share", "whole", "n", "is_won", "day", "at", "later"];
    assert_eq!(
        lines(LineKind::Deal, &rows, &columns),
        "deal\ta\t\\N\t-0.05\t1.000000\t-17\t\\N\tfalse\t2026-09-30\t2026-09-30T23:59:59.000001Z\t\\N\n\
         deal\tb\ta\\\\b\\tc\\r\\nd é\t1234.50\t0.000000\t0\t-3\ttrue\t1970-01-01\t2026-09-30T23:59:59.000000Z\t\\N\n\
         deal\tc\t\t\\N\t-1.234567\t9223372036854775807\t0\t\\N\t\\N\t\\N\t\\N\n"
    );
}

#[test]
fn a_header_says_everything_that_is_sealed_beside_the_lines() {
    let seal = Seal {
        snapshot_no: 7,
        snapshot_date: day("2026-09-30"),
        period_grain: "quarter".to_owned(),
        period_start: day("2026-08-01"),
        period_end: day("2026-10-31"),
        period_name: "FY27Q3".to_owned(),
        as_of: "2026-09-30T23:59:59Z".parse().unwrap(),
        sealed_run_id: "run\n7".to_owned(),
        deal_rows: 2,
        figure_rows: 1,
        deal_columns: names(&["opportunity_id", "amount"]),
        figure_columns: names(&["scope", "series"]),
        content_hash: "not part of it".to_owned(),
        previous_hash: "ab".repeat(32),
        hash: "nor this".to_owned(),
    };
    let expected = format!(
        "salesmart-snapshot v1\nprevious {}\nno 7\ndate 2026-09-30\n\
         period quarter 2026-08-01 2026-10-31 FY27Q3\nas_of 2026-09-30T23:59:59.000000Z\n\
         run run\\n7\ndeals 2\nfigures 1\ndeal_columns opportunity_id amount\n\
         figure_columns scope series\n",
        "ab".repeat(32)
    );
    assert_eq!(header(&seal), expected);
}

#[test]
fn figures_are_ordered_by_scope_its_id_and_series() {
    let text = |values: Vec<Option<&str>>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let rows = batch(vec![
        ("scope", text(vec![Some("team"), Some("company"), Some("team"), Some("team")])),
        ("scope_id", text(vec![Some("b"), None, Some("a"), Some("a")])),
        ("series", text(vec![Some("x"), Some("y"), Some("z"), Some("y")])),
    ]);
    assert_eq!(
        lines(LineKind::Figure, &rows, &["scope", "scope_id", "series"]),
        "figure\tcompany\t\\N\ty\nfigure\tteam\ta\ty\nfigure\tteam\ta\tz\nfigure\tteam\tb\tx\n"
    );
}

#[test]
fn a_type_without_a_spelling_is_refused() {
    let rows = batch(vec![("x", Arc::new(arrow::array::Float64Array::from(vec![1.5])))]);
    let error = RowLines::new(LineKind::Deal, &rows, &names(&["x"])).err().unwrap();
    assert_eq!(error.message(), "column `x` of a snapshot is of a type that cannot be sealed");
}

/// What reads a field back: written for this test alone.
fn read(field: &str) -> Option<String> {
    if field == "\\N" {
        return None;
    }
    let mut text = String::new();
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => match characters.next().unwrap() {
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                '\\' => '\\',
                other => panic!("`\\{other}` is no escape"),
            },
            other => other,
        });
    }
    Some(text)
}

/// Text in which separators, escapes and their letters are frequent.
fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(proptest::collection::vec(
        prop_oneof![
            Just('\\'),
            Just('\t'),
            Just('\n'),
            Just('\r'),
            Just('N'),
            Just('t'),
            Just('n'),
            Just('r'),
            Just('d'),
            Just('é'),
            any::<char>(),
        ],
        0..8,
    ))
    .prop_map(|text| text.map(String::from_iter))
}

type Row = (String, Option<String>, Option<String>, Option<i64>);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    proptest::collection::btree_map(
        "[a-c\\\\\t]{0,3}",
        (text(), text(), any::<Option<i64>>()),
        1..6,
    )
    .prop_map(|rows| rows.into_iter().map(|(id, (a, b, n))| (id, a, b, n)).collect())
}

fn written(rows: &[Row]) -> String {
    let text = |value: fn(&Row) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<StringArray>())
    };
    let rows = batch(vec![
        ("opportunity_id", text(|row| Some(&row.0))),
        ("a", text(|row| row.1.as_deref())),
        ("b", text(|row| row.2.as_deref())),
        ("n", Arc::new(rows.iter().map(|row| row.3).collect::<Int64Array>())),
    ]);
    lines(LineKind::Deal, &rows, &["opportunity_id", "a", "b", "n"])
}

proptest! {
    /// Whatever is in the fields, the lines can be read back: so no two rows have the same lines,
    /// and no text can pass for a separator, for null or for another line.
    #[test]
    fn lines_read_back_as_the_rows_they_were(rows in rows()) {
        let document = written(&rows);
        prop_assert!(document.ends_with('\n'));
        let mut back: Vec<Row> = Vec::new();
        for line in document.strip_suffix('\n').unwrap().split('\n') {
            let fields: Vec<&str> = line.split('\t').collect();
            prop_assert_eq!(fields.len(), 5);
            prop_assert_eq!(fields[0], "deal");
            let number = read(fields[4]).map(|n| n.parse().unwrap());
            back.push((read(fields[1]).unwrap(), read(fields[2]), read(fields[3]), number));
        }
        // Ordered by the id's own bytes, not by their escapes.
        prop_assert_eq!(back, rows);
    }

    /// Any change of any cell changes the bytes.
    #[test]
    fn every_cell_counts(rows in rows(), at in any::<prop::sample::Index>(), column in 0usize..3, to in text(), n in any::<Option<i64>>()) {
        let before = written(&rows);
        let mut changed = rows.clone();
        let row = at.index(rows.len());
        match column {
            0 => changed[row].1 = to,
            1 => changed[row].2 = to,
            _ => changed[row].3 = n,
        }
        prop_assert_eq!(changed == rows, written(&changed) == before);
    }

    /// A row more or less changes the bytes, and the order in which rows are stored does not.
    #[test]
    fn rows_count_and_their_order_in_files_does_not(rows in rows(), at in any::<prop::sample::Index>()) {
        let before = written(&rows);
        let mut turned = rows.clone();
        turned.rotate_left(at.index(rows.len()));
        prop_assert_eq!(&written(&turned), &before);
        turned.pop();
        prop_assert_ne!(written(&turned), before);
    }
}
