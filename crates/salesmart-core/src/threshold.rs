//! How many rejected rows a run may have: `max_rejected`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// How many rows of one run of one stream may be rejected before the run fails. Written as a
/// share (`0.1%`) or as a number of rows (`12`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Threshold {
    /// So many rows.
    Rows(u64),
    /// So large a share of the rows read, between 0 and 1.
    Share(f64),
}

impl Default for Threshold {
    /// Not one row.
    fn default() -> Self {
        Threshold::Rows(0)
    }
}

impl Threshold {
    /// Whether `rejected` of `read` rows is more than this allows.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
    pub fn exceeded(self, rejected: u64, read: u64) -> bool {
        match self {
            Threshold::Rows(allowed) => rejected > allowed,
            // 0.7 % of 1,000 rows are 7, though 0.007 × 1000 in binary may be a hair less.
            Threshold::Share(share) => rejected as f64 > share * read as f64 * (1.0 + 1e-12),
        }
    }
}

impl FromStr for Threshold {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unfit = || {
            Error::configuration(format!("`{text}` is neither a share nor a number of rows")).with(
                "expected",
                "a share such as `0.1%` (at most `100%`), or a number of rows such as `12`",
            )
        };
        let trimmed = text.trim();
        let Some(percent) = trimmed.strip_suffix('%').map(str::trim_end) else {
            return match trimmed.parse() {
                Ok(rows) if is_decimal(trimmed) => Ok(Threshold::Rows(rows)),
                // A share without its sign is the likeliest slip.
                _ if is_decimal(trimmed) && trimmed.contains('.') => {
                    Err(unfit().with_hint(format!("`{trimmed}%` would be a share")))
                }
                _ => Err(unfit()),
            };
        };
        if !is_decimal(percent) {
            return Err(unfit());
        }
        // `e-2` lets the parser round once, where a division by 100 would round twice.
        let share: f64 = format!("{percent}e-2").parse().map_err(|_| unfit())?;
        if share > 1.0 {
            return Err(unfit());
        }
        Ok(Threshold::Share(share))
    }
}

/// Digits, with at most one point between them.
fn is_decimal(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(text),
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Rows(rows) => write!(f, "{rows}"),
            Threshold::Share(share) => {
                // Twelve digits hide the binary remainder of the multiplication.
                let percent = format!("{:.12}", share * 100.0);
                write!(f, "{}%", percent.trim_end_matches('0').trim_end_matches('.'))
            }
        }
    }
}

impl From<Threshold> for String {
    fn from(threshold: Threshold) -> Self {
        threshold.to_string()
    }
}

impl TryFrom<String> for Threshold {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_exceeded_by_one_row_more_than_it_allows() {
        assert!(!Threshold::Share(0.001).exceeded(8, 8_800));
        assert!(Threshold::Share(0.001).exceeded(9, 8_800));
        assert!(!Threshold::Rows(0).exceeded(0, 0));
        assert!(Threshold::Rows(0).exceeded(1, 10));
        assert!(Threshold::Share(0.0).exceeded(1, 1_000_000));
    }

    #[test]
    fn every_tenth_of_a_percent_of_a_thousand_rows_is_a_whole_row() {
        for tenths in 0..=1000 {
            let text = format!("{}.{}%", tenths / 10, tenths % 10);
            let threshold: Threshold = text.parse().expect("a share");
            assert!(!threshold.exceeded(tenths, 1000), "{text} allows {tenths}");
            assert!(threshold.exceeded(tenths + 1, 1000), "{text} allows no more than {tenths}");
        }
    }

    #[test]
    fn thresholds_are_read_as_they_are_written() {
        for text in ["0", "12", "0%", "0.1%", "0.7%", "33.3%", "100%"] {
            assert_eq!(text.parse::<Threshold>().expect("a threshold").to_string(), text);
        }
        assert_eq!("0.5 %".parse::<Threshold>().ok(), Some(Threshold::Share(0.005)));
        for text in [
            "", "%", "-1", "-1%", "101%", "1e2", "1e2%", "0,1%", "ten", "NaN", "inf%", "1 2",
            ".5%", "+3",
        ] {
            assert!(text.parse::<Threshold>().is_err(), "{text}");
        }
        let error = "0.5".parse::<Threshold>().expect_err("no sign");
        assert_eq!(error.hint(), Some("`0.5%` would be a share"));
    }
}
