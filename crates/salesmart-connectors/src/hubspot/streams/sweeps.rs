//! What no modification date tells, looked at on a schedule: archived records, new properties,
//! calculated properties, and which records there are at all.

use std::collections::BTreeSet;

use salesmart_core::stream::StreamSpec;
use salesmart_core::{Column, Result};
use salesmart_extract::Event;
use salesmart_extract::columns::Rows;

use super::super::decode::{Pages, Record};
use super::super::feed::Feed;
use super::super::properties::{ARCHIVED, ARCHIVED_AT, ID};
use super::super::sink::Sink;
use super::super::state::{Sweep, Swept};
use super::exact::{Wanted, exact};
use super::objects::{CAPACITY, Reading, is_expired, is_newer, key_column, list_page};

impl Reading<'_> {
    /// Finishes the sweep that a run before began, and does those that are due.
    pub(super) async fn sweeps(&mut self, columns: &[String]) -> Result<()> {
        if self.state.sweep.is_some() {
            self.sweep().await?;
        }
        let new: Vec<String> =
            columns.iter().filter(|name| !self.state.columns.contains(name)).cloned().collect();
        let has_new = !new.is_empty() && !self.sink.is_history();
        if has_new {
            self.start(Swept::New(new)).await?;
        }
        let config = &self.context.config;
        let every = (
            config.sweep_every.as_delta(),
            config.calculated_every.as_delta(),
            config.census_every.as_delta(),
        );
        let has_census = !self.sink.is_history();
        let census_is_due = has_census && self.context.is_due(self.state.census_at, every.2);
        if self.context.is_due(self.state.swept_at, every.0) {
            self.start(Swept::Archived).await?;
        }
        if has_census && self.context.is_due(self.state.calculated_at, every.1) {
            self.start(Swept::Calculated).await?;
        }
        if census_is_due {
            self.census().await?;
        }
        Ok(())
    }

    async fn start(&mut self, what: Swept) -> Result<()> {
        self.state.sweep = Some(Sweep { what, after: None });
        self.feed.learned();
        self.sweep().await
    }

    /// Reads what is left of the sweep that is on.
    async fn sweep(&mut self) -> Result<()> {
        let Some(Sweep { what, .. }) = self.state.sweep.clone() else { return Ok(()) };
        match &what {
            Swept::Archived => self.sweep_archived().await?,
            Swept::New(columns) => self.patch(columns.clone()).await?,
            Swept::Calculated => {
                let mut columns: Vec<String> = self.object.silent.iter().cloned().collect();
                // A record that was restored may not look modified.
                columns.extend([ARCHIVED.to_owned(), ARCHIVED_AT.to_owned()]);
                self.patch(columns).await?;
            }
        }
        self.state.sweep = None;
        match what {
            Swept::Archived => self.state.swept_at = Some(self.context.now),
            Swept::Calculated => self.state.calculated_at = Some(self.context.now),
            Swept::New(columns) => {
                self.state.columns.extend(columns);
                // Archived records have them too.
                self.state.swept_at = None;
            }
        }
        self.feed.learned();
        Ok(())
    }

    /// All archived records, as rows.
    async fn sweep_archived(&mut self) -> Result<()> {
        let mut restarts = 0;
        while let Some(sweep) = self.state.sweep.clone() {
            let seen = match self.page(true, sweep.after.as_deref(), self.context.to).await {
                Ok(seen) => seen,
                Err(denied) if is_expired(&denied, sweep.after.is_some(), restarts) => {
                    restarts += 1;
                    self.state.sweep = Some(Sweep { after: None, ..sweep });
                    continue;
                }
                Err(denied) => return Err(denied.into()),
            };
            self.feed.learned();
            let is_last = seen.after.is_none();
            self.state.sweep = Some(Sweep { after: seen.after, ..sweep });
            if is_last {
                break;
            }
            self.tidy().await?;
        }
        self.flush().await
    }

    /// The values of some columns of all live records. Those that were modified after the bound
    /// come as whole rows with the next window, so they are left out.
    async fn patch(&mut self, columns: Vec<String>) -> Result<()> {
        self.flush().await?;
        let is_wanted = |column: &&Column| column.name == ID || columns.contains(&column.name);
        let spec = StreamSpec {
            columns: self.spec.columns.iter().filter(is_wanted).cloned().collect(),
            ..self.spec.clone()
        };
        if spec.columns.len() < 2 {
            // What a run before began to read was taken away since.
            return Ok(());
        }
        let mut sink = Sink::whole(&spec, &self.object.name, CAPACITY);
        let names = sink.pages.names.clone();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let wanted = Wanted { object: self.object, properties: &names, history: &[] };
        let to = self.context.to;
        let mut restarts = 0;
        let mut outcome = Ok(());
        while let Some(sweep) = self.state.sweep.clone() {
            let (pages, mut putting) = sink.split();
            let after = sweep.after.as_deref();
            let mut put = |record: &Record<'_>| {
                if !is_newer(record, to) {
                    putting.put(record);
                }
            };
            match list_page(&self.feed, wanted, pages, false, after, to, &mut put).await {
                Ok(seen) => {
                    let is_last = seen.after.is_none();
                    self.state.sweep = Some(Sweep { after: seen.after, ..sweep });
                    self.feed.learned();
                    if is_last {
                        break;
                    }
                }
                Err(denied) if is_expired(&denied, after.is_some(), restarts) => {
                    restarts += 1;
                    self.state.sweep = Some(Sweep { after: None, ..sweep });
                }
                Err(denied) => {
                    // What was patched so far is worth keeping when the day's requests are used up.
                    outcome = Err(denied.into());
                    break;
                }
            }
            if self.feed.is_due() || Feed::is_full(&sink.rows) {
                self.feed.batch(&mut sink.rows, Event::Patch).await?;
            }
            if self.feed.is_due() {
                self.feed.checkpoint(&self.state).await?;
            }
        }
        self.feed.batch(&mut sink.rows, Event::Patch).await?;
        outcome
    }

    /// The ids of all records, live and archived. Those that are not among them are gone: merged
    /// into another, purged from the archive, or deleted for good.
    ///
    /// Records modified after the bound may not have been delivered yet, and archived ones may have
    /// come and gone between two windows: they are delivered here, before their ids are told.
    async fn census(&mut self) -> Result<()> {
        let to = self.context.to;
        let wanted = Wanted { object: self.object, properties: &[], history: &[] };
        let no_pages = Pages::new::<&str>(&[]);
        let mut ids = BTreeSet::new();
        let mut newer = BTreeSet::new();
        let (mut after, mut restarts) = (None, 0);
        loop {
            let position = after.as_deref();
            match list_page(&self.feed, wanted, &no_pages, false, position, to, &mut |_| {}).await {
                Ok(seen) => {
                    for (id, is_newer) in seen.ids {
                        ids.insert(id);
                        if is_newer {
                            newer.insert(id);
                        }
                    }
                    after = seen.after;
                }
                Err(denied) if is_expired(&denied, after.is_some(), restarts) => {
                    restarts += 1;
                    after = None;
                    continue;
                }
                Err(denied) => return Err(denied.into()),
            }
            if after.is_none() {
                break;
            }
        }
        let newer: Vec<u64> = newer.into_iter().collect();
        for id in self.deliver(&newer).await? {
            ids.remove(&id);
        }
        ids.extend(self.deliver_archived().await?);
        self.flush().await?;
        self.feed.send(Event::CensusBegins).await?;
        let mut keys = Rows::without_position(&[key_column()], CAPACITY);
        for id in ids {
            keys.text(0, &id.to_string());
            keys.end_row("", String::new);
            if Feed::is_full(&keys) {
                self.feed.batch(&mut keys, Event::Census).await?;
            }
        }
        self.feed.batch(&mut keys, Event::Census).await?;
        self.feed.send(Event::CensusEnds).await?;
        self.state.census_at = Some(self.context.now);
        self.feed.learned();
        Ok(())
    }

    /// Records by id as rows; the ids that are gone.
    async fn deliver(&mut self, ids: &[u64]) -> Result<Vec<u64>> {
        let names = self.sink.pages.names.clone();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let wanted = Wanted { object: self.object, properties: &names, history: &[] };
        let api = self.feed.api.clone();
        let (pages, mut putting) = self.sink.split();
        exact(&api, wanted, pages, ids, &mut |record| putting.put(record)).await
    }

    /// All archived records as rows, and their ids.
    async fn deliver_archived(&mut self) -> Result<Vec<u64>> {
        let mut ids = Vec::new();
        let (mut after, mut restarts) = (None, 0);
        loop {
            match self.page(true, after.as_deref(), self.context.to).await {
                Ok(seen) => {
                    ids.extend(seen.ids.into_iter().map(|(id, _)| id));
                    after = seen.after;
                }
                Err(denied) if is_expired(&denied, after.is_some(), restarts) => {
                    restarts += 1;
                    after = None;
                    continue;
                }
                Err(denied) => return Err(denied.into()),
            }
            if Feed::is_full(&self.sink.rows) {
                self.flush().await?;
            }
            if after.is_none() {
                return Ok(ids);
            }
        }
    }
}
