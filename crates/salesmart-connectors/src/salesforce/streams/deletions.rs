//! What is gone. Records in the bin and merged ones come as rows that say so (`IsDeleted`). What
//! left the bin between two runs is in Salesforce's log of deletions, which reaches back two weeks;
//! what left in any other way is missing from a list of all ids.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use salesmart_core::{Column, ColumnType, Result};
use salesmart_extract::Event;
use salesmart_extract::columns::Rows;

use super::Reader;
use super::pages::{Pages, Query};
use crate::salesforce::client::{Code, code_of};
use crate::salesforce::decode::Shape;
use crate::salesforce::position::Progress;
use crate::salesforce::soql;

/// How far back the log may be asked; Salesforce says 15 days.
const REACH: TimeDelta = TimeDelta::days(15);
/// The log wants spans of more than a minute.
const SHORTEST: TimeDelta = TimeDelta::seconds(61);
/// More deletions than this are cheaper to find by a list of all ids.
const MOST_LOOKUPS: usize = 5_000;
/// How many ids one query names.
const IDS_A_QUERY: usize = 200;

/// What the log had to say.
enum Log {
    /// These ids, and everything up to an instant is covered.
    Ids(Vec<String>, DateTime<Utc>),
    /// It does not know.
    Unknown,
}

impl Reader {
    /// Sends what is gone since the last run.
    pub(super) async fn deletions(&mut self, cursor: &str) -> Result<()> {
        if self.object.accumulates {
            return Ok(());
        }
        let bound = self.bound;
        let every = self.settings.sweep_every.as_delta();
        let mut is_due = self.position.census_at.is_none_or(|at| bound - at >= every);
        if self.object.has_deletions && !is_due {
            match self.log().await? {
                Some(Log::Ids(ids, covered)) => {
                    self.purged(ids).await?;
                    self.moved |= self.position.deletions_until != Some(covered);
                    self.position.deletions_until = Some(covered);
                }
                Some(Log::Unknown) => is_due = true,
                None => {}
            }
        }
        if is_due && self.census(cursor).await? {
            self.position.census_at = Some(bound);
            self.position.deletions_until = Some(bound);
            self.moved = true;
        }
        Ok(())
    }

    /// Asks the log; nothing when there is no span to ask for.
    async fn log(&self) -> Result<Option<Log>> {
        let end = self.bound;
        let Some(start) = self.position.deletions_until else { return Ok(Some(Log::Unknown)) };
        if end - start < SHORTEST {
            return Ok(None);
        }
        if end - start >= REACH {
            return Ok(Some(Log::Unknown));
        }
        match self.api.deleted(&self.object.name, start, end).await {
            Ok(log) if log.earliest.is_some_and(|earliest| earliest > start) => {
                tracing::debug!(object = self.object.name, "the log of deletions was purged");
                Ok(Some(Log::Unknown))
            }
            Ok(log) if log.ids.len() > MOST_LOOKUPS => Ok(Some(Log::Unknown)),
            // What is covered may end before what was asked for: the next run asks from there.
            Ok(log) => Ok(Some(Log::Ids(log.ids, log.covered.unwrap_or(start).min(end)))),
            Err(error) if code_of(&error) == Some(Code::DeletionsUnknown) => Ok(Some(Log::Unknown)),
            Err(error) => Err(error),
        }
    }

    /// Sends those of the deleted ids that are not even in the bin any more. Those in the bin have
    /// their row, which says so and, after a merge, where the record went.
    async fn purged(&mut self, mut ids: Vec<String>) -> Result<()> {
        ids.sort();
        ids.dedup();
        let id = Column { name: "id".to_owned(), column_type: ColumnType::String };
        for ids in ids.chunks(IDS_A_QUERY) {
            let conditions = [soql::any_of("Id", ids.iter().map(String::as_str))];
            let query = soql::select(&["Id"], &self.object.name, &conditions, None);
            let records = self.api.records(&query).await?;
            let kept: Vec<&str> =
                records.iter().filter_map(|record| record.get("Id")?.as_str()).collect();
            let mut rows = Rows::of(std::slice::from_ref(&id), ids.len());
            for gone in ids.iter().filter(|id| !kept.contains(&id.as_str())) {
                rows.text(0, gone);
                rows.end_row(&format!("{}/{gone}", self.object.name), || gone.clone());
            }
            if let (Some(batch), _) = rows.take() {
                self.sent += 1;
                self.outlet.send(Event::Deleted(batch)).await?;
            }
        }
        Ok(())
    }

    /// Lists all ids; `false` when the object does not allow it.
    ///
    /// The list is of the records that were there at `until`: those that were created before.
    /// Such a record may have changed since, so that no window had it yet, or have become visible
    /// late: so what changed about then or later comes first, as rows.
    async fn census(&mut self, cursor: &str) -> Result<bool> {
        let Some(until) = self.position.until else { return Ok(false) };
        if !self.object.has("CreatedDate") {
            tracing::debug!(object = self.object.name, "no census: it has no `CreatedDate`");
            return Ok(false);
        }
        let created = format!("CreatedDate <= {}", soql::instant(until));
        let since = until - self.settings.overlap.as_delta();
        let changed = format!("{cursor} > {}", soql::instant(since));
        let tail = vec![changed, created.clone()];
        self.list(Shape::rows(&self.object, None), tail, false).await?;
        if self.sent > 0 {
            // What was read is not to be lost with a list that fails.
            self.checkpoint().await?;
        }
        self.listing = true;
        self.outlet.send(Event::CensusBegins).await?;
        self.list(Shape::census(&self.object), vec![created], true).await?;
        self.outlet.send(Event::CensusEnds).await?;
        self.listing = false;
        Ok(true)
    }

    async fn list(&mut self, shape: Shape, conditions: Vec<String>, is_census: bool) -> Result<()> {
        let rows = self.count(&conditions).await?;
        if rows == 0 {
            return Ok(());
        }
        let query = Query { object: self.object.name.clone(), shape: Arc::new(shape), conditions };
        let settings = Arc::clone(&self.settings);
        let bulk = &settings.bulk;
        let mut pages = Pages::open(&self.api, bulk, query, rows, &Progress::Start).await?;
        pages.ready(bulk).await?;
        while let Some(page) = pages.next().await? {
            if !is_census {
                self.send_rows(page.decoded).await?;
                continue;
            }
            self.sent += 1;
            for batch in page.decoded.batches {
                self.outlet.send(Event::Census(batch)).await?;
            }
        }
        pages.close().await;
        Ok(())
    }
}
