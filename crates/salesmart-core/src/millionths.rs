//! Exact decimals with six digits behind the point, as figures have them: `decimal(38,6)`.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// An exact decimal with up to six digits behind the point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millionths(pub i128);

/// Digits behind the point.
const SCALE: usize = 6;
/// Digits before it, so that the whole fits `decimal(38,6)`.
const WHOLE: usize = 32;

impl Millionths {
    /// One.
    pub const ONE: Self = Self(1_000_000);

    fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let fits = whole.len() <= WHOLE && fraction.len() <= SCALE;
        if !is_number(whole) || !is_number(fraction) || !fits {
            return None;
        }
        let value: i128 = format!("{whole}{fraction:0<SCALE$}").parse().ok()?;
        Some(Self(if negative { -value } else { value }))
    }
}

impl FromStr for Millionths {
    type Err = Error;

    /// Reads what is written, without a detour over floats.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        Self::parse(text).ok_or_else(|| no_number(text))
    }
}

/// Why a text is no number, and what was meant.
fn no_number(text: &str) -> Error {
    let error = Error::configuration(format!("`{text}` is not a number"))
        .with("expected", "digits with at most six behind a point, such as `0.35` or `1200000`");
    let plain: String = text.chars().filter(|c| !matches!(c, ',' | '_' | ' ' | '\'')).collect();
    if let Some(percent) = plain.strip_suffix('%').and_then(Millionths::parse) {
        let share = Millionths(percent.0 / 100);
        return match percent.0 % 100 {
            0 => error.with_hint(format!("shares are fractions: write `{share}`")),
            _ => error.with_hint("shares are fractions: 35 % is `0.35`"),
        };
    }
    match Millionths::parse(&plain) {
        Some(_) => error.with_hint(format!("write `{plain}`")),
        None => error,
    }
}

impl fmt::Display for Millionths {
    /// Without needless zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let digits = format!("{:07}", self.0.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len() - SCALE);
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            fraction => write!(f, "{sign}{whole}.{fraction}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_is_kept() {
        for (text, millionths, shown) in [
            ("0.35", 350_000, "0.35"),
            ("-1.000001", -1_000_001, "-1.000001"),
            ("1200000", 1_200_000_000_000, "1200000"),
            ("24.000000", 24_000_000, "24"),
            ("-0.5", -500_000, "-0.5"),
            ("0", 0, "0"),
        ] {
            let read: Millionths = text.parse().unwrap_or_default();
            assert_eq!((read.0, read.to_string().as_str()), (millionths, shown), "{text}");
        }
        let most = "99999999999999999999999999999999.999999";
        assert_eq!(most.parse::<Millionths>().unwrap_or_default().to_string(), most);
    }

    #[test]
    fn anything_else_is_refused_with_what_was_meant() {
        let hint = |text: &str| {
            let error = text.parse::<Millionths>().err();
            error.map(|error| error.hint().unwrap_or("none").to_owned())
        };
        assert_eq!(hint("35%").as_deref(), Some("shares are fractions: write `0.35`"));
        assert_eq!(hint("1,200").as_deref(), Some("write `1200`"));
        for text in ["", ".", "1.", ".5", "1e6", "0.1234567", "much", "--1", "+1"] {
            assert_eq!(hint(text).as_deref(), Some("none"), "{text}");
        }
        assert!("100000000000000000000000000000000".parse::<Millionths>().is_err(), "33 digits");
    }
}
