//! The records of an object type, or the history of their properties.
//!
//! First all records are listed, page after page, from any page on again. From then on windows of
//! modification are read (`windows.rs`). What modification dates do not tell (archiving, restoring,
//! merging, calculated values, new properties) is swept on a schedule (`sweeps.rs`).

use salesmart_core::stream::{SourceCount, StreamSpec};
use salesmart_core::{ColumnType, Cursor, Error, ErrorKind, Result, StreamName};
use salesmart_extract::Event;

use super::super::client::ListCall;
use super::super::decode::Record;
use super::super::dialect::Denied;
use super::super::feed::Feed;
use super::super::properties::{ID, ObjectType, column, property_of, stream};
use super::super::sink::{HISTORY, Sink};
use super::super::state::{Listing, ObjectState, Tally};
use super::Context;
use super::exact::{Wanted, batches};

/// Rows that a sink makes room for at once.
pub(super) const CAPACITY: usize = 1_024;
/// How often a listing may begin anew because its position is not taken any more.
const RESTARTS: u32 = 10;

/// The reading of one object type.
pub(super) struct Reading<'a> {
    pub(super) context: &'a Context,
    pub(super) object: &'a ObjectType,
    /// Properties with history, if it is about that.
    pub(super) history: Vec<&'a str>,
    pub(super) spec: StreamSpec,
    /// Whole rows on their way.
    pub(super) sink: Sink,
    pub(super) feed: Feed,
    pub(super) state: ObjectState,
}

/// A page of a listing: its ids, whether each was modified after the bound, and where the next
/// page begins.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) ids: Vec<(u64, bool)>,
    pub(super) after: Option<String>,
}

/// The stream of former values.
pub(in crate::hubspot) fn history_spec(name: StreamName) -> StreamSpec {
    let columns = HISTORY
        .iter()
        .map(|&name| match name {
            "timestamp" => column(name, ColumnType::Timestamp),
            _ => column(name, ColumnType::String),
        })
        .collect();
    stream(name, columns, &HISTORY[..3])
}

/// Reads it from the cursor up to the bound.
pub(super) async fn read(
    context: &Context,
    object: &ObjectType,
    history: Option<&[String]>,
    spec: StreamSpec,
    cursor: Option<Cursor>,
    feed: Feed,
) -> Result<()> {
    let state = match &cursor {
        Some(cursor) => cursor.decode()?,
        None => ObjectState::default(),
    };
    let sink = match history {
        Some(_) => Sink::history(&spec, &object.name, CAPACITY),
        None => Sink::whole(&spec, &object.name, CAPACITY),
    };
    let history = history.unwrap_or_default().iter().map(String::as_str).collect();
    let mut reading = Reading { context, object, history, spec, sink, feed, state };
    let outcome = reading.walk().await;
    reading.end(outcome).await
}

impl Reading<'_> {
    async fn walk(&mut self) -> Result<()> {
        let columns = self.columns();
        self.begin(&columns);
        if self.state.listing.is_some() {
            self.list().await?;
        }
        self.windows().await?;
        self.sweeps(&columns).await?;
        if self.state.columns != columns {
            self.state.columns = columns;
            self.feed.learned();
        }
        Ok(())
    }

    /// Ends the reading. When the day's requests are used up, what was done is kept.
    async fn end(mut self, outcome: Result<()>) -> Result<()> {
        match outcome {
            Err(error) if error.kind() != ErrorKind::QuotaExhausted => Err(error),
            outcome => {
                self.flush().await?;
                self.feed.checkpoint(&self.state).await?;
                outcome
            }
        }
    }

    /// What every landed row is to be read with: columns of rows, or properties of history.
    fn columns(&self) -> Vec<String> {
        if self.sink.is_history() {
            return self.history.iter().map(|&name| name.to_owned()).collect();
        }
        let columns = self.spec.columns.iter().map(|column| column.name.clone());
        columns.filter(|name| property_of(name).is_some()).collect()
    }

    /// A first reading begins with a listing, and so does the history of a property that had none.
    fn begin(&mut self, columns: &[String]) {
        let is_fresh = self.state.read_to.is_none() && self.state.listing.is_none();
        let has_new = columns.iter().any(|name| !self.state.columns.contains(name));
        let lists_again =
            self.sink.is_history() && has_new && self.state.listing.is_none() && !is_fresh;
        if is_fresh || lists_again {
            self.state = ObjectState {
                listing: Some(Listing {
                    after: None,
                    to: self.context.to,
                    tally: Tally::default(),
                    again: false,
                }),
                columns: columns.to_vec(),
                // A listing has all ids and all calculated values.
                calculated_at: Some(self.context.now),
                census_at: Some(self.context.now),
                ..ObjectState::default()
            };
        }
    }

    /// Reads what is left of the first listing.
    async fn list(&mut self) -> Result<()> {
        let mut restarts = 0;
        while let Some(listing) = self.state.listing.clone() {
            let mut seen = match self.page(false, listing.after.as_deref(), listing.to).await {
                Ok(seen) => seen,
                Err(denied) if is_expired(&denied, listing.after.is_some(), restarts) => {
                    tracing::info!(object = self.object.name, "the list's position expired");
                    restarts += 1;
                    self.state.listing =
                        Some(Listing { after: None, tally: Tally::default(), ..listing });
                    continue;
                }
                Err(denied) => return Err(denied.into()),
            };
            let after = seen.after.take();
            let is_last = after.is_none();
            let mut tally = listing.tally.clone();
            tally.page(seen.ids);
            self.state.listing = Some(Listing { after, tally, ..listing });
            self.feed.learned();
            self.tidy().await?;
            if is_last {
                self.listed().await?;
            }
        }
        Ok(())
    }

    /// The last page came: compares what came with what HubSpot counts.
    async fn listed(&mut self) -> Result<()> {
        let Some(listing) = self.state.listing.clone() else { return Ok(()) };
        let counted = self.counted(None, listing.to, &listing.tally, None).await?;
        if listing.tally.missing(counted) == 0 {
            self.tell_count(None, listing.to, &listing.tally, counted).await?;
            self.state.read_to = Some(listing.to);
            self.state.listing = None;
            return Ok(());
        }
        if !listing.again {
            self.state.listing =
                Some(Listing { after: None, tally: Tally::default(), again: true, ..listing });
            return Ok(());
        }
        self.flush().await?;
        self.tell_count(None, listing.to, &listing.tally, counted).await?;
        self.state = ObjectState::default();
        self.feed.checkpoint(&self.state).await?;
        Err(self.lost(counted, &listing.tally))
    }

    /// Tells the count of a window. Records that moved on while it was read are in the source's
    /// count as long as its index has not noticed: they are known, so they count as ours.
    pub(super) async fn tell_count(
        &mut self,
        from: Option<chrono::DateTime<chrono::Utc>>,
        to: chrono::DateTime<chrono::Utc>,
        tally: &Tally,
        counted: u64,
    ) -> Result<()> {
        let rows = match tally.missing(counted) {
            0 => counted.min(tally.delivered),
            missing => tally.delivered + missing,
        };
        let text = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339();
        let count = SourceCount {
            from: from.map(text),
            to: Some(text(to)),
            rows,
            delivered: tally.delivered,
        };
        self.feed.send(Event::Counted(count)).await
    }

    pub(super) fn lost(&self, counted: u64, tally: &Tally) -> Error {
        Error::new(
            ErrorKind::CheckFailed,
            format!(
                "HubSpot counts {counted} of `{}` and delivers {}",
                self.object.name,
                tally.delivered + tally.newer
            ),
        )
        .with("missing", tally.missing(counted))
        .with_state("the cursor went back to where the window begins")
        .with_hint(
            "the next run reads the window again; if the numbers stay apart, raise `lag` and \
             `overlap`, or run with `--full-refresh`",
        )
    }

    /// Sends what the sink holds when it is enough, and makes a checkpoint when it is time.
    pub(super) async fn tidy(&mut self) -> Result<()> {
        let is_due = self.feed.is_due();
        if is_due || Feed::is_full(&self.sink.rows) {
            self.flush().await?;
        }
        if is_due {
            self.feed.checkpoint(&self.state).await?;
        }
        Ok(())
    }

    /// Sends what the sink holds.
    pub(super) async fn flush(&mut self) -> Result<()> {
        self.feed.rows(&mut self.sink).await
    }

    /// One page of live or archived records into the reading's own sink.
    pub(super) async fn page(
        &mut self,
        archived: bool,
        after: Option<&str>,
        to: chrono::DateTime<chrono::Utc>,
    ) -> Result<Seen, Denied> {
        let names: Vec<String> = self.sink.pages.names.clone();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let wanted = Wanted { object: self.object, properties: &names, history: &self.history };
        let (pages, mut putting) = self.sink.split();
        let mut put = |record: &Record<'_>| putting.put(record);
        list_page(&self.feed, wanted, pages, archived, after, to, &mut put).await
    }
}

/// One page of a list. Where the names of all properties make too long an address, the list gives
/// the ids and a batch the records: one call more, and no row is put together from two moments.
pub(super) async fn list_page(
    feed: &Feed,
    wanted: Wanted<'_>,
    pages: &super::super::decode::Pages,
    archived: bool,
    after: Option<&str>,
    to: chrono::DateTime<chrono::Utc>,
    each: &mut (dyn FnMut(&Record<'_>) + Send),
) -> Result<Seen, Denied> {
    let mut list = ListCall {
        path: &wanted.object.path,
        scope: &wanted.object.name,
        properties: wanted.properties,
        history: wanted.history,
        archived,
        after,
    };
    let fits = feed.api.fits(&list);
    let without = [ID_PROPERTY];
    if !fits || list.properties.is_empty() {
        list.properties = &without;
    }
    if !fits {
        list.history = &[];
    }
    let body = feed.api.list(&list).await?;
    let mut seen = Seen::default();
    let mut odd = None;
    let end = pages.read(&body, |record| {
        match record.number() {
            Some(id) => seen.ids.push((id, is_newer(record, to))),
            None => odd = Some(record.id.to_string()),
        }
        if fits {
            each(record);
        }
    })?;
    if let Some(id) = odd {
        return Err(odd_id(wanted.object, &id).into());
    }
    if !fits {
        let mut ids: Vec<u64> = seen.ids.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        // What went to the other place meanwhile is found there by the next window or sweep.
        batches(&feed.api, wanted, pages, &ids, archived, each).await?;
    }
    seen.after = end.after;
    Ok(seen)
}

/// The property that every record has; asked for where nothing else is wanted, since HubSpot gives
/// some properties of its own choice otherwise.
const ID_PROPERTY: &str = "hs_object_id";

/// Whether a record was modified after an instant. One that does not say when was not.
pub(super) fn is_newer(record: &Record<'_>, to: chrono::DateTime<chrono::Utc>) -> bool {
    record
        .updated_at
        .as_deref()
        .and_then(|text| salesmart_extract::columns::parse::timestamp(text).ok())
        .is_some_and(|micros| micros > to.timestamp_micros())
}

/// Whether a list call was refused because its position is not taken any more.
pub(super) fn is_expired(denied: &Denied, had_position: bool, restarts: u32) -> bool {
    matches!(denied.status, 400 | 404 | 410) && had_position && restarts < RESTARTS
}

pub(super) fn odd_id(object: &ObjectType, id: &str) -> Error {
    Error::new(
        ErrorKind::SchemaChanged,
        format!("a record of `{}` has the id `{id}`, which is no number", object.name),
    )
    .with_hint("HubSpot's ids are numbers; check that `base_url` is its API")
}

/// The key alone.
pub(super) fn key_column() -> salesmart_core::Column {
    column(ID, ColumnType::String)
}
