//! What every connector must do, whatever its source: one suite over the contract of
//! [`Connector`]. A connector's tests implement [`Account`] for a source they control and call
//! [`suite`].

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use salesmart_core::{Cursor, Result, StreamName};
use salesmart_extract::{Connector, Event, ReadRequest, SOURCE_POSITION, channel};

/// A source with one stream whose rows a test decides. The stream's columns are `id` (int64, its
/// key) and `name` (string).
pub(crate) trait Account {
    /// A new connection to the source as it is now.
    fn connector(&self) -> Arc<dyn Connector>;

    /// The stream.
    fn stream(&self) -> StreamName;

    /// Makes the source have exactly these rows.
    async fn put(&self, rows: &[(i64, &str)]);

    /// Whether a row that is gone from the source is seen to be gone.
    fn sees_deletes(&self) -> bool;

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

    fn rows(&self) -> Vec<(i64, String)> {
        let mut rows = Vec::new();
        for batch in self.batches() {
            let ids = batch.column(0).as_primitive::<Int64Type>();
            let names = batch.column(1).as_string::<i32>();
            rows.extend(
                (0..batch.num_rows()).map(|row| (ids.value(row), names.value(row).to_owned())),
            );
        }
        rows.sort();
        rows
    }

    fn is_snapshot(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::SnapshotBegins))
    }
}

/// Reads a stream to its end.
pub(crate) async fn read(
    connector: &Arc<dyn Connector>,
    stream: &StreamName,
    cursor: Option<Cursor>,
) -> (Result<()>, Reading) {
    let (outlet, mut receiver) = channel(2);
    let request = ReadRequest { stream: stream.clone(), cursor };
    let receiving = async {
        let mut reading = Reading::default();
        while let Some(event) = receiver.recv().await {
            reading.events.push(event);
        }
        reading
    };
    tokio::join!(connector.read(request, outlet), receiving)
}

/// Runs every behaviour, each on a fresh source.
pub(crate) async fn suite<A: Account>(account: impl Fn() -> A) {
    a_first_reading_delivers_everything(&account()).await;
    nothing_new_sends_nothing(&account()).await;
    a_change_is_seen_from_the_cursor(&account()).await;
    deletes_are_seen_or_declared_unseen(&account()).await;
    an_empty_account_is_no_failure(&account()).await;
    one_row_is_enough(&account()).await;
    a_reading_that_was_dropped_loses_nothing(&account()).await;
    the_schema_does_not_come_from_values(&account()).await;
    an_unknown_stream_is_an_error(&account()).await;
    no_secret_is_shown(&account()).await;
    a_connection_finds_itself_in_order(&account()).await;
}

const THREE: [(i64, &str); 3] = [(1, "one"), (2, "two"), (3, "three")];

fn expected(rows: &[(i64, &str)]) -> Vec<(i64, String)> {
    rows.iter().map(|(id, name)| (*id, (*name).to_owned())).collect()
}

/// Reads, expects success, and checks what holds for every reading.
async fn good<A: Account>(account: &A, cursor: Option<Cursor>) -> Reading {
    let connector = account.connector();
    let (result, reading) = read(&connector, &account.stream(), cursor).await;
    result.expect("the source can be read");
    let spec =
        connector.streams().iter().find(|spec| spec.name == account.stream()).expect("declared");
    for batch in reading.batches() {
        assert_eq!(batch.schema(), spec.batch_schema(), "batches have the declared schema");
        assert!(batch.num_rows() > 0, "no empty batches");
        let positions = batch.column_by_name(SOURCE_POSITION).expect("every batch has positions");
        assert_eq!(positions.null_count(), 0, "every row has a position");
    }
    if let Some(last) = reading.events.last() {
        assert!(matches!(last, Event::Checkpoint(_)), "a checkpoint is the last event");
    }
    let mut inside = false;
    for event in &reading.events {
        match event {
            Event::SnapshotBegins => {
                assert!(!inside, "snapshots are not nested");
                inside = true;
            }
            Event::SnapshotEnds => {
                assert!(inside, "a snapshot ends after it began");
                inside = false;
            }
            Event::Checkpoint(_) => assert!(!inside, "no checkpoint inside a snapshot"),
            _ => {}
        }
    }
    assert!(!inside, "every snapshot ends");
    reading
}

async fn a_first_reading_delivers_everything<A: Account>(account: &A) {
    account.put(&THREE).await;
    let mut rows = expected(&THREE);
    rows.sort();
    assert_eq!(good(account, None).await.rows(), rows);
}

async fn nothing_new_sends_nothing<A: Account>(account: &A) {
    account.put(&THREE).await;
    let cursor = good(account, None).await.cursor();
    assert!(cursor.is_some());
    let second = good(account, cursor).await;
    assert!(second.events.is_empty(), "{:?}", second.events);
}

async fn a_change_is_seen_from_the_cursor<A: Account>(account: &A) {
    account.put(&THREE).await;
    let cursor = good(account, None).await.cursor();
    account.put(&[(1, "one"), (2, "TWO"), (3, "three"), (4, "four")]).await;
    let rows = good(account, cursor).await.rows();
    assert!(
        rows.contains(&(2, "TWO".to_owned())) && rows.contains(&(4, "four".to_owned())),
        "{rows:?}"
    );
}

async fn deletes_are_seen_or_declared_unseen<A: Account>(account: &A) {
    account.put(&THREE).await;
    let cursor = good(account, None).await.cursor();
    account.put(&[(1, "one"), (3, "three")]).await;
    let reading = good(account, cursor).await;
    assert!(!reading.rows().iter().any(|(id, _)| *id == 2), "what is gone is not delivered");
    assert_eq!(reading.is_snapshot(), account.sees_deletes(), "only a snapshot tells what is gone");
}

async fn an_empty_account_is_no_failure<A: Account>(account: &A) {
    account.put(&[]).await;
    let reading = good(account, None).await;
    assert!(reading.rows().is_empty());
    account.put(&THREE).await;
    assert_eq!(good(account, reading.cursor()).await.rows().len(), 3);
}

async fn one_row_is_enough<A: Account>(account: &A) {
    account.put(&[(7, "seven")]).await;
    assert_eq!(good(account, None).await.rows(), expected(&[(7, "seven")]));
}

async fn a_reading_that_was_dropped_loses_nothing<A: Account>(account: &A) {
    account.put(&THREE).await;
    let connector = account.connector();
    let (outlet, mut receiver) = channel(1);
    let request = ReadRequest { stream: account.stream(), cursor: None };
    let outcome = {
        let reading = connector.read(request, outlet);
        tokio::pin!(reading);
        tokio::select! {
            outcome = &mut reading => Some(outcome),
            event = receiver.recv() => {
                assert!(event.is_some());
                None
            }
        }
    };
    assert!(outcome.is_none_or(|outcome| outcome.is_ok()));
    drop(receiver);
    assert_eq!(good(account, None).await.rows().len(), 3);
}

async fn the_schema_does_not_come_from_values<A: Account>(account: &A) {
    account.put(&[]).await;
    let spec = |connector: &Arc<dyn Connector>| {
        let specs = connector.streams();
        specs.iter().find(|spec| spec.name == account.stream()).expect("declared").batch_schema()
    };
    let before = spec(&account.connector());
    // A name that looks like a number stays text.
    account.put(&[(1, "0123"), (2, "true"), (3, "2017-01-01")]).await;
    assert_eq!(spec(&account.connector()), before);
    let rows = good(account, None).await.rows();
    assert_eq!(rows, expected(&[(1, "0123"), (2, "true"), (3, "2017-01-01")]));
}

async fn an_unknown_stream_is_an_error<A: Account>(account: &A) {
    account.put(&THREE).await;
    let stream = StreamName::new("no_such_stream").expect("a name");
    let (result, reading) = read(&account.connector(), &stream, None).await;
    assert!(result.is_err() && reading.events.is_empty());
}

async fn no_secret_is_shown<A: Account>(account: &A) {
    for (connector, secret) in account.broken() {
        let (result, reading) = read(&connector, &account.stream(), None).await;
        let error = result.expect_err("the connection is broken");
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
        assert!(error.hint().is_some() && error.state().is_some(), "says what to do: {error:?}");
        assert!(reading.cursor().is_none());
        let findings = connector.check().await;
        assert!(findings.iter().any(|finding| !finding.ok), "a check finds it too");
        assert!(!format!("{findings:?}").contains(secret));
    }
}

async fn a_connection_finds_itself_in_order<A: Account>(account: &A) {
    account.put(&THREE).await;
    let findings = account.connector().check().await;
    assert!(!findings.is_empty() && findings.iter().all(|finding| finding.ok), "{findings:?}");
}
