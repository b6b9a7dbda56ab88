//! Windows of modification: what changed between two instants, found by searching.
//!
//! A search gives at most 10,000 records, and a batch job of HubSpot's own may stamp many more with
//! one instant. So a page is never counted off: each one asks for the records of the same window
//! with ids above the last one, sorted by id. Every id comes once, however many share a stamp.

use std::time::Duration;

use chrono::{DateTime, Utc};
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_extract::Event;
use salesmart_extract::columns::Rows;

use super::super::client::SearchCall;
use super::super::decode::{Pages, Record};
use super::super::properties::ObjectType;
use super::super::state::{Tally, Window};
use super::exact::{Wanted, exact};
use super::objects::{Reading, is_newer, key_column, odd_id};

/// How long to wait before HubSpot is asked again for a count that its index has not settled.
const WAITS: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// One page of a search.
#[derive(Debug)]
pub(super) struct Found {
    /// Ids, and whether each was modified after the window.
    pub(super) ids: Vec<(u64, bool)>,
    /// How many the search found in all.
    pub(super) total: Option<u64>,
    /// Whether it was the last page.
    pub(super) is_last: bool,
}

impl Reading<'_> {
    /// Reads the window that a run before left, and the one from there to this run's bound.
    pub(super) async fn windows(&mut self) -> Result<()> {
        loop {
            if self.state.window.is_none() {
                let Some(read_to) = self.state.read_to else { return Ok(()) };
                if self.context.to <= read_to {
                    return Ok(());
                }
                self.state.window = Some(Window {
                    from: read_to - self.context.config.overlap.as_delta(),
                    to: self.context.to,
                    tally: Tally::default(),
                    again: false,
                });
            }
            self.window().await?;
        }
    }

    /// Reads what is left of a window.
    async fn window(&mut self) -> Result<()> {
        let mut total = None;
        while let Some(window) = self.state.window.clone() {
            let found = self.changed(&window).await?;
            if window.tally.last_id == 0 {
                total = found.total;
            }
            let mut tally = window.tally.clone();
            tally.page(found.ids);
            let stands_still = tally.last_id == window.tally.last_id;
            self.state.window = Some(Window { tally, ..window });
            self.feed.learned();
            self.tidy().await?;
            if found.is_last {
                return self.closed(total).await;
            }
            if stands_still {
                return Err(stuck(self.object));
            }
        }
        Ok(())
    }

    /// The last page came: compares what came with what HubSpot counts.
    async fn closed(&mut self, total: Option<u64>) -> Result<()> {
        let Some(window) = self.state.window.clone() else { return Ok(()) };
        let counted = self.counted(Some(window.from), window.to, &window.tally, total).await?;
        if window.tally.missing(counted) == 0 {
            self.tell_count(Some(window.from), window.to, &window.tally, counted).await?;
            self.state.read_to = Some(window.to);
            self.state.window = None;
            return Ok(());
        }
        if !window.again {
            self.state.window = Some(Window { tally: Tally::default(), again: true, ..window });
            return Ok(());
        }
        self.flush().await?;
        self.tell_count(Some(window.from), window.to, &window.tally, counted).await?;
        let lost = self.lost(counted, &window.tally);
        self.state.window = None;
        self.feed.checkpoint(&self.state).await?;
        Err(lost)
    }

    /// How many records HubSpot counts in a window. Its counts settle late, so one that is too
    /// large is asked for again for a while.
    pub(super) async fn counted(
        &mut self,
        from: Option<DateTime<Utc>>,
        to: DateTime<Utc>,
        tally: &Tally,
        told: Option<u64>,
    ) -> Result<u64> {
        let mut counted = match told {
            Some(told) => told,
            None => self.count(from, to).await?,
        };
        let mut patience = self.context.config.lag.as_std();
        for wait in WAITS {
            if tally.missing(counted) == 0 {
                break;
            }
            let Some(left) = patience.checked_sub(wait) else { break };
            patience = left;
            tokio::time::sleep(wait).await;
            counted = self.count(from, to).await?;
        }
        Ok(counted)
    }

    async fn count(&self, from: Option<DateTime<Utc>>, to: DateTime<Utc>) -> Result<u64> {
        let call = search_call(self.object, from, to, 0, &[], 1);
        let body = self.feed.api.search(&call).await?;
        let end = Pages::new::<&str>(&[]).read(&body, |_| {})?;
        end.total.ok_or_else(|| {
            let what = format!("{} does not say how many records it found", body.label);
            Error::new(ErrorKind::SchemaChanged, what)
                .with_hint("check that `base_url` is HubSpot's API")
        })
    }

    /// The next page of a window, its records in the sink.
    async fn changed(&mut self, window: &Window) -> Result<Found> {
        let names = self.sink.pages.names.clone();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let to = window.to;
        let rereads = self.context.config.reread || self.sink.is_history();
        let api = self.feed.api.clone();
        if !rereads {
            let limit = api.page(200);
            let above = window.tally.last_id;
            let call = search_call(self.object, Some(window.from), to, above, &names, limit);
            let (pages, mut putting) = self.sink.split();
            return search(&api, self.object, &call, pages, &mut |record| {
                if !is_newer(record, to) {
                    putting.put(record);
                }
            })
            .await;
        }
        let limit = api.page(200);
        let call =
            search_call(self.object, Some(window.from), to, window.tally.last_id, &[], limit);
        let mut found =
            search(&api, self.object, &call, &Pages::new::<&str>(&[]), &mut |_| {}).await?;
        let ids: Vec<u64> = sorted(&found.ids);
        let mut exact_ids = Vec::new();
        let wanted = Wanted { object: self.object, properties: &names, history: &self.history };
        let is_history = self.sink.is_history();
        let (pages, mut putting) = self.sink.split();
        let gone = exact(&api, wanted, pages, &ids, &mut |record| {
            // Former values only add up: a newer one does not make the older ones wrong.
            let is_newer = !is_history && is_newer(record, to);
            if let Some(id) = record.number() {
                exact_ids.push((id, is_newer));
            }
            if !is_newer {
                putting.put(record);
            }
        })
        .await?;
        exact_ids.retain(|(id, _)| ids.binary_search(id).is_ok());
        // What is gone was in the search's count; it is delivered as a deletion.
        exact_ids.extend(gone.iter().map(|id| (*id, false)));
        found.ids = exact_ids;
        if !is_history {
            self.delete(&gone).await?;
        }
        Ok(found)
    }

    /// Tells keys that are gone.
    async fn delete(&mut self, gone: &[u64]) -> Result<()> {
        if gone.is_empty() {
            return Ok(());
        }
        self.flush().await?;
        let mut rows = Rows::of(&[key_column()], gone.len());
        for id in gone {
            rows.text(0, &id.to_string());
            rows.end_row(&format!("{}/{id}", self.object.name), String::new);
        }
        self.feed.batch(&mut rows, Event::Deleted).await
    }
}

/// A search of an object type.
pub(super) fn search_call<'a>(
    object: &'a ObjectType,
    from: Option<DateTime<Utc>>,
    to: DateTime<Utc>,
    above: u64,
    properties: &'a [&'a str],
    limit: usize,
) -> SearchCall<'a> {
    SearchCall {
        path: &object.path,
        scope: &object.name,
        modified: object.modified,
        from,
        to,
        above,
        properties,
        limit,
    }
}

/// One page of a search. Ids that were asked for before are left out, in case a server does not
/// filter as it should.
pub(super) async fn search(
    api: &super::super::client::Api,
    object: &ObjectType,
    call: &SearchCall<'_>,
    pages: &Pages,
    each: &mut (dyn FnMut(&Record<'_>) + Send),
) -> Result<Found> {
    let body = api.search(call).await?;
    let mut ids = Vec::new();
    let mut odd = None;
    let end = pages.read(&body, |record| match record.number() {
        Some(id) => {
            ids.push((id, is_newer(record, call.to)));
            each(record);
        }
        None => odd = Some(record.id.to_string()),
    })?;
    match odd {
        Some(id) => Err(odd_id(object, &id)),
        None => Ok(Found { is_last: end.after.is_none() || ids.is_empty(), ids, total: end.total }),
    }
}

/// The ids alone, in order, each once.
pub(super) fn sorted(ids: &[(u64, bool)]) -> Vec<u64> {
    let mut ids: Vec<u64> = ids.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

pub(super) fn stuck(object: &ObjectType) -> Error {
    Error::new(
        ErrorKind::SourceUnavailable,
        format!("the search of `{}` gives the same records again and again", object.name),
    )
    .with_state("the cursor stays where it is")
    .with_hint("run again later; if it stays so, report it to HubSpot with the request above")
}
