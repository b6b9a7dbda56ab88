//! What every wire server shares: the world it shows, what goes wrong on demand, the log of its
//! calls, and the endpoints with which a test steers it.
//!
//! A system's server (`salesforce`, `hubspot`) is an [`axum::Router`] and a [`Dialect`].
//! [`start`] serves it on 127.0.0.1 behind a layer that knows nothing of the system: it stamps
//! `Date` with the world's clock, applies the transport faults of the [`FaultPlan`], and logs.
//! Faults that lie in the data (late commits, new fields, expired cursors) are asked for by the
//! servers through [`FaultState`].
//!
//! Control endpoints, without authorisation and without faults:
//! - `POST /__simulator/advance?days=1` moves the world on;
//! - `PUT /__simulator/faults` replaces the fault plan (JSON);
//! - `GET /__simulator/counts` tells how many records each object has;
//! - `GET /__simulator/records/{object}` streams the current records as JSON lines;
//! - `GET /__simulator/calls` lists the calls so far.

mod body;
mod control;
mod dialect;
mod faults;
mod server;
mod shared;

pub use dialect::{Count, Dialect, Records, html_error, json};
pub use faults::{Fault, FaultPlan, FaultRule, FaultState, RetryAfter, When};
pub use server::{Call, Running, start};
pub use shared::SharedWorld;

#[cfg(test)]
mod tests;
