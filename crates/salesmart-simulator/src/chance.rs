//! Seeded chance. Every thing that is generated has a random stream of its own, found by what it
//! is and its number, so that any one of them can be made without those before it.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a random stream is for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Organisation = 1,
    Account = 2,
    Deal = 3,
}

/// The stream of the `index`-th thing of its kind.
pub(crate) fn stream(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((purpose as u64) << 56 | index);
    rng
}

/// A draw from the standard normal distribution (Box and Muller).
pub(crate) fn normal(rng: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

/// A draw from the log-normal distribution with this median; `spread` is the standard deviation
/// of the logarithm.
pub(crate) fn lognormal(rng: &mut impl Rng, median: f64, spread: f64) -> f64 {
    median * (spread * normal(rng)).exp()
}

/// The logistic function: any number to a probability.
pub(crate) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// One of a list; lists here are never empty.
pub(crate) fn pick<T: Copy>(rng: &mut impl Rng, list: &[T]) -> T {
    list[rng.random_range(0..list.len())]
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

/// A whole number as a float; exact below 2^53, which nothing here comes near.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^53")]
pub(crate) fn float(n: u64) -> f64 {
    n as f64
}

/// An index into a list, from a number known to be within it.
pub(crate) fn index(n: u64) -> usize {
    usize::try_from(n).expect("the number was taken modulo a list's length")
}
