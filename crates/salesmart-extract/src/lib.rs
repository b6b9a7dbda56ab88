//! The connector contract: how a source system's rows come into the house.
//!
//! A connector reads from a cursor up to a bound fixed at the start of the run and sends
//! [`Event`]s through an [`Outlet`]. It knows nothing of tables. Delivery is at-least-once: a
//! killed run reads again from the last saved cursor, and landing makes that harmless.

mod outlet;
mod registry;

use async_trait::async_trait;
use salesmart_core::{Cursor, Result, StreamName};
use serde::Serialize;

pub use outlet::{Outlet, channel};
pub use registry::{ConnectorKind, find};
pub use salesmart_core::Threshold;
pub use salesmart_core::stream::{Event, RejectedRow, Repair, SOURCE_POSITION, StreamSpec};

/// What to read.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// The stream.
    pub stream: StreamName,
    /// Where the last committed read ended; `None` reads from the start.
    pub cursor: Option<Cursor>,
}

/// One thing that `check --connections` found out about a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was looked at, such as ``stream `deals`: 3 files, 1.2 MB``.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
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
    /// The streams that will be read, in a stable order.
    fn streams(&self) -> &[StreamSpec];

    /// Looks at the source without reading it: reachable, authorised, there.
    async fn check(&self) -> Vec<Finding>;

    /// Reads one stream from the cursor up to now.
    ///
    /// # Errors
    /// When the stream cannot be read; the error names the stream and what to do.
    async fn read(&self, request: ReadRequest, outlet: Outlet) -> Result<()>;
}
