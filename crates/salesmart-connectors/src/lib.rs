//! One folder per source system, and [`all`], which lists them.
//!
//! Architecture invariant: this is the only room where a vendor's name stands. A connector knows
//! its source and the contract of `salesmart-extract`; it knows no table, no SQL and no lake.
//! Adding one costs its folder and its line here; the suite in `conformance/` runs over it.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

#[cfg(test)]
mod conformance;
pub mod files;
pub mod hubspot;
pub mod salesforce;

use salesmart_extract::ConnectorKind;

/// Every kind of connector, in the order in which people read them.
static ALL: &[ConnectorKind] = &[files::KIND, salesforce::KIND, hubspot::KIND];

/// Every kind of connector.
#[must_use]
pub fn all() -> &'static [ConnectorKind] {
    ALL
}
