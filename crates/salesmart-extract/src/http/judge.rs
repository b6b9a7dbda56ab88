//! What a reply means.

use std::time::Duration;

use salesmart_core::{Error, ErrorKind};

use super::wait::retry_after;
use super::{Call, Reply};

/// What to do after a reply.
#[derive(Debug)]
pub enum Verdict {
    /// It is what was asked for.
    Accept,
    /// The credentials were refused: renew them and ask again. The second time in a row it is
    /// [`Dialect::refused`].
    Reauthorise,
    /// Ask again later.
    Retry {
        /// Not before this, as the source said.
        after: Option<Duration>,
        /// What is wrong, in a few words for the log and the error: `the server answered 503`.
        why: String,
    },
    /// Asking again will not help.
    Fail(Error),
}

/// How one source system says what is wrong.
pub trait Dialect: Send + Sync {
    /// What to do after this reply. Called for every whole reply, in no certain order, so it is
    /// also where a connector sees the headers of all replies.
    fn judge(&self, call: &Call, reply: &Reply) -> Verdict;

    /// The error for credentials that are refused although they are new.
    fn refused(&self, call: &Call, reply: &Reply) -> Error {
        Error::new(
            ErrorKind::Permission,
            format!("failed to call {}: the source refuses our credentials", call.label()),
        )
        .with("status", reply.status)
        .with_hint("check that they are still valid and may be used for this")
    }
}

/// The dialect of servers that say what they mean with the status alone.
#[derive(Clone, Copy, Debug)]
pub struct Usual;

impl Dialect for Usual {
    fn judge(&self, call: &Call, reply: &Reply) -> Verdict {
        usual(call, reply)
    }
}

/// What the statuses mean by the standard, for what a dialect does not know better: 2xx is
/// accepted, 401 renews, 408, 425, 429 and 5xx are tried again, all others fail.
#[must_use]
pub fn usual(call: &Call, reply: &Reply) -> Verdict {
    let answered = format!("the server answered {}", reply.status);
    match reply.status {
        200..=299 => Verdict::Accept,
        401 => Verdict::Reauthorise,
        408 | 425 | 429 | 500..=599 => {
            Verdict::Retry { after: retry_after(&reply.headers, None), why: answered }
        }
        status => {
            let kind = match status {
                403 => ErrorKind::Permission,
                _ => ErrorKind::SourceUnavailable,
            };
            let error = Error::new(kind, format!("failed to call {}: {answered}", call.label()));
            Verdict::Fail(match reply.excerpt() {
                text if text.is_empty() => error,
                text => error.with("answer", text),
            })
        }
    }
}
