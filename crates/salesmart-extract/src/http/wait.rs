//! How long to wait before asking again.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use super::Settings;

/// The instant in the `Date` header.
#[must_use]
pub fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(DATE)?.to_str().ok()?;
    httpdate::parse_http_date(text).ok().map(DateTime::from)
}

/// How long a reply asks to wait: `Retry-After` in seconds, or as an HTTP date. A date counts from
/// `server_now`, or from the reply's own `Date`, because the machine's clock may differ from the
/// server's; a date that is past is no wait.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "a server that sends no `Date` leaves only our clock"
)]
pub fn retry_after(headers: &HeaderMap, server_now: Option<DateTime<Utc>>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = DateTime::<Utc>::from(httpdate::parse_http_date(text).ok()?);
    let now = server_now.or_else(|| date(headers)).unwrap_or_else(Utc::now);
    Some((until - now).to_std().unwrap_or_default())
}

/// The waits that we choose ourselves.
pub(super) fn waits(settings: &Settings) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(settings.first_wait)
        .with_max_delay(settings.longest_wait)
        .with_jitter()
        .without_max_times()
        .build()
}
