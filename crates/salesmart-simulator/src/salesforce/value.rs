//! One value of one field, and how the two paths write it: REST in JSON, Bulk in CSV.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::io::Write;

use chrono::{DateTime, Datelike, NaiveDate, Timelike};

use super::ids::RecordId;

/// An exact decimal number: `unscaled` ÷ 10^`scale`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    pub(crate) unscaled: i128,
    pub(crate) scale: u32,
}

impl Decimal {
    /// `unscaled` ÷ 10^`scale`.
    pub(crate) fn new(unscaled: impl Into<i128>, scale: u32) -> Self {
        Self { unscaled: unscaled.into(), scale }
    }

    /// The number that `text` is, if it is one and not beyond all measure.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0
            || whole.len() + fraction.len() > 30
            || !all_digits(whole)
            || !all_digits(fraction)
        {
            return None;
        }
        let unscaled: i128 = format!("{whole}{fraction}").parse().ok()?;
        let unscaled = if text.starts_with('-') { -unscaled } else { unscaled };
        Some(Self { unscaled, scale: u32::try_from(fraction.len()).ok()? })
    }

    /// The same number without zeros at its end.
    fn normal(self) -> Self {
        let Self { mut unscaled, mut scale } = self;
        while scale > 0 && unscaled % 10 == 0 {
            unscaled /= 10;
            scale -= 1;
        }
        Self { unscaled, scale }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        let to = |n: &Self| {
            10_i128.checked_pow(scale - n.scale).and_then(|factor| n.unscaled.checked_mul(factor))
        };
        match (to(self), to(other)) {
            (Some(a), Some(b)) => a.cmp(&b),
            // More than 38 digits: their signs differ, or the one that overflows is the larger.
            (None, Some(_)) => self.unscaled.cmp(&0),
            (Some(_), None) => 0.cmp(&other.unscaled),
            (None, None) => self.unscaled.cmp(&other.unscaled),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Nothing was entered.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number of an `int` field.
    Int(i64),
    /// A number of a `double`, `percent` or `currency` field.
    Number(Decimal),
    /// Text of any kind.
    Text(Cow<'a, str>),
    /// A record.
    Id(RecordId),
    /// A day.
    Date(NaiveDate),
    /// An instant, in seconds since 1970.
    Instant(i64),
    /// A compound address of which only the country is known.
    Address(&'static str),
}

impl<'a> Value<'a> {
    /// Text.
    pub(crate) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Text that was put together for the occasion.
    pub(crate) fn made(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    /// Text, or nothing.
    pub(crate) fn maybe(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// The same value, borrowed from nowhere.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Number(value) => Value::Number(value),
            Self::Text(value) => Value::Text(Cow::Owned(value.into_owned())),
            Self::Id(value) => Value::Id(value),
            Self::Date(value) => Value::Date(value),
            Self::Instant(value) => Value::Instant(value),
            Self::Address(value) => Value::Address(value),
        }
    }

    /// The order in which SOQL sorts and compares; text without regard to case. Values of
    /// different kinds do not meet.
    pub(crate) fn compare(&self, other: &Value<'_>) -> Option<Ordering> {
        Some(match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Int(a), Value::Int(b)) => a.cmp(b),
            (Value::Int(a), Value::Number(b)) => Decimal::new(*a, 0).cmp(b),
            (Value::Number(a), Value::Int(b)) => a.cmp(&Decimal::new(*b, 0)),
            (Value::Number(a), Value::Number(b)) => a.cmp(b),
            (Value::Text(a), Value::Text(b)) => caseless(a, b),
            (Value::Id(a), Value::Id(b)) => a.cmp(b),
            (Value::Date(a), Value::Date(b)) => a.cmp(b),
            (Value::Instant(a), Value::Instant(b)) => a.cmp(b),
            _ => return None,
        })
    }
}

fn caseless(a: &str, b: &str) -> Ordering {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
    if a.is_ascii() && b.is_ascii() {
        a.bytes().map(|c| c.to_ascii_lowercase()).cmp(b.bytes().map(|c| c.to_ascii_lowercase()))
    } else {
        lower(a).cmp(&lower(b))
    }
}

/// What differs in how numbers are written, as the contract leaves it open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Whether numbers from ten million on are written as `1.0E7`.
    pub(crate) exponents: bool,
    /// Whether Bulk writes whole numbers as `0.0`.
    pub(crate) bulk_integers_with_point: bool,
}

/// Writes a value as REST does.
pub(crate) fn write_json(out: &mut Vec<u8>, value: &Value<'_>, style: Style) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Int(value) => put(out, format_args!("{value}")),
        Value::Number(value) => write_number(out, *value, style.exponents),
        Value::Text(text) => write_json_text(out, text),
        Value::Id(id) => {
            out.push(b'"');
            out.extend_from_slice(id.as_str().as_bytes());
            out.push(b'"');
        }
        Value::Date(date) => {
            out.push(b'"');
            write_date(out, *date);
            out.push(b'"');
        }
        Value::Instant(seconds) => {
            out.push(b'"');
            write_instant(out, *seconds, "+0000");
            out.push(b'"');
        }
        Value::Address(country) => {
            out.extend_from_slice(b"{\"city\":null,\"country\":");
            write_json_text(out, country);
            out.extend_from_slice(
                b",\"geocodeAccuracy\":null,\"latitude\":null,\"longitude\":null,\
                  \"postalCode\":null,\"state\":null,\"street\":null}",
            );
        }
    }
}

/// Writes text as a JSON string.
pub(crate) fn write_json_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("text into memory cannot fail");
}

/// Writes a value as Bulk does: always in quotes, nothing as two quotes.
pub(crate) fn write_csv(out: &mut Vec<u8>, value: &Value<'_>, style: Style) {
    out.push(b'"');
    match value {
        Value::Null | Value::Address(_) => {}
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Int(value) if style.bulk_integers_with_point => {
            write_number(out, Decimal::new(*value, 0), style.exponents);
        }
        Value::Int(value) => put(out, format_args!("{value}")),
        Value::Number(value) => write_number(out, *value, style.exponents),
        Value::Text(text) => write_csv_text(out, text),
        Value::Id(id) => out.extend_from_slice(id.as_str().as_bytes()),
        Value::Date(date) => write_date(out, *date),
        Value::Instant(seconds) => write_instant(out, *seconds, "Z"),
    }
    out.push(b'"');
}

/// Text between the quotes of CSV.
pub(crate) fn write_csv_text(out: &mut Vec<u8>, text: &str) {
    for (place, part) in text.split('"').enumerate() {
        if place > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part.as_bytes());
    }
}

/// A number as Java prints it: at least one digit after the point, and an exponent for large ones.
fn write_number(out: &mut Vec<u8>, number: Decimal, exponents: bool) {
    let Decimal { unscaled, scale } = number.normal();
    if unscaled < 0 {
        out.push(b'-');
    }
    let digits = unscaled.unsigned_abs().to_string();
    let scale = scale as usize;
    let (whole, fraction) = if digits.len() > scale {
        digits.split_at(digits.len() - scale)
    } else {
        ("0", digits.as_str())
    };
    if exponents && whole.len() > 7 {
        let (first, rest) = digits.split_at(1);
        let rest = rest.trim_end_matches('0');
        put(
            out,
            format_args!(
                "{first}.{}E{}",
                if rest.is_empty() { "0" } else { rest },
                whole.len() - 1
            ),
        );
    } else if scale == 0 {
        put(out, format_args!("{whole}.0"));
    } else {
        put(out, format_args!("{whole}.{fraction:0>scale$}"));
    }
}

fn write_date(out: &mut Vec<u8>, date: NaiveDate) {
    put(out, format_args!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()));
}

/// `2026-01-31T10:00:00.000` and the zone.
pub(crate) fn write_instant(out: &mut Vec<u8>, seconds: i64, zone: &str) {
    let at = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    write_date(out, at.date_naive());
    put(out, format_args!("T{:02}:{:02}:{:02}.000{zone}", at.hour(), at.minute(), at.second()));
}

/// [`write_instant`] as text.
pub(crate) fn instant_text(seconds: i64, zone: &str) -> String {
    let mut out = Vec::new();
    write_instant(&mut out, seconds, zone);
    String::from_utf8(out).expect("digits are UTF-8")
}

fn put(out: &mut Vec<u8>, args: std::fmt::Arguments<'_>) {
    out.write_fmt(args).expect("writing into memory cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: &Value<'_>) -> String {
        let mut out = Vec::new();
        write_json(&mut out, value, Style { exponents: true, bulk_integers_with_point: true });
        String::from_utf8(out).unwrap()
    }

    fn csv(value: &Value<'_>) -> String {
        let mut out = Vec::new();
        write_csv(&mut out, value, Style { exponents: true, bulk_integers_with_point: true });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_as_java_does() {
        for (unscaled, scale, text) in [
            (0_i64, 2, "0.0"),
            (1_200_000, 2, "12000.0"),
            (1_234_567, 2, "12345.67"),
            (-5, 2, "-0.05"),
            (100, 2, "1.0"),
            (999_999_999, 2, "9999999.99"),
            (1_000_000_000, 2, "1.0E7"),
            (1_234_567_891, 2, "1.234567891E7"),
            (20_000_000_000, 2, "2.0E8"),
            (908_765, 6, "0.908765"),
        ] {
            assert_eq!(json(&Value::Number(Decimal::new(unscaled, scale))), text);
        }
    }

    #[test]
    fn the_two_paths_differ_where_salesforces_do() {
        let at = Value::Instant(1_767_225_600);
        assert_eq!(json(&at), "\"2026-01-01T00:00:00.000+0000\"");
        assert_eq!(csv(&at), "\"2026-01-01T00:00:00.000Z\"");
        assert_eq!(json(&Value::Int(0)), "0");
        assert_eq!(csv(&Value::Int(0)), "\"0.0\"");
        assert_eq!(json(&Value::Null), "null");
        assert_eq!(csv(&Value::Null), "\"\"");
        assert_eq!(csv(&Value::text("say \"yes\"\nand \0 go")), "\"say \"\"yes\"\"\nand \0 go\"");
        assert_eq!(json(&Value::text("say \"yes\" \0")), "\"say \\\"yes\\\" \\u0000\"");
    }

    #[test]
    fn decimals_compare_whatever_their_scale() {
        let number = |text| Decimal::parse(text).unwrap();
        assert_eq!(number("1.50"), number("1.5"));
        assert!(number("-2") < number("1.5"));
        assert!(number("999999999999999999999999999999") > number("0.000000000000000001"));
        for bad in ["", "-", ".", "1e3", "1.2.3", "x"] {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
    }
}
