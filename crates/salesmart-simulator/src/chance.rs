//! Seeded chance. Every thing that is generated has dice of its own, found by what it is and its
//! number, so that any one of them can be made without those before it.

/// What dice are for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Team = 1,
    Rep = 2,
    Account = 3,
    Contact = 4,
    Deal = 5,
    Numbering = 6,
    Life = 7,
    Bin = 8,
    Touches = 9,
    Activity = 10,
    Terms = 11,
    Lead = 12,
    LeadLife = 13,
    LeadTouches = 14,
    Rate = 15,
    Quota = 16,
    Call = 17,
    Diary = 18,
    Duplicate = 19,
    HandOver = 20,
}

/// `SplitMix64`: a few instructions a draw and nothing to set up, since a deal has several of
/// them and there are millions of deals.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

/// The step between states: 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Spreads a state over all bits.
fn spread(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Dice {
    /// The dice of the `index`-th thing of its kind.
    pub(crate) fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let kind = spread(seed.wrapping_add(STEP)).wrapping_add((purpose as u64) << 56);
        Self(spread(spread(kind) ^ index.wrapping_mul(STEP)))
    }

    /// Any number.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        spread(self.0)
    }

    /// From 0 to below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        float(self.bits() >> 11) / float(1 << 53)
    }

    /// From 0 to below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.bits()) * u128::from(end);
        u64::try_from(wide >> 64).expect("the upper half of a product is a u64")
    }

    /// From `from` to below `to`.
    pub(crate) fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    /// True with this probability.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of a list; lists here are never empty.
    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[index(self.below(list.len() as u64))]
    }

    /// A draw from the standard normal distribution (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A draw from the log-normal distribution with this median; `spread` is the standard
    /// deviation of the logarithm.
    pub(crate) fn lognormal(&mut self, median: f64, spread: f64) -> f64 {
        median * (spread * self.normal()).exp()
    }

    /// A draw from the exponential distribution.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }
}

/// The logistic function: any number to a probability.
pub(crate) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The nearest whole number.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, which is the wish")]
pub(crate) fn round(x: f64) -> i64 {
    x.round() as i64
}

/// The whole number at or below, not below zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is the wish"
)]
pub(crate) fn floor(x: f64) -> u64 {
    x.floor() as u64
}

/// A share as millionths.
pub(crate) fn millionths(share: f64) -> u64 {
    floor(share * 1e6 + 0.5)
}

/// A whole number as a float; exact up to 2^53, which nothing here goes beyond.
#[expect(clippy::cast_precision_loss, reason = "numbers here are at most 2^53")]
pub(crate) fn float(n: u64) -> f64 {
    n as f64
}

/// Cents as a float; exact up to 2^53.
pub(crate) fn money(cents: i64) -> f64 {
    let size = float(cents.unsigned_abs());
    if cents < 0 { -size } else { size }
}

/// An index into a list, from a number known to be within it.
pub(crate) fn index(n: u64) -> usize {
    usize::try_from(n).expect("the number was taken modulo a list's length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_are_fair_enough_and_differ() {
        let mut dice = Dice::new(1, Purpose::Deal, 0);
        let mean = (0..20_000).map(|_| dice.unit()).sum::<f64>() / 20_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        let firsts: std::collections::BTreeSet<u64> =
            (0..10_000).map(|index| Dice::new(1, Purpose::Deal, index).bits()).collect();
        assert_eq!(firsts.len(), 10_000);
        let twice = Dice::new(7, Purpose::Rep, 3).bits();
        assert_eq!(twice, Dice::new(7, Purpose::Rep, 3).bits());
        assert_ne!(twice, Dice::new(7, Purpose::Account, 3).bits());
        assert_ne!(twice, Dice::new(8, Purpose::Rep, 3).bits());
    }
}
