//! Which records belong to which: the associations from one object type to another.
//!
//! First those of all records are read, in pages that can be continued. From then on windows give
//! the changed records, whose associations are read anew. But an edit of an association does not
//! reliably change the record, and a removed one leaves no trace: so on a schedule all are read
//! once more as a snapshot, and what it does not deliver is gone.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use salesmart_core::stream::StreamSpec;
use salesmart_core::{ColumnType, Cursor, Error, ErrorKind, Result, StreamName};
use salesmart_extract::Event;
use salesmart_extract::columns::Rows;
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use super::super::decode::{BatchError, Pages, told};
use super::super::feed::Feed;
use super::super::properties::{ObjectType, column, stream};
use super::super::state::{Listing, ObjectState, Tally, Window};
use super::Context;
use super::exact::Wanted;
use super::objects::{CAPACITY, is_expired, list_page};
use super::windows::{search, search_call, sorted, stuck};

/// The most records whose associations one call gives.
const MOST: usize = 1_000;

/// The stream of associations between two object types.
pub(in crate::hubspot) fn spec(name: StreamName) -> StreamSpec {
    let columns = vec![
        column("from_id", ColumnType::String),
        column("to_id", ColumnType::String),
        column("type_id", ColumnType::String),
        column("category", ColumnType::String),
        column("label", ColumnType::String),
    ];
    stream(name, columns, &["from_id", "to_id", "type_id"])
}

/// The reading of one stream.
struct Reading<'a> {
    context: &'a Context,
    from: &'a ObjectType,
    to: &'a ObjectType,
    rows: Rows,
    feed: Feed,
    state: ObjectState,
}

/// Reads it from the cursor up to the bound.
pub(super) async fn read(
    context: &Context,
    from: &ObjectType,
    to: &ObjectType,
    spec: StreamSpec,
    cursor: Option<Cursor>,
    feed: Feed,
) -> Result<()> {
    let state = match &cursor {
        Some(cursor) => cursor.decode()?,
        None => ObjectState::default(),
    };
    let rows = Rows::new(&spec, CAPACITY);
    let mut reading = Reading { context, from, to, rows, feed, state };
    let outcome = reading.walk().await;
    match outcome {
        Err(error) if error.kind() != ErrorKind::QuotaExhausted => Err(error),
        outcome => {
            reading.flush().await?;
            reading.feed.checkpoint(&reading.state).await?;
            outcome
        }
    }
}

impl Reading<'_> {
    async fn walk(&mut self) -> Result<()> {
        if self.state.read_to.is_none() && self.state.listing.is_none() {
            self.state.listing = Some(Listing {
                after: None,
                to: self.context.to,
                tally: Tally::default(),
                again: false,
            });
        }
        if let Some(listing) = self.state.listing.clone() {
            self.list(true).await?;
            self.state.listing = None;
            self.state.read_to = Some(listing.to);
            self.state.swept_at = Some(self.context.now);
            self.feed.learned();
        }
        let every = self.context.config.sweep_every.as_delta();
        if self.context.is_due(self.state.swept_at, every) {
            return self.sweep().await;
        }
        self.windows().await
    }

    /// Everything once more: what does not come is gone.
    async fn sweep(&mut self) -> Result<()> {
        self.flush().await?;
        self.feed.send(Event::SnapshotBegins).await?;
        self.list(false).await?;
        self.flush().await?;
        self.feed.send(Event::SnapshotEnds).await?;
        // All windows are in it.
        self.state.window = None;
        self.state.read_to = Some(self.context.to);
        self.state.swept_at = Some(self.context.now);
        Ok(())
    }

    /// The associations of all records. `keeps` remembers the position, so that the next run goes
    /// on from there.
    async fn list(&mut self, keeps: bool) -> Result<()> {
        let wanted = Wanted { object: self.from, properties: &[], history: &[] };
        let pages = Pages::new::<&str>(&[]);
        let mut after = self.state.listing.as_ref().and_then(|listing| listing.after.clone());
        let mut last_id = 0;
        let mut restarts = 0;
        let mut waiting = Vec::new();
        loop {
            let (to, position) = (self.context.to, after.as_deref());
            match list_page(&self.feed, wanted, &pages, false, position, to, &mut |_| {}).await {
                Ok(seen) => {
                    // In a snapshot nothing may come twice, though pages may repeat records.
                    let ids = sorted(&seen.ids);
                    waiting.extend(ids.iter().copied().filter(|id| *id > last_id));
                    last_id = ids.last().map_or(last_id, |id| last_id.max(*id));
                    after = seen.after;
                }
                Err(denied) if is_expired(&denied, after.is_some(), restarts) => {
                    restarts += 1;
                    after = None;
                    // Within one reading those that came before are passed over by their ids.
                    continue;
                }
                Err(denied) => return Err(denied.into()),
            }
            if waiting.len() >= self.feed.api.page(MOST) || after.is_none() {
                self.associations(&waiting).await?;
                waiting.clear();
                if let Some(listing) = self.state.listing.as_mut().filter(|_| keeps) {
                    listing.after.clone_from(&after);
                    self.feed.learned();
                }
                self.tidy().await?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// The associations of changed records.
    async fn windows(&mut self) -> Result<()> {
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

    async fn window(&mut self) -> Result<()> {
        let pages = Pages::new::<&str>(&[]);
        while let Some(window) = self.state.window.clone() {
            let above = window.tally.last_id;
            let limit = self.feed.api.page(200);
            let call = search_call(self.from, Some(window.from), window.to, above, &[], limit);
            let found = search(&self.feed.api, self.from, &call, &pages, &mut |_| {}).await?;
            let ids = sorted(&found.ids);
            self.associations(&ids).await?;
            let mut tally = window.tally.clone();
            tally.page(found.ids);
            let stands_still = tally.last_id == above;
            let to = window.to;
            self.state.window = Some(Window { tally, ..window });
            self.feed.learned();
            if found.is_last {
                self.state.window = None;
                self.state.read_to = Some(to);
            } else if stands_still {
                return Err(stuck(self.from));
            }
            self.tidy().await?;
        }
        Ok(())
    }

    /// Reads the associations of some records, however many each one has.
    async fn associations(&mut self, ids: &[u64]) -> Result<()> {
        for ids in ids.chunks(self.feed.api.page(MOST)) {
            let mut inputs: Vec<(u64, Option<String>)> = ids.iter().map(|id| (*id, None)).collect();
            while !inputs.is_empty() {
                let (from, to) = (&self.from.path, &self.to.path);
                let scope = &self.from.name;
                let body = self.feed.api.associations(from, to, scope, &inputs).await?;
                let reply: Reply<'_> =
                    serde_json::from_slice(&body.bytes).map_err(|error| body.unreadable(&error))?;
                refuse(&body.label, reply.errors)?;
                inputs = self.put(&reply.results);
                if Feed::is_full(&self.rows) {
                    self.flush().await?;
                }
            }
        }
        Ok(())
    }

    /// Puts associations into rows; gives the records that have more, and where to go on.
    fn put(&mut self, results: &[Of<'_>]) -> Vec<(u64, Option<String>)> {
        let mut more = Vec::new();
        for of in results {
            let from_id = &*of.from.id.0;
            let mut came = BTreeSet::new();
            for to in &of.to {
                let to_id = &*to.to_object_id.0;
                for kind in &to.association_types {
                    if !came.insert((to_id, kind.type_id)) {
                        continue;
                    }
                    self.rows.text(0, from_id);
                    self.rows.text(1, to_id);
                    self.rows.text(2, &kind.type_id.to_string());
                    for (place, text) in [(3, &kind.category), (4, &kind.label)] {
                        match text {
                            Some(text) => self.rows.text_or_null(place, text),
                            None => self.rows.null(place),
                        }
                    }
                    let position = format!("{}/{from_id}/{}/{to_id}", self.from.name, self.to.name);
                    self.rows.end_row(&position, || position.clone());
                }
            }
            let next = of.paging.as_ref().and_then(|paging| paging.next.as_ref());
            if let (Some(next), Ok(id)) = (next, from_id.parse()) {
                more.push((id, Some(next.after.clone())));
            }
        }
        more
    }

    async fn flush(&mut self) -> Result<()> {
        self.feed.batch(&mut self.rows, Event::Rows).await
    }

    async fn tidy(&mut self) -> Result<()> {
        if self.feed.is_due() {
            self.flush().await?;
            self.feed.checkpoint(&self.state).await?;
        }
        Ok(())
    }
}

/// Records without associations, and such as are gone, are no failure; all else is.
fn refuse(label: &str, errors: Vec<BatchError>) -> Result<()> {
    let harmless = |category: &str| {
        category.contains("NO_ASSOCIATIONS_FOUND") || category.contains("NOT_FOUND")
    };
    let mut problems = errors.into_iter().map(told);
    match problems.find(|(category, _)| !harmless(category)) {
        None => Ok(()),
        Some((category, message)) => Err(Error::new(
            ErrorKind::SourceUnavailable,
            format!("{label} could not read the associations of some records"),
        )
        .with("category", category)
        .with("answer", message.chars().take(300).collect::<String>())
        .with_hint("run again later; the cursor stays where it is")),
    }
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    results: Vec<Of<'a>>,
    #[serde(default)]
    errors: Vec<BatchError>,
}

#[derive(Deserialize)]
struct Of<'a> {
    #[serde(borrow)]
    from: From<'a>,
    #[serde(borrow, default)]
    to: Vec<To<'a>>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct From<'a> {
    #[serde(borrow)]
    id: Id<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct To<'a> {
    #[serde(borrow)]
    to_object_id: Id<'a>,
    #[serde(borrow, default)]
    association_types: Vec<Kind<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind<'a> {
    #[serde(borrow, default)]
    category: Option<Cow<'a, str>>,
    type_id: i64,
    #[serde(borrow, default)]
    label: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Paging {
    next: Option<Next>,
}

#[derive(Deserialize)]
struct Next {
    after: String,
}

/// An id, which is a text today and was a number once.
struct Id<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Id<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;

        impl<'de> Visitor<'de> for IdVisitor {
            type Value = Id<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Id<'de>, E> {
                Ok(Id(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Id<'de>, E> {
                Ok(Id(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Id<'de>, E> {
                Ok(Id(Cow::Owned(number.to_string())))
            }
        }

        deserializer.deserialize_any(IdVisitor)
    }
}
