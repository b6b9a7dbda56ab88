//! What every connector does with a source that answers.

use std::sync::Arc;

use arrow::array::Array;
use salesmart_core::{Cursor, StreamName};
use salesmart_extract::{Connector, Event, SOURCE_POSITION, StreamSpec};

use super::fold::{State, apply, assert_same};
use super::{Account, Reading, read, read_events, spec};

/// How many places of a reading are tried to kill it at.
const KILLS: usize = 12;

/// The stream, as the account's connection describes it.
pub(super) async fn described<A: Account>(account: &A) -> StreamSpec {
    spec(&account.connector(), &account.stream()).await.expect("the stream can be read")
}

/// Reads, expects success, and checks what holds for every reading.
pub(super) async fn good<A: Account>(account: &A, cursor: Option<Cursor>) -> Reading {
    let connector = account.connector();
    let spec = spec(&connector, &account.stream()).await.expect("the stream can be read");
    let (result, reading, _) = read_events(&connector, spec.clone(), cursor, usize::MAX).await;
    result.expect("it ended").expect("the source can be read");
    is_well_formed(&spec, &reading);
    reading
}

/// The shape and order of events.
fn is_well_formed(spec: &StreamSpec, reading: &Reading) {
    for batch in reading.batches() {
        assert_eq!(batch.schema(), spec.batch_schema(), "batches have the stream's schema");
        assert!(batch.num_rows() > 0, "no empty batches");
        let positions = batch.column_by_name(SOURCE_POSITION).expect("every batch has positions");
        assert_eq!(positions.null_count(), 0, "every row has a position");
    }
    if let Some(last) = reading.events.last() {
        assert!(matches!(last, Event::Checkpoint(_)), "a checkpoint is the last event");
    }
    let (mut snapshot, mut census) = (false, false);
    for event in &reading.events {
        match event {
            Event::SnapshotBegins => {
                assert!(!snapshot && !census, "snapshots are not nested");
                snapshot = true;
            }
            Event::SnapshotEnds => {
                assert!(snapshot, "a snapshot ends after it began");
                snapshot = false;
            }
            Event::CensusBegins => {
                assert!(!snapshot && !census, "a census stands alone");
                census = true;
            }
            Event::Census(_) => assert!(census, "keys belong to a census"),
            Event::CensusEnds => {
                assert!(census, "a census ends after it began");
                census = false;
            }
            Event::Patch(_) | Event::Deleted(_) => {
                assert!(!snapshot, "a snapshot is whole rows");
            }
            Event::Checkpoint(_) => {
                assert!(!snapshot && !census, "no checkpoint inside a snapshot or census");
            }
            Event::Rows(_) | Event::Rejected(_) | Event::Counted(_) | Event::Used(_) => {}
            Event::Repaired(_) => {}
        }
    }
    assert!(!snapshot && !census, "what begins ends");
}

/// What stays of the landed rows when those are left out that say that they are gone.
pub(super) fn without_gone<A: Account>(account: &A, state: &State) -> State {
    let alive = |row: &super::Row| !account.is_gone(row);
    state
        .iter()
        .filter(|(_, row)| alive(row))
        .map(|(key, row)| (key.clone(), row.clone()))
        .collect()
}

pub(super) async fn compare<A: Account>(account: &A, state: &State, when: &str) {
    assert_same(&without_gone(account, state), &account.live().await, when);
}

pub(super) async fn a_first_reading_delivers_everything<A: Account>(account: &A) {
    let spec = described(account).await;
    assert!(!account.live().await.is_empty(), "the source has something");
    let mut state = State::new();
    apply(&mut state, &spec, &good(account, None).await.events);
    compare(account, &state, "after a first reading").await;
}

pub(super) async fn nothing_new_lands_nothing<A: Account>(account: &A) {
    let spec = described(account).await;
    let first = good(account, None).await;
    let cursor = first.cursor();
    assert!(cursor.is_some(), "a reading that sent something has a cursor");
    let mut state = State::new();
    apply(&mut state, &spec, &first.events);
    let before = state.clone();
    let second = good(account, cursor).await;
    assert!(!account.is_silent() || second.events.is_empty(), "{:?}", second.events);
    apply(&mut state, &spec, &second.events);
    assert_same(&state, &before, "after a second reading");
}

pub(super) async fn changes_are_seen_from_the_cursor<A: Account>(account: &A) {
    let spec = described(account).await;
    let (mut state, mut cursor) = (State::new(), None);
    for reading in 0..3 {
        let live_before = account.live().await;
        if reading > 0 {
            account.advance().await;
            assert_ne!(account.live().await, live_before, "the source changed");
        }
        let events = good(account, cursor.clone()).await;
        apply(&mut state, &spec, &events.events);
        cursor = events.cursor().or(cursor);
        let live = account.live().await;
        if account.sees_deletes() {
            assert_same(&without_gone(account, &state), &live, "deletes are seen");
        } else {
            let mut kept = without_gone(account, &state);
            kept.retain(|key, _| live.contains_key(key));
            assert_same(&kept, &live, "deletes are declared unseen");
        }
    }
}

pub(super) async fn an_empty_account_is_no_failure<A: Account>(account: &A) {
    assert!(account.live().await.is_empty());
    let reading = good(account, None).await;
    assert_eq!(reading.batches().len(), 0);
    let again = good(account, reading.cursor()).await;
    assert_eq!(again.batches().len(), 0);
}

/// Kills a reading at several of its events, goes on from the last checkpoint, and compares.
pub(super) async fn killed_at_any_event_nothing_is_lost<A: Account>(account: &A) {
    let spec = described(account).await;
    let whole = good(account, None).await.events.len();
    let step = whole.div_ceil(KILLS).max(1);
    for events in (0..whole).step_by(step) {
        let connector = account.connector();
        let described = super::spec(&connector, &account.stream()).await.expect("it is there");
        let (_, killed, _) = read_events(&connector, described, None, events).await;
        drop(connector);
        let mut state = State::new();
        apply(&mut state, &spec, &killed.events);
        let rest = good(account, killed.cursor()).await;
        apply(&mut state, &spec, &rest.events);
        compare(account, &state, &format!("killed after {events} of {whole} events")).await;
    }
}

pub(super) async fn the_schema_comes_from_metadata<A: Account>(empty: &A, several: &A) {
    let (empty, several) = (described(empty).await, described(several).await);
    assert_eq!(empty.batch_schema(), several.batch_schema());
    assert_eq!(empty.key, several.key);
}

pub(super) async fn an_unknown_stream_is_an_error<A: Account>(account: &A) {
    let stream = StreamName::new("no_such_stream").expect("a name");
    let (result, reading) = read(&account.connector(), &stream, None).await;
    assert!(result.is_err() && reading.events.is_empty());
}

pub(super) async fn no_secret_is_shown<A: Account>(account: &A) {
    for (connector, secret) in account.broken() {
        let (result, reading) = read(&connector, &account.stream(), None).await;
        let error = result.expect_err("the connection is broken");
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
        assert!(error.hint().is_some(), "says what to do: {error:?}");
        assert!(reading.cursor().is_none());
        let findings = connector.check().await;
        let is_found = |finding: &salesmart_extract::Finding| !finding.ok && finding.hint.is_some();
        assert!(findings.iter().any(is_found), "a check finds it too: {findings:?}");
        assert!(!format!("{findings:?}").contains(secret));
    }
}

pub(super) async fn a_connection_finds_itself_in_order<A: Account>(account: &A) {
    let connector: Arc<dyn Connector> = account.connector();
    let findings = connector.check().await;
    assert!(!findings.is_empty() && findings.iter().all(|finding| finding.ok), "{findings:?}");
}
