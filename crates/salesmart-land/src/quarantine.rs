//! Keeping what cannot be used, with its reason and position, until somebody looks at it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use salesmart_core::Result;
use salesmart_core::stream::RejectedRow;
use salesmart_lake::{Commit, CommitMode, Lake, TablePath, TableWriter};
use serde_json::json;

use crate::batch::{Origin, arrow_error};
use crate::provenance::quarantine_schema;

/// Rejected rows kept in memory before they are written.
const BUFFERED_ROWS: usize = 10_000;
/// Rejected rows that the error message shows.
const SAMPLES: usize = 3;

/// The rejected rows of one batch of one stream, on their way to the quarantine table.
pub(crate) struct Quarantine {
    lake: Lake,
    path: TablePath,
    origin: Origin,
    prefix: String,
    writer: TableWriter,
    buffer: Vec<RejectedRow>,
    rows: u64,
    samples: Vec<RejectedRow>,
}

impl Quarantine {
    /// `batch` is the number that the raw table's next commit will have. A batch that is written
    /// again, after a crash or a failed run, replaces what it wrote before.
    pub(crate) fn new(lake: &Lake, origin: &Origin, batch: i64) -> Self {
        let path = TablePath::quarantine(&origin.connection, &origin.stream);
        let prefix = format!("b{batch:010}-");
        let writer = TableWriter::new(lake, &path, quarantine_schema()).with_prefix(prefix.clone());
        Self {
            lake: lake.clone(),
            path,
            origin: origin.clone(),
            prefix,
            writer,
            buffer: Vec::new(),
            rows: 0,
            samples: Vec::new(),
        }
    }

    /// How many rows are in it.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// The first of them.
    pub(crate) fn samples(&self) -> &[RejectedRow] {
        &self.samples
    }

    pub(crate) async fn push(&mut self, row: RejectedRow) -> Result<()> {
        self.rows += 1;
        if self.samples.len() < SAMPLES {
            self.samples.push(row.clone());
        }
        self.buffer.push(row);
        if self.buffer.len() >= BUFFERED_ROWS { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.buffer);
        if rows.is_empty() {
            return Ok(());
        }
        let origin = &self.origin;
        let text = |of: fn(&RejectedRow) -> Option<&str>| -> ArrayRef {
            Arc::new(rows.iter().map(of).collect::<StringArray>())
        };
        let batch = RecordBatch::try_new(
            quarantine_schema(),
            vec![
                Origin::constant(origin.connection.as_str(), rows.len()),
                Origin::constant(origin.stream.as_str(), rows.len()),
                Origin::constant(origin.run_id.as_str(), rows.len()),
                origin.extracted_at(rows.len()),
                text(|row| Some(&row.position)),
                text(|row| row.column.as_deref()),
                text(|row| row.value.as_deref()),
                text(|row| Some(&row.reason)),
                text(|row| Some(&row.record)),
            ],
        )
        .map_err(arrow_error)?;
        self.writer.write(&batch).await
    }

    /// Commits the rows. Returns the table's version, `None` where there is nothing to say.
    pub(crate) async fn commit(mut self) -> Result<Option<u64>> {
        self.flush().await?;
        if self.rows == 0 {
            // An attempt before this one may have left rows of the same batch: they are read
            // again now, and were fine this time or are gone.
            let stale = self.lake.table(&self.path).await?.is_some_and(|table| {
                table.files.iter().any(|file| file.path.contains(&format!("/{}", self.prefix)))
            });
            if !stale {
                return Ok(None);
            }
        }
        let commit = Commit {
            files: self.writer.finish().await?,
            mode: CommitMode::ReplacePrefix(self.prefix.clone()),
            schema: quarantine_schema(),
            metadata: BTreeMap::from([
                ("run_id".to_owned(), json!(self.origin.run_id)),
                ("rows".to_owned(), json!(self.rows)),
            ]),
            transaction: None,
            description: Some("Rows that could not be used, with reason and position.".to_owned()),
        };
        let version = self.lake.commit(&self.path, commit).await?;
        Ok((self.rows > 0).then_some(version))
    }
}
