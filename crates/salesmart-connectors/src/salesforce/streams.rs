//! How the objects are read: each in the way that its description allows.
//!
//! `pages` reads the records of one query by REST or Bulk and is used by all: `feed` for what
//! changed (in windows), `columns` for columns that changed without a stamp, `deletions` for what is
//! gone, `whole` for objects without a stamp, `forecasts` for photographs of open periods.

mod columns;
mod deletions;
mod feed;
mod forecasts;
mod pages;
mod whole;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use salesmart_core::{Cursor, Result};
use salesmart_extract::{Event, Outlet};

use super::client::Api;
use super::config::Settings;
use super::decode::Decoded;
use super::describe::{Object, Reading};
use super::position::Position;
use super::soql;

/// A checkpoint is sent after so many rows …
const CHECKPOINT_ROWS: u64 = 50_000;
/// … or so much time, whichever comes first.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// One reading of one object.
pub(super) struct Reader {
    /// The API, counting for this reading alone.
    pub(super) api: Api,
    pub(super) settings: Arc<Settings>,
    pub(super) object: Arc<Object>,
    pub(super) outlet: Outlet,
    /// The bound of this run: nothing later is read.
    pub(super) bound: DateTime<Utc>,
    /// What the cursor holds, and will.
    pub(super) position: Position,
    /// Rows since the last checkpoint, and when that was.
    sent: u64,
    since: Instant,
    /// Whether the position has moved since the last checkpoint, rows or not.
    moved: bool,
    /// Whether a list of keys has begun and not ended: no place for a checkpoint.
    listing: bool,
    /// How long windows are, once one was too much.
    span: Option<TimeDelta>,
}

impl Reader {
    pub(super) fn new(
        api: Api,
        settings: Arc<Settings>,
        object: Arc<Object>,
        outlet: Outlet,
        bound: DateTime<Utc>,
        position: Position,
    ) -> Self {
        let since = Instant::now();
        Self {
            api,
            settings,
            object,
            outlet,
            bound,
            position,
            sent: 0,
            since,
            moved: false,
            listing: false,
            span: None,
        }
    }

    /// Reads everything up to the bound.
    pub(super) async fn read(mut self) -> Result<()> {
        let outcome = match &self.object.reading {
            Reading::Changes { cursor } => {
                let cursor = cursor.clone();
                self.changes(&cursor).await
            }
            Reading::Whole => self.whole().await,
            Reading::PerPeriod => self.per_period().await,
        };
        match outcome {
            Ok(()) => self.checkpoint().await,
            Err(error) => {
                // What came before the failure is complete up to the position: it need not come
                // again. When the receiver is gone there is nobody to tell.
                if (self.sent > 0 || self.moved) && !self.listing {
                    self.checkpoint().await?;
                }
                Err(error)
            }
        }
    }

    /// Sends the rows of a page.
    async fn send_rows(&mut self, decoded: Decoded) -> Result<()> {
        for batch in decoded.batches {
            self.outlet.send(Event::Rows(batch)).await?;
        }
        if !decoded.rejected.is_empty() {
            self.outlet.send(Event::Rejected(decoded.rejected)).await?;
        }
        self.sent += decoded.records;
        Ok(())
    }

    /// Sends a checkpoint if enough came since the last one.
    async fn checkpoint_if_due(&mut self) -> Result<()> {
        let is_due = self.sent >= CHECKPOINT_ROWS || self.since.elapsed() >= CHECKPOINT_EVERY;
        if is_due && self.sent > 0 { self.checkpoint().await } else { Ok(()) }
    }

    async fn checkpoint(&mut self) -> Result<()> {
        let usage = self.api.take_usage();
        if usage.requests > 0 {
            self.outlet.send(Event::Used(usage)).await?;
        }
        self.outlet.send(Event::Checkpoint(Cursor::encode(&self.position)?)).await?;
        (self.sent, self.since, self.moved) = (0, Instant::now(), false);
        Ok(())
    }

    /// How many records the conditions have, by Salesforce's own count.
    async fn count(&self, conditions: &[String]) -> Result<u64> {
        self.api.count(&soql::count(&self.object.name, conditions)).await
    }
}
