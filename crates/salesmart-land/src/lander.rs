//! Walking the events of one reading of one stream into its raw table.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use futures::future::BoxFuture;
use salesmart_core::receipt::{LandedStream, RowCounts};
use salesmart_core::stream::{Event, RejectedRow, Repair, StreamSpec};
use salesmart_core::{
    ConnectionName, Cursor, Error, ErrorKind, Result, RunId, StreamName, Threshold,
};
use salesmart_lake::{Commit, CommitMode, Lake, Table, TablePath, TableWriter};
use serde_json::json;
use tokio::sync::mpsc::Receiver;

use crate::batch::{Judged, Origin, arrow_error, position, row_as_json};
use crate::hash::{content_hashes, key_hashes, wide_content_hashes};
use crate::index::{Index, PARTITION_ROWS, Partition, Verdict, identity, stored_keys};
use crate::key_log::KeyLog;
use crate::provenance::Operation;
use crate::quarantine::Quarantine;
use crate::refusal;
use crate::schema::merged_schema;
use crate::spill::{Spill, schema_of};

/// Asked before every commit: an error means that another run took over.
pub type Fence = Arc<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Sequence numbers that one batch may use; the rest of an `int64` counts batches.
const SEQUENCES_PER_BATCH: i64 = 1 << 40;
/// Keys that a change feed brought and the index does not hold yet.
const OVERLAY_KEYS: usize = 4_000_000;

/// What to land, and where.
#[derive(Clone)]
pub struct LandRequest {
    /// The lake.
    pub lake: Lake,
    /// The connection's name.
    pub connection: ConnectionName,
    /// The stream's declaration.
    pub stream: StreamSpec,
    /// The run.
    pub run_id: RunId,
    /// When the run began to read.
    pub extracted_at: DateTime<Utc>,
    /// How many rows may be rejected before landing fails.
    pub max_rejected: Threshold,
    /// Asked before every commit.
    pub fence: Fence,
    /// Rows of the raw table whose index is held in memory at once; a larger table is compared part
    /// by part. [`LandRequest::new`] sets six million.
    pub partition_rows: u64,
}

impl LandRequest {
    /// A request with the default memory bounds.
    #[must_use]
    pub fn new(
        lake: Lake,
        connection: ConnectionName,
        stream: StreamSpec,
        run_id: RunId,
        extracted_at: DateTime<Utc>,
        max_rejected: Threshold,
        fence: Fence,
    ) -> Self {
        Self {
            lake,
            connection,
            stream,
            run_id,
            extracted_at,
            max_rejected,
            fence,
            partition_rows: PARTITION_ROWS,
        }
    }
}

/// The cursor that was committed with the newest rows of a stream, `None` before the first.
///
/// # Errors
/// When the lake cannot be read.
pub async fn saved_cursor(
    lake: &Lake,
    connection: &ConnectionName,
    stream: &StreamName,
) -> Result<Option<Cursor>> {
    let table = lake.table(&TablePath::raw(connection, stream)).await?;
    Ok(table.and_then(|table| table.metadata.get("cursor").cloned()).map(Cursor))
}

/// Lands what comes through `events` until the sending end is closed.
///
/// What was sent before a checkpoint is committed with it; what was sent after the last checkpoint
/// is dropped, since the connector stopped in the middle of it and will send it again.
///
/// # Errors
/// When the lake fails, when more rows were rejected than allowed (they are in quarantine then, and
/// the cursor stays), when a column's type changed under landed rows, or when the rows do not add
/// up.
pub async fn land(request: LandRequest, mut events: Receiver<Event>) -> Result<LandedStream> {
    let name = format!(
        "failed to land stream `{}` of connection `{}`",
        request.stream.name, request.connection
    );
    let mut lander = Lander::open(request).await.map_err(|e| e.wrap(name.clone()))?;
    while let Some(event) = events.recv().await {
        lander.take(event).await.map_err(|e| e.wrap(name.clone()))?;
    }
    lander.close().map_err(|e| e.wrap(name))
}

/// What has come since the last checkpoint.
struct Pending {
    writer: TableWriter,
    quarantine: Quarantine,
    counts: RowCounts,
    snapshot: bool,
    snapshot_complete: bool,
    new_keys: KeyLog,
    occurrences: HashMap<u128, u32>,
    spill: Option<Spill>,
    repairs: Vec<Repair>,
    next_sequence: i64,
    anything: bool,
}

struct Lander {
    request: LandRequest,
    origin: Origin,
    path: TablePath,
    schema: SchemaRef,
    table: Option<Table>,
    batch: i64,
    index: Option<Index>,
    overlay: HashMap<u128, u64>,
    pending: Pending,
    total: RowCounts,
    repairs: Vec<Repair>,
    quarantine_version: Option<u64>,
}

impl Lander {
    async fn open(request: LandRequest) -> Result<Self> {
        let origin = Origin {
            connection: request.connection.clone(),
            stream: request.stream.name.clone(),
            run_id: request.run_id.clone(),
            extracted_at: request.extracted_at,
        };
        let path = TablePath::raw(&request.connection, &request.stream.name);
        let table = request.lake.table(&path).await?;
        let schema = merged_schema(table.as_ref(), &request.stream)?;
        let batch = next_batch(table.as_ref());
        let pending = Pending::new(&request.lake, &path, &schema, &origin, batch);
        Ok(Self {
            request,
            origin,
            path,
            schema,
            table,
            batch,
            index: None,
            overlay: HashMap::new(),
            pending,
            total: RowCounts::default(),
            repairs: Vec::new(),
            quarantine_version: None,
        })
    }

    async fn take(&mut self, event: Event) -> Result<()> {
        if !matches!(event, Event::Checkpoint(_)) {
            self.pending.anything = true;
        }
        match event {
            Event::Rows(batch) => {
                self.pending.counts.read += batch.num_rows() as u64;
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
                self.pending.snapshot = true;
                Ok(())
            }
            Event::SnapshotEnds => {
                self.pending.snapshot_complete = self.pending.snapshot;
                Ok(())
            }
            Event::Repaired(repairs) => {
                self.pending.repairs.extend(repairs);
                Ok(())
            }
            Event::Checkpoint(cursor) => self.commit(cursor).await,
        }
    }

    async fn reject(&mut self, row: RejectedRow) -> Result<()> {
        self.pending.counts.quarantined += 1;
        self.pending.quarantine.push(row).await
    }

    /// How many parts the keys of the raw table must be divided into.
    fn partitions(&self) -> u64 {
        let rows = self.table.as_ref().map_or(0, |table| table.rows);
        1 + rows / self.request.partition_rows.max(1)
    }

    async fn rows(&mut self, batch: RecordBatch) -> Result<()> {
        let partitions = self.partitions();
        if partitions == 1 || self.request.stream.key.is_empty() {
            if self.index.is_none() {
                self.index = Some(self.read_index(Partition::WHOLE).await?);
            }
            return self.judge(batch).await;
        }
        let keys = self.keys_of(&batch)?;
        let spill = match &mut self.pending.spill {
            Some(spill) => spill,
            none => none.insert(Spill::new(&schema_of(&batch), partitions)?),
        };
        spill.write(&batch, &keys)
    }

    async fn read_index(&self, partition: Partition) -> Result<Index> {
        match &self.table {
            None => Ok(Index::default()),
            Some(table) => {
                Index::read(&self.request.lake, table, &self.request.stream.key, partition).await
            }
        }
    }

    fn keys_of(&self, batch: &RecordBatch) -> Result<Vec<Option<u128>>> {
        let columns: Vec<ArrayRef> = self
            .request
            .stream
            .key
            .iter()
            .map(|name| {
                batch
                    .column_by_name(name)
                    .cloned()
                    .ok_or_else(|| Error::bug(format!("a batch lacks its key column `{name}`")))
            })
            .collect::<Result<_>>()?;
        key_hashes(batch.num_rows(), &columns)
    }

    /// Compares rows with what is there, and writes those that are new or different.
    async fn judge(&mut self, batch: RecordBatch) -> Result<()> {
        let rows = batch.num_rows();
        let declared: Vec<(&str, &ArrayRef)> = self
            .request
            .stream
            .columns
            .iter()
            .filter_map(|column| Some((column.name.as_str(), batch.column_by_name(&column.name)?)))
            .collect();
        let contents = content_hashes(rows, &declared)?;
        let (keys, row_keys) = if self.request.stream.key.is_empty() {
            let wide = wide_content_hashes(rows, &declared)?;
            let row_keys: Vec<String> = wide
                .iter()
                .map(|content| {
                    let count = self.pending.occurrences.entry(*content).or_insert(0);
                    *count += 1;
                    format!("{content:032x}-{count}")
                })
                .collect();
            let keys = row_keys
                .iter()
                .map(|key| Some(xxhash_rust::xxh3::xxh3_128(key.as_bytes())))
                .collect();
            (keys, Some(row_keys))
        } else {
            (self.keys_of(&batch)?, None)
        };

        let mut keep = vec![false; rows];
        let mut index = self.index.take().unwrap_or_default();
        let mut refused: Vec<(usize, String)> = Vec::new();
        for (row, key) in keys.iter().enumerate() {
            let Some(key) = *key else {
                refused.push((row, "a key column is empty".to_owned()));
                continue;
            };
            let content = contents[row];
            let verdict = if self.pending.snapshot {
                let verdict = index.judge_once(key, content);
                if verdict == Verdict::New && row_keys.is_none() {
                    self.pending.new_keys.push(key)?;
                }
                verdict
            } else {
                self.judge_feed(&mut index, key, content)
            };
            match verdict {
                Verdict::New | Verdict::Changed => keep[row] = true,
                Verdict::Unchanged => self.pending.counts.unchanged += 1,
                Verdict::Again => refused.push((row, REPEATED_KEY.to_owned())),
            }
        }
        self.index = Some(index);
        for (row, reason) in refused {
            let rejected = self.rejected(&batch, row, reason);
            self.reject(rejected).await?;
        }
        let kept = Judged { batch, contents, row_keys }.keep(&keep)?;
        self.append(kept, Operation::Upsert).await
    }

    fn judge_feed(&mut self, index: &mut Index, key: u128, content: u64) -> Verdict {
        let verdict = match self.overlay.get(&key) {
            Some(known) if *known == content => return Verdict::Unchanged,
            Some(_) => Verdict::Changed,
            None => index.judge_latest(key, content),
        };
        let outside_index = verdict == Verdict::New || self.overlay.contains_key(&key);
        if outside_index && self.overlay.len() < OVERLAY_KEYS {
            self.overlay.insert(key, content);
        }
        verdict
    }

    fn rejected(&self, batch: &RecordBatch, row: usize, reason: String) -> RejectedRow {
        RejectedRow {
            position: position(batch, row),
            column: Some(self.request.stream.key.join(", ")).filter(|key| !key.is_empty()),
            value: None,
            reason,
            record: row_as_json(batch, row),
        }
    }

    async fn append(&mut self, rows: Judged, operation: Operation) -> Result<()> {
        let count = rows.batch.num_rows();
        if count == 0 {
            return Ok(());
        }
        let first = self.pending.next_sequence;
        let raw = rows.into_raw(&self.schema, &self.origin, operation, first)?;
        self.pending.next_sequence += i64::try_from(count).unwrap_or(i64::MAX);
        match operation {
            Operation::Upsert => self.pending.counts.landed += count as u64,
            Operation::Delete => self.pending.counts.deleted += count as u64,
        }
        self.pending.writer.write(&raw).await
    }

    /// Appends delete markers for the keys of this partition that a complete reading left out.
    async fn delete_unseen(&mut self, index: &mut Index) -> Result<()> {
        let Some(table) = self.table.clone() else { return Ok(()) };
        if !index.has_unseen() {
            return Ok(());
        }
        let identity = identity(&self.request.stream.key);
        let mut batches = self.request.lake.read(&table, Some(&identity));
        while let Some(batch) = batches.try_next().await? {
            let mask: Vec<bool> = stored_keys(&batch, &identity)?
                .into_iter()
                .map(|key| key.is_some_and(|key| index.take_unseen(key)))
                .collect();
            let gone =
                filter_record_batch(&batch, &BooleanArray::from(mask)).map_err(arrow_error)?;
            let rows = gone.num_rows();
            let row_keys = gone
                .column_by_name(crate::provenance::ROW_KEY)
                .and_then(|column| arrow::array::AsArray::as_string_opt::<i32>(column))
                .map(|keys| keys.iter().map(|key| key.unwrap_or_default().to_owned()).collect());
            let rows = Judged { batch: gone, contents: vec![0; rows], row_keys };
            self.append(rows, Operation::Delete).await?;
        }
        Ok(())
    }

    /// Takes a key's second and later rows out of files that were written before it was known
    /// that the key comes again.
    async fn remove_repeated(&mut self, repeated: &HashSet<u128>) -> Result<()> {
        let writer = std::mem::replace(
            &mut self.pending.writer,
            TableWriter::new(&self.request.lake, &self.path, Arc::clone(&self.schema)),
        );
        let written = writer.into_table(&self.schema).await?;
        let mut met: HashSet<u128> = HashSet::new();
        let mut batches = self.request.lake.read_uncommitted(&written);
        while let Some(batch) = batches.try_next().await? {
            let keys = stored_keys(&batch, &self.request.stream.key)?;
            let mut keep = vec![true; batch.num_rows()];
            for (row, key) in keys.iter().enumerate() {
                let Some(key) = *key else { continue };
                if repeated.contains(&key) && !met.insert(key) {
                    keep[row] = false;
                    let rejected = self.rejected(&batch, row, REPEATED_KEY.to_owned());
                    self.pending.counts.landed -= 1;
                    self.reject(rejected).await?;
                }
            }
            let kept =
                filter_record_batch(&batch, &BooleanArray::from(keep)).map_err(arrow_error)?;
            self.pending.writer.write(&kept).await?;
        }
        drop(batches);
        self.request.lake.remove_uncommitted(&written).await
    }

    /// Judges what waits in the spill, partition by partition.
    async fn unspill(&mut self) -> Result<()> {
        let Some(spill) = self.pending.spill.take() else { return Ok(()) };
        let partitions = spill.into_partitions()?;
        let of = partitions.len() as u64;
        for (number, batches) in (0_u64..).zip(partitions) {
            self.index = Some(self.read_index(Partition { number, of }).await?);
            for batch in batches {
                self.judge(batch.map_err(arrow_error)?).await?;
            }
            self.finish_partition().await?;
        }
        self.index = None;
        Ok(())
    }

    async fn finish_partition(&mut self) -> Result<()> {
        if self.pending.snapshot_complete {
            let mut index = self.index.take().unwrap_or_default();
            self.delete_unseen(&mut index).await?;
        }
        Ok(())
    }

    async fn commit(&mut self, cursor: Cursor) -> Result<()> {
        if self.pending.snapshot && !self.pending.snapshot_complete {
            return Err(Error::bug("a checkpoint came in the middle of a snapshot"));
        }
        if self.pending.snapshot_complete && self.index.is_none() && self.pending.spill.is_none() {
            // A snapshot without a row: everything is gone.
            let partitions = self.partitions();
            for number in 0..partitions {
                self.index = Some(self.read_index(Partition { number, of: partitions }).await?);
                self.finish_partition().await?;
            }
        } else if self.pending.spill.is_some() {
            self.unspill().await?;
        } else {
            self.finish_partition().await?;
        }
        let repeated = std::mem::take(&mut self.pending.new_keys).duplicates()?;
        if !repeated.is_empty() {
            self.remove_repeated(&repeated).await?;
        }

        let next = Pending::new(
            &self.request.lake,
            &self.path,
            &self.schema,
            &self.origin,
            self.batch + 1,
        );
        let done = std::mem::replace(&mut self.pending, next);
        if !done.counts.adds_up() || done.quarantine.rows() != done.counts.quarantined {
            return Err(refusal::rows_do_not_add_up(&done.counts));
        }
        let mut total = self.total;
        total.add(&done.counts);

        (self.request.fence)().await?;
        let samples = done.quarantine.samples().to_vec();
        if let Some(version) = done.quarantine.commit().await? {
            self.quarantine_version = Some(version);
        }
        if self.request.max_rejected.exceeded(total.quarantined, total.read) {
            return Err(refusal::too_many_rejected(&self.request, &total, &samples));
        }
        let commit = Commit {
            files: done.writer.finish().await?,
            mode: CommitMode::Append,
            schema: Arc::clone(&self.schema),
            metadata: BTreeMap::from([
                ("batch".to_owned(), json!(self.batch)),
                ("cursor".to_owned(), cursor.0),
                ("run_id".to_owned(), json!(self.request.run_id)),
                ("rows".to_owned(), json!(done.counts)),
            ]),
            transaction: Some(("salesmart.land".to_owned(), self.batch)),
            description: Some(format!(
                "Stream `{}` of connection `{}`, as it came.",
                self.request.stream.name, self.request.connection
            )),
        };
        self.request.lake.commit(&self.path, commit).await?;
        self.table = self.request.lake.table(&self.path).await?;
        self.batch += 1;
        self.total = total;
        self.repairs.extend(done.repairs);
        if done.snapshot || self.overlay.len() >= OVERLAY_KEYS {
            self.index = None;
            self.overlay.clear();
        }
        Ok(())
    }

    fn close(self) -> Result<LandedStream> {
        if self.pending.anything {
            return Err(Error::new(
                ErrorKind::Interrupted,
                "the reading ended without a checkpoint",
            )
            .with_state(
                "what came since the last checkpoint was not landed, and will be read again",
            ));
        }
        Ok(LandedStream {
            connection: self.request.connection,
            stream: self.request.stream.name,
            rows: self.total,
            version: self.table.map_or(0, |table| table.version),
            quarantine_version: self.quarantine_version,
            repairs: self.repairs,
            failure: None,
        })
    }
}

const REPEATED_KEY: &str = "the key came before in this snapshot; the first row with it counts";

impl Pending {
    fn new(lake: &Lake, path: &TablePath, schema: &SchemaRef, origin: &Origin, batch: i64) -> Self {
        Self {
            writer: TableWriter::new(lake, path, Arc::clone(schema)),
            quarantine: Quarantine::new(lake, origin, batch),
            counts: RowCounts::default(),
            snapshot: false,
            snapshot_complete: false,
            new_keys: KeyLog::default(),
            occurrences: HashMap::new(),
            spill: None,
            repairs: Vec::new(),
            next_sequence: batch.saturating_mul(SEQUENCES_PER_BATCH),
            anything: false,
        }
    }
}

fn next_batch(table: Option<&Table>) -> i64 {
    let last =
        table.and_then(|table| table.metadata.get("batch")).and_then(serde_json::Value::as_i64);
    last.map_or(1, |last| last + 1)
}
