//! Exact numbers from text: digits and a power of ten, never a float in between.
//!
//! A number is a sign, digits with optional thousands separators in groups of three, decimals and
//! an optional exponent. It either fits its type exactly or is refused: nothing is rounded.
//! Zeros that do not change the value (`1.500` for two decimals, `7.0` for an integer) fit.

use serde::Serialize;

/// How a column writes its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct NumberFormat {
    /// Between the integer digits and the decimals.
    pub decimal: char,
    /// Between groups of three integer digits, where the column has them.
    pub thousands: Option<char>,
}

impl NumberFormat {
    /// `1234.56`, as JSON and most machines write it.
    pub(super) const PLAIN: NumberFormat = NumberFormat { decimal: '.', thousands: None };
}

/// Why a text is not a number of the declared type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberError {
    /// There is something else than a number.
    NotANumber,
    /// Thousands separators stand where no group of three ends.
    Grouping,
    /// Digits behind the point would be lost.
    TooManyDecimals,
    /// More digits before the point than the type holds.
    TooLarge,
}

/// Powers of ten up to the largest that an `i128` holds.
const POWERS: [i128; 39] = {
    let mut powers = [1_i128; 39];
    let mut index = 1;
    while index < 39 {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

/// Longer texts may not fit a `u64` and take the slow path.
const SHORT: usize = 18;

/// The value times ten to the power of `scale`, where it has at most `precision` digits then.
pub(super) fn parse_decimal(
    text: &[u8],
    format: &NumberFormat,
    precision: u8,
    scale: u8,
) -> Result<i128, NumberError> {
    if let Some((negative, digits, decimals)) = parse_short(text, format)
        && decimals <= usize::from(scale)
    {
        let value = i128::from(digits)
            .checked_mul(POWERS[usize::from(scale) - decimals])
            .filter(|value| fits(*value, precision))
            .ok_or(NumberError::TooLarge)?;
        return Ok(if negative { -value } else { value });
    }
    scan(text, format)?.at_scale(precision, scale)
}

/// The value as an integer.
pub(super) fn parse_int64(text: &[u8], format: &NumberFormat) -> Result<i64, NumberError> {
    let value = parse_decimal(text, format, 19, 0)?;
    i64::try_from(value).map_err(|_| NumberError::TooLarge)
}

/// The nearest float. Texts that are no number (`inf`, `nan`) or too large are refused.
pub(super) fn parse_float64(text: &[u8], format: &NumberFormat) -> Result<f64, NumberError> {
    // The scan holds floats to the same grammar as decimals.
    scan(text, format)?;
    let parse = |text: &str| match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(NumberError::TooLarge),
        Err(_) => Err(NumberError::NotANumber),
    };
    let text = std::str::from_utf8(text).map_err(|_| NumberError::NotANumber)?;
    if *format == NumberFormat::PLAIN {
        return parse(text);
    }
    let plain: String = text
        .chars()
        .filter(|c| Some(*c) != format.thousands)
        .map(|c| if c == format.decimal { '.' } else { c })
        .collect();
    parse(&plain)
}

/// Whether a value that is not negative has at most `precision` digits.
fn fits(value: i128, precision: u8) -> bool {
    POWERS.get(usize::from(precision)).is_some_and(|limit| value < *limit)
}

/// The common case: a few digits with or without a point. `None` where it is anything else.
fn parse_short(text: &[u8], format: &NumberFormat) -> Option<(bool, u64, usize)> {
    let point = u8::try_from(format.decimal).ok()?;
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if digits.len() > SHORT {
        return None;
    }
    let mut value = 0_u64;
    let mut seen = 0_usize;
    let mut point_after = None;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            value = value * 10 + u64::from(digit);
            seen += 1;
        } else if *byte == point && point_after.is_none() {
            point_after = Some(seen);
        } else {
            return None;
        }
    }
    (seen > 0).then(|| (negative, value, point_after.map_or(0, |before| seen - before)))
}

/// A number taken apart: `significant × 10^exponent`, without zeros at either end.
#[derive(Default)]
struct Scanned {
    negative: bool,
    /// The significant digits, of which only the first 38 are kept in the value.
    significant: u128,
    /// How many significant digits there are.
    count: i64,
    /// Zeros behind the last significant digit so far.
    zeros: i64,
    /// The power of ten that the digits (zeros included) are multiplied by.
    exponent: i64,
}

impl Scanned {
    fn push(&mut self, byte: u8) {
        let digit = byte - b'0';
        if digit == 0 {
            self.zeros += i64::from(self.count > 0);
            return;
        }
        let shift = self.zeros + 1;
        self.count += shift;
        self.zeros = 0;
        // More than 38 digits fit no type; `at_scale` says so from the count alone.
        if self.count <= 38 {
            let power = usize::try_from(shift).map_or(i128::MAX, |shift| POWERS[shift]);
            self.significant = self.significant * power.unsigned_abs() + u128::from(digit);
        }
    }

    fn at_scale(&self, precision: u8, scale: u8) -> Result<i128, NumberError> {
        if self.count == 0 {
            return Ok(0);
        }
        let exponent = self.exponent.saturating_add(self.zeros);
        let digits_before_point = exponent.saturating_add(self.count);
        if digits_before_point > i64::from(precision) - i64::from(scale) {
            return Err(NumberError::TooLarge);
        }
        // The last significant digit is not zero, so a negative shift would lose it.
        let shift = exponent.saturating_add(i64::from(scale));
        let power = usize::try_from(shift).map_err(|_| NumberError::TooManyDecimals)?;
        let value = POWERS
            .get(power)
            .zip(i128::try_from(self.significant).ok())
            .and_then(|(power, significant)| significant.checked_mul(*power))
            .filter(|value| fits(*value, precision))
            .ok_or(NumberError::TooLarge)?;
        Ok(if self.negative { -value } else { value })
    }
}

/// Takes any number apart.
fn scan(text: &[u8], format: &NumberFormat) -> Result<Scanned, NumberError> {
    let mut scanned = Scanned::default();
    let mut rest = match text {
        [b'-', rest @ ..] => {
            scanned.negative = true;
            rest
        }
        [b'+', rest @ ..] => rest,
        rest => rest,
    };
    let (mut digits, mut run, mut grouped) = (0_usize, 0_usize, false);
    loop {
        if let [byte @ b'0'..=b'9', after @ ..] = rest {
            scanned.push(*byte);
            digits += 1;
            run += 1;
            rest = after;
        } else if let Some(after) = format.thousands.and_then(|c| strip_char(rest, c)) {
            // Only whole groups: `12.50` with a point between thousands is no 1250.
            if run == 0 || run > 3 || (grouped && run != 3) {
                return Err(NumberError::Grouping);
            }
            (grouped, run) = (true, 0);
            rest = after;
        } else {
            break;
        }
    }
    if grouped && run != 3 {
        return Err(NumberError::Grouping);
    }
    if let Some(after) = strip_char(rest, format.decimal) {
        rest = after;
        while let [byte @ b'0'..=b'9', after @ ..] = rest {
            scanned.push(*byte);
            digits += 1;
            scanned.exponent -= 1;
            rest = after;
        }
    }
    if let [b'e' | b'E', after @ ..] = rest {
        let (exponent, after) = scan_exponent(after).ok_or(NumberError::NotANumber)?;
        scanned.exponent = scanned.exponent.saturating_add(exponent);
        rest = after;
    }
    if digits == 0 || !rest.is_empty() {
        return Err(NumberError::NotANumber);
    }
    Ok(scanned)
}

fn scan_exponent(text: &[u8]) -> Option<(i64, &[u8])> {
    let (sign, mut rest) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        rest => (1, rest),
    };
    if !rest.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let mut exponent = 0_i64;
    while let [byte @ b'0'..=b'9', after @ ..] = rest {
        // Far beyond any type already; what matters is not to overflow.
        exponent = (exponent * 10 + i64::from(byte - b'0')).min(1_000_000);
        rest = after;
    }
    Some((sign * exponent, rest))
}

fn strip_char(text: &[u8], c: char) -> Option<&[u8]> {
    let mut buffer = [0; 4];
    text.strip_prefix(c.encode_utf8(&mut buffer).as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMMA: NumberFormat = NumberFormat { decimal: ',', thousands: Some('.') };

    fn decimal(text: &str, format: &NumberFormat) -> Result<i128, NumberError> {
        parse_decimal(text.as_bytes(), format, 18, 2)
    }

    #[test]
    fn decimals_are_exact_or_refused() {
        let plain = |text| decimal(text, &NumberFormat::PLAIN);
        assert_eq!(plain("1100.04"), Ok(110_004));
        assert_eq!(plain("-0.5"), Ok(-50));
        assert_eq!(plain("+7"), Ok(700));
        assert_eq!(plain(".5"), Ok(50));
        assert_eq!(plain("5."), Ok(500));
        assert_eq!(plain("1.5000000000000000000000000000000000000000000000"), Ok(150));
        assert_eq!(plain("1.2e3"), Ok(120_000));
        assert_eq!(plain("1200e-4"), Ok(12));
        assert_eq!(plain("0e999999999999"), Ok(0));
        assert_eq!(plain("9999999999999999.99"), Ok(999_999_999_999_999_999));
        assert_eq!(plain("10000000000000000"), Err(NumberError::TooLarge));
        assert_eq!(plain("1e999999999999999999999"), Err(NumberError::TooLarge));
        assert_eq!(plain("1.005"), Err(NumberError::TooManyDecimals));
        assert_eq!(plain("1e-999999999999999999999"), Err(NumberError::TooManyDecimals));
        for text in ["", "-", ".", "1,5", "12a", "1e", "e5", "--1", "1.2.3", "NaN", "inf", "1 2"] {
            assert_eq!(plain(text), Err(NumberError::NotANumber), "{text}");
        }
    }

    #[test]
    fn thousands_separators_stand_between_groups_of_three() {
        assert_eq!(decimal("1.234.567,89", &COMMA), Ok(123_456_789));
        assert_eq!(decimal("1234567,89", &COMMA), Ok(123_456_789));
        assert_eq!(decimal("-12,5", &COMMA), Ok(-1_250));
        for text in ["12.50", "1.2345", "1..234", ".234", "1234.567", "1.234.", "1.23.456"] {
            assert_eq!(decimal(text, &COMMA), Err(NumberError::Grouping), "{text}");
        }
        let narrow = NumberFormat { decimal: ',', thousands: Some('\u{202f}') };
        assert_eq!(decimal("1\u{202f}234,5", &narrow), Ok(123_450));
    }

    #[test]
    fn integers_hold_their_range_and_nothing_more() {
        let int = |text: &str| parse_int64(text.as_bytes(), &NumberFormat::PLAIN);
        assert_eq!(int("9223372036854775807"), Ok(i64::MAX));
        assert_eq!(int("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(int("9223372036854775808"), Err(NumberError::TooLarge));
        assert_eq!(int("7.0"), Ok(7));
        assert_eq!(int("7.5"), Err(NumberError::TooManyDecimals));
    }

    #[test]
    fn floats_are_numbers() {
        let float = |text: &str, format| parse_float64(text.as_bytes(), format);
        assert_eq!(float("1.5e3", &NumberFormat::PLAIN), Ok(1_500.0));
        assert_eq!(float("1.234,5", &COMMA), Ok(1_234.5));
        assert_eq!(float("1e400", &NumberFormat::PLAIN), Err(NumberError::TooLarge));
        assert_eq!(float("nan", &NumberFormat::PLAIN), Err(NumberError::NotANumber));
    }

    /// The same rules over lists of decimal digits, which never overflow: the number is written
    /// out as one string of digits with `scale` of them behind the point, then compared by length.
    fn by_digit_strings(text: &str, precision: usize, scale: usize) -> Option<i128> {
        let (negative, unsigned) = match text.strip_prefix(['-', '+']) {
            Some(rest) => (text.starts_with('-'), rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                (mantissa, exponent.parse::<i32>().ok()?)
            }
            None => (unsigned, 0),
        };
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits: String = format!("{integer}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let mut shift =
            i32::try_from(scale).ok()? + exponent - i32::try_from(fraction.len()).ok()?;
        let mut digits = digits;
        while shift < 0 {
            match digits.pop() {
                Some('0') | None => shift += 1,
                Some(_) => return None,
            }
        }
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return Some(0);
        }
        let zeros = usize::try_from(shift).ok()?;
        if significant.len() + zeros > precision {
            return None;
        }
        let value: i128 = format!("{significant}{}", "0".repeat(zeros)).parse().ok()?;
        Some(if negative { -value } else { value })
    }

    proptest! {
        #[test]
        fn agrees_with_arithmetic_on_digit_strings(
            text in "[-+]?[0-9]{0,24}(\\.[0-9]{0,24})?(0{0,30})([eE][-+]?[0-9]{1,2})?",
            precision in 1_u8..=38,
            scale in 0_u8..=38,
        ) {
            prop_assume!(scale <= precision);
            let ours = parse_decimal(text.as_bytes(), &NumberFormat::PLAIN, precision, scale).ok();
            let theirs = by_digit_strings(&text, usize::from(precision), usize::from(scale));
            prop_assert_eq!(ours, theirs, "{}", text);
        }

        #[test]
        fn no_text_panics(text in ".{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            for format in [&NumberFormat::PLAIN, &COMMA] {
                for text in [text.as_bytes(), &bytes] {
                    let _ = parse_decimal(text, format, 38, 10);
                    let _ = parse_int64(text, format);
                    let _ = parse_float64(text, format);
                }
            }
        }
    }
}
