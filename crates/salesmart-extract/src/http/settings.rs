//! How patiently and how fast a client asks.

use std::time::Duration;

use url::Url;

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where paths of calls begin, until the [`Authorize`](super::Authorize) knows better.
    pub base_url: Url,
    /// How often a call is sent at most, the first time included.
    pub attempts: u32,
    /// The wait before the second attempt; each further one waits twice as long as the one before.
    pub first_wait: Duration,
    /// The longest wait that we choose ourselves. What a `Retry-After` asks for is not cut.
    pub longest_wait: Duration,
    /// How long the retries of one call may wait in all. A `Retry-After` beyond it is an error at
    /// once.
    pub total_wait: Duration,
    /// How long a reply may stay silent, at its beginning or within its body. A whole reply may
    /// take ten times as long.
    pub timeout: Duration,
    /// How large a body may be, unpacked. A larger one is an error.
    pub max_body: usize,
    /// How many calls may be on the way at the same time; at least one.
    pub concurrent: usize,
    /// How often calls of each class may be sent. A call of no class is sent at once.
    pub classes: Vec<RateClass>,
}

impl Settings {
    /// Eight attempts, 500 ms to 60 s apart, 15 minutes in all; 60 s of silence; 256 MiB; four calls
    /// at a time; no rate classes.
    #[must_use]
    pub fn new(base_url: Url) -> Self {
        Self {
            base_url,
            attempts: 8,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
            total_wait: Duration::from_secs(15 * 60),
            timeout: Duration::from_secs(60),
            max_body: 256 << 20,
            concurrent: 4,
            classes: Vec::new(),
        }
    }
}

/// How often calls of one kind may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateClass {
    /// The name by which calls choose it.
    pub name: &'static str,
    /// So many calls, at least one …
    pub requests: u32,
    /// … in any window of this length.
    pub per: Duration,
}
