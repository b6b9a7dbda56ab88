//! What texts mean. Each function says in its error why a text does not fit, in words that follow
//! "the value": a value that does not fit goes into quarantine with it.

use chrono::{DateTime, Datelike, NaiveDate};

/// The digits that a text with milliseconds since 1970 has at least: fewer are a year or a count.
const EPOCH_MILLIS_DIGITS: usize = 11;
const MICROS_A_DAY: i64 = 86_400_000_000;
/// Powers of ten that fit into 128 bits.
const POWERS: [i128; 39] = {
    let mut powers = [1i128; 39];
    let mut n = 1;
    while n < powers.len() {
        powers[n] = powers[n - 1] * 10;
        n += 1;
    }
    powers
};

/// Any number: `12`, `-0.50`, `1e3`, `1.5E-2`. The unscaled value of a decimal with `scale` digits
/// behind the point. Never rounds: digits that do not fit must be zeros.
///
/// # Errors
/// When the text is no number, or has more digits than there is room for.
pub fn decimal(text: &str, precision: u8, scale: i8) -> Result<i128, String> {
    let number = Number::read(text).ok_or_else(|| "is not a number".to_owned())?;
    let too_large = || {
        let whole = i16::from(precision) - i16::from(scale);
        format!("has more than {whole} digits before the point")
    };
    if number.digits == 0 {
        return Ok(0);
    }
    let shift = number.exponent + i64::from(scale);
    if shift < 0 {
        return Err(format!("has more than {scale} digits behind the point"));
    }
    if number.too_long {
        return Err(too_large());
    }
    let power = usize::try_from(shift).ok().and_then(|shift| POWERS.get(shift));
    let value = power.and_then(|power| number.digits.checked_mul(*power)).ok_or_else(too_large)?;
    if POWERS.get(usize::from(precision)).is_some_and(|limit| value >= *limit) {
        return Err(too_large());
    }
    Ok(if number.negative { -value } else { value })
}

/// A number as `±digits × 10^exponent`, its digits without zeros at the end.
struct Number {
    negative: bool,
    digits: i128,
    /// Whether there are more digits than 128 bits hold, which fit no column.
    too_long: bool,
    exponent: i64,
}

impl Number {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        let (negative, text) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let mut number = Self { negative, digits: 0, too_long: false, exponent };
        // Zeros that nothing follows are no digits, so that `1.000…` fits however long it is.
        let mut zeros: i64 = 0;
        let (mut any, mut behind_point) = (false, false);
        for byte in mantissa.bytes() {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    number.exponent -= i64::from(behind_point);
                    if byte == b'0' {
                        zeros += i64::from(number.digits != 0);
                        continue;
                    }
                    let power = usize::try_from(zeros + 1).ok().and_then(|at| POWERS.get(at));
                    let longer = power
                        .and_then(|power| number.digits.checked_mul(*power))
                        .and_then(|digits| digits.checked_add(i128::from(byte - b'0')));
                    match longer {
                        Some(digits) => number.digits = digits,
                        None => number.too_long = true,
                    }
                    zeros = 0;
                }
                b'.' if !behind_point => behind_point = true,
                _ => return None,
            }
        }
        number.exponent += zeros;
        any.then_some(number)
    }
}

/// The number behind the `e`; beyond a million it is that, which fits nothing either.
fn exponent(text: &str) -> Option<i64> {
    const BEYOND: i64 = 1_000_000;
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value = digits.parse::<i64>().unwrap_or(BEYOND).min(BEYOND);
    Some(if negative { -value } else { value })
}

/// A whole number in any spelling: `12`, `12.0`, `1.2e1`.
///
/// # Errors
/// When the text is no number, not whole, or beyond 64 bits.
pub fn int64(text: &str) -> Result<i64, String> {
    if let Ok(value) = text.parse() {
        return Ok(value);
    }
    let value = decimal(text, 38, 0).map_err(|reason| match reason.as_str() {
        "has more than 0 digits behind the point" => "is not a whole number".to_owned(),
        _ => reason,
    })?;
    i64::try_from(value).map_err(|_| "is beyond 64 bits".to_owned())
}

/// A number as a binary float, for measurements.
///
/// # Errors
/// When the text is no number, or too large for one.
pub fn float64(text: &str) -> Result<f64, String> {
    // The standard library also takes `inf` and `nan`, which are no numbers of a source.
    let value = Number::read(text).and_then(|_| text.trim_ascii().parse::<f64>().ok());
    match value {
        Some(value) if value.is_finite() => Ok(value),
        Some(_) => Err("is too large".to_owned()),
        None => Err("is not a number".to_owned()),
    }
}

/// `true` or `false`.
///
/// # Errors
/// For any other text.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("is neither `true` nor `false`".to_owned()),
    }
}

/// A day as days since 1970: `2026-01-31`, or an instant that is a midnight in UTC.
///
/// # Errors
/// When the text is neither.
pub fn date(text: &str) -> Result<i32, String> {
    if let Some(day) = day(text.as_bytes()) {
        return Ok(day);
    }
    let micros = timestamp(text).map_err(|_| "is not a date such as `2026-01-31`".to_owned())?;
    if micros.rem_euclid(MICROS_A_DAY) != 0 {
        return Err("is an instant within a day, not a date".to_owned());
    }
    i32::try_from(micros.div_euclid(MICROS_A_DAY)).map_err(|_| "is out of range".to_owned())
}

/// An instant as microseconds since 1970: `2026-01-31T10:00:00Z`, with up to nine digits of
/// fractions of a second, and `Z`, `+0000` or `+00:00` (any offset) at its end; a date, which is
/// its midnight in UTC; or milliseconds since 1970 of at least eleven digits. Fractions below the
/// microsecond are cut.
///
/// # Errors
/// When the text is none of these.
pub fn timestamp(text: &str) -> Result<i64, String> {
    let bytes = text.as_bytes();
    let unfit = || "is not an instant such as `2026-01-31T10:00:00Z`".to_owned();
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    if digits.len() >= EPOCH_MILLIS_DIGITS && digits.iter().all(u8::is_ascii_digit) {
        return epoch_millis(text).ok_or_else(|| "is out of range".to_owned());
    }
    if let Some(day) = day(bytes) {
        return Ok(i64::from(day) * MICROS_A_DAY);
    }
    let (date, rest) = bytes.split_at_checked(10).ok_or_else(unfit)?;
    let day = day(date).ok_or_else(unfit)?;
    let [b'T' | b't' | b' ', time @ ..] = rest else { return Err(unfit()) };
    let (clock, rest) = time.split_at_checked(8).ok_or_else(unfit)?;
    let seconds = clock_seconds(clock).ok_or_else(unfit)?;
    let (micros, zone) = fraction(rest).ok_or_else(unfit)?;
    if zone.is_empty() {
        return Err("is an instant without a time zone".to_owned());
    }
    let offset = offset_seconds(zone).ok_or_else(unfit)?;
    Ok(i64::from(day) * MICROS_A_DAY + (seconds - offset) * 1_000_000 + micros)
}

/// An instant as text that [`timestamp`] reads: `2026-01-31T10:00:00.000000Z`.
#[must_use]
pub fn write_timestamp(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros)
        .map_or_else(|| micros.to_string(), |at| at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

/// Milliseconds since 1970 as microseconds, within the years that dates have.
fn epoch_millis(text: &str) -> Option<i64> {
    let micros = text.parse::<i64>().ok()?.checked_mul(1000)?;
    let year = DateTime::from_timestamp_micros(micros)?.year();
    (1..=9999).contains(&year).then_some(micros)
}

/// `YYYY-MM-DD` as days since 1970.
fn day(text: &[u8]) -> Option<i32> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = two(y1, y2)? * 100 + two(y3, y4)?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, two(m1, m2)?, two(d1, d2)?)?;
    (year > 0).then(|| date.to_epoch_days())
}

/// `HH:MM:SS` as seconds.
fn clock_seconds(text: &[u8]) -> Option<i64> {
    let &[h1, h2, b':', m1, m2, b':', s1, s2] = text else { return None };
    let (hours, minutes, seconds) = (two(h1, h2)?, two(m1, m2)?, two(s1, s2)?);
    (hours < 24 && minutes < 60 && seconds < 60)
        .then(|| i64::from(hours * 3600 + minutes * 60 + seconds))
}

/// Microseconds of `.123456789…`, and what follows. No point: none.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(rest) = text.strip_prefix(b".") else { return Some((0, text)) };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&length) {
        return None;
    }
    let (digits, rest) = rest.split_at(length);
    let micros = (0..6).fold(0, |micros, at| {
        micros * 10 + digits.get(at).map_or(0, |digit| i64::from(digit - b'0'))
    });
    Some((micros, rest))
}

/// Seconds east of Greenwich: `Z`, `+HH:MM`, `+HHMM`, `+HH`.
fn offset_seconds(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        b"Z" | b"z" => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match *digits {
        [h1, h2, b':', m1, m2] | [h1, h2, m1, m2] => (two(h1, h2)?, two(m1, m2)?),
        [h1, h2] => (two(h1, h2)?, 0),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}

/// Two digits as a number.
fn two(tens: u8, ones: u8) -> Option<u32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
}
