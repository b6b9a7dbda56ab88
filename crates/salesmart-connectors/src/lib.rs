//! One folder per source system, and [`all`], which lists them.
//!
//! Architecture invariant: this is the only room where a vendor's name stands. A connector knows
//! its source and the contract of `salesmart-extract`; it knows no table, no SQL and no lake.
//! Adding one costs its folder and one line here; the suite in `conformance.rs` runs over it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

#[cfg(test)]
mod conformance;
pub mod files;

use salesmart_extract::ConnectorKind;

/// Every kind of connector, in the order in which people read them.
static ALL: [ConnectorKind; 1] = [files::KIND];

/// Every kind of connector.
#[must_use]
pub fn all() -> &'static [ConnectorKind] {
    &ALL
}
