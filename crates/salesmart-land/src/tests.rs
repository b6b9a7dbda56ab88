//! Stories of landing: what the raw table holds after one reading and after the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Decimal128Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use salesmart_core::receipt::{LandedStream, RowCounts};
use salesmart_core::stream::{Event, OnRetyped, RejectedRow, StreamSpec};
use salesmart_core::{
    Column, ColumnType, ConnectionName, Cursor, ErrorKind, Result, RunId, StreamName, Threshold,
};
use salesmart_lake::{Lake, TablePath};
use serde_json::json;

use crate::{LandRequest, Outcome, land, saved_cursor};

mod changes;
mod property;
mod retyped;

fn connection() -> ConnectionName {
    ConnectionName::new("crm").unwrap()
}

fn spec(key: &[&str]) -> StreamSpec {
    let column = |name: &str, column_type| Column { name: name.to_owned(), column_type };
    StreamSpec {
        name: StreamName::new("deals").unwrap(),
        columns: vec![
            column("id", ColumnType::String),
            column("amount", ColumnType::Decimal(18, 2)),
        ],
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        max_rejected: None,
        location: None,
    }
}

type Row<'a> = (Option<&'a str>, Option<i128>);

fn rows(rows: &[Row<'_>]) -> Event {
    let ids: StringArray = rows.iter().map(|(id, _)| *id).collect();
    let amounts: Decimal128Array = rows.iter().map(|(_, amount)| *amount).collect();
    let positions: StringArray =
        (2..).take(rows.len()).map(|line| Some(format!("deals.csv:{line}"))).collect();
    let batch = RecordBatch::try_new(
        spec(&[]).batch_schema(),
        vec![
            Arc::new(ids),
            Arc::new(amounts.with_precision_and_scale(18, 2).unwrap()),
            Arc::new(positions),
        ],
    )
    .unwrap();
    Event::Rows(batch)
}

fn cursor(at: u64) -> Event {
    Event::Checkpoint(Cursor(json!({ "at": at })))
}

fn snapshot(all: &[Row<'_>]) -> Vec<Event> {
    vec![Event::SnapshotBegins, rows(all), Event::SnapshotEnds, cursor(1)]
}

struct Story {
    _folder: tempfile::TempDir,
    lake: Lake,
    spec: StreamSpec,
    partition_rows: u64,
    fresh_keys: usize,
    patch_keys: usize,
    on_retyped: OnRetyped,
    run: u32,
}

impl Story {
    async fn new(key: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path().to_str().unwrap()).await.unwrap();
        Self {
            _folder: folder,
            lake,
            spec: spec(key),
            partition_rows: 1_000,
            fresh_keys: 1_000,
            patch_keys: 1_000,
            on_retyped: OnRetyped::default(),
            run: 0,
        }
    }

    async fn land(&mut self, events: Vec<Event>) -> Result<LandedStream> {
        self.land_allowing(events, Threshold::Share(1.0)).await
    }

    async fn land_allowing(
        &mut self,
        events: Vec<Event>,
        max_rejected: Threshold,
    ) -> Result<LandedStream> {
        let outcome = self.outcome(events, max_rejected).await;
        outcome.error.map_or(Ok(outcome.landed), Err)
    }

    async fn outcome(&mut self, events: Vec<Event>, max_rejected: Threshold) -> Outcome {
        self.run += 1;
        let (sender, receiver) = tokio::sync::mpsc::channel(2);
        let request = LandRequest {
            partition_rows: self.partition_rows,
            fresh_keys: self.fresh_keys,
            patch_keys: self.patch_keys,
            on_retyped: self.on_retyped,
            ..LandRequest::new(
                self.lake.clone(),
                connection(),
                self.spec.clone(),
                RunId::from_text(format!("run{}", self.run)),
                "2026-11-23T05:00:00Z".parse().unwrap(),
                max_rejected,
                Arc::new(|| Box::pin(async { Ok(()) })),
            )
        };
        let send = async move {
            for event in events {
                if sender.send(event).await.is_err() {
                    break;
                }
            }
        };
        let (landed, ()) = tokio::join!(land(request, receiver), send);
        landed
    }

    /// The newest version of every key, as a staging model would see it.
    async fn current(&self) -> BTreeMap<String, Option<i128>> {
        let path = TablePath::raw(&connection(), &self.spec.name);
        let table = self.lake.table(&path).await.unwrap().unwrap();
        let mut newest: BTreeMap<String, (i64, bool, String, Option<i128>)> = BTreeMap::new();
        let batches: Vec<RecordBatch> = self.lake.read(&table, None).try_collect().await.unwrap();
        for batch in batches {
            let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
            let ids = text("id");
            let operations = text("_op");
            let keys = if self.spec.key.is_empty() { text("_row_key") } else { ids.clone() };
            let sequences =
                batch.column_by_name("_sequence").unwrap().as_primitive::<Int64Type>().clone();
            let amounts = batch.column_by_name("amount").unwrap();
            let amounts = amounts.as_any().downcast_ref::<Decimal128Array>().unwrap();
            for row in 0..batch.num_rows() {
                let entry = (
                    sequences.value(row),
                    operations.value(row) == "delete",
                    if ids.is_valid(row) { ids.value(row).to_owned() } else { String::new() },
                    amounts.is_valid(row).then(|| amounts.value(row)),
                );
                let key = keys.value(row).to_owned();
                match newest.get(&key) {
                    Some(there) if there.0 >= entry.0 => {
                        assert_ne!(there.0, entry.0, "sequences are unique");
                    }
                    _ => {
                        newest.insert(key, entry);
                    }
                }
            }
        }
        let mut current = BTreeMap::new();
        for (key, (_, gone, id, amount)) in newest {
            if !gone {
                let name =
                    if self.spec.key.is_empty() { format!("{id}#{}", &key[33..]) } else { id };
                current.insert(name, amount);
            }
        }
        current
    }

    async fn quarantined(&self) -> Vec<String> {
        let path = TablePath::quarantine(&connection(), &self.spec.name);
        let Some(table) = self.lake.table(&path).await.unwrap() else { return Vec::new() };
        let batches: Vec<RecordBatch> = self.lake.read(&table, None).try_collect().await.unwrap();
        let mut lines = Vec::new();
        for batch in batches {
            let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
            for row in 0..batch.num_rows() {
                lines.push(format!(
                    "{} {}",
                    text("_source_position").value(row),
                    text("reason").value(row)
                ));
            }
        }
        lines.sort_unstable();
        lines
    }
}

fn counts(read: u64, landed: u64, quarantined: u64, unchanged: u64, deleted: u64) -> RowCounts {
    RowCounts { read, landed, quarantined, unchanged, deleted }
}

#[tokio::test]
async fn a_second_snapshot_lands_only_what_changed() {
    // The second time round with an index in one piece, then with one in many parts.
    for partition_rows in [1_000, 1] {
        let mut story = Story::new(&["id"]).await;
        story.partition_rows = partition_rows;
        let first = story
            .land(snapshot(&[(Some("a"), Some(100)), (Some("b"), None), (Some("c"), Some(300))]))
            .await
            .unwrap();
        assert_eq!(first.rows, counts(3, 3, 0, 0, 0));
        let second = story
            .land(snapshot(&[(Some("c"), Some(300)), (Some("b"), Some(0)), (Some("d"), Some(400))]))
            .await
            .unwrap();
        assert_eq!(second.rows, counts(3, 2, 0, 1, 1), "b changed from nothing to 0, a is gone");
        assert_eq!(
            story.current().await,
            BTreeMap::from([
                ("b".to_owned(), Some(0)),
                ("c".to_owned(), Some(300)),
                ("d".to_owned(), Some(400))
            ])
        );
        let third =
            story.land(snapshot(&[(Some("a"), Some(100)), (Some("c"), Some(300))])).await.unwrap();
        assert_eq!(third.rows, counts(2, 1, 0, 1, 2), "a comes back with what it had");
        assert_eq!(story.current().await.len(), 2);
        let same =
            story.land(snapshot(&[(Some("a"), Some(100)), (Some("c"), Some(300))])).await.unwrap();
        assert_eq!(same.rows, counts(2, 0, 0, 2, 0));
    }
}

#[tokio::test]
async fn a_key_that_comes_twice_in_a_snapshot_counts_once_and_is_shown() {
    for partition_rows in [1_000, 1] {
        let mut story = Story::new(&["id"]).await;
        story.partition_rows = partition_rows;
        let landed = story
            .land(snapshot(&[
                (Some("a"), Some(1)),
                (Some("b"), Some(2)),
                (Some("a"), Some(3)),
                (Some("a"), Some(1)),
            ]))
            .await
            .unwrap();
        assert_eq!(landed.rows, counts(4, 2, 2, 0, 0));
        assert_eq!(story.current().await["a"], Some(1), "the first one counts");
        assert_eq!(
            story.quarantined().await,
            [
                "deals.csv:4 the key came before in this snapshot; the first row with it counts",
                "deals.csv:5 the key came before in this snapshot; the first row with it counts"
            ]
        );
        let again = story
            .land(snapshot(&[(Some("a"), Some(1)), (Some("a"), Some(7)), (Some("b"), Some(2))]))
            .await
            .unwrap();
        assert_eq!(again.rows, counts(3, 0, 1, 2, 0));
    }
}

#[tokio::test]
async fn rows_without_a_key_are_told_apart_by_content_and_counted() {
    let mut story = Story::new(&[]).await;
    let first = story
        .land(snapshot(&[(Some("x"), Some(1)), (Some("x"), Some(1)), (Some("y"), None)]))
        .await
        .unwrap();
    assert_eq!(first.rows, counts(3, 3, 0, 0, 0));
    let second = story
        .land(snapshot(&[(Some("y"), None), (Some("x"), Some(1)), (None, None)]))
        .await
        .unwrap();
    assert_eq!(second.rows, counts(3, 1, 0, 2, 1), "one of the two x is gone");
    assert_eq!(story.current().await.keys().collect::<Vec<_>>(), ["#1", "x#1", "y#1"]);
}

#[tokio::test]
async fn in_a_feed_the_last_version_counts_and_nothing_is_deleted() {
    let mut story = Story::new(&["id"]).await;
    story.land(vec![rows(&[(Some("a"), Some(1)), (Some("b"), Some(2))]), cursor(1)]).await.unwrap();
    let landed = story
        .land(vec![
            rows(&[(Some("a"), Some(5))]),
            rows(&[(Some("a"), Some(6)), (Some("a"), Some(6)), (Some("c"), Some(3))]),
            cursor(2),
            rows(&[(Some("c"), Some(3))]),
            cursor(3),
        ])
        .await
        .unwrap();
    assert_eq!(landed.rows, counts(5, 3, 0, 2, 0));
    assert_eq!(
        story.current().await,
        BTreeMap::from([
            ("a".to_owned(), Some(6)),
            ("b".to_owned(), Some(2)),
            ("c".to_owned(), Some(3))
        ])
    );
    let saved = saved_cursor(&story.lake, &connection(), &story.spec.name).await.unwrap();
    assert_eq!(saved, Some(Cursor(json!({ "at": 3 }))));
}

#[tokio::test]
async fn a_reading_that_stops_in_the_middle_leaves_the_state_before() {
    let mut story = Story::new(&["id"]).await;
    story.land(snapshot(&[(Some("a"), Some(1))])).await.unwrap();
    let error =
        story.land(vec![Event::SnapshotBegins, rows(&[(Some("b"), Some(2))])]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert_eq!(story.current().await.keys().collect::<Vec<_>>(), ["a"]);
    let nothing = story.land(Vec::new()).await.unwrap();
    assert_eq!(nothing.rows, RowCounts::default());
}

#[tokio::test]
async fn too_many_rejected_rows_land_nothing_and_stay_to_be_looked_at() {
    let mut story = Story::new(&["id"]).await;
    let bad = |line: u32| RejectedRow {
        position: format!("deals.csv:{line}"),
        column: Some("amount".to_owned()),
        value: Some("ten".to_owned()),
        reason: "not a decimal(18,2)".to_owned(),
        record: "a,ten".to_owned(),
    };
    let events = || {
        vec![
            Event::SnapshotBegins,
            rows(&[(Some("b"), Some(2)), (None, Some(3))]),
            Event::Rejected(vec![bad(9), bad(10)]),
            Event::SnapshotEnds,
            cursor(1),
        ]
    };
    // Twice: the second attempt replaces what the first one put into quarantine.
    for _ in 0..2 {
        let error = story.land_allowing(events(), Threshold::Rows(2)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CheckFailed);
        assert_eq!(error.causes(), ["3 of 4 rows do not fit the stream's declaration"]);
        assert_eq!(story.quarantined().await.len(), 3);
        assert!(
            saved_cursor(&story.lake, &connection(), &story.spec.name).await.unwrap().is_none()
        );
    }
    let landed = story.land_allowing(events(), Threshold::Rows(3)).await.unwrap();
    assert_eq!(landed.rows, counts(4, 1, 3, 0, 0));
    assert_eq!(
        story.quarantined().await,
        [
            "deals.csv:10 not a decimal(18,2)",
            "deals.csv:3 a key column is empty",
            "deals.csv:9 not a decimal(18,2)"
        ]
    );
}

#[tokio::test]
async fn a_stream_may_gain_and_lose_columns_but_not_retype_them() {
    let mut story = Story::new(&["id"]).await;
    story.land(snapshot(&[(Some("a"), Some(1))])).await.unwrap();
    story.spec.columns.push(Column { name: "stage".to_owned(), column_type: ColumnType::String });
    let same = story.land(snapshot(&[(Some("a"), Some(1))])).await.unwrap();
    assert_eq!(same.rows, counts(1, 0, 0, 1, 0), "a column without values changes no row");
    story.spec.columns[1].column_type = ColumnType::String;
    let error = story.land(snapshot(&[(Some("a"), Some(1))])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SchemaChanged);
    assert!(error.causes()[0].starts_with("column `amount` was landed as another type"));
}

#[tokio::test]
async fn an_empty_snapshot_deletes_everything() {
    for partition_rows in [1_000, 1] {
        let mut story = Story::new(&["id"]).await;
        story.partition_rows = partition_rows;
        story.land(snapshot(&[(Some("a"), Some(1)), (Some("b"), Some(1))])).await.unwrap();
        let landed =
            story.land(vec![Event::SnapshotBegins, Event::SnapshotEnds, cursor(2)]).await.unwrap();
        assert_eq!(landed.rows, counts(0, 0, 0, 0, 2));
        assert!(story.current().await.is_empty());
    }
}
