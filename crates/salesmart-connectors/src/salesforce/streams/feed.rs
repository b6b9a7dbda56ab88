//! Objects whose changes have a stamp: windows of changes, counted and compared.
//!
//! A run reads from where the last one ended, less an overlap, up to the run's bound. Large windows
//! are cut in time, so that a Bulk job and what is remembered of it stay within bounds. After each
//! window Salesforce counts it too.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_extract::{Event, SourceCount};

use super::Reader;
use super::pages::{Pages, Query};
use crate::salesforce::client::{Code, code_of};
use crate::salesforce::decode::Shape;
use crate::salesforce::position::{Position, Progress, Window};
use crate::salesforce::soql::{self, Order};

/// No org is older.
const BEFORE_SALESFORCE: &str = "1999-01-01T00:00:00Z";
/// Windows are not cut into smaller pieces: stamps are seconds.
const SMALLEST_WINDOW: TimeDelta = TimeDelta::seconds(1);

/// How a window's reading ended.
enum Outcome {
    /// All of it was read.
    Read,
    /// It is too much at once: it was cut, and the part that is left is to be read.
    Cut,
}

impl Reader {
    /// What changed, and what changed without a stamp or is gone.
    pub(super) async fn changes(&mut self, cursor: &str) -> Result<()> {
        if self.position.cursor_field != cursor {
            self.position = Position { cursor_field: cursor.to_owned(), ..Position::default() };
        }
        let is_first = self.position.is_fresh();
        if is_first {
            self.position.columns = self.columns();
        }
        self.windows(cursor).await?;
        if is_first || self.position.formulas_at.is_none() {
            // Everything has just been read.
            let bound = Some(self.bound);
            self.position.formulas_at = self.position.formulas_at.or(bound);
            self.position.census_at = self.position.census_at.or(bound);
            self.position.deletions_until = self.position.deletions_until.or(bound);
        }
        self.patches(cursor).await?;
        self.deletions(cursor).await
    }

    /// The names of the stream's columns.
    pub(super) fn columns(&self) -> Vec<String> {
        self.object.fields.iter().map(|field| field.column.name.clone()).collect()
    }

    async fn windows(&mut self, cursor: &str) -> Result<()> {
        let mut overlap = self.settings.overlap.as_delta();
        loop {
            if self.position.window.is_none() {
                if self.position.until.is_some_and(|until| until >= self.bound) {
                    return Ok(());
                }
                // Only what was there before this run can have become visible late.
                let from = self.position.until.map(|until| until - overlap);
                // What was too much a moment ago is approached from below.
                let to = match (from, self.span) {
                    (Some(from), Some(span)) => self.bound.min(from + span),
                    _ => self.bound,
                };
                self.position.window = Some(Window::new(from, to));
            }
            overlap = TimeDelta::zero();
            self.window(cursor).await?;
        }
    }

    /// Reads the open window to its end, or cuts it.
    async fn window(&mut self, cursor: &str) -> Result<()> {
        let Some(window) = self.position.window.clone() else { return Ok(()) };
        if let Outcome::Cut = self.window_pages(cursor, window).await? {
            return Ok(());
        }
        let Some(mut window) = self.position.window.clone() else { return Ok(()) };
        let mut count = self.window_count(cursor, &window).await?;
        if count > window.delivered {
            // Rows may have become visible while the window was read: once more, all of it.
            tracing::debug!(object = self.object.name, count, window.delivered, "reading again");
            window = Window::new(window.from, window.to);
            self.position.window = Some(window.clone());
            if let Outcome::Cut = self.window_pages(cursor, window).await? {
                return Ok(());
            }
            window = match self.position.window.clone() {
                Some(window) => window,
                None => return Ok(()),
            };
            count = self.window_count(cursor, &window).await?;
        }
        let counted = SourceCount {
            from: window.from.map(soql::instant),
            to: Some(soql::instant(window.to)),
            rows: count,
            delivered: window.delivered,
        };
        self.outlet.send(Event::Counted(counted)).await?;
        self.position.window = None;
        self.moved = true;
        if count > window.delivered {
            // `until` still is where the window began: the next run reads it again.
            return Err(self.lost(&window, count));
        }
        self.position.until = Some(window.to);
        self.span = self.span.map(|span| span * 2);
        self.checkpoint_if_due().await
    }

    /// The pages of the open window from where it stands.
    async fn window_pages(&mut self, cursor: &str, window: Window) -> Result<Outcome> {
        let is_resumed = matches!(window.at, Progress::Job { .. });
        match self.pages_of(cursor, window).await {
            Ok(outcome) => Ok(outcome),
            Err(error) => match code_of(&error) {
                Some(Code::TooMuch) => match self.cut(cursor).await? {
                    true => Ok(Outcome::Cut),
                    false => Err(error),
                },
                // A job that is gone, or failed since it was begun, cannot be gone on with.
                Some(Code::NotFound | Code::JobEnded) => {
                    let is_anew = is_resumed && self.begin_anew();
                    if is_anew { Ok(Outcome::Cut) } else { Err(error) }
                }
                _ => Err(error),
            },
        }
    }

    /// Forgets how far the open window was read.
    fn begin_anew(&mut self) -> bool {
        let Some(window) = &mut self.position.window else { return false };
        *window = Window::new(window.from, window.to);
        self.moved = true;
        true
    }

    async fn pages_of(&mut self, cursor: &str, window: Window) -> Result<Outcome> {
        let conditions = soql::within(cursor, window.from, window.to);
        // What is begun goes on as it was begun; what is new is measured first.
        let rows = match window.at {
            Progress::Start => self.count(&conditions).await?,
            _ => 0,
        };
        if rows == 0 && window.at == Progress::Start {
            return Ok(Outcome::Read);
        }
        if rows > self.settings.bulk.window_rows && self.cut(cursor).await? {
            return Ok(Outcome::Cut);
        }
        let shape = Arc::new(Shape::rows(&self.object, None));
        let query = Query { object: self.object.name.clone(), shape, conditions };
        let settings = Arc::clone(&self.settings);
        let mut pages = Pages::open(&self.api, &settings.bulk, query, rows, &window.at).await?;
        if let Some(job) = pages.job() {
            self.advance(job, 0);
            if window.at == Progress::Start {
                // A job is work of minutes: a killed run goes on waiting for the same one.
                self.checkpoint().await?;
            }
            if let Err(error) = pages.ready(&settings.bulk).await {
                // Whatever ended it, the next run needs a new one.
                if code_of(&error) == Some(Code::JobEnded) {
                    self.begin_anew();
                }
                return Err(error);
            }
        }
        while let Some(page) = pages.next().await? {
            let records = page.decoded.records;
            self.send_rows(page.decoded).await?;
            self.advance(page.progress, records);
            self.checkpoint_if_due().await?;
        }
        pages.close().await;
        Ok(Outcome::Read)
    }

    fn advance(&mut self, progress: Progress, records: u64) {
        if let Some(window) = &mut self.position.window {
            window.at = progress;
            window.delivered += records;
            self.moved = true;
        }
    }

    /// Halves what is left of the open window; `false` when it is too small for that.
    async fn cut(&mut self, cursor: &str) -> Result<bool> {
        let Some(window) = self.position.window.clone() else { return Ok(false) };
        let read = match &window.at {
            Progress::Record(place) => soql::read_instant(&place.stamp),
            _ => None,
        };
        let low = match read.or(window.from) {
            Some(low) => low,
            None => self.oldest(cursor).await,
        };
        let half = (window.to - low) / 2;
        if half < SMALLEST_WINDOW {
            return Ok(false);
        }
        // To whole seconds, as stamps are.
        let middle = low + TimeDelta::seconds(half.num_seconds());
        tracing::debug!(object = self.object.name, to = %middle, "the window is cut");
        self.span = Some(middle - low);
        self.position.window = Some(match window.at {
            Progress::Record(_) => Window { to: middle, ..window },
            _ => Window::new(window.from, middle),
        });
        self.moved = true;
        Ok(true)
    }

    /// A moment before the oldest record. Where that is too much to ask, before all records.
    async fn oldest(&self, cursor: &str) -> DateTime<Utc> {
        let order = Order::Stamp(cursor.to_owned());
        let query = soql::select(&["Id", cursor], &self.object.name, &[], Some(&order));
        let records = self.api.records(&format!("{query} LIMIT 1")).await.unwrap_or_default();
        let stamp = records.first().and_then(|record| record.get(cursor)?.as_str());
        stamp
            .and_then(soql::read_instant)
            .or_else(|| soql::read_instant(BEFORE_SALESFORCE))
            .unwrap_or_default()
            - SMALLEST_WINDOW
    }

    async fn window_count(&self, cursor: &str, window: &Window) -> Result<u64> {
        self.count(&soql::within(cursor, window.from, window.to)).await
    }

    /// The error for rows that Salesforce counts and does not give.
    fn lost(&self, window: &Window, count: u64) -> Error {
        Error::new(
            ErrorKind::CheckFailed,
            format!("`{}` did not give all rows that Salesforce counts", self.object.name),
        )
        .with("expected", format!("{count} rows"))
        .with("found", format!("{} rows, twice", window.delivered))
        .with("window", format!("up to {}", soql::instant(window.to)))
        .with_state("the rows that came are landed; the cursor is back at the window's beginning")
        .with_hint("run again: the window is read once more")
        .with_retryable(true)
    }
}
