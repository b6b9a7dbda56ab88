//! Walking the events of one reading of one stream into its raw table.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use salesmart_core::receipt::{LandedStream, Reconciliation, ReconciliationStatus, RowCounts};
use salesmart_core::stream::{Event, RejectedRow, Repair, SourceCount};
use salesmart_core::{Cursor, Error, ErrorKind, Result};
use salesmart_lake::{Commit, CommitMode, Lake, Table, TablePath, TableWriter};
use serde_json::json;
use tokio::sync::mpsc::Receiver;

use crate::batch::{Judged, Origin, position, row_as_json};
use crate::census::Census;
use crate::hash::key_hashes;
use crate::index::Index;
use crate::key_log::KeyLog;
use crate::patch::Patches;
use crate::provenance::Operation;
use crate::quarantine::Quarantine;
use crate::refusal;
use crate::request::{LandRequest, Outcome};
use crate::schema::{COLUMNS, Shape, shape};
use crate::spill::Spill;

/// Sequence numbers that one batch may use; the rest of an `int64` counts batches.
const SEQUENCES_PER_BATCH: i64 = 1 << 40;

/// What one row group of a raw table may take in memory while it is written.
const ROW_GROUP_BYTES: usize = 48 * 1024 * 1024;

/// Why a row without a key is in quarantine.
pub(crate) const EMPTY_KEY: &str = "a key column is empty";

/// Lands what comes through `events` until the sending end is closed.
///
/// What was sent before a checkpoint is committed with it; what was sent after the last checkpoint
/// is dropped, or committed without its cursor, since the connector stopped in the middle of it and
/// will send it again. The outcome tells what was committed, and why the stream failed: the lake
/// failed, more rows were rejected than allowed (they are in quarantine then, and the cursor
/// stays), a column's type changed under landed rows, rows do not add up, or the source has rows
/// that were not landed.
pub async fn land(request: LandRequest, mut events: Receiver<Event>) -> Outcome {
    let name = format!(
        "failed to land stream `{}` of connection `{}`",
        request.stream.name, request.connection
    );
    let mut outcome = match Lander::open(request).await {
        Ok(mut lander) => {
            let walked = lander.walk(&mut events).await;
            lander.close(walked).await
        }
        Err(outcome) => *outcome,
    };
    outcome.error = outcome.error.map(|error| error.wrap(name));
    outcome
}

/// What has come since the last commit.
pub(crate) struct Pending {
    pub(crate) writer: TableWriter,
    quarantine: Quarantine,
    pub(crate) counts: RowCounts,
    /// Rows in quarantine because the source has a record that never came.
    pub(crate) without_row: u64,
    pub(crate) snapshot: bool,
    pub(crate) snapshot_complete: bool,
    pub(crate) new_keys: KeyLog,
    pub(crate) occurrences: HashMap<u128, u32>,
    /// Rows, while the index is too large to be held at once.
    pub(crate) spill: Option<Spill>,
    /// Keys that are gone, likewise.
    pub(crate) gone: Option<Spill>,
    /// The cursor up to which the spilled rows are complete.
    held: Option<Cursor>,
    repairs: Vec<Repair>,
    next_sequence: i64,
}

/// The state of one reading.
pub(crate) struct Lander {
    pub(crate) request: LandRequest,
    origin: Origin,
    pub(crate) path: TablePath,
    pub(crate) shape: Shape,
    pub(crate) table: Option<Table>,
    batch: i64,
    pub(crate) index: Option<Index>,
    pub(crate) pending: Pending,
    pub(crate) patches: Option<Patches>,
    pub(crate) census: Option<Census>,
    pub(crate) receipt: LandedStream,
    /// Rows in quarantine that do not count against `max_rejected`.
    without_row: u64,
    /// Something came after the last checkpoint.
    open: bool,
}

impl Lander {
    async fn open(request: LandRequest) -> std::result::Result<Self, Box<Outcome>> {
        let mut receipt =
            LandedStream::nothing(request.connection.clone(), request.stream.name.clone());
        let failed = |landed: LandedStream, error: Error| {
            Box::new(Outcome { landed, error: Some(error), lost_rows: false })
        };
        let origin = Origin {
            connection: request.connection.clone(),
            stream: request.stream.name.clone(),
            run_id: request.run_id.clone(),
            extracted_at: request.extracted_at,
        };
        let path = TablePath::raw(&request.connection, &request.stream.name);
        let table = match request.lake.table(&path).await {
            Ok(table) => table,
            Err(error) => return Err(failed(receipt, error)),
        };
        receipt.version = table.as_ref().map_or(0, |table| table.version);
        let (changes, shape) = shape(table.as_ref(), &request.stream, request.on_retyped);
        receipt.schema_changes = changes;
        let shape = match shape {
            Ok(shape) => shape,
            Err(error) => return Err(failed(receipt, error)),
        };
        let batch = next_batch(table.as_ref());
        let pending = Pending::new(&request.lake, &path, &shape, &origin, batch);
        Ok(Self {
            request,
            origin,
            path,
            shape,
            table,
            batch,
            index: None,
            pending,
            patches: None,
            census: None,
            receipt,
            without_row: 0,
            open: false,
        })
    }

    async fn walk(&mut self, events: &mut Receiver<Event>) -> Result<()> {
        while let Some(event) = events.recv().await {
            self.take(event).await?;
        }
        Ok(())
    }

    async fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Used(usage) => {
                self.receipt.usage.add(&usage);
                return Ok(());
            }
            Event::Counted(count) => {
                self.counted(count);
                return Ok(());
            }
            Event::Checkpoint(cursor) => return self.checkpoint(cursor).await,
            _ => self.open = true,
        }
        match event {
            Event::Rows(batch) => {
                self.outside_census("rows")?;
                self.flush_patches().await?;
                if self.pending.gone.is_some() {
                    self.settle().await?;
                }
                let batch = self.conform(batch).await?;
                self.rows(batch).await
            }
            Event::Rejected(rows) => {
                self.pending.counts.read += rows.len() as u64;
                for row in rows {
                    self.reject(row).await?;
                }
                Ok(())
            }
            Event::SnapshotBegins => {
                self.outside_census("a snapshot")?;
                self.flush_patches().await?;
                self.settle().await?;
                if self.index.as_ref().is_some_and(|index| index.fresh() > 0) {
                    self.index = None;
                }
                self.pending.snapshot = true;
                Ok(())
            }
            Event::SnapshotEnds => {
                self.pending.snapshot_complete = self.pending.snapshot;
                Ok(())
            }
            Event::Patch(batch) => {
                self.only_keyed_feed("patches")?;
                self.patch(batch).await
            }
            Event::Deleted(batch) => {
                self.only_keyed_feed("deletes")?;
                self.flush_patches().await?;
                if self.pending.spill.is_some() {
                    self.settle().await?;
                }
                let (batch, _) = self.shape.casts.apply(batch)?;
                self.deleted(batch).await
            }
            Event::CensusBegins => {
                self.only_keyed_feed("a census")?;
                self.flush_patches().await?;
                self.census = Some(Census::default());
                Ok(())
            }
            Event::Census(batch) => {
                let (batch, unfit) = self.shape.casts.apply(batch)?;
                self.census_keys(&batch, unfit.len() as u64)
            }
            Event::CensusEnds => self.census_ends().await,
            Event::Repaired(repairs) => {
                self.pending.repairs.extend(repairs);
                Ok(())
            }
            Event::Used(_) | Event::Counted(_) | Event::Checkpoint(_) => Ok(()),
        }
    }

    fn outside_census(&self, what: &str) -> Result<()> {
        match self.census {
            Some(_) => Err(Error::bug(format!("{what} came in the middle of a census"))),
            None => Ok(()),
        }
    }

    fn only_keyed_feed(&self, what: &str) -> Result<()> {
        self.outside_census(what)?;
        if self.request.stream.key.is_empty() {
            return Err(Error::bug(format!("{what} came for a stream without a key")));
        }
        if self.pending.snapshot {
            return Err(Error::bug(format!("{what} came in the middle of a snapshot")));
        }
        Ok(())
    }

    /// Brings rows into the types of the raw table; those that it cannot hold are rejected.
    async fn conform(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let (batch, rejected) = self.shape.casts.apply(batch)?;
        self.pending.counts.read += rejected.len() as u64;
        for row in rejected {
            self.reject(row).await?;
        }
        Ok(batch)
    }

    async fn patch(&mut self, batch: RecordBatch) -> Result<()> {
        let batch = self.conform(batch).await?;
        if self.patches.as_ref().is_some_and(|patches| !patches.fits(&batch)) {
            self.flush_patches().await?;
        }
        let (batch, keys) = self.with_keys(batch).await?;
        let patches = self.patches.get_or_insert_with(Patches::new);
        patches.add(batch, &keys);
        if patches.len() >= self.request.patch_keys { self.flush_patches().await } else { Ok(()) }
    }

    /// The rows that have a key, and their keys; the others are rejected.
    async fn with_keys(&mut self, batch: RecordBatch) -> Result<(RecordBatch, Vec<u128>)> {
        let keys = self.keys_of(&batch)?;
        let keyed: Vec<bool> = keys.iter().map(Option::is_some).collect();
        for row in (0..keyed.len()).filter(|row| !keyed[*row]) {
            let rejected = self.rejected(&batch, row, EMPTY_KEY.to_owned());
            self.pending.counts.read += 1;
            self.reject(rejected).await?;
        }
        let judged = Judged { batch, contents: vec![0; keyed.len()], row_keys: None };
        Ok((judged.keep(&keyed)?.batch, keys.into_iter().flatten().collect()))
    }

    pub(crate) async fn reject(&mut self, row: RejectedRow) -> Result<()> {
        self.pending.counts.quarantined += 1;
        self.pending.quarantine.push(row).await
    }

    pub(crate) fn rejected(&self, batch: &RecordBatch, row: usize, reason: String) -> RejectedRow {
        RejectedRow {
            position: position(batch, row),
            column: Some(self.request.stream.key.join(", ")).filter(|key| !key.is_empty()),
            value: None,
            reason,
            record: row_as_json(batch, row),
        }
    }

    pub(crate) fn key_columns(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        self.request
            .stream
            .key
            .iter()
            .map(|name| {
                batch
                    .column_by_name(name)
                    .cloned()
                    .ok_or_else(|| Error::bug(format!("a batch lacks its key column `{name}`")))
            })
            .collect()
    }

    pub(crate) fn keys_of(&self, batch: &RecordBatch) -> Result<Vec<Option<u128>>> {
        key_hashes(batch.num_rows(), &self.key_columns(batch)?)
    }

    pub(crate) async fn append(&mut self, rows: Judged, operation: Operation) -> Result<()> {
        let count = rows.batch.num_rows();
        if count == 0 {
            return Ok(());
        }
        let first = self.pending.next_sequence;
        let raw = rows.into_raw(&self.shape.schema, &self.origin, operation, first)?;
        self.pending.next_sequence += i64::try_from(count).unwrap_or(i64::MAX);
        match operation {
            Operation::Upsert => self.pending.counts.landed += count as u64,
            Operation::Delete => self.pending.counts.deleted += count as u64,
        }
        self.pending.writer.write(&raw).await
    }

    /// Notes what the source counts. A later count of the same window replaces an earlier one: the
    /// connector has looked again.
    fn counted(&mut self, count: SourceCount) {
        let status = match count.rows.cmp(&count.delivered) {
            std::cmp::Ordering::Equal => ReconciliationStatus::Matched,
            std::cmp::Ordering::Less => ReconciliationStatus::Moved,
            std::cmp::Ordering::Greater => ReconciliationStatus::Mismatched,
        };
        let note = match status {
            ReconciliationStatus::Matched => None,
            ReconciliationStatus::Moved => {
                Some("rows moved out of the window while it was read".to_owned())
            }
            ReconciliationStatus::Mismatched => {
                Some(format!("{} rows did not come", count.rows - count.delivered))
            }
        };
        self.reconciled(Reconciliation {
            check: "window".to_owned(),
            from: count.from,
            to: count.to,
            source_rows: count.rows,
            landed_rows: count.delivered,
            status,
            note,
        });
    }

    /// Keeps a comparison with the source, instead of an earlier one of the same.
    pub(crate) fn reconciled(&mut self, told: Reconciliation) {
        let all = &mut self.receipt.reconciliations;
        match all
            .iter_mut()
            .find(|one| one.check == told.check && one.from == told.from && one.to == told.to)
        {
            Some(one) => *one = told,
            None => all.push(told),
        }
    }

    async fn checkpoint(&mut self, cursor: Cursor) -> Result<()> {
        self.outside_census("a checkpoint")?;
        if self.pending.snapshot && !self.pending.snapshot_complete {
            return Err(Error::bug("a checkpoint came in the middle of a snapshot"));
        }
        self.flush_patches().await?;
        self.open = false;
        // Rows of a feed that wait for their part of a large index wait for more of them: each
        // look at the parts costs a reading of the raw table's keys.
        if !self.pending.snapshot
            && let Some(spill) = &mut self.pending.spill
            && spill.rows() < self.request.partition_rows / 2
        {
            spill.mark();
            self.pending.held = Some(cursor);
            return Ok(());
        }
        self.commit(Some(cursor)).await
    }

    /// Commits what is pending, without a checkpoint of its own: so that the raw table holds it
    /// for what comes next. The rows of a change feed may be committed before their cursor: they
    /// come again then, and are there unchanged.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        let counts = &self.pending.counts;
        if counts.landed == 0
            && counts.deleted == 0
            && self.pending.spill.is_none()
            && self.pending.gone.is_none()
        {
            return Ok(());
        }
        self.commit(None).await
    }

    /// Commits what is pending. Without a cursor, the raw table keeps the one it has, and what is
    /// in quarantine waits for the next checkpoint.
    async fn commit(&mut self, cursor: Option<Cursor>) -> Result<()> {
        self.finish_pending().await?;
        let next =
            Pending::new(&self.request.lake, &self.path, &self.shape, &self.origin, self.batch + 1);
        let mut done = std::mem::replace(&mut self.pending, next);
        let cursor = match cursor {
            Some(cursor) => Some(cursor.0),
            None => {
                let held = done.held.take().map(|cursor| cursor.0);
                let saved = || self.table.as_ref()?.metadata.get("cursor").cloned();
                let cursor = held.or_else(saved);
                self.pending.carry_on(&mut done);
                cursor
            }
        };
        if !done.counts.adds_up() || done.quarantine.rows() != done.counts.quarantined {
            return Err(refusal::rows_do_not_add_up(&done.counts));
        }
        let mut total = self.receipt.rows;
        total.add(&done.counts);
        let without_row = self.without_row + done.without_row;

        (self.request.fence)().await?;
        let samples = done.quarantine.samples().to_vec();
        if let Some(version) = done.quarantine.commit().await? {
            self.receipt.quarantine_version = Some(version);
        }
        let malformed = total.quarantined.saturating_sub(without_row);
        if self.request.max_rejected.exceeded(malformed, total.read) {
            return Err(refusal::too_many_rejected(&self.request, &total, &samples));
        }
        let mut metadata = BTreeMap::from([
            ("batch".to_owned(), json!(self.batch)),
            ("run_id".to_owned(), json!(self.request.run_id)),
            ("rows".to_owned(), json!(done.counts)),
            (COLUMNS.to_owned(), self.shape.columns.clone()),
        ]);
        if let Some(cursor) = cursor {
            metadata.insert("cursor".to_owned(), cursor);
        }
        let commit = Commit {
            files: done.writer.finish().await?,
            mode: CommitMode::Append,
            schema: Arc::clone(&self.shape.schema),
            metadata,
            transaction: Some(("salesmart.land".to_owned(), self.batch)),
            description: Some(format!(
                "Stream `{}` of connection `{}`, as it came.",
                self.request.stream.name, self.request.connection
            )),
        };
        self.request.lake.commit(&self.path, commit).await?;
        self.table = self.request.lake.table(&self.path).await?;
        self.batch += 1;
        self.without_row = without_row;
        self.receipt.rows = total;
        self.receipt.repairs.extend(done.repairs);
        self.receipt.version = self.table.as_ref().map_or(0, |table| table.version);
        let full = |index: &Index| index.fresh() >= self.request.fresh_keys;
        if done.snapshot || self.index.as_ref().is_some_and(full) {
            self.index = None;
        }
        Ok(())
    }

    async fn close(mut self, walked: Result<()>) -> Outcome {
        let mut error = match walked {
            Ok(()) => self.finish().await.err(),
            Err(error) => Some(error),
        };
        let mut lost_rows = false;
        if error.is_none()
            && let Some(lost) = refusal::lost_rows(&self.receipt.reconciliations, &self.request)
        {
            error = Some(lost);
            lost_rows = true;
        }
        Outcome { landed: self.receipt, error, lost_rows }
    }

    /// Commits what a checkpoint covers and what is not yet committed. What came after the last
    /// checkpoint is left out.
    async fn finish(&mut self) -> Result<()> {
        let unfinished = self.open;
        if let Some(cursor) = self.pending.held.take() {
            if let Some(spill) = &mut self.pending.spill {
                spill.back_to_mark();
            }
            self.commit(Some(cursor)).await?;
        }
        if unfinished {
            return Err(Error::new(
                ErrorKind::Interrupted,
                "the reading ended without a checkpoint",
            )
            .with_state(
                "what came since the last checkpoint was not landed, and will be read again",
            ));
        }
        // A change of columns is told once, so it is remembered even if no row came with it.
        let told = !self.receipt.schema_changes.is_empty();
        let remembered = self.table.as_ref().and_then(|table| table.metadata.get(COLUMNS));
        if told && remembered != Some(&self.shape.columns) {
            self.commit(None).await?;
        }
        Ok(())
    }
}

impl Pending {
    fn new(lake: &Lake, path: &TablePath, shape: &Shape, origin: &Origin, batch: i64) -> Self {
        Self {
            writer: raw_writer(lake, path, &shape.schema),
            quarantine: Quarantine::new(lake, origin, batch),
            counts: RowCounts::default(),
            without_row: 0,
            snapshot: false,
            snapshot_complete: false,
            new_keys: KeyLog::default(),
            occurrences: HashMap::new(),
            spill: None,
            gone: None,
            held: None,
            repairs: Vec::new(),
            next_sequence: batch.saturating_mul(SEQUENCES_PER_BATCH),
        }
    }

    /// Takes over what waits for a checkpoint, out of what is committed without one.
    fn carry_on(&mut self, done: &mut Pending) {
        std::mem::swap(&mut self.quarantine, &mut done.quarantine);
        std::mem::swap(&mut self.repairs, &mut done.repairs);
        std::mem::swap(&mut self.occurrences, &mut done.occurrences);
        std::mem::swap(&mut self.without_row, &mut done.without_row);
        let quarantined = std::mem::take(&mut done.counts.quarantined);
        done.counts.read -= quarantined;
        self.counts.read = quarantined;
        self.counts.quarantined = quarantined;
    }
}

/// A writer of files for a raw table. Several streams write at the same time, and records are wide:
/// what each holds of its row group is bounded.
pub(crate) fn raw_writer(lake: &Lake, path: &TablePath, schema: &SchemaRef) -> TableWriter {
    TableWriter::new(lake, path, Arc::clone(schema)).with_row_group_bytes(ROW_GROUP_BYTES)
}

fn next_batch(table: Option<&Table>) -> i64 {
    let last =
        table.and_then(|table| table.metadata.get("batch")).and_then(serde_json::Value::as_i64);
    last.map_or(1, |last| last + 1)
}
