//! Exact numbers: money in cents, and ratios with six digits.

use std::fmt;

/// An amount of money, in hundredths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cents(pub i64);

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

/// A number with six digits behind the point, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed6(pub i128);

impl Fixed6 {
    const ONE: i128 = 1_000_000;

    /// A whole number.
    #[must_use]
    pub fn whole(number: i128) -> Self {
        Self(number * Self::ONE)
    }

    /// An amount given in cents.
    #[must_use]
    pub fn cents(cents: i128) -> Self {
        Self(cents * (Self::ONE / 100))
    }

    /// The quotient, rounded half away from zero; nothing over nothing is unknown.
    #[must_use]
    pub fn ratio(self, denominator: Self) -> Option<Self> {
        if denominator.0 == 0 {
            return None;
        }
        let doubled = self.0 * Self::ONE * 2 / denominator.0;
        Some(Self((doubled + doubled.signum()) / 2))
    }
}

impl fmt::Display for Fixed6 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let millionths = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:06}", millionths / 1_000_000, millionths % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_two_digits_and_ratios_six() {
        assert_eq!(Cents(5).to_string(), "0.05");
        assert_eq!(Cents(-123_456).to_string(), "-1234.56");
        assert_eq!(Fixed6::cents(123_456).to_string(), "1234.560000");
        let third = |n| Fixed6::whole(n).ratio(Fixed6::whole(3)).unwrap().to_string();
        assert_eq!(third(1), "0.333333");
        assert_eq!(third(2), "0.666667");
        assert_eq!(third(-2), "-0.666667");
        assert_eq!(Fixed6(1).ratio(Fixed6::whole(2)), Some(Fixed6(1)));
        assert_eq!(Fixed6::whole(1).ratio(Fixed6::whole(0)), None);
    }
}
