//! Texts become values or stay what they are; nothing in between.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use proptest::prelude::*;
use salesmart_core::StreamName;

use super::*;

fn spec(types: &[&str]) -> StreamSpec {
    let columns = types.iter().enumerate().map(|(number, text)| Column {
        name: format!("c{number}"),
        column_type: text.parse().expect("a column type"),
    });
    StreamSpec {
        name: StreamName::new("deals").expect("a name"),
        columns: columns.collect(),
        key: Vec::new(),
        max_rejected: None,
        location: None,
    }
}

const TYPES: [&str; 7] =
    ["string", "int64", "float64", "decimal(18,2)", "date", "timestamp", "boolean"];

#[test]
fn rows_become_a_batch_in_the_schema_of_the_stream() {
    let spec = spec(&TYPES);
    let mut rows = Rows::new(&spec, 2);
    // In any order, as JSON has them; the later of two values counts.
    rows.boolean(6, true);
    rows.text(3, "1e3");
    rows.text(3, "-12.50");
    rows.text(0, "ä\u{0}");
    rows.int64(1, -7);
    rows.text(2, "0.1");
    rows.text(5, "2026-01-31T10:00:00.000+0000");
    rows.text(4, "2026-01-31");
    rows.text(7, "there is no such column");
    assert!(rows.end_row("p:1", || unreachable!("the row is kept")));
    rows.text_or_null(0, "");
    rows.null(3);
    assert!(rows.end_row("p:2", || unreachable!("the row is kept")));
    assert_eq!(rows.len(), 2);
    assert!(rows.size() > 0);

    let (batch, rejected) = rows.take();
    let batch = batch.expect("two rows");
    assert!(rejected.is_empty() && rows.is_empty());
    assert_eq!(batch.schema(), spec.batch_schema());
    assert_eq!(batch.column(0).as_string::<i32>().value(0), "ä\u{0}");
    assert_eq!(batch.column(1).as_primitive::<Int64Type>().value(0), -7);
    assert!((batch.column(2).as_primitive::<Float64Type>().value(0) - 0.1).abs() < 1e-12);
    assert_eq!(batch.column(3).as_primitive::<Decimal128Type>().value(0), -1250);
    assert_eq!(batch.column(4).as_primitive::<Date32Type>().value(0), 20_484);
    assert_eq!(
        batch.column(5).as_primitive::<TimestampMicrosecondType>().value(0),
        1_769_853_600_000_000
    );
    assert!(batch.column(6).as_boolean().value(0));
    for column in 0..7 {
        assert!(batch.column(column).is_valid(0) && batch.column(column).is_null(1), "{column}");
    }
    assert_eq!(batch.column(7).as_string::<i32>().value(1), "p:2");
    assert_eq!(rows.take().0, None);
}

#[test]
fn a_row_that_does_not_fit_leaves_no_trace_in_the_others() {
    let mut rows = Rows::new(&spec(&["string", "decimal(5,2)", "boolean"]), 8);
    for (name, amount, open) in
        [("a", "1.5", "true"), ("b", "12.345", "true"), ("c", "x", "yes"), ("d", "2", "false")]
    {
        rows.text(0, name);
        rows.text(1, amount);
        rows.text(2, open);
        rows.end_row(&format!("page:{name}"), || format!("{{{name}, {amount}}}"));
    }
    let (batch, rejected) = rows.take();
    let batch = batch.expect("two rows");
    let names: Vec<&str> = batch.column(0).as_string::<i32>().iter().flatten().collect();
    assert_eq!(names, ["a", "d"]);
    assert_eq!(batch.column(1).as_primitive::<Decimal128Type>().values(), &[150, 200]);
    assert_eq!(
        rejected[0],
        RejectedRow {
            position: "page:b".to_owned(),
            column: Some("c1".to_owned()),
            value: Some("12.345".to_owned()),
            reason: "has more than 2 digits behind the point".to_owned(),
            record: "{b, 12.345}".to_owned(),
        }
    );
    // The first thing that does not fit is told.
    assert_eq!(rejected[1].reason, "is not a number");
    assert_eq!(rejected.len(), 2);
}

#[test]
fn a_connector_can_reject_for_reasons_of_its_own() {
    let mut rows = Rows::of(&spec(&["string"]).columns, 1);
    rows.text(0, "x");
    rows.reject(9, &"ü".repeat(2_000), "has no id");
    assert!(!rows.end_row("p", || "r".repeat(20_000)));
    assert!(!rows.is_empty());
    let (batch, rejected) = rows.take();
    assert!(batch.is_none());
    assert_eq!(rejected[0].column, None);
    assert_eq!(rejected[0].value.as_ref().map(|value| value.chars().count()), Some(1_000));
    assert_eq!(rejected[0].record.chars().count(), 10_000);
}

#[test]
fn a_row_that_was_begun_is_forgotten_when_the_rows_are_taken() {
    let mut rows = Rows::without_position(&spec(&["string", "int64"]).columns, 1);
    rows.text(0, "whole");
    rows.end_row("", String::new);
    rows.text(0, "begun");
    rows.text(1, "no number");
    let batch = rows.take().0.expect("a row");
    assert_eq!((batch.num_rows(), batch.num_columns()), (1, 2));
    rows.text(0, "next");
    assert!(rows.end_row("", String::new));
    assert_eq!(rows.take().0.expect("a row").column(0).as_string::<i32>().value(0), "next");
}

#[test]
fn values_told_by_type_fit_other_columns_where_their_text_does() {
    let mut rows = Rows::new(&spec(&TYPES), 1);
    for column in [0, 2, 3] {
        rows.int64(column, 12);
    }
    rows.timestamp(5, 1_500_000);
    rows.end_row("", String::new);
    rows.boolean(0, false);
    rows.timestamp(4, -86_400_000_000);
    rows.end_row("", String::new);
    rows.boolean(1, true);
    rows.end_row("", String::new);
    let (batch, rejected) = rows.take();
    let batch = batch.expect("two rows");
    assert_eq!(batch.column(0).as_string::<i32>().value(0), "12");
    assert_eq!(batch.column(0).as_string::<i32>().value(1), "false");
    assert_eq!(batch.column(3).as_primitive::<Decimal128Type>().value(0), 1_200);
    assert_eq!(batch.column(4).as_primitive::<Date32Type>().value(1), -1);
    assert_eq!(rejected[0].reason, "is not a number");
}

#[test]
fn decimals_are_exact_or_nothing() {
    for (text, precision, scale, value) in [
        ("0", 5, 2, 0),
        ("0.0", 5, 2, 0),
        ("-0", 5, 2, 0),
        ("0e99999999999999999999", 5, 2, 0),
        ("1.5", 5, 2, 150),
        ("1.500000000000000000000000000000000000000000000000000000", 5, 2, 150),
        ("+1.50", 5, 2, 150),
        ("-.5", 5, 2, -50),
        ("5.", 5, 2, 500),
        (" 7 ", 5, 2, 700),
        ("1e2", 5, 2, 10_000),
        ("1.23E+2", 5, 2, 12_300),
        ("12300e-2", 5, 2, 12_300),
        ("999.99", 5, 2, 99_999),
        ("000000000000000000000000000000000000000000000000001", 5, 2, 100),
        ("99999999999999999999999999999999999999", 38, 0, 10i128.pow(38) - 1),
        ("0.00000000000000000000000000000000000001", 38, 38, 1),
    ] {
        assert_eq!(parse::decimal(text, precision, scale), Ok(value), "{text}");
    }
    for (text, precision, scale, reason) in [
        ("1.005", 5, 2, "behind the point"),
        ("1e-3", 5, 2, "behind the point"),
        ("1000", 5, 2, "before the point"),
        ("1e3", 5, 2, "before the point"),
        ("1e999999999999", 5, 2, "before the point"),
        ("1e-999999999999", 5, 2, "behind the point"),
        ("100000000000000000000000000000000000000", 38, 0, "before the point"),
        ("1234567890123456789012345678901234567890123", 38, 0, "before the point"),
        ("170141183460469231731687303715884105727", 38, 0, "before the point"),
        ("1000000000000000000000000000000000000000000001", 38, 0, "before the point"),
    ] {
        let error = parse::decimal(text, precision, scale).expect_err(text);
        assert!(error.contains(reason), "{text}: {error}");
    }
    for text in [
        "", " ", "-", ".", "e1", "1e", "1e+", "1,5", "1.2.3", "0x1", "NaN", "inf", "--1", "1 2",
        "١",
    ] {
        assert_eq!(parse::decimal(text, 38, 2), Err("is not a number".to_owned()), "{text}");
    }
}

#[test]
fn instants_are_read_in_every_spelling_of_the_sources() {
    let expected = 1_769_853_600_000_000;
    for text in [
        "2026-01-31T10:00:00Z",
        "2026-01-31T10:00:00.000Z",
        "2026-01-31T10:00:00.000+0000",
        "2026-01-31T10:00:00+00:00",
        "2026-01-31T12:00:00.000000000+02:00",
        "2026-01-31T05:30:00-0430",
        "2026-01-31 10:00:00+00",
        "1769853600000",
    ] {
        assert_eq!(parse::timestamp(text), Ok(expected), "{text}");
    }
    assert_eq!(parse::timestamp("2026-01-31T10:00:00.1234567Z"), Ok(expected + 123_456));
    assert_eq!(parse::timestamp("2026-01-31"), Ok(expected - 36_000_000_000));
    assert_eq!(parse::timestamp("-62135596800000"), Ok(-62_135_596_800_000_000));
    for text in [
        "",
        "2026",
        "20260131",
        "2026-01-31T10:00Z",
        "2026-02-30T10:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T10:00:00.Z",
        "2026-01-31T10:00:00.1234567890Z",
        "2026-01-31T10:00:00+25:00",
        "2026-01-31T10:00:00 Z",
        "9999999999999999999",
        "1769853600",
        "253402300800000",
        "2026-1-31",
        "２026-01-31",
    ] {
        assert!(parse::timestamp(text).is_err(), "{text}");
    }
    assert_eq!(
        parse::timestamp("2026-01-31T10:00:00"),
        Err("is an instant without a time zone".to_owned())
    );
    assert_eq!(parse::date("2026-01-31T00:00:00.000Z"), Ok(20_484));
    assert_eq!(parse::date("1769817600000"), Ok(20_484));
    assert!(parse::date("2026-01-31T00:00:01Z").expect_err("no midnight").contains("within a day"));
    assert!(parse::date("31/01/2026").is_err());
}

#[test]
fn whole_numbers_and_truths_are_not_guessed() {
    for (text, value) in
        [("12", 12), ("-12.0", -12), ("1.2e1", 12), ("9223372036854775807", i64::MAX)]
    {
        assert_eq!(parse::int64(text), Ok(value), "{text}");
    }
    for (text, reason) in [
        ("1.5", "is not a whole number"),
        ("9223372036854775808", "is beyond 64 bits"),
        ("1e40", "has more than 38 digits before the point"),
        ("twelve", "is not a number"),
    ] {
        assert_eq!(parse::int64(text), Err(reason.to_owned()), "{text}");
    }
    for text in ["True", "1", "yes", ""] {
        assert!(parse::boolean(text).is_err(), "{text}");
    }
    assert_eq!(parse::float64("1e999"), Err("is too large".to_owned()));
    assert!(parse::float64("nan").is_err() && parse::float64("infinity").is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_every_row_is_somewhere(
        texts in proptest::collection::vec((0..8usize, "\\PC{0,12}|[-+0-9.eETZ: ]{0,30}"), 0..60),
    ) {
        let mut rows = Rows::new(&spec(&TYPES), 4);
        let mut ended = 0;
        for (column, text) in &texts {
            if *column == 7 {
                rows.end_row(text, || text.clone());
                ended += 1;
            } else {
                rows.text(*column, text);
            }
        }
        let (batch, rejected) = rows.take();
        prop_assert_eq!(batch.map_or(0, |batch| batch.num_rows()) + rejected.len(), ended);
    }

    #[test]
    fn decimals_that_are_accepted_are_what_was_written(
        unscaled in -10i128.pow(18) + 1..10i128.pow(18), scale in 0..=9u8, shift in -5..=5i64,
    ) {
        let text = format!("{unscaled}e{}", shift - i64::from(scale));
        let read = parse::decimal(&text, 38, i8::try_from(scale).unwrap());
        let exact = if shift >= 0 {
            Some(unscaled * 10i128.pow(u32::try_from(shift).unwrap()))
        } else {
            let power = 10i128.pow(u32::try_from(-shift).unwrap());
            (unscaled % power == 0).then_some(unscaled / power)
        };
        prop_assert_eq!(read.ok(), exact);
    }

    #[test]
    fn decimals_round_trip_through_their_plain_form(unscaled: i64, scale in 1..=9usize) {
        let (sign, digits) = (if unscaled < 0 { "-" } else { "" }, unscaled.unsigned_abs());
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let text = format!("{sign}{whole}.{fraction}");
        let read = parse::decimal(&text, 38, i8::try_from(scale).unwrap());
        prop_assert_eq!(read, Ok(i128::from(unscaled)));
    }

    #[test]
    fn instants_round_trip(micros in -62_135_596_800_000_000i64..253_402_300_799_999_999) {
        prop_assert_eq!(parse::timestamp(&parse::write_timestamp(micros)), Ok(micros));
    }

    #[test]
    fn texts_round_trip(texts in proptest::collection::vec(proptest::option::of("\\PC{0,20}"), 1..20)) {
        let mut rows = Rows::new(&spec(&["string"]), 4);
        for text in &texts {
            match text {
                Some(text) => rows.text(0, text),
                None => rows.null(0),
            }
            rows.end_row("", String::new);
        }
        let batch = rows.take().0.expect("at least one row");
        let back: Vec<Option<String>> =
            batch.column(0).as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect();
        prop_assert_eq!(back, texts);
    }
}
