//! What one reading sends: batches as they fill, checkpoints every so often, and what it all cost.

use std::time::{Duration, Instant};

use salesmart_core::{Cursor, Result};
use salesmart_extract::columns::Rows;
use salesmart_extract::{Event, Outlet, RejectedRow};
use serde::Serialize;

use super::client::Api;
use super::sink::Sink;

/// A batch is sent when it has so many rows …
const FULL_ROWS: usize = 8_192;
/// … or about so many bytes.
const FULL_BYTES: usize = 16 << 20;
/// A checkpoint is made after so many rows …
const CHECKPOINT_ROWS: usize = 50_000;
/// … or after so long.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// The sending side of one reading.
#[derive(Debug)]
pub(super) struct Feed {
    /// Asks for what is read, and counts that.
    pub(super) api: Api,
    outlet: Outlet,
    rows: usize,
    since: Instant,
    /// Whether anything was sent or learned since the last checkpoint.
    is_news: bool,
    /// Whether a snapshot or a census is on, inside which nothing may be committed.
    is_closed: bool,
}

impl Feed {
    pub(super) fn new(api: &Api, outlet: Outlet) -> Self {
        Self {
            api: api.metered(),
            outlet,
            rows: 0,
            since: Instant::now(),
            is_news: false,
            is_closed: false,
        }
    }

    /// Sends an event that holds no rows.
    pub(super) async fn send(&mut self, event: Event) -> Result<()> {
        self.is_news = true;
        match event {
            Event::SnapshotBegins | Event::CensusBegins => self.is_closed = true,
            Event::SnapshotEnds | Event::CensusEnds => self.is_closed = false,
            _ => {}
        }
        self.outlet.send(event).await
    }

    /// Something was learned that the next checkpoint must hold.
    pub(super) fn learned(&mut self) {
        self.is_news = true;
    }

    /// Whether a batch is large enough to go.
    pub(super) fn is_full(rows: &Rows) -> bool {
        rows.len() >= FULL_ROWS || rows.size() >= FULL_BYTES
    }

    /// Sends the rows that a sink holds.
    pub(super) async fn rows(&mut self, sink: &mut Sink) -> Result<()> {
        self.batch(&mut sink.rows, Event::Rows).await
    }

    /// Sends a batch as the event that `wrap` makes of it, and what was rejected.
    pub(super) async fn batch(
        &mut self,
        rows: &mut Rows,
        wrap: impl FnOnce(arrow::array::RecordBatch) -> Event,
    ) -> Result<()> {
        let (batch, rejected) = rows.take();
        if let Some(batch) = batch {
            self.rows += batch.num_rows();
            self.send(wrap(batch)).await?;
        }
        self.reject(rejected).await
    }

    async fn reject(&mut self, rejected: Vec<RejectedRow>) -> Result<()> {
        match rejected.is_empty() {
            true => Ok(()),
            false => self.send(Event::Rejected(rejected)).await,
        }
    }

    /// Whether it is time for a checkpoint.
    pub(super) fn is_due(&self) -> bool {
        self.rows >= CHECKPOINT_ROWS || self.since.elapsed() >= CHECKPOINT_EVERY
    }

    /// Says that everything sent so far is complete up to this state. Says nothing if there is
    /// nothing new. What a sink still holds must be sent before.
    pub(super) async fn checkpoint(&mut self, state: &impl Serialize) -> Result<()> {
        if !self.is_news || self.is_closed {
            return Ok(());
        }
        let cursor = Cursor::encode(state)?;
        self.outlet.send(Event::Used(self.api.take_usage())).await?;
        self.outlet.send(Event::Checkpoint(cursor)).await?;
        (self.rows, self.since, self.is_news) = (0, Instant::now(), false);
        Ok(())
    }
}
