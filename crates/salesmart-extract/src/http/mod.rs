//! HTTP as connectors need it: calls that are authorised, paced, retried, counted and explained.
//!
//! A connector makes a [`Call`], gives it to its [`Client`] and gets the [`Reply`] that it wanted,
//! or an error that a person can act on. What a reply means is the connector's knowledge, told by
//! its [`Dialect`]; who we are is told by an [`Authorize`]; everything between is here:
//!
//! - A call waits for its rate class, then for one of the client's slots.
//! - A reply that did not arrive whole (refused, cut, too slow) counts as none: the call is sent
//!   again. So does what the dialect calls [`Verdict::Retry`]. Waits double from
//!   [`Settings::first_wait`] to [`Settings::longest_wait`], each with a jitter as long as itself;
//!   a `Retry-After` is always kept, for every call of that class. [`Settings::total_wait`] and
//!   [`Settings::attempts`] end it.
//! - A refused token is renewed once, for all who use it, and the call is replayed; a second refusal
//!   is an [`ErrorKind::Permission`](salesmart_core::ErrorKind::Permission) error.
//! - Credentials go to the host they are for and nowhere else: redirects and links to other hosts
//!   are errors.
//! - Errors and logs name the method and the path. Never a query, a header or a body we sent.

mod authorize;
mod call;
mod client;
mod clock;
mod judge;
mod pace;
mod patience;
mod quota;
mod redirect;
mod settings;
#[cfg(test)]
mod tests;
mod wait;

pub use authorize::{Anonymous, Authorization, Authorize};
pub use call::{Call, Reply};
pub use client::Client;
pub use judge::{Dialect, Usual, Verdict, usual};
pub use quota::QuotaBudget;
pub use reqwest::Method;
pub use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
pub use settings::{RateClass, Settings};
pub use url::Url;
pub use wait::{date, retry_after};
