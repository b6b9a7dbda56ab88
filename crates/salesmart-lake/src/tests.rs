//! The lake on a local folder: commits, releases, leases.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use salesmart_core::{ConnectionName, ErrorKind, ReleaseId, RunId, StreamName};
use serde_json::json;

use crate::{
    Commit, CommitMode, Lake, PointerEntry, Release, ReleasedTable, TablePath, TableWriter,
};

async fn lake() -> (tempfile::TempDir, Lake) {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path().join("lake").to_str().unwrap()).await.unwrap();
    (folder, lake)
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("name", DataType::Utf8, true),
    ]))
}

fn batch(ids: &[i64]) -> RecordBatch {
    let names: Vec<String> = ids.iter().map(|id| format!("n{id}")).collect();
    RecordBatch::try_new(
        schema(),
        vec![Arc::new(Int64Array::from(ids.to_vec())), Arc::new(StringArray::from(names))],
    )
    .unwrap()
}

fn path() -> TablePath {
    TablePath::raw(&ConnectionName::new("crm").unwrap(), &StreamName::new("deals").unwrap())
}

async fn write(lake: &Lake, prefix: &str, ids: &[i64], mode: CommitMode) -> u64 {
    let mut writer = TableWriter::new(lake, &path(), schema()).with_prefix(prefix);
    writer.write(&batch(ids)).await.unwrap();
    let commit = Commit {
        files: writer.finish().await.unwrap(),
        mode,
        schema: schema(),
        metadata: BTreeMap::from([("cursor".to_owned(), json!({ "at": ids.len() }))]),
        transaction: Some(("deals".to_owned(), 1)),
        description: Some("Deals as they came.".to_owned()),
    };
    lake.commit(&path(), commit).await.unwrap()
}

async fn ids(lake: &Lake, version: Option<u64>) -> Vec<i64> {
    let table = match version {
        Some(version) => lake.table_at(&path(), version).await.unwrap(),
        None => lake.table(&path()).await.unwrap().unwrap(),
    };
    let batches: Vec<RecordBatch> =
        lake.read(&table, Some(&["id".to_owned()])).try_collect().await.unwrap();
    let mut ids: Vec<i64> = batches
        .iter()
        .flat_map(|batch| {
            assert_eq!(batch.num_columns(), 1);
            batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().values().to_vec()
        })
        .collect();
    ids.sort_unstable();
    assert_eq!(table.rows, ids.len() as u64);
    ids
}

#[tokio::test]
async fn a_table_keeps_its_versions_and_what_was_said_with_each() {
    let (_folder, lake) = lake().await;
    assert!(lake.table(&path()).await.unwrap().is_none());
    assert_eq!(write(&lake, "", &[1, 2, 3], CommitMode::Append).await, 0);
    assert_eq!(write(&lake, "", &[4], CommitMode::Append).await, 1);
    assert_eq!(write(&lake, "", &[9, 8], CommitMode::Overwrite).await, 2);
    assert_eq!(ids(&lake, Some(0)).await, [1, 2, 3]);
    assert_eq!(ids(&lake, Some(1)).await, [1, 2, 3, 4]);
    assert_eq!(ids(&lake, None).await, [8, 9]);
    let table = lake.table(&path()).await.unwrap().unwrap();
    assert_eq!(table.metadata["cursor"], json!({ "at": 2 }));
    assert_eq!(table.schema.field(1).name(), "name");
}

#[tokio::test]
async fn a_lake_needs_no_local_disk() {
    let lake = Lake::open("memory:///").await.unwrap();
    assert_eq!(write(&lake, "", &[1, 2, 3], CommitMode::Append).await, 0);
    assert_eq!(write(&lake, "", &[4], CommitMode::Append).await, 1);
    assert_eq!(ids(&lake, Some(0)).await, [1, 2, 3]);
    assert_eq!(ids(&lake, None).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_batch_that_is_written_again_replaces_itself() {
    let (_folder, lake) = lake().await;
    write(&lake, "b1-", &[1], CommitMode::Append).await;
    write(&lake, "b2-", &[2, 3], CommitMode::ReplacePrefix("b2-".to_owned())).await;
    write(&lake, "b2-", &[2, 4], CommitMode::ReplacePrefix("b2-".to_owned())).await;
    assert_eq!(ids(&lake, None).await, [1, 2, 4]);
}

#[tokio::test]
async fn named_files_are_replaced_together_or_not_at_all() {
    let (_folder, lake) = lake().await;
    for id in 1..=3 {
        write(&lake, &format!("f{id}-"), &[id], CommitMode::Append).await;
    }
    let table = lake.table(&path()).await.unwrap().unwrap();
    let name = |index: usize| table.files[index].path.rsplit('/').next().unwrap().to_owned();
    let first_two = CommitMode::ReplaceFiles([name(0), name(1)].into());
    write(&lake, "", &[10, 20, 25], first_two.clone()).await;
    assert_eq!(ids(&lake, None).await, [3, 10, 20, 25]);
    assert_eq!(ids(&lake, Some(2)).await, [1, 2, 3]);
    // They are gone: who would replace them knows an older table.
    let commit = Commit {
        files: Vec::new(),
        mode: first_two,
        schema: schema(),
        metadata: BTreeMap::new(),
        transaction: None,
        description: None,
    };
    assert_eq!(lake.commit(&path(), commit).await.unwrap_err().kind(), ErrorKind::Bug);
    assert_eq!(ids(&lake, None).await, [3, 10, 20, 25]);
}

#[tokio::test]
async fn a_commit_without_rows_still_carries_its_metadata() {
    let (_folder, lake) = lake().await;
    let commit = Commit {
        files: Vec::new(),
        mode: CommitMode::Overwrite,
        schema: schema(),
        metadata: BTreeMap::from([("fingerprint".to_owned(), json!("abc"))]),
        transaction: None,
        description: None,
    };
    lake.commit(&path(), commit).await.unwrap();
    let table = lake.table(&path()).await.unwrap().unwrap();
    assert_eq!((table.rows, table.files.len()), (0, 0));
    assert_eq!(table.metadata["fingerprint"], json!("abc"));
}

#[tokio::test]
async fn long_histories_stay_readable_past_their_checkpoints() {
    let (_folder, lake) = lake().await;
    for id in 0..105 {
        write(&lake, "", &[id], CommitMode::Append).await;
    }
    assert_eq!(ids(&lake, None).await.len(), 105);
    assert_eq!(ids(&lake, Some(3)).await, [0, 1, 2, 3]);
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn release(version: u64) -> Release {
    Release {
        id: ReleaseId(0),
        created_at: at("2026-11-23T05:00:00Z"),
        pipeline: "nightly".to_owned(),
        run_id: RunId::from_text("run"),
        as_of: at("2026-11-23T05:00:00Z"),
        forecast_head: None,
        tables: BTreeMap::from([("kpi.win_rate".to_owned(), ReleasedTable { version, rows: 1 })]),
    }
}

fn entry(release: ReleaseId, reason: &str) -> PointerEntry {
    PointerEntry {
        release,
        at: at("2026-11-23T05:00:00Z"),
        reason: reason.to_owned(),
        run_id: None,
    }
}

#[tokio::test]
async fn a_release_is_current_only_once_the_pointer_says_so() {
    let (_folder, lake) = lake().await;
    let first = lake.create_release(release(1)).await.unwrap();
    assert!(lake.current_release().await.unwrap().is_none());
    lake.point_to(entry(first.id, "published")).await.unwrap();
    let second = lake.create_release(release(2)).await.unwrap();
    assert_eq!(second.id, ReleaseId(2));
    assert_eq!(lake.current_release().await.unwrap().unwrap().id, first.id);
    lake.point_to(entry(second.id, "published")).await.unwrap();
    lake.point_to(entry(first.id, "rolled back")).await.unwrap();
    assert_eq!(lake.current_release().await.unwrap().unwrap(), first);
    assert_eq!(lake.pointer_log().await.unwrap().len(), 3);
    let unknown = lake.release(ReleaseId(9)).await.unwrap_err();
    assert_eq!(unknown.message(), "there is no release r000009");
}

#[tokio::test]
async fn a_lease_is_held_by_one_and_freed_by_giving_it_back() {
    let (_folder, lake) = lake().await;
    let lease = lake.acquire_lease("nightly", &RunId::from_text("one")).await.unwrap();
    let refused = lake.acquire_lease("nightly", &RunId::from_text("two")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::LeaseHeld);
    assert_eq!(refused.message(), "`nightly` is being run by one");
    lake.acquire_lease("weekly", &RunId::from_text("two")).await.unwrap();
    lease.check().await.unwrap();
    lease.release().await.unwrap();
    let next = lake.acquire_lease("nightly", &RunId::from_text("two")).await.unwrap();
    assert_eq!(next.epoch(), 2);
}

#[tokio::test]
async fn a_dead_or_silent_holder_is_replaced_and_notices() {
    let (_folder, lake) = lake().await;
    let lease = lake.acquire_lease("nightly", &RunId::from_text("one")).await.unwrap();
    // The holder's heart stopped two minutes ago.
    let mut record = lease.record.clone();
    record.heartbeat_at -= chrono::TimeDelta::seconds(120);
    lake.put_json("leases/nightly/0000000001.json", &record).await.unwrap();
    let second = lake.acquire_lease("nightly", &RunId::from_text("two")).await.unwrap();
    assert_eq!(lease.check().await.unwrap_err().kind(), ErrorKind::LeaseHeld);
    second.check().await.unwrap();
    // A process of this machine that has ended is replaced at once.
    let mut record = second.record.clone();
    let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    record.pid = child.id();
    record.process_started = crate::lease::process_started(child.id());
    lake.put_json("leases/nightly/0000000002.json", &record).await.unwrap();
    assert!(lake.acquire_lease("nightly", &RunId::from_text("three")).await.is_err());
    child.kill().unwrap();
    child.wait().unwrap();
    lake.acquire_lease("nightly", &RunId::from_text("three")).await.unwrap();
}

#[tokio::test]
async fn a_history_tells_each_commit_and_a_file_as_it_lies_there() {
    let (folder, lake) = lake().await;
    write(&lake, "", &[1, 2, 3], CommitMode::Append).await;
    write(&lake, "", &[4], CommitMode::Append).await;
    write(&lake, "", &[9, 8], CommitMode::Overwrite).await;
    let history = lake.history(&path()).await.unwrap();
    let shape: Vec<_> =
        history.iter().map(|c| (c.version, c.added.len(), c.removed.len())).collect();
    assert_eq!(shape, [(0, 1, 0), (1, 1, 0), (2, 1, 2)]);
    assert_eq!(history[0].added[0].rows, 3);
    assert_eq!(history[0].metadata["cursor"], json!({ "at": 3 }));
    assert!(history[0].at.is_some());

    let file = &history[2].added[0];
    let stored = lake.stored_file(file).await.unwrap().unwrap();
    assert_eq!(stored.size, file.size);
    let place = folder.path().join("lake").join(&file.path);
    let mut bytes = std::fs::read(&place).unwrap();
    bytes[9] ^= 1;
    std::fs::write(&place, bytes).unwrap();
    let changed = lake.stored_file(file).await.unwrap().unwrap();
    assert_eq!(changed.size, stored.size);
    assert_ne!(changed.sha256, stored.sha256);
    std::fs::remove_file(&place).unwrap();
    assert_eq!(lake.stored_file(file).await.unwrap(), None);
    // What is damaged in the log is counted, and the rest of it still told.
    let log = folder.path().join("lake/raw/crm/deals/_delta_log/00000000000000000001.json");
    std::fs::write(log, "{\"add\": ").unwrap();
    assert_eq!(lake.history(&path()).await.unwrap()[1].unreadable_lines, 1);
}
