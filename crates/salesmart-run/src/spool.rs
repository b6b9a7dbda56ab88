//! Keeping what stage `extract` read when it runs alone, until stage `land` takes it.
//!
//! A spool is a folder of numbered objects, one an event in the order they came: rows as Arrow IPC
//! files, everything else as JSON. It is complete when `done.json` says how many there are.

use std::io::Cursor as Bytes;

use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use salesmart_core::stream::{Event, RejectedRow, Repair};
use salesmart_core::{ConnectionName, Cursor, Error, ErrorKind, Result, RunId, StreamName};
use salesmart_lake::Lake;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{Receiver, Sender};

/// An event without rows, as the spool keeps it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Marker {
    Rejected(Vec<RejectedRow>),
    SnapshotBegins,
    SnapshotEnds,
    Repaired(Vec<Repair>),
    Checkpoint(Cursor),
}

/// What closes a spool.
#[derive(Serialize, Deserialize)]
struct Done {
    events: u64,
    rows_read: u64,
}

/// Where the spools of a run are.
pub(crate) fn folder(run_id: &RunId) -> String {
    format!("spool/{run_id}")
}

/// Where the spool of one stream of a run is.
pub(crate) fn stream_folder(
    run_id: &RunId,
    connection: &ConnectionName,
    stream: &StreamName,
) -> String {
    format!("{}/{connection}/{stream}", folder(run_id))
}

fn failed(what: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::SourceUnavailable, format!("failed to {what} the spool"))
        .with_source(error)
        .with_state("nothing was landed")
        .with_hint("run `salesmart extract` again")
}

/// Writes events until the sending end is closed. Returns the rows read.
pub(crate) async fn write(lake: &Lake, folder: &str, mut events: Receiver<Event>) -> Result<u64> {
    let mut done = Done { events: 0, rows_read: 0 };
    let mut open = false;
    while let Some(event) = events.recv().await {
        let number = done.events;
        done.events += 1;
        let marker = match event {
            Event::Rows(batch) => {
                done.rows_read += batch.num_rows() as u64;
                let mut bytes = Vec::new();
                let mut writer = FileWriter::try_new(&mut bytes, batch.schema_ref())
                    .map_err(|e| failed("write", e))?;
                writer
                    .write(&batch)
                    .and_then(|()| writer.finish())
                    .map_err(|e| failed("write", e))?;
                drop(writer);
                lake.put_bytes(&format!("{folder}/{number:010}.arrow"), bytes).await?;
                open = true;
                continue;
            }
            Event::Rejected(rows) => {
                done.rows_read += rows.len() as u64;
                Marker::Rejected(rows)
            }
            Event::SnapshotBegins => Marker::SnapshotBegins,
            Event::SnapshotEnds => Marker::SnapshotEnds,
            Event::Repaired(repairs) => Marker::Repaired(repairs),
            Event::Checkpoint(cursor) => Marker::Checkpoint(cursor),
        };
        open = !matches!(marker, Marker::Checkpoint(_));
        let bytes = serde_json::to_vec(&marker).map_err(|e| failed("write", e))?;
        lake.put_bytes(&format!("{folder}/{number:010}.json"), bytes).await?;
    }
    if open {
        // The connector stopped in the middle and says why itself.
        return Err(Error::new(ErrorKind::Interrupted, "the reading ended without a checkpoint"));
    }
    lake.put_json(&format!("{folder}/done.json"), &done).await?;
    Ok(done.rows_read)
}

/// Sends the events of a spool in the order they came.
pub(crate) async fn replay(lake: &Lake, folder: &str, events: Sender<Event>) -> Result<()> {
    let done: Done = lake
        .get_json(&format!("{folder}/done.json"))
        .await?
        .ok_or_else(|| failed("find the end of", format!("`{folder}/done.json` is not there")))?;
    for number in 0..done.events {
        let event = match lake.get_bytes(&format!("{folder}/{number:010}.arrow")).await? {
            Some(bytes) => {
                let mut reader =
                    FileReader::try_new(Bytes::new(bytes), None).map_err(|e| failed("read", e))?;
                let batch = reader
                    .next()
                    .ok_or_else(|| failed("read", "a batch is empty"))?
                    .map_err(|e| failed("read", e))?;
                Event::Rows(batch)
            }
            None => {
                let bytes = lake
                    .get_bytes(&format!("{folder}/{number:010}.json"))
                    .await?
                    .ok_or_else(|| failed("read", format!("event {number} is missing")))?;
                match serde_json::from_slice(&bytes).map_err(|e| failed("read", e))? {
                    Marker::Rejected(rows) => Event::Rejected(rows),
                    Marker::SnapshotBegins => Event::SnapshotBegins,
                    Marker::SnapshotEnds => Event::SnapshotEnds,
                    Marker::Repaired(repairs) => Event::Repaired(repairs),
                    Marker::Checkpoint(cursor) => Event::Checkpoint(cursor),
                }
            }
        };
        if events.send(event).await.is_err() {
            // Landing stopped and says why itself.
            return Err(Error::new(ErrorKind::Interrupted, "the receiving stage stopped"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    use serde_json::json;
    use tokio::sync::mpsc;

    use super::*;

    fn rows(values: &[&str]) -> Event {
        let column: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
        Event::Rows(RecordBatch::try_from_iter([("id", column)]).unwrap())
    }

    async fn spool(lake: &Lake, events: Vec<Event>) -> Result<u64> {
        let (sender, receiver) = mpsc::channel(1);
        let send = async move {
            for event in events {
                sender.send(event).await.unwrap();
            }
        };
        tokio::join!(write(lake, "spool/r/c/s", receiver), send).0
    }

    #[tokio::test]
    async fn what_was_spooled_comes_out_again_in_order() {
        let lake = Lake::open("memory:///").await.unwrap();
        let rejected = RejectedRow {
            position: "f:2".to_owned(),
            column: None,
            value: None,
            reason: "odd".to_owned(),
            record: String::new(),
        };
        let events = vec![
            Event::SnapshotBegins,
            rows(&["a", "b"]),
            Event::Rejected(vec![rejected]),
            rows(&["c"]),
            Event::SnapshotEnds,
            Event::Checkpoint(Cursor(json!({ "at": 1 }))),
        ];
        assert_eq!(spool(&lake, events.clone()).await.unwrap(), 4);
        let (sender, mut receiver) = mpsc::channel(10);
        replay(&lake, "spool/r/c/s", sender).await.unwrap();
        for event in events {
            assert_eq!(format!("{:?}", receiver.recv().await.unwrap()), format!("{event:?}"));
        }
        assert!(receiver.recv().await.is_none());
    }

    #[tokio::test]
    async fn a_spool_without_its_end_is_refused() {
        let lake = Lake::open("memory:///").await.unwrap();
        assert!(spool(&lake, vec![rows(&["a"])]).await.is_err());
        let (sender, _receiver) = mpsc::channel(10);
        let error = replay(&lake, "spool/r/c/s", sender).await.unwrap_err();
        assert_eq!(error.message(), "failed to find the end of the spool");
    }
}
