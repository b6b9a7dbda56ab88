//! How long one call is tried.

use std::time::Duration;

use backon::ExponentialBackoff;
use salesmart_core::{Error, ErrorKind};

use super::wait::waits;
use super::{Call, Settings};

/// How often and how long one call is still tried.
pub(super) struct Patience<'a> {
    settings: &'a Settings,
    waits: ExponentialBackoff,
    pub(super) attempts: u32,
    waited: Duration,
}

impl<'a> Patience<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self { settings, waits: waits(settings), attempts: 1, waited: Duration::ZERO }
    }

    /// The wait before the next attempt; `None` when there is none.
    pub(super) fn next(&mut self, after: Option<Duration>) -> Option<Duration> {
        if self.attempts >= self.settings.attempts {
            return None;
        }
        let own = self.waits.next().unwrap_or(self.settings.longest_wait);
        let wait = own.max(after.unwrap_or_default());
        let waited = self.waited.saturating_add(wait);
        if waited > self.settings.total_wait {
            return None;
        }
        self.attempts += 1;
        self.waited = waited;
        Some(wait)
    }

    /// The error when there is no next attempt.
    pub(super) fn lost(
        &self,
        call: &Call,
        why: &str,
        after: Option<Duration>,
        source: Option<reqwest::Error>,
    ) -> Error {
        let mut error = Error::new(
            ErrorKind::SourceUnavailable,
            format!("failed to call {}: {why}", call.label()),
        )
        .with("attempts", self.attempts)
        .with("waited", format!("{:.1} s", self.waited.as_secs_f64()))
        .with_retryable(true);
        if let Some(after) = after {
            error = error.with("asked to wait", format!("{:.1} s", after.as_secs_f64()));
        }
        let error = match source {
            Some(source) => error.with_source(source),
            None => error,
        };
        error.with_hint("if the source is up and can be reached from here, run again later")
    }
}
