//! Patches, deletes, lists of keys and the source's own counts.

use salesmart_core::receipt::{Reconciliation, ReconciliationStatus};
use salesmart_core::stream::{SOURCE_POSITION, SourceCount, Usage};

use super::*;

/// A batch of the key and, for patches, of the amount.
fn keyed(rows: &[Row<'_>], parts: &[&str]) -> RecordBatch {
    let Event::Rows(all) = super::rows(rows) else { unreachable!("rows are rows") };
    let columns: Vec<usize> =
        parts.iter().map(|part| all.schema_ref().index_of(part).unwrap()).collect();
    all.project(&columns).unwrap()
}

fn patch(rows: &[Row<'_>]) -> Event {
    Event::Patch(keyed(rows, &["id", "amount", SOURCE_POSITION]))
}

fn ids<'a>(ids: &[&'a str]) -> Vec<Row<'a>> {
    ids.iter().map(|id| (Some(*id), None)).collect()
}

fn deleted(keys: &[&str]) -> Event {
    Event::Deleted(keyed(&ids(keys), &["id", SOURCE_POSITION]))
}

fn census(keys: &[&str]) -> Vec<Event> {
    let mut events = vec![Event::CensusBegins];
    events.extend(keys.chunks(2).map(|some| Event::Census(keyed(&ids(some), &["id"]))));
    events.push(Event::CensusEnds);
    events
}

async fn with_three(partition_rows: u64) -> Story {
    let mut story = Story::new(&["id"]).await;
    story.partition_rows = partition_rows;
    let three = [(Some("a"), Some(1)), (Some("b"), Some(2)), (Some("c"), Some(3))];
    story.land(vec![rows(&three), cursor(1)]).await.unwrap();
    story
}

fn state(rows: &[(&str, i128)]) -> BTreeMap<String, Option<i128>> {
    rows.iter().map(|(id, amount)| ((*id).to_owned(), Some(*amount))).collect()
}

#[tokio::test]
async fn a_patch_is_merged_into_the_latest_version_of_its_key() {
    for (partition_rows, patch_keys) in [(1_000, 1_000), (1, 1_000), (1_000, 1), (1, 2)] {
        let mut story = with_three(partition_rows).await;
        story.patch_keys = patch_keys;
        story
            .spec
            .columns
            .push(Column { name: "stage".to_owned(), column_type: ColumnType::String });
        let landed = story
            .land(vec![
                // `a` changes in the same reading, before its patch.
                rows(&[(Some("a"), Some(10))]),
                patch(&[(Some("a"), Some(11)), (Some("b"), Some(2)), (Some("z"), Some(9))]),
                patch(&[(Some("c"), Some(30)), (None, Some(5)), (Some("c"), Some(31))]),
                cursor(2),
            ])
            .await
            .unwrap();
        let landed_rows = if patch_keys == 1_000 { 3 } else { landed.rows.landed };
        assert_eq!(landed.rows.read, 7);
        assert_eq!(landed.rows.landed, landed_rows, "a, then a and c with their patches");
        assert_eq!(landed.rows.quarantined, 2);
        assert!(landed.rows.adds_up(), "{:?}", landed.rows);
        assert_eq!(story.current().await, state(&[("a", 11), ("b", 2), ("c", 31)]));
        let quarantined = story.quarantined().await;
        assert!(quarantined[0].ends_with("a key column is empty"), "{quarantined:?}");
        assert!(quarantined[1].ends_with("the record itself was never delivered"));
        // The whole row is there, and comes again unchanged.
        let again = story.land(vec![rows(&[(Some("a"), Some(11))]), cursor(3)]).await.unwrap();
        assert_eq!(again.rows, counts(1, 0, 0, 1, 0));
    }
}

#[tokio::test]
async fn a_patch_without_its_record_is_kept_and_does_not_stop_the_stream() {
    let mut story = with_three(1_000).await;
    let outcome =
        story.outcome(vec![patch(&[(Some("z"), Some(1))]), cursor(2)], Threshold::Rows(0));
    let outcome = outcome.await;
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert_eq!(outcome.landed.rows, counts(1, 0, 1, 0, 0));
}

#[tokio::test]
async fn deletes_mark_what_is_there_and_only_that() {
    for partition_rows in [1_000, 1] {
        let mut story = with_three(partition_rows).await;
        let landed = story
            .land(vec![
                rows(&[(Some("d"), Some(4)), (Some("e"), Some(5))]),
                deleted(&["a", "d", "x", "a"]),
                rows(&[(Some("d"), Some(4))]),
                deleted(&["e"]),
                cursor(2),
            ])
            .await
            .unwrap();
        assert_eq!(landed.rows, counts(3, 3, 0, 0, 3), "a, d and e; d comes back");
        assert_eq!(story.current().await, state(&[("b", 2), ("c", 3), ("d", 4)]));
        let again = story.land(vec![deleted(&["a", "e"]), cursor(3)]).await.unwrap();
        assert_eq!(again.rows.deleted, 0, "they are gone already");
        let back = story.land(vec![rows(&[(Some("a"), Some(1))]), cursor(4)]).await.unwrap();
        assert_eq!(back.rows, counts(1, 1, 0, 0, 0));
    }
}

#[tokio::test]
async fn a_census_finds_what_is_gone_and_what_was_lost() {
    for partition_rows in [1_000, 2, 1] {
        let mut story = with_three(partition_rows).await;
        let mut events = vec![rows(&[(Some("d"), Some(4))])];
        events.extend(census(&["a", "d", "c", "a"]));
        events.push(cursor(2));
        let landed = story.land(events).await.unwrap();
        assert_eq!(landed.rows, counts(1, 1, 0, 0, 1));
        assert_eq!(story.current().await, state(&[("a", 1), ("c", 3), ("d", 4)]));
        assert_eq!(
            landed.reconciliations,
            [Reconciliation {
                check: "keys".to_owned(),
                from: None,
                to: None,
                source_rows: 3,
                landed_rows: 3,
                status: ReconciliationStatus::Matched,
                note: None,
            }]
        );

        let mut events = census(&["a", "lost-1", "c", "lost-2", "b", "lost-1"]);
        events.push(cursor(3));
        let outcome = story.outcome(events, Threshold::Rows(0)).await;
        let error = outcome.error.unwrap();
        assert!(outcome.lost_rows);
        assert_eq!(error.kind(), ErrorKind::CheckFailed);
        assert_eq!(error.causes(), ["the source has 5 keys, and 2 of them were landed"]);
        let keys = &outcome.landed.reconciliations[0];
        assert_eq!((keys.source_rows, keys.landed_rows), (5, 2), "b is gone, the lost never came");
        assert_eq!(keys.status, ReconciliationStatus::Mismatched);
        assert!(keys.note.as_ref().unwrap().contains("lost-1"), "{keys:?}");
        assert_eq!(outcome.landed.rows.deleted, 1, "what is right is committed: d is gone");
        assert_eq!(story.current().await, state(&[("a", 1), ("c", 3)]));
        let saved = saved_cursor(&story.lake, &connection(), &story.spec.name).await.unwrap();
        assert_eq!(saved, Some(Cursor(json!({ "at": 3 }))));
    }
}

#[tokio::test]
async fn a_record_that_waits_in_quarantine_is_not_lost() {
    let mut story = with_three(1_000).await;
    let rejected = RejectedRow {
        position: "deals/006X7".to_owned(),
        column: Some("amount".to_owned()),
        value: Some("ten".to_owned()),
        reason: "not a decimal(18,2)".to_owned(),
        record: "{\"id\":\"006X7\"}".to_owned(),
    };
    let mut events = vec![Event::Rejected(vec![rejected]), cursor(2)];
    events.extend(census(&["a", "b", "c", "006X7"]));
    events.push(cursor(3));
    let landed = story.land(events).await.unwrap();
    let keys = &landed.reconciliations[0];
    assert_eq!((keys.source_rows, keys.status), (4, ReconciliationStatus::Matched));
    assert_eq!(keys.note.as_deref(), Some("1 of the keys are in quarantine"));
}

#[tokio::test]
async fn a_record_in_quarantine_that_mentions_a_lost_one_does_not_excuse_it() {
    let mut story = with_three(1_000).await;
    let rejected = RejectedRow {
        position: "deals/006X7".to_owned(),
        column: Some("amount".to_owned()),
        value: Some("ten".to_owned()),
        reason: "not a decimal(18,2)".to_owned(),
        record: "{\"id\":\"006X7\",\"parent\":\"006X8\"}".to_owned(),
    };
    let mut events = vec![Event::Rejected(vec![rejected]), cursor(2)];
    events.extend(census(&["a", "b", "c", "006X7", "006X8"]));
    events.push(cursor(3));
    let outcome = story.outcome(events, Threshold::Rows(1)).await;
    assert!(outcome.lost_rows);
    let keys = &outcome.landed.reconciliations[0];
    assert_eq!((keys.source_rows, keys.landed_rows), (5, 4));
    assert_eq!(keys.status, ReconciliationStatus::Mismatched);
    assert!(keys.note.as_ref().unwrap().contains("without a row: 006X8"), "{keys:?}");
}

#[tokio::test]
async fn an_empty_census_deletes_everything() {
    for partition_rows in [1_000, 1] {
        let mut story = with_three(partition_rows).await;
        let mut events = census(&[]);
        events.push(cursor(2));
        assert_eq!(story.land(events).await.unwrap().rows.deleted, 3);
        assert!(story.current().await.is_empty());
    }
}

#[tokio::test]
async fn the_sources_count_is_compared_with_what_came() {
    let counted = |rows, delivered| {
        Event::Counted(SourceCount {
            from: Some("1".to_owned()),
            to: Some("2".to_owned()),
            rows,
            delivered,
        })
    };
    let mut story = with_three(1_000).await;
    let landed = story.land(vec![counted(3, 2), counted(3, 3), cursor(2)]).await.unwrap();
    assert_eq!(landed.reconciliations.len(), 1, "the connector looked again");
    assert_eq!(landed.reconciliations[0].status, ReconciliationStatus::Matched);
    let landed = story.land(vec![counted(2, 3), cursor(3)]).await.unwrap();
    assert_eq!(landed.reconciliations[0].status, ReconciliationStatus::Moved);
    let events = vec![rows(&[(Some("d"), Some(4))]), counted(3, 1), cursor(4)];
    let outcome = story.outcome(events, Threshold::Rows(0)).await;
    assert!(outcome.lost_rows);
    assert_eq!(
        outcome.error.unwrap().causes(),
        ["the source has 3 rows, and 1 of them were landed"]
    );
    assert_eq!(outcome.landed.rows.landed, 1);
    assert_eq!(outcome.landed.reconciliations[0].note.as_deref(), Some("2 rows did not come"));
}

#[tokio::test]
async fn what_a_reading_cost_is_added_up() {
    let mut story = with_three(1_000).await;
    let used = || Event::Used(Usage { requests: 2, retries: 1, waited_seconds: 0.25, bytes: 10 });
    let landed = story.land(vec![used(), cursor(2), used()]).await.unwrap();
    assert_eq!(
        landed.usage,
        Usage { requests: 4, retries: 2, waited_seconds: 0.5, bytes: 20 },
        "also after the last checkpoint"
    );
}

#[tokio::test]
async fn events_that_cannot_be_where_they_are_are_a_bug_and_no_panic() {
    let census_open = || vec![Event::CensusBegins];
    let wrong: Vec<(&[&str], Vec<Event>)> = vec![
        (&["id"], [census_open(), vec![rows(&[(Some("a"), None)])]].concat()),
        (&["id"], [census_open(), vec![cursor(1)]].concat()),
        (&["id"], [census_open(), vec![deleted(&["a"])]].concat()),
        (&["id"], vec![Event::CensusEnds]),
        (&["id"], vec![Event::SnapshotBegins, patch(&[(Some("a"), None)])]),
        (&["id"], vec![Event::SnapshotBegins, cursor(1)]),
        (&[], vec![deleted(&["a"])]),
        (&[], vec![patch(&[(Some("a"), None)])]),
    ];
    for (key, events) in wrong {
        let mut story = Story::new(key).await;
        let told = format!("{events:?}");
        let error = story.land(events).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Bug, "{told}");
    }
}

#[tokio::test]
async fn rows_of_a_large_table_wait_for_more_and_lose_no_checkpoint() {
    let mut story = Story::new(&["id"]).await;
    story.partition_rows = 8;
    let named: Vec<String> = (0..20).map(|n| format!("k{n}")).collect();
    let some = |from: usize, to: usize| {
        let all: Vec<Row<'_>> =
            named[from..to].iter().map(|id| (Some(id.as_str()), Some(1))).collect();
        rows(&all)
    };
    story.land(vec![some(0, 10), cursor(1)]).await.unwrap();
    // Two checkpoints are held back; the rows after the second are not complete.
    let outcome = story
        .outcome(
            vec![some(10, 11), cursor(2), some(9, 12), cursor(3), some(12, 13)],
            Threshold::Rows(0),
        )
        .await;
    assert_eq!(outcome.error.unwrap().kind(), ErrorKind::Interrupted);
    assert_eq!(outcome.landed.rows, counts(4, 2, 0, 2, 0));
    assert_eq!(story.current().await.len(), 12);
    let saved = saved_cursor(&story.lake, &connection(), &story.spec.name).await.unwrap();
    assert_eq!(saved, Some(Cursor(json!({ "at": 3 }))));
    let landed = story.land(vec![some(12, 20), cursor(4)]).await.unwrap();
    assert_eq!(landed.rows, counts(8, 8, 0, 0, 0));
    assert_eq!(story.current().await.len(), 20);
}
