//! Publishing: what was built becomes one release, visible to readers all at once, in the lake and
//! in every target.
//!
//! A release names the exact Delta version of every published table. It is written first and made
//! current afterwards by one put, so a reader sees the release before or the release after and
//! never a mixture. A failed check keeps the release before. See [`publish`].
//!
//! Targets are where releases go beyond the lake: one folder each, listed by [`all`], held to the
//! contract of [`Target`] by the suite in `conformance/`. A target is loaded after the release was
//! made current in the lake; one that fails leaves the lake's release as it is and is brought up to
//! it by the next run.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

#[cfg(test)]
mod conformance;
pub mod files;
pub mod postgres;
mod release;
mod rows;
mod secret;
mod selection;
mod target;

pub use release::{PublishRequest, publish, roll_back, state};
pub use target::{Loaded, Snapshot, Target, TargetKind, find};

/// Every kind of target, in the order in which people read them.
static ALL: &[TargetKind] = &[postgres::KIND, files::KIND];

/// Every kind of target.
#[must_use]
pub fn all() -> &'static [TargetKind] {
    ALL
}
