//! Lengths of time as people write them in YAML: `30s`, `10m`, `12h`, `7d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use salesmart_core::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A length of time: a whole number and its unit, `s`, `m`, `h` or `d`. At most ten years.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub struct Span(Duration);

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
const LONGEST: u64 = 3_653 * 86_400;

impl Span {
    /// So many seconds; the longest span there is for more.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(if seconds < LONGEST { seconds } else { LONGEST }))
    }

    /// For timers.
    #[must_use]
    pub fn as_std(self) -> Duration {
        self.0
    }

    /// For instants.
    #[must_use]
    pub fn as_delta(self) -> TimeDelta {
        TimeDelta::from_std(self.0).expect("ten years are in range")
    }
}

impl FromStr for Span {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unfit = || {
            Error::configuration(format!("`{text}` is not a length of time")).with(
                "expected",
                "a whole number and its unit, such as `30s`, `10m`, `12h` or `7d`; at most ten years",
            )
        };
        let number_of = |digits: &str| match digits.bytes().all(|byte| byte.is_ascii_digit()) {
            true => digits.parse::<u64>().ok(),
            false => None,
        };
        for (unit, seconds) in UNITS {
            if let Some(digits) = text.strip_suffix(unit) {
                return number_of(digits)
                    .and_then(|number| number.checked_mul(seconds))
                    .filter(|seconds| *seconds <= LONGEST)
                    .map(Self::from_secs)
                    .ok_or_else(unfit);
            }
        }
        Err(match number_of(text) {
            Some(_) => unfit().with_hint(format!("write `{text}s` for seconds")),
            None => unfit(),
        })
    }
}

impl fmt::Display for Span {
    /// In the largest unit that needs no fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (unit, size) = UNITS
            .into_iter()
            .find(|(_, size)| seconds > 0 && seconds.is_multiple_of(*size))
            .unwrap_or(('s', 1));
        write!(f, "{}{unit}", seconds / size)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl TryFrom<String> for Span {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_they_are_written() {
        for text in ["0s", "30s", "10m", "90m", "12h", "7d", "3653d"] {
            assert_eq!(text.parse::<Span>().expect("a span").to_string(), text);
        }
        assert_eq!("3600s".parse::<Span>().expect("a span").to_string(), "1h");
        for text in ["", "s", "10", "-1s", "1.5h", "1 h", "10min", "99999999999999999999d", "3654d"]
        {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        let error = "10".parse::<Span>().expect_err("no unit");
        assert_eq!(error.hint(), Some("write `10s` for seconds"));
        assert_eq!("7d".parse::<Span>().expect("a span").as_delta(), TimeDelta::days(7));
    }
}
