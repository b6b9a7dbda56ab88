//! What to land and where, and what it came to.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use salesmart_core::receipt::LandedStream;
use salesmart_core::stream::{OnRetyped, StreamSpec};
use salesmart_core::{ConnectionName, Cursor, Error, Result, RunId, StreamName, Threshold};
use salesmart_lake::{Lake, TablePath};

use crate::index::PARTITION_ROWS;

/// Asked before every commit: an error means that another run took over.
pub type Fence = Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Keys that a change feed brought and that are held beside the index: 32 bytes each.
const FRESH_KEYS: usize = 1_000_000;
/// Keys whose patches are held until the raw table is read through once for all of them.
const PATCH_KEYS: usize = 200_000;

/// What to land, and where.
#[derive(Clone)]
pub struct LandRequest {
    /// The lake.
    pub lake: Lake,
    /// The connection's name.
    pub connection: ConnectionName,
    /// The stream, as it is read in this run.
    pub stream: StreamSpec,
    /// The run.
    pub run_id: RunId,
    /// When the run began to read.
    pub extracted_at: DateTime<Utc>,
    /// How many rows may be rejected before landing fails.
    pub max_rejected: Threshold,
    /// What happens when a column has another type than the one it was landed with.
    pub on_retyped: OnRetyped,
    /// Asked before every commit.
    pub fence: Fence,
    /// Rows of the raw table whose index is held in memory at once; a larger table is compared part
    /// by part. [`LandRequest::new`] sets six million.
    pub partition_rows: u64,
    /// Keys that a change feed may bring before the index is read anew with them in it.
    pub fresh_keys: usize,
    /// Keys whose patches are merged in one reading of the raw table.
    pub patch_keys: usize,
}

impl LandRequest {
    /// A request with the default memory bounds, that stops at a retyped column.
    #[must_use]
    pub fn new(
        lake: Lake,
        connection: ConnectionName,
        stream: StreamSpec,
        run_id: RunId,
        extracted_at: DateTime<Utc>,
        max_rejected: Threshold,
        fence: Fence,
    ) -> Self {
        Self {
            lake,
            connection,
            stream,
            run_id,
            extracted_at,
            max_rejected,
            on_retyped: OnRetyped::default(),
            fence,
            partition_rows: PARTITION_ROWS,
            fresh_keys: FRESH_KEYS,
            patch_keys: PATCH_KEYS,
        }
    }
}

/// What landing a stream came to.
#[derive(Debug)]
pub struct Outcome {
    /// What was committed, whether or not the stream failed afterwards.
    pub landed: LandedStream,
    /// Why it failed, when it did.
    pub error: Option<Error>,
    /// Whether it failed because the source has rows that were not landed.
    pub lost_rows: bool,
}

/// The cursor that was committed with the newest rows of a stream, `None` before the first.
///
/// # Errors
/// When the lake cannot be read.
pub async fn saved_cursor(
    lake: &Lake,
    connection: &ConnectionName,
    stream: &StreamName,
) -> Result<Option<Cursor>> {
    let table = lake.table(&TablePath::raw(connection, stream)).await?;
    Ok(table.and_then(|table| table.metadata.get("cursor").cloned()).map(Cursor))
}
