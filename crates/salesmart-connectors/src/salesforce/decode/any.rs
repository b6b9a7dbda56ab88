//! Values that have types of their own (old and new values of field histories): REST sends them as
//! JSON values, Bulk as texts. Both are spelled here in one way.

use std::borrow::Cow;

use chrono::DateTime;
use salesmart_extract::columns::parse;

use crate::salesforce::soql::instant;

/// The one spelling of a value, by the type that the record tells for it.
pub(super) fn value<'a>(text: &'a str, data_type: Option<&str>) -> Cow<'a, str> {
    match data_type {
        Some("Currency" | "Double" | "Percent" | "Integer" | "Number" | "Long") => number(text),
        Some("DateTime") => match parse::timestamp(text) {
            Ok(micros) => DateTime::from_timestamp_micros(micros)
                .map_or(Cow::Borrowed(text), |at| instant(at).into()),
            Err(_) => text.into(),
        },
        _ => text.into(),
    }
}

/// A number without exponent and without zeros that say nothing: `1000.0` and `1e3` are `1000`.
fn number(text: &str) -> Cow<'_, str> {
    const PLACES: i8 = 15;
    const SCALE: usize = PLACES.unsigned_abs() as usize;
    let Ok(unscaled) = parse::decimal(text, 38, PLACES) else { return text.into() };
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = SCALE + 1);
    let (whole, fraction) = digits.split_at(digits.len() - SCALE);
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}").into(),
        fraction => format!("{sign}{whole}.{fraction}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_instants_have_one_spelling() {
        for (text, data_type, expected) in [
            ("1000.0", "Currency", "1000"),
            ("1000", "Currency", "1000"),
            ("1E3", "Currency", "1000"),
            ("-0.50", "Double", "-0.5"),
            ("0.0", "Percent", "0"),
            ("2026-01-02T03:04:05.000+0000", "DateTime", "2026-01-02T03:04:05.000Z"),
            ("2026-01-02", "DateOnly", "2026-01-02"),
            ("1000.0", "Text", "1000.0"),
            ("ten", "Currency", "ten"),
        ] {
            assert_eq!(value(text, Some(data_type)), expected, "{text} {data_type}");
        }
        assert_eq!(value("1000.0", None), "1000.0");
    }
}
