//! The forecast history: verifying its seals and taking it along.
//!
//! Each night the models of schema `forecast` seal a snapshot of every open fiscal period: its
//! deals, the figures of its scopes, and a SHA-256 that is chained to the snapshot before. The
//! chain is only worth something if it can be recomputed by a program that shares nothing with
//! the one that made it. So nothing here asks the SQL engine: rows are read from the lake's files,
//! written out in the canonical form that `docs/forecast-history.md` states, and hashed.
//!
//! ```text
//! forecast.snapshot         ─┐
//! forecast.snapshot_deal    ─┼─▶ documents ─▶ hashes ─▶ verify (findings, the first bad link)
//! forecast.snapshot_figure  ─┘       └──────▶ export (a tar that sha256sum checks)
//! ```
//!
//! The newest version of each table is read, whatever the current release says: history is not
//! rolled back.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

pub mod canonical;
mod documents;
pub mod export;
mod finding;
mod seal;
mod tables;
#[cfg(test)]
mod testing;
mod verify;

pub use finding::{Finding, FindingKind};
pub use seal::Seal;
pub use verify::{Checked, Report, VerifyOptions, verify};
