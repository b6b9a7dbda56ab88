//! What time it is on the server, and how far our clock is from it.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::HeaderMap;

use super::wait::date;

/// The server's clock as the newest reply showed it.
#[derive(Debug, Default)]
pub(super) struct ServerClock(Mutex<Option<Seen>>);

#[derive(Clone, Copy, Debug)]
struct Seen {
    server: DateTime<Utc>,
    machine: DateTime<Utc>,
}

impl ServerClock {
    /// Takes the `Date` of a reply that has just come.
    #[expect(clippy::disallowed_methods, reason = "the skew is what our clock differs by")]
    pub(super) fn observe(&self, headers: &HeaderMap) {
        if let Some(server) = date(headers) {
            let seen = Seen { server, machine: Utc::now() };
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        }
    }

    fn seen(&self) -> Option<Seen> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> Option<DateTime<Utc>> {
        self.seen().map(|seen| seen.server)
    }

    pub(super) fn skew(&self) -> Option<TimeDelta> {
        self.seen().map(|seen| seen.server - seen.machine)
    }
}
