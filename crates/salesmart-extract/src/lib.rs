//! The connector contract: how a source system's rows come into the house.
//!
//! A connector reads from a cursor up to a bound fixed at the start of the run and sends
//! [`Event`]s through an [`Outlet`]. It knows nothing of tables. Delivery is at-least-once: a
//! killed run reads again from the last saved cursor, and landing makes that harmless.
//!
//! Beside the contract is the kit that connectors are built with: [`http`] and [`auth`] to ask,
//! [`columns`] to turn answers into batches, [`secret`], [`duration`] and [`selection`] for what
//! people configure. The kit knows no vendor.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

pub mod auth;
pub mod columns;
pub mod duration;
pub mod http;
mod outlet;
mod registry;
pub mod secret;
pub mod selection;
#[cfg(test)]
mod test_server;

use async_trait::async_trait;
use salesmart_core::{Cursor, Error, Result, StreamName};

pub use outlet::{Outlet, channel};
pub use registry::{ConnectorKind, find};
pub use salesmart_core::stream::{
    Event, RejectedRow, Repair, SOURCE_POSITION, SourceCount, StreamSpec, Usage,
};
pub use salesmart_core::{Finding, Secret, SecretRef, Threshold};
pub use selection::Selection;

/// What to read.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// The stream, as [`Connector::discover`] gave it for this run.
    pub stream: StreamSpec,
    /// Where the last committed read ended; `None` reads from the start.
    pub cursor: Option<Cursor>,
}

/// What a connection offers in this run.
#[derive(Debug, Default)]
pub struct Discovery {
    /// The streams that can be read, in a stable order.
    pub streams: Vec<StreamSpec>,
    /// Streams that are wanted and cannot be read (hidden, gone), and why. They fail; the others
    /// go on.
    pub failed: Vec<(StreamName, Error)>,
}

/// A connected source system.
///
/// # Contract
/// - [`read`](Connector::read) sends events in order and ends with a [`Event::Checkpoint`] if it
///   sent anything else. Nothing new since the cursor: it sends nothing.
/// - It may be dropped at any await and called again with the last committed cursor; no row
///   between that cursor and the source's present may be missed then.
/// - Memory is bounded by pages, not by the stream.
/// - Rows that do not fit are sent as [`Event::Rejected`] and never make `read` fail; what makes
///   it fail is a stream that cannot be read at all (gone, forbidden, of another shape).
/// - Schemas come from declarations or the source's metadata, never from values.
/// - No secret in any error, log or row.
#[async_trait]
pub trait Connector: Send + Sync {
    /// The streams that are declared in the pipeline file with all their columns, in a stable
    /// order. Empty for sources that say themselves what they have: their streams are discovered
    /// in each run, and models read what has landed.
    fn declared(&self) -> &[StreamSpec] {
        &[]
    }

    /// Whether the streams are those of [`Connector::declared`] and nothing is discovered.
    fn is_declared(&self) -> bool {
        true
    }

    /// How many streams may be read at the same time.
    fn streams_at_once(&self) -> usize {
        2
    }

    /// Asks the source for its streams and their columns. Called once at the start of a run; the
    /// bound up to which the run reads is fixed here.
    ///
    /// # Errors
    /// When the source as a whole cannot be reached or refuses us.
    async fn discover(&self) -> Result<Discovery> {
        Ok(Discovery { streams: self.declared().to_vec(), failed: Vec::new() })
    }

    /// Looks at the source without reading it: reachable, authorised, there.
    async fn check(&self) -> Vec<Finding>;

    /// Reads one stream from the cursor up to the bound of this run.
    ///
    /// # Errors
    /// When the stream cannot be read; the error names the stream and what to do.
    async fn read(&self, request: ReadRequest, outlet: Outlet) -> Result<()>;
}
