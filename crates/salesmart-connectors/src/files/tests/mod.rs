//! The connector from outside: files in, events out.

mod conformance;
mod csv;
mod cursor;
mod declaration;
mod formats;
mod json;
mod parquet;

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use salesmart_core::{ConnectionName, Cursor, Error, Result, StreamName, yaml};
use salesmart_extract::{Connector, Event, RejectedRow, Repair};
use tempfile::TempDir;

use crate::conformance::{Reading, read, unknown};

/// A folder with files, and a stream `deals` over them.
struct Folder {
    folder: TempDir,
    stream: String,
}

impl Folder {
    /// A stream declared by this YAML, which is indented as it stands under its name.
    fn new(stream: &str) -> Self {
        Self { folder: TempDir::new().unwrap(), stream: stream.to_owned() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.path().join(name)).unwrap();
    }

    fn connector(&self) -> Arc<dyn Connector> {
        configure(&self.stream, self.path()).unwrap()
    }

    async fn read_from(&self, cursor: Option<Cursor>) -> (Result<()>, Reading) {
        read(&self.connector(), &StreamName::new("deals").unwrap(), cursor).await
    }

    async fn read(&self) -> Seen {
        self.again(None).await
    }

    async fn again(&self, cursor: Option<Cursor>) -> Seen {
        let (result, reading) = self.read_from(cursor).await;
        result.unwrap();
        Seen(reading)
    }

    async fn fail(&self) -> Error {
        self.read_from(None).await.0.expect_err("the stream cannot be read")
    }
}

/// A connection whose location is the folder, with one stream `deals`.
fn configure(stream: &str, project: &Path) -> Result<Arc<dyn Connector>> {
    let mut text = "location: .\nstreams:\n  deals:\n".to_owned();
    for line in stream.trim_matches('\n').lines() {
        text.push_str("    ");
        text.push_str(line);
        text.push('\n');
    }
    let node = yaml::parse("pipeline.yml", &text, 1)?;
    (super::KIND.configure)(&ConnectionName::new("crm_export")?, &node, project)
}

/// What a reading sent, in forms that tests compare.
struct Seen(Reading);

impl Seen {
    /// Every cell as text, null as `∅`, without positions.
    fn rows(&self) -> Vec<Vec<String>> {
        self.0.batches().iter().flat_map(|batch| cells(batch, batch.num_columns() - 1)).collect()
    }

    fn positions(&self) -> Vec<String> {
        let batches = self.0.batches();
        let all = batches.iter().flat_map(|batch| cells(batch, batch.num_columns()));
        all.map(|row| row.last().unwrap().clone()).collect()
    }

    fn rejected(&self) -> Vec<RejectedRow> {
        let mut rejected = Vec::new();
        for event in &self.0.events {
            if let Event::Rejected(rows) = event {
                rejected.extend(rows.clone());
            }
        }
        rejected
    }

    /// Position, column, value and reason of every rejected row.
    fn reasons(&self) -> Vec<(String, String, String, String)> {
        self.rejected()
            .into_iter()
            .map(|row| {
                (
                    row.position,
                    row.column.unwrap_or_default(),
                    row.value.unwrap_or_default(),
                    row.reason,
                )
            })
            .collect()
    }

    fn repairs(&self) -> Vec<Repair> {
        let mut repairs = Vec::new();
        for event in &self.0.events {
            if let Event::Repaired(more) = event {
                repairs.extend(more.clone());
            }
        }
        repairs
    }

    fn names(&self) -> Vec<&'static str> {
        self.0
            .events
            .iter()
            .map(|event| match event {
                Event::Rows(_) => "rows",
                Event::Rejected(_) => "rejected",
                Event::SnapshotBegins => "begins",
                Event::SnapshotEnds => "ends",
                Event::Repaired(_) => "repaired",
                Event::Checkpoint(_) => "checkpoint",
                other => panic!("files send no {other:?}"),
            })
            .collect()
    }

    fn cursor(&self) -> Option<Cursor> {
        self.0.cursor()
    }
}

fn cells(batch: &RecordBatch, columns: usize) -> Vec<Vec<String>> {
    let options = FormatOptions::default();
    let columns: Vec<_> = batch.columns()[..columns].iter().collect();
    (0..batch.num_rows())
        .map(|row| {
            let cell = |column: &&Arc<dyn Array>| match column.is_null(row) {
                true => "∅".to_owned(),
                false => ArrayFormatter::try_new(*column, &options).unwrap().value(row).to_string(),
            };
            columns.iter().map(cell).collect()
        })
        .collect()
}

fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}
