//! Days and instants from text, checked against the calendar.
//!
//! ISO 8601 is read by hand because it is by far the most common and `chrono` would dominate the
//! reading of a file; every other format is `chrono`'s.

use chrono::format::{Fixed, Item, Parsed, StrftimeItems, parse};
use chrono::{Datelike, NaiveDate, NaiveDateTime};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// How a column writes its days.
#[derive(Clone, Debug)]
pub(super) enum DateFormat {
    /// `2017-12-31`.
    Iso,
    /// Another order of year, month and day, or words.
    Items(Vec<Item<'static>>),
}

/// How a column writes its instants.
#[derive(Clone, Debug)]
pub(super) enum TimestampFormat {
    /// `2017-12-31T23:59:59.123456+01:00`; seconds, fraction and offset may be missing, and a
    /// missing offset means UTC.
    Iso,
    /// A declared format; without an offset in it, the time is UTC.
    Items(Vec<Item<'static>>),
}

/// Why a text is not a day or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateError {
    /// It is written in another way.
    Form,
    /// It is written in the right way, and there is no such day or time.
    Calendar,
    /// It has digits behind the microsecond.
    TooPrecise,
}

impl DateFormat {
    /// Takes a declared format, or says why it cannot be used.
    pub(super) fn declared(format: Option<&str>) -> Result<Self, String> {
        match format {
            None | Some("%Y-%m-%d") => Ok(DateFormat::Iso),
            Some(format) => {
                let items = items(format)?;
                let sample = NaiveDate::from_ymd_opt(2_017, 11, 23)
                    .ok_or_else(|| "the sample day is missing".to_owned())?;
                let text = write_sample(&sample.and_hms_opt(0, 0, 0).unwrap_or_default(), &items);
                match text.as_deref().map(|text| parse_items_date(text, &items)) {
                    Some(Ok(day)) if Some(day) == days_from(sample) => Ok(DateFormat::Items(items)),
                    _ => Err("it does not say which day it is".to_owned()),
                }
            }
        }
    }

    /// Days since 1970-01-01.
    pub(super) fn parse(&self, text: &[u8]) -> Result<i32, DateError> {
        match self {
            DateFormat::Iso => iso_date(text),
            DateFormat::Items(items) => {
                parse_items_date(std::str::from_utf8(text).map_err(|_| DateError::Form)?, items)
            }
        }
    }
}

impl TimestampFormat {
    /// Takes a declared format, or says why it cannot be used.
    pub(super) fn declared(format: Option<&str>) -> Result<Self, String> {
        let Some(format) = format else { return Ok(TimestampFormat::Iso) };
        let items = items(format)?;
        let sample = NaiveDate::from_ymd_opt(2_017, 11, 23)
            .and_then(|day| day.and_hms_opt(15, 4, 0))
            .ok_or_else(|| "the sample instant is missing".to_owned())?;
        let text = write_sample(&sample, &items);
        match text.as_deref().map(|text| parse_items_timestamp(text, &items)) {
            Some(Ok(micros)) if micros == sample.and_utc().timestamp_micros() => {
                Ok(TimestampFormat::Items(items))
            }
            _ => Err("it does not say which day, hour and minute it is".to_owned()),
        }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub(super) fn parse(&self, text: &[u8]) -> Result<i64, DateError> {
        match self {
            TimestampFormat::Iso => iso_timestamp(text),
            TimestampFormat::Items(items) => parse_items_timestamp(
                std::str::from_utf8(text).map_err(|_| DateError::Form)?,
                items,
            ),
        }
    }
}

fn items(format: &str) -> Result<Vec<Item<'static>>, String> {
    let items: Vec<Item<'static>> = StrftimeItems::new(format).map(Item::to_owned).collect();
    if items.iter().any(|item| matches!(item, Item::Error)) {
        return Err("it has a `%…` that does not exist".to_owned());
    }
    Ok(items)
}

fn write_sample(sample: &NaiveDateTime, items: &[Item<'_>]) -> Option<String> {
    use std::fmt::Write;
    let mut text = String::new();
    write!(text, "{}", sample.and_utc().format_with_items(items.iter())).ok()?;
    Some(text)
}

fn days_from(day: NaiveDate) -> Option<i32> {
    // Day 719,163 of the common era is 1970-01-01.
    day.num_days_from_ce().checked_sub(719_163)
}

fn parse_items(text: &str, items: &[Item<'_>]) -> Result<Parsed, DateError> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, items.iter()).map_err(|error| match error.kind() {
        chrono::format::ParseErrorKind::OutOfRange | chrono::format::ParseErrorKind::Impossible => {
            DateError::Calendar
        }
        _ => DateError::Form,
    })?;
    // `%Y` also reads `17`: a day in the year 17 is a format that does not fit, not a day.
    if parsed.year().is_some_and(|year| !(1_000..=9_999).contains(&year)) {
        return Err(DateError::Form);
    }
    Ok(parsed)
}

fn parse_items_date(text: &str, items: &[Item<'_>]) -> Result<i32, DateError> {
    let day = parse_items(text, items)?.to_naive_date().map_err(|_| DateError::Calendar)?;
    days_from(day).ok_or(DateError::Calendar)
}

fn parse_items_timestamp(text: &str, items: &[Item<'_>]) -> Result<i64, DateError> {
    let parsed = parse_items(text, items)?;
    let instant = if items.iter().any(is_offset) {
        parsed.to_datetime().map_err(|_| DateError::Calendar)?.naive_utc()
    } else {
        parsed.to_naive_datetime_with_offset(0).map_err(|_| DateError::Calendar)?
    };
    let nanos = instant.and_utc().timestamp_subsec_nanos();
    if nanos >= 1_000_000_000 {
        // A leap second has no place in UTC microseconds.
        return Err(DateError::Calendar);
    }
    if nanos % 1_000 != 0 {
        return Err(DateError::TooPrecise);
    }
    Ok(instant.and_utc().timestamp_micros())
}

/// Whether the item says how far the time is from UTC.
fn is_offset(item: &Item<'_>) -> bool {
    matches!(
        item,
        Item::Fixed(
            Fixed::TimezoneOffset
                | Fixed::TimezoneOffsetColon
                | Fixed::TimezoneOffsetDoubleColon
                | Fixed::TimezoneOffsetTripleColon
                | Fixed::TimezoneOffsetColonZ
                | Fixed::TimezoneOffsetZ
                | Fixed::RFC2822
                | Fixed::RFC3339
        )
    )
}

/// `count` digits as a number.
fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0_u32, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then(|| number * 10 + u32::from(digit))
    })
}

/// Days since 1970-01-01 of `YYYY-MM-DD`, exactly that.
fn iso_date(text: &[u8]) -> Result<i32, DateError> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return Err(DateError::Form) };
    let (Some(year), Some(month), Some(day)) =
        (digits(&[*y1, *y2, *y3, *y4]), digits(&[*m1, *m2]), digits(&[*d1, *d2]))
    else {
        return Err(DateError::Form);
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return Err(DateError::Calendar),
    };
    if day == 0 || day > length {
        return Err(DateError::Calendar);
    }
    // Years begin in March here, so that the leap day is the last of its year; 400 years are
    // 146,097 days, and 719,468 days lie between 0000-03-01 and 1970-01-01. Year 0 is shifted by
    // one such period to stay in whole numbers.
    let year = if month <= 2 { year + 399 } else { year + 400 };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = i64::from(era * 146_097 + day_of_era) - 146_097 - 719_468;
    i32::try_from(days).map_err(|_| DateError::Calendar)
}

fn iso_timestamp(text: &[u8]) -> Result<i64, DateError> {
    let (day, rest) = text.split_at_checked(10).ok_or(DateError::Form)?;
    let days = iso_date(day)?;
    let [b'T' | b't' | b' ', h1, h2, b':', m1, m2, rest @ ..] = rest else {
        return Err(DateError::Form);
    };
    let hour = digits(&[*h1, *h2]).ok_or(DateError::Form)?;
    let minute = digits(&[*m1, *m2]).ok_or(DateError::Form)?;
    let (second, micros, rest) = match rest {
        [b':', s1, s2, rest @ ..] => {
            let second = digits(&[*s1, *s2]).ok_or(DateError::Form)?;
            let (micros, rest) = fraction(rest)?;
            (second, micros, rest)
        }
        rest => (0, 0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return Err(DateError::Calendar);
    }
    let offset = offset_seconds(rest)?;
    let seconds =
        i64::from(days) * SECONDS_PER_DAY + i64::from(hour * 3_600 + minute * 60 + second);
    Ok((seconds - offset) * MICROS_PER_SECOND + micros)
}

/// The microseconds of `.123456` and what follows.
fn fraction(text: &[u8]) -> Result<(i64, &[u8]), DateError> {
    let [b'.' | b',', rest @ ..] = text else { return Ok((0, text)) };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = rest.split_at(length);
    if fraction.is_empty() {
        return Err(DateError::Form);
    }
    let (kept, beyond) = fraction.split_at(fraction.len().min(6));
    if beyond.iter().any(|byte| *byte != b'0') {
        return Err(DateError::TooPrecise);
    }
    let mut micros = i64::from(digits(kept).ok_or(DateError::Form)?);
    for _ in kept.len()..6 {
        micros *= 10;
    }
    Ok((micros, rest))
}

/// The seconds of ``, `Z`, `+01`, `+0100` or `+01:00`.
fn offset_seconds(text: &[u8]) -> Result<i64, DateError> {
    let (sign, hours, minutes) = match text {
        [] | [b'Z' | b'z'] => return Ok(0),
        [sign @ (b'+' | b'-'), h1, h2] => (*sign, digits(&[*h1, *h2]), Some(0)),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] | [sign @ (b'+' | b'-'), h1, h2, m1, m2] => {
            (*sign, digits(&[*h1, *h2]), digits(&[*m1, *m2]))
        }
        _ => return Err(DateError::Form),
    };
    let (Some(hours), Some(minutes)) = (hours, minutes) else { return Err(DateError::Form) };
    if hours > 23 || minutes > 59 {
        return Err(DateError::Calendar);
    }
    let seconds = i64::from(hours * 3_600 + minutes * 60);
    Ok(if sign == b'-' { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(format: &str, text: &str) -> Result<i32, DateError> {
        DateFormat::declared(Some(format)).unwrap().parse(text.as_bytes())
    }

    fn instant(text: &str) -> Result<i64, DateError> {
        TimestampFormat::Iso.parse(text.as_bytes())
    }

    #[test]
    fn days_are_read_in_the_declared_order_and_exist() {
        assert_eq!(date("%Y-%m-%d", "2017-03-01"), Ok(17_226));
        assert_eq!(date("%d-%m-%Y", "01-03-2017"), Ok(17_226));
        assert_eq!(date("%m/%d/%Y", "3/1/2017"), Ok(17_226));
        assert_eq!(date("%d-%m-%Y", "31-02-2017"), Err(DateError::Calendar));
        assert_eq!(date("%Y-%m-%d", "2017-02-29"), Err(DateError::Calendar));
        assert_eq!(date("%Y-%m-%d", "2017-13-01"), Err(DateError::Calendar));
        // Two digits for a year are another format, not the first century.
        assert_eq!(date("%d-%m-%Y", "01-03-17"), Err(DateError::Form));
        assert_eq!(date("%d-%m-%y", "01-03-17"), Ok(17_226));
        for text in ["2017-3-1", "20170301", "2017-03-01 ", "2017/03/01", "", "2017-03-0x"] {
            assert_eq!(date("%Y-%m-%d", text), Err(DateError::Form), "{text}");
        }
    }

    #[test]
    fn a_format_that_names_no_day_is_refused() {
        assert!(DateFormat::declared(Some("%Y-%m")).is_err());
        assert!(DateFormat::declared(Some("%Q")).is_err());
        assert!(TimestampFormat::declared(Some("%Y-%m-%d")).is_err());
        assert!(TimestampFormat::declared(Some("%d.%m.%Y %H:%M")).is_ok());
        assert!(TimestampFormat::declared(Some("%s")).is_ok());
    }

    #[test]
    fn instants_are_utc() {
        let midnight = 17_226 * SECONDS_PER_DAY * MICROS_PER_SECOND;
        assert_eq!(instant("2017-03-01T00:00"), Ok(midnight));
        assert_eq!(instant("2017-03-01 00:00:00Z"), Ok(midnight));
        assert_eq!(instant("2017-03-01T01:00:00+01:00"), Ok(midnight));
        assert_eq!(instant("2017-02-28T22:30:00-0130"), Ok(midnight));
        assert_eq!(instant("2017-03-01T00:00:00.5"), Ok(midnight + 500_000));
        assert_eq!(instant("2017-03-01T00:00:00.123456000Z"), Ok(midnight + 123_456));
        assert_eq!(instant("2017-03-01T00:00:00.1234567Z"), Err(DateError::TooPrecise));
        assert_eq!(instant("2017-03-01T24:00:00Z"), Err(DateError::Calendar));
        assert_eq!(instant("2017-03-01"), Err(DateError::Form));
        assert_eq!(instant("2017-03-01T00:00:00 Europe/Berlin"), Err(DateError::Form));
        let declared = TimestampFormat::declared(Some("%d.%m.%Y %H:%M:%S %z")).unwrap();
        assert_eq!(declared.parse(b"01.03.2017 01:00:00 +0100"), Ok(midnight));
        let unix = TimestampFormat::declared(Some("%s")).unwrap();
        assert_eq!(unix.parse(b"1488326400"), Ok(midnight));
    }

    proptest! {
        #[test]
        fn every_day_agrees_with_chrono(year in 0_u32..=9_999, month in 0_u32..=13, day in 0_u32..=32) {
            let text = format!("{year:04}-{month:02}-{day:02}");
            let expected = NaiveDate::from_ymd_opt(year.cast_signed(), month, day).and_then(days_from);
            prop_assert_eq!(iso_date(text.as_bytes()).ok(), expected);
        }

        #[test]
        fn no_text_panics(text in "[0-9TZ:.+ -]{0,40}", any in ".{0,40}") {
            for text in [text, any] {
                let _ = instant(&text);
                let _ = date("%d-%m-%Y", &text);
                let _ = TimestampFormat::declared(Some("%+")).unwrap().parse(text.as_bytes());
            }
        }
    }
}
