//! How many requests are let through, and the headers that tell.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::auth::Caller;
use super::problem::Policy;
use super::settings::Limits;

/// What the headers promise of the day where nothing is enforced.
const DAILY: u64 = 500_000;
/// What they promise of the second.
const SECONDLY: u32 = 19;

const TEN_SECONDS: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

/// The requests that were let through.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// The version of the world whose day it is.
    day: u64,
    today: u64,
    lately: VecDeque<Instant>,
    searches: VecDeque<Instant>,
}

impl Meter {
    /// Lets a request through, or names the bucket that is empty.
    pub(super) fn admit(
        &mut self,
        limits: Limits,
        day: u64,
        is_search: bool,
    ) -> Result<(), Policy> {
        if self.day != day {
            (self.day, self.today) = (day, 0);
        }
        let now = Instant::now();
        forget(&mut self.lately, now, TEN_SECONDS);
        forget(&mut self.searches, now, SECOND);
        if limits.daily.is_some_and(|most| self.today >= most) {
            return Err(Policy::Daily);
        }
        let full = |times: &VecDeque<Instant>, most: Option<u32>| {
            most.is_some_and(|most| times.len() >= most as usize)
        };
        if is_search {
            if full(&self.searches, limits.search_per_second) {
                return Err(Policy::Secondly);
            }
            self.searches.push_back(now);
        } else {
            if full(&self.lately, limits.ten_secondly) {
                return Err(Policy::TenSecondly);
            }
            self.lately.push_back(now);
        }
        self.today += 1;
        Ok(())
    }

    /// How many requests of the day were let through, and how many may be.
    pub(super) fn today(&self, limits: Limits) -> (u64, u64) {
        (self.today, limits.daily.unwrap_or(DAILY))
    }

    /// Adds what HubSpot tells of its limits: nothing to searches, and nothing of the day to
    /// OAuth apps.
    pub(super) fn tell(
        &self,
        limits: Limits,
        caller: Caller,
        is_search: bool,
        headers: &mut HeaderMap,
    ) {
        if is_search {
            return;
        }
        let mut tell = |name: &'static str, value: u64| {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        };
        if caller == Caller::PrivateApp {
            let (used, daily) = self.today(limits);
            tell("x-hubspot-ratelimit-daily", daily);
            tell("x-hubspot-ratelimit-daily-remaining", daily.saturating_sub(used));
        }
        // Who is told of a bucket that nobody enforces would wait for nothing.
        let Some(most) = limits.ten_secondly else { return };
        let left = u64::from(most).saturating_sub(self.lately.len() as u64);
        tell("x-hubspot-ratelimit-interval-milliseconds", 10_000);
        tell("x-hubspot-ratelimit-max", u64::from(most));
        tell("x-hubspot-ratelimit-remaining", left);
        tell("x-hubspot-ratelimit-secondly", u64::from(SECONDLY));
        tell("x-hubspot-ratelimit-secondly-remaining", left.min(u64::from(SECONDLY - 1)));
    }
}

fn forget(times: &mut VecDeque<Instant>, now: Instant, age: Duration) {
    while times.front().is_some_and(|time| now.duration_since(*time) >= age) {
        times.pop_front();
    }
}
