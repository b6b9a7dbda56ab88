//! Keeping what stage `extract` read when it runs alone, until stage `land` takes it.
//!
//! A spool is a folder of numbered objects, one an event in the order they came: batches as Arrow
//! IPC files, everything else as JSON. `done.json` closes it: it says up to which event the spool
//! is complete, and which columns the stream had when it was read.

use std::io::Cursor as Bytes;

use arrow::array::RecordBatch;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use salesmart_core::stream::{Event, RejectedRow, Repair, SourceCount, StreamSpec, Usage};
use salesmart_core::{ConnectionName, Cursor, Error, ErrorKind, Result, RunId, StreamName};
use salesmart_lake::Lake;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{Receiver, Sender};

/// An event without a batch, as the spool keeps it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Marker {
    Rejected(Vec<RejectedRow>),
    SnapshotBegins,
    SnapshotEnds,
    CensusBegins,
    CensusEnds,
    Counted(SourceCount),
    Used(Usage),
    Repaired(Vec<Repair>),
    Checkpoint(Cursor),
}

/// What a batch is, as the footer of its file says.
#[derive(Clone, Copy)]
enum Kind {
    Rows,
    Patch,
    Deleted,
    Census,
}

/// The key of the footer under which the kind stands.
const KIND: &str = "salesmart.event";

impl Kind {
    const ALL: [Kind; 4] = [Kind::Rows, Kind::Patch, Kind::Deleted, Kind::Census];

    fn as_str(self) -> &'static str {
        match self {
            Kind::Rows => "rows",
            Kind::Patch => "patch",
            Kind::Deleted => "deleted",
            Kind::Census => "census",
        }
    }

    fn event(self, batch: RecordBatch) -> Event {
        match self {
            Kind::Rows => Event::Rows(batch),
            Kind::Patch => Event::Patch(batch),
            Kind::Deleted => Event::Deleted(batch),
            Kind::Census => Event::Census(batch),
        }
    }
}

/// What closes a spool.
#[derive(Serialize, Deserialize)]
struct Done {
    events: u64,
    rows_read: u64,
    stream: StreamSpec,
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

/// Writes events until the sending end is closed. Returns the rows read up to the last checkpoint,
/// beside what went wrong: what came before it can be landed all the same.
pub(crate) async fn write(
    lake: &Lake,
    folder: &str,
    stream: &StreamSpec,
    mut events: Receiver<Event>,
) -> (u64, Result<()>) {
    let mut done = Done { events: 0, rows_read: 0, stream: stream.clone() };
    let mut number = 0;
    let mut rows = 0;
    let mut outcome = Ok(());
    while let Some(event) = events.recv().await {
        rows += rows_of(&event);
        let closes = matches!(event, Event::Checkpoint(_));
        if let Err(error) = write_event(lake, folder, number, event).await {
            outcome = Err(error);
            break;
        }
        number += 1;
        if closes {
            done.events = number;
            done.rows_read = rows;
        }
    }
    if outcome.is_ok() && done.events < number {
        // The connector stopped in the middle and says why itself.
        outcome = Err(Error::new(ErrorKind::Interrupted, "the reading ended without a checkpoint"));
    }
    let closed = lake.put_json(&format!("{folder}/done.json"), &done).await;
    (done.rows_read, outcome.and(closed))
}

/// How many rows of the source an event brings.
pub(crate) fn rows_of(event: &Event) -> u64 {
    match event {
        Event::Rows(batch) | Event::Patch(batch) => batch.num_rows() as u64,
        Event::Rejected(rows) => rows.len() as u64,
        _ => 0,
    }
}

async fn write_event(lake: &Lake, folder: &str, number: u64, event: Event) -> Result<()> {
    let (kind, batch) = match event {
        Event::Rows(batch) => (Kind::Rows, batch),
        Event::Patch(batch) => (Kind::Patch, batch),
        Event::Deleted(batch) => (Kind::Deleted, batch),
        Event::Census(batch) => (Kind::Census, batch),
        Event::Rejected(rows) => {
            return write_marker(lake, folder, number, Marker::Rejected(rows)).await;
        }
        Event::SnapshotBegins => {
            return write_marker(lake, folder, number, Marker::SnapshotBegins).await;
        }
        Event::SnapshotEnds => {
            return write_marker(lake, folder, number, Marker::SnapshotEnds).await;
        }
        Event::CensusBegins => {
            return write_marker(lake, folder, number, Marker::CensusBegins).await;
        }
        Event::CensusEnds => return write_marker(lake, folder, number, Marker::CensusEnds).await,
        Event::Counted(count) => {
            return write_marker(lake, folder, number, Marker::Counted(count)).await;
        }
        Event::Used(usage) => {
            return write_marker(lake, folder, number, Marker::Used(usage)).await;
        }
        Event::Repaired(repairs) => {
            return write_marker(lake, folder, number, Marker::Repaired(repairs)).await;
        }
        Event::Checkpoint(cursor) => {
            return write_marker(lake, folder, number, Marker::Checkpoint(cursor)).await;
        }
    };
    let mut bytes = Vec::new();
    let mut writer =
        FileWriter::try_new(&mut bytes, batch.schema_ref()).map_err(|e| failed("write", e))?;
    writer.write_metadata(KIND, kind.as_str());
    writer.write(&batch).and_then(|()| writer.finish()).map_err(|e| failed("write", e))?;
    drop(writer);
    lake.put_bytes(&format!("{folder}/{number:010}.arrow"), bytes).await
}

async fn write_marker(lake: &Lake, folder: &str, number: u64, marker: Marker) -> Result<()> {
    let bytes = serde_json::to_vec(&marker).map_err(|e| failed("write", e))?;
    lake.put_bytes(&format!("{folder}/{number:010}.json"), bytes).await
}

/// A spool that was closed.
pub(crate) struct Spool {
    lake: Lake,
    folder: String,
    done: Done,
}

/// Opens the spool in a folder.
pub(crate) async fn open(lake: &Lake, folder: &str) -> Result<Spool> {
    let done: Done = lake
        .get_json(&format!("{folder}/done.json"))
        .await?
        .ok_or_else(|| failed("find the end of", format!("`{folder}/done.json` is not there")))?;
    Ok(Spool { lake: lake.clone(), folder: folder.to_owned(), done })
}

impl Spool {
    /// The stream, as it was when it was read.
    pub(crate) fn stream(&self) -> &StreamSpec {
        &self.done.stream
    }

    /// Sends the events of the spool in the order they came.
    pub(crate) async fn replay(&self, events: Sender<Event>) -> Result<()> {
        for number in 0..self.done.events {
            if events.send(self.event(number).await?).await.is_err() {
                // Landing stopped and says why itself.
                return Err(Error::new(ErrorKind::Interrupted, "the receiving stage stopped"));
            }
        }
        Ok(())
    }

    async fn event(&self, number: u64) -> Result<Event> {
        let folder = &self.folder;
        if let Some(bytes) = self.lake.get_bytes(&format!("{folder}/{number:010}.arrow")).await? {
            let mut reader =
                FileReader::try_new(Bytes::new(bytes), None).map_err(|e| failed("read", e))?;
            let written = reader.custom_metadata().get(KIND).cloned().unwrap_or_default();
            let kind = Kind::ALL
                .into_iter()
                .find(|kind| kind.as_str() == written)
                .ok_or_else(|| failed("read", format!("event {number} is a batch of no kind")))?;
            let batch = reader
                .next()
                .ok_or_else(|| failed("read", "a batch is empty"))?
                .map_err(|e| failed("read", e))?;
            return Ok(kind.event(batch));
        }
        let bytes = self
            .lake
            .get_bytes(&format!("{folder}/{number:010}.json"))
            .await?
            .ok_or_else(|| failed("read", format!("event {number} is missing")))?;
        Ok(match serde_json::from_slice(&bytes).map_err(|e| failed("read", e))? {
            Marker::Rejected(rows) => Event::Rejected(rows),
            Marker::SnapshotBegins => Event::SnapshotBegins,
            Marker::SnapshotEnds => Event::SnapshotEnds,
            Marker::CensusBegins => Event::CensusBegins,
            Marker::CensusEnds => Event::CensusEnds,
            Marker::Counted(count) => Event::Counted(count),
            Marker::Used(usage) => Event::Used(usage),
            Marker::Repaired(repairs) => Event::Repaired(repairs),
            Marker::Checkpoint(cursor) => Event::Checkpoint(cursor),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    use salesmart_core::{Column, ColumnType};
    use serde_json::json;
    use tokio::sync::mpsc;

    use super::*;

    fn batch(values: &[&str]) -> RecordBatch {
        let column: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
        RecordBatch::try_from_iter([("id", column)]).unwrap()
    }

    fn spec() -> StreamSpec {
        StreamSpec {
            name: StreamName::new("deals").unwrap(),
            columns: vec![Column { name: "id".to_owned(), column_type: ColumnType::String }],
            key: vec!["id".to_owned()],
            max_rejected: None,
            location: None,
        }
    }

    async fn spool(lake: &Lake, events: Vec<Event>) -> (u64, Result<()>) {
        let (sender, receiver) = mpsc::channel(1);
        let send = async move {
            for event in events {
                sender.send(event).await.unwrap();
            }
        };
        let spec = spec();
        tokio::join!(write(lake, "spool/r/c/s", &spec, receiver), send).0
    }

    async fn replayed(lake: &Lake) -> Vec<String> {
        let (sender, mut receiver) = mpsc::channel(100);
        let opened = open(lake, "spool/r/c/s").await.unwrap();
        assert_eq!(opened.stream(), &spec());
        opened.replay(sender).await.unwrap();
        let mut events = Vec::new();
        while let Some(event) = receiver.recv().await {
            events.push(format!("{event:?}"));
        }
        events
    }

    fn every_kind_of_event() -> Vec<Event> {
        let rejected = RejectedRow {
            position: "f:2".to_owned(),
            column: None,
            value: None,
            reason: "odd".to_owned(),
            record: String::new(),
        };
        vec![
            Event::SnapshotBegins,
            Event::Rows(batch(&["a", "b"])),
            Event::Rejected(vec![rejected]),
            Event::Rows(batch(&["c"])),
            Event::SnapshotEnds,
            Event::Repaired(Vec::new()),
            Event::Checkpoint(Cursor(json!({ "at": 1 }))),
            Event::Patch(batch(&["a"])),
            Event::Deleted(batch(&["b"])),
            Event::CensusBegins,
            Event::Census(batch(&["a", "c"])),
            Event::CensusEnds,
            Event::Counted(SourceCount { from: None, to: None, rows: 2, delivered: 2 }),
            Event::Used(Usage { requests: 3, retries: 1, waited_seconds: 0.5, bytes: 100 }),
            Event::Checkpoint(Cursor(json!({ "at": 2 }))),
        ]
    }

    #[tokio::test]
    async fn what_was_spooled_comes_out_again_in_order() {
        let lake = Lake::open("memory:///").await.unwrap();
        let events = every_kind_of_event();
        let (rows, outcome) = spool(&lake, events.clone()).await;
        outcome.unwrap();
        assert_eq!(rows, 5, "two and one, one rejected, one patched");
        let sent: Vec<String> = events.iter().map(|event| format!("{event:?}")).collect();
        assert_eq!(replayed(&lake).await, sent);
    }

    #[tokio::test]
    async fn what_came_after_the_last_checkpoint_is_left_out() {
        let lake = Lake::open("memory:///").await.unwrap();
        let mut events = every_kind_of_event();
        events.push(Event::Rows(batch(&["z"])));
        let (rows, outcome) = spool(&lake, events).await;
        assert_eq!((rows, outcome.unwrap_err().kind()), (5, ErrorKind::Interrupted));
        assert_eq!(replayed(&lake).await.len(), every_kind_of_event().len());
    }

    #[tokio::test]
    async fn a_spool_without_its_end_is_refused() {
        let lake = Lake::open("memory:///").await.unwrap();
        let error = open(&lake, "spool/r/c/s").await.err().unwrap();
        assert_eq!(error.message(), "failed to find the end of the spool");
    }
}
