//! Property values as HubSpot writes them: JSON strings or null, straight into a buffer.

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};

use crate::Cents;
use crate::world::Instant;

/// An instant in milliseconds since 1970.
pub(super) type Millis = i64;

/// How many of a thousand instants are written in the two uncommon ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) epoch_permille: u64,
    pub(super) seconds_permille: u64,
}

/// Writes one value. Every method ends it.
pub(super) struct Value<'a> {
    out: &'a mut Vec<u8>,
    /// What this value's style hangs on: the record and the property.
    lot: u64,
    style: Style,
    /// Whether texts get a NUL, as a fault wishes.
    nul: bool,
}

impl<'a> Value<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, lot: u64, style: Style, nul: bool) -> Self {
        Self { out, lot, style, nul }
    }

    /// Nothing is known.
    pub(super) fn null(self) {
        self.out.extend_from_slice(b"null");
    }

    /// A text a person wrote.
    pub(super) fn text(self, text: &str) {
        if self.nul && self.lot.is_multiple_of(7) && !text.is_empty() {
            return string(self.out, &format!("{text}\0"));
        }
        string(self.out, text);
    }

    /// A text, if there is one.
    pub(super) fn maybe(self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// A word of a fixed vocabulary.
    pub(super) fn word(self, word: &str) {
        string(self.out, word);
    }

    /// A whole number or an id.
    pub(super) fn whole(self, number: impl Into<i128>) {
        let text = format!("\"{}\"", number.into());
        self.out.extend_from_slice(text.as_bytes());
    }

    /// A whole number, if there is one.
    pub(super) fn maybe_whole(self, number: Option<u64>) {
        match number {
            Some(number) => self.whole(number),
            None => self.null(),
        }
    }

    /// Money, without zeros at the end.
    pub(super) fn money(self, amount: Option<Cents>) {
        match amount {
            Some(amount) => self.fraction(i128::from(amount.0), 2),
            None => self.null(),
        }
    }

    /// A number with so many digits behind the point, without zeros at the end.
    pub(super) fn fraction(self, number: i128, digits: u32) {
        self.out.push(b'"');
        self.out.extend_from_slice(fraction(number, digits).as_bytes());
        self.out.push(b'"');
    }

    /// A bool.
    pub(super) fn bool(self, value: bool) {
        self.out.extend_from_slice(if value { b"\"true\"" } else { b"\"false\"" });
    }

    /// A day.
    pub(super) fn date(self, day: Option<NaiveDate>) {
        match day {
            Some(day) => {
                self.out.push(b'"');
                push_date(self.out, day);
                self.out.push(b'"');
            }
            None => self.null(),
        }
    }

    /// An instant in whichever way this record has it.
    pub(super) fn instant(self, at: Option<Millis>) {
        let Some(at) = at else { return self.null() };
        let lot = self.lot % 1_000;
        if lot < self.style.epoch_permille {
            return self.whole(at);
        }
        let whole_seconds = lot < self.style.epoch_permille + self.style.seconds_permille;
        self.out.push(b'"');
        push_instant(self.out, at, !whole_seconds);
        self.out.push(b'"');
    }

    /// An instant that is always written in full: the record's own stamps.
    pub(super) fn stamp(self, at: Millis) {
        stamp(self.out, at);
    }
}

/// The milliseconds of an instant.
pub(super) fn millis(at: Instant) -> Millis {
    at.timestamp_millis()
}

/// A JSON string.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(&mut *out, text).expect("a buffer takes every text");
}

/// An instant as a JSON string, `2026-09-30T12:00:00.000Z`.
pub(super) fn stamp(out: &mut Vec<u8>, at: Millis) {
    out.push(b'"');
    push_instant(out, at, true);
    out.push(b'"');
}

/// An instant as text, `2026-09-30T12:00:00.000Z`.
pub(super) fn stamp_text(at: Millis) -> String {
    let mut out = Vec::with_capacity(24);
    push_instant(&mut out, at, true);
    String::from_utf8(out).expect("digits are UTF-8")
}

/// A decimal number without zeros at the end.
pub(super) fn fraction(number: i128, digits: u32) -> String {
    let unit = 10_u128.pow(digits);
    let (whole, part) = (number.unsigned_abs() / unit, number.unsigned_abs() % unit);
    let sign = if number < 0 { "-" } else { "" };
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let width = digits as usize;
    let part = format!("{part:0width$}");
    format!("{sign}{whole}.{}", part.trim_end_matches('0'))
}

fn push_instant(out: &mut Vec<u8>, at: Millis, with_millis: bool) {
    // Instants here are of this century; one beyond chrono's calendar cannot come up.
    let at: DateTime<Utc> = DateTime::from_timestamp_millis(at).unwrap_or_default();
    push_date(out, at.date_naive());
    for (mark, part) in [(b'T', at.hour()), (b':', at.minute()), (b':', at.second())] {
        out.push(mark);
        push_digits(out, part, 2);
    }
    if with_millis {
        out.push(b'.');
        push_digits(out, at.timestamp_subsec_millis(), 3);
    }
    out.push(b'Z');
}

fn push_date(out: &mut Vec<u8>, day: NaiveDate) {
    push_digits(out, day.year().unsigned_abs(), 4);
    out.push(b'-');
    push_digits(out, day.month(), 2);
    out.push(b'-');
    push_digits(out, day.day(), 2);
}

fn push_digits(out: &mut Vec<u8>, number: u32, width: u32) {
    for place in (0..width).rev() {
        let digit = u8::try_from(number / 10_u32.pow(place) % 10).expect("a digit is a byte");
        out.push(b'0' + digit);
    }
}

/// A number that looks random and is fixed by what it is made from.
pub(super) fn lot(kind: u64, number: u64, what: u64) -> u64 {
    // SplitMix64's finaliser, over the three together.
    let mut z = number
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(kind.wrapping_mul(0xD1B5_4A32_D192_ED03))
        .wrapping_add(what.wrapping_mul(0x8CB9_2BA7_2F3D_8DD7));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
