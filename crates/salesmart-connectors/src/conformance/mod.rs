//! What every connector must do, whatever its source: one suite over the contract of
//! [`Connector`]. A connector's tests implement [`Account`] for a source they control (a folder, or
//! a server of `salesmart-simulator`) and call [`suite`].
//!
//! The suite looks at one stream. It folds what a reading sends into the state that the landing
//! would hold (`fold.rs`) and compares that with what the source says it has
//! ([`Account::live`]): so a connector may send rows twice, in any order and through any kind of
//! event, as long as the outcome is the source's. `behaviours.rs` holds the behaviours;
//! `troubles.rs` those of sources that fail.

mod behaviours;
mod fold;
mod troubles;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use salesmart_core::{Cursor, Error, Result, StreamName};
use salesmart_extract::{Connector, Event, ReadRequest, StreamSpec, channel};

pub(crate) use fold::{State, apply, assert_same};

/// One row as text, by column; null is `None`. Values read as the Arrow columns of the batches
/// print: `2026-09-30T12:00:00Z`, `12.50` in a decimal with two places, `true`.
pub(crate) type Row = BTreeMap<String, Option<String>>;

/// How much a source has at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// No record in the stream.
    Empty,
    /// One record (a world that cannot be that small takes its smallest).
    One,
    /// Enough for several pages of several rows, and few enough to be read fifty times.
    Several,
}

/// How the source is to be set up for one behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// How much it has.
    pub(crate) size: Size,
    /// Whether its pages hold one row each, as far as the source can be told so.
    pub(crate) pages_of_one: bool,
}

/// What can go wrong on the way. A source that cannot have a trouble says so in [`Account::make`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Everything works again.
    None,
    /// Some calls are answered with 429 and seconds to wait.
    Throttled,
    /// Some calls are answered with 429 and a date to wait for.
    ThrottledUntil,
    /// Some calls are answered with a 5xx and a page of HTML.
    ServerErrors,
    /// The token runs out in the middle.
    TokenExpires,
    /// Some bodies end too early.
    CutBodies,
    /// Rows come twice.
    Duplicates,
    /// Opaque page links or locators run out in the middle.
    CursorExpires,
    /// The day's quota is used up in the middle of the reading.
    Quota,
    /// Every call is answered with 401, whoever asks.
    Refused,
    /// Every call is answered with 503, for ever.
    Down,
}

/// A source that a test controls.
///
/// For a server of the simulator: `connector` configures one with the server's address;
/// `live` reads `/__simulator/records/{object}` and leaves out what is gone; `advance` posts
/// `/__simulator/advance`; `make` puts a fault plan. Waits must be configured short.
pub(crate) trait Account {
    /// A new connection to the source as it is now.
    fn connector(&self) -> Arc<dyn Connector>;

    /// The stream that is looked at.
    fn stream(&self) -> StreamName;

    /// What the source has now: every record that is not gone, by its key's values joined with
    /// `|`, with the columns that are to be compared (others may be landed too).
    async fn live(&self) -> State;

    /// Makes the source change: records are added, changed and taken away. Called on sources of
    /// [`Size::Several`].
    async fn advance(&self);

    /// Whether a record that is gone from the source is seen to be gone in the next reading.
    fn sees_deletes(&self) -> bool;

    /// Whether a landed row is one that says of itself that it is gone (`isdeleted`, `archived`).
    fn is_gone(&self, _row: &Row) -> bool {
        false
    }

    /// Whether a reading with nothing new sends no event at all. Feeds with an overlap send rows
    /// again and a new checkpoint; what they send must change nothing.
    fn is_silent(&self) -> bool {
        false
    }

    /// Brings a trouble about; `false` where this source cannot have it.
    async fn make(&self, _trouble: Trouble) -> bool {
        false
    }

    /// How many calls the source got so far.
    fn calls(&self) -> usize {
        0
    }

    /// Connections that cannot be read, and a secret each was given, which no error may show.
    fn broken(&self) -> Vec<(Arc<dyn Connector>, &'static str)>;
}

/// Everything one reading sent.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) events: Vec<Event>,
}

impl Reading {
    /// The rows' batches.
    pub(crate) fn batches(&self) -> Vec<RecordBatch> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Rows(batch) => Some(batch.clone()),
                _ => None,
            })
            .collect()
    }

    /// The last cursor.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Checkpoint(cursor) => Some(cursor.clone()),
            _ => None,
        })
    }
}

/// The specification of a stream, as the connector discovers it.
pub(crate) async fn spec(
    connector: &Arc<dyn Connector>,
    stream: &StreamName,
) -> Result<StreamSpec> {
    let discovery = connector.discover().await?;
    let mut failed = discovery.failed.into_iter();
    if let Some((_, error)) = failed.find(|(name, _)| name == stream) {
        return Err(error);
    }
    let mut streams = discovery.streams.into_iter();
    streams
        .find(|spec| spec.name == *stream)
        .ok_or_else(|| Error::bug(format!("stream `{stream}` was not discovered")))
}

/// A stream nobody declared or discovered: what a request for an unknown one holds.
pub(crate) fn unknown(stream: &StreamName) -> StreamSpec {
    StreamSpec {
        name: stream.clone(),
        columns: Vec::new(),
        key: Vec::new(),
        max_rejected: None,
        location: None,
    }
}

/// Discovers, and reads a stream to its end.
pub(crate) async fn read(
    connector: &Arc<dyn Connector>,
    stream: &StreamName,
    cursor: Option<Cursor>,
) -> (Result<()>, Reading) {
    // A stream that is not there is asked for all the same: the connector must say so itself.
    let spec = match spec(connector, stream).await {
        Ok(spec) => spec,
        Err(error) if error.kind() == salesmart_core::ErrorKind::Bug => unknown(stream),
        Err(error) => return (Err(error), Reading::default()),
    };
    let (result, reading, _) = read_events(connector, spec, cursor, usize::MAX).await;
    (result.unwrap_or(Ok(())), reading)
}

/// Reads a stream until it ends or so many events have come, and says whether it ended.
pub(crate) async fn read_events(
    connector: &Arc<dyn Connector>,
    stream: StreamSpec,
    cursor: Option<Cursor>,
    events: usize,
) -> (Option<Result<()>>, Reading, bool) {
    let (outlet, mut receiver) = channel(1);
    let reading_future = connector.read(ReadRequest { stream, cursor }, outlet);
    tokio::pin!(reading_future);
    let mut reading = Reading::default();
    let mut result = None;
    while reading.events.len() < events {
        tokio::select! {
            outcome = &mut reading_future, if result.is_none() => result = Some(outcome),
            event = receiver.recv() => match event {
                Some(event) => reading.events.push(event),
                None => {
                    // The sending end may go a moment before the future ends.
                    if result.is_none() {
                        result = Some(reading_future.await);
                    }
                    return (result, reading, true);
                }
            },
        }
    }
    (result, reading, false)
}

/// Runs every behaviour, each on a fresh source.
pub(crate) async fn suite<A: Account>(account: impl AsyncFn(Case) -> A) {
    let case = |size, pages_of_one| Case { size, pages_of_one };
    let several = case(Size::Several, false);
    for some in [several, case(Size::One, false), case(Size::Several, true)] {
        behaviours::a_first_reading_delivers_everything(&account(some).await).await;
    }
    behaviours::nothing_new_lands_nothing(&account(several).await).await;
    behaviours::changes_are_seen_from_the_cursor(&account(several).await).await;
    behaviours::an_empty_account_is_no_failure(&account(case(Size::Empty, false)).await).await;
    behaviours::killed_at_any_event_nothing_is_lost(&account(several).await).await;
    behaviours::killed_at_any_event_nothing_is_lost(&account(case(Size::Several, true)).await)
        .await;
    behaviours::the_schema_comes_from_metadata(
        &account(case(Size::Empty, false)).await,
        &account(several).await,
    )
    .await;
    behaviours::an_unknown_stream_is_an_error(&account(several).await).await;
    behaviours::no_secret_is_shown(&account(several).await).await;
    behaviours::a_connection_finds_itself_in_order(&account(several).await).await;
    for trouble in troubles::TRANSIENT {
        troubles::what_passes_is_waited_out(&account(several).await, trouble).await;
    }
    troubles::a_quota_is_respected_and_the_next_run_goes_on(&account(several).await).await;
    troubles::a_refusal_is_not_hammered(&account(several).await).await;
    troubles::waiting_has_an_end(&account(several).await).await;
}
