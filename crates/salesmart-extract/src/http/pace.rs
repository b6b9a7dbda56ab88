//! Not faster than a source allows.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::RateClass;

/// The pace of each rate class.
#[derive(Debug)]
pub(super) struct Paces(BTreeMap<&'static str, Pace>);

#[derive(Debug)]
struct Pace {
    limiter: DefaultDirectRateLimiter,
    /// A `Retry-After` is for all calls of the class, not only for the one that got it.
    held_until: Mutex<Option<Instant>>,
}

impl Paces {
    pub(super) fn new(classes: &[RateClass]) -> Self {
        let pace = |class: &RateClass| {
            (
                class.name,
                Pace { limiter: RateLimiter::direct(quota(class)), held_until: Mutex::new(None) },
            )
        };
        // Calls of no class are not paced, but a `Retry-After` holds them too.
        let free = RateClass { name: "", requests: 1_000_000, per: Duration::from_secs(1) };
        Self(std::iter::once(&free).chain(classes).map(pace).collect())
    }

    /// Waits until a call of the class may be sent; `None` for a class that does not exist.
    pub(super) async fn ready(&self, class: &str) -> Option<Duration> {
        let pace = self.0.get(class)?;
        let started = Instant::now();
        loop {
            pace.limiter.until_ready().await;
            match pace.held() {
                None => break,
                Some(wait) => tokio::time::sleep(wait).await,
            }
        }
        Some(started.elapsed())
    }

    /// Holds all calls of the class back.
    pub(super) fn hold(&self, class: &str, wait: Duration) {
        let Some(pace) = self.0.get(class) else { return };
        let until = Instant::now().checked_add(wait);
        let mut held = pace.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        *held = (*held).max(until);
    }
}

impl Pace {
    fn held(&self) -> Option<Duration> {
        let until = *self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        until?.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero())
    }
}

/// A quota that never lets more than the class's number through in any window of its length, and
/// a tenth of them at once.
fn quota(class: &RateClass) -> Quota {
    let requests = NonZeroU32::new(class.requests).unwrap_or(NonZeroU32::MIN);
    let burst = NonZeroU32::new(requests.get() / 10).unwrap_or(NonZeroU32::MIN);
    // A burst and a window's worth of single calls may fall into one window.
    let steady = requests.get() - burst.get() + 1;
    let between = (class.per / steady).max(Duration::from_nanos(1));
    Quota::with_period(between)
        .map_or_else(|| Quota::per_second(NonZeroU32::MIN), |quota| quota.allow_burst(burst))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_window_holds_more_calls_than_the_class_allows() {
        let per = Duration::from_millis(200);
        for requests in [1, 5, 30] {
            let paces = Paces::new(&[RateClass { name: "search", requests, per }]);
            let mut sent = Vec::new();
            for _ in 0..=2 * requests {
                paces.ready("search").await.expect("the class is there");
                sent.push(Instant::now());
            }
            let window = requests as usize;
            for pair in sent.windows(window + 1) {
                // The limiter's clock and ours are read a moment apart.
                let apart = pair[window] - pair[0] + Duration::from_millis(20);
                assert!(apart >= per, "{requests}: {} calls in {apart:?}", window + 1);
            }
        }
    }

    #[tokio::test]
    async fn a_hold_is_for_everybody_in_the_class_and_nobody_else() {
        let class = |name| RateClass { name, requests: 1000, per: Duration::from_secs(1) };
        let paces = Paces::new(&[class("list"), class("search")]);
        paces.hold("search", Duration::from_millis(80));
        paces.hold("search", Duration::from_millis(10));
        assert!(paces.ready("list").await.expect("there") < Duration::from_millis(40));
        assert!(paces.ready("search").await.expect("there") >= Duration::from_millis(30));
        assert!(paces.ready("serach").await.is_none());
    }
}
