//! Comparing rows and keys with what is in the raw table.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use futures::TryStreamExt;
use salesmart_core::Result;

use crate::batch::{Judged, arrow_error};
use crate::hash::{content_hashes, wide_content_hashes};
use crate::index::{Index, Partition, Verdict, identity, stored_keys};
use crate::lander::{EMPTY_KEY, Lander, raw_writer};
use crate::provenance::{Operation, ROW_KEY};
use crate::spill::Spill;

/// Why a key's second row in a snapshot is in quarantine.
const REPEATED_KEY: &str = "the key came before in this snapshot; the first row with it counts";

impl Lander {
    /// How many parts the keys of the raw table must be divided into.
    pub(crate) fn partitions(&self) -> u64 {
        let rows = self.table.as_ref().map_or(0, |table| table.rows);
        1 + rows / self.request.partition_rows.max(1)
    }

    pub(crate) async fn rows(&mut self, batch: RecordBatch) -> Result<()> {
        let keyless = self.request.stream.key.is_empty();
        if !keyless
            && !self.pending.snapshot
            && self.index.as_ref().is_some_and(|index| index.fresh() >= self.request.fresh_keys)
        {
            self.settle().await?;
            self.index = None;
        }
        let partitions = self.partitions();
        // What began in memory goes on there until it is committed.
        let begun = self.index.is_some() && self.pending.snapshot;
        if partitions == 1 || keyless || begun {
            self.whole_index().await?;
            self.pending.counts.read += batch.num_rows() as u64;
            return self.judge(batch).await;
        }
        self.index = None;
        if self.pending.spill.is_none() {
            self.settle().await?;
        }
        let keys = self.keys_of(&batch)?;
        let spill = match &mut self.pending.spill {
            Some(spill) => spill,
            none => none.insert(Spill::new(batch.schema_ref(), partitions)?),
        };
        spill.write(&batch, &keys)
    }

    /// Marks keys as gone.
    pub(crate) async fn deleted(&mut self, batch: RecordBatch) -> Result<()> {
        let partitions = self.partitions();
        if partitions == 1 {
            self.whole_index().await?;
            return self.delete(batch).await;
        }
        self.index = None;
        if self.pending.gone.is_none() {
            self.settle().await?;
        }
        let keys = self.keys_of(&batch)?;
        let gone = match &mut self.pending.gone {
            Some(gone) => gone,
            none => none.insert(Spill::new(batch.schema_ref(), partitions)?),
        };
        gone.write(&batch, &keys)
    }

    async fn whole_index(&mut self) -> Result<()> {
        if self.index.is_none() {
            self.settle().await?;
            self.index = Some(self.read_index(Partition::WHOLE).await?);
        }
        Ok(())
    }

    /// Reads what is in the raw table. What is pending is not in it: whoever compares with the
    /// index settles first.
    pub(crate) async fn read_index(&mut self, partition: Partition) -> Result<Index> {
        match &self.table {
            None => Ok(Index::default()),
            Some(table) => {
                Index::read(&self.request.lake, table, &self.request.stream.key, partition).await
            }
        }
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
        let mut refused: Vec<(usize, &str)> = Vec::new();
        for (row, key) in keys.iter().enumerate() {
            let Some(key) = *key else {
                refused.push((row, EMPTY_KEY));
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
                index.judge_latest(key, content)
            };
            match verdict {
                Verdict::New | Verdict::Changed => keep[row] = true,
                Verdict::Unchanged => self.pending.counts.unchanged += 1,
                Verdict::Again => refused.push((row, REPEATED_KEY)),
            }
        }
        self.index = Some(index);
        for (row, reason) in refused {
            let rejected = self.rejected(&batch, row, reason.to_owned());
            self.reject(rejected).await?;
        }
        let kept = Judged { batch, contents, row_keys }.keep(&keep)?;
        self.append(kept, Operation::Upsert).await
    }

    /// Appends delete markers for those of the keys that are there.
    async fn delete(&mut self, batch: RecordBatch) -> Result<()> {
        let keys = self.keys_of(&batch)?;
        let Some(index) = &mut self.index else { return Ok(()) };
        let live: Vec<bool> =
            keys.iter().map(|key| key.is_some_and(|key| index.delete(key))).collect();
        let rows = batch.num_rows();
        let gone = Judged { batch, contents: vec![0; rows], row_keys: None }.keep(&live)?;
        self.append(gone, Operation::Delete).await
    }

    /// Appends delete markers for the keys of this partition that a complete reading left out.
    pub(crate) async fn delete_unseen(&mut self, index: &mut Index) -> Result<()> {
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
                .column_by_name(ROW_KEY)
                .and_then(|column| column.as_string_opt::<i32>())
                .map(|keys| keys.iter().map(|key| key.unwrap_or_default().to_owned()).collect());
            let rows = Judged { batch: gone, contents: vec![0; rows], row_keys };
            self.append(rows, Operation::Delete).await?;
        }
        Ok(())
    }

    /// Takes a key's second and later rows out of files that were written before it was known
    /// that the key comes again.
    async fn remove_repeated(&mut self, repeated: &HashSet<u128>) -> Result<()> {
        let schema = Arc::clone(&self.shape.schema);
        let writer = std::mem::replace(
            &mut self.pending.writer,
            raw_writer(&self.request.lake, &self.path, &schema),
        );
        let written = writer.into_table(&schema).await?;
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

    /// Judges everything that waits, so that it can be committed.
    pub(crate) async fn finish_pending(&mut self) -> Result<()> {
        if self.pending.spill.is_some() || self.pending.gone.is_some() {
            self.unspill().await?;
        } else if self.pending.snapshot_complete && self.index.is_none() {
            // A snapshot without a row: everything is gone.
            let of = self.partitions();
            for number in 0..of {
                self.index = Some(self.read_index(Partition { number, of }).await?);
                self.finish_partition().await?;
            }
        } else {
            self.finish_partition().await?;
        }
        let repeated = std::mem::take(&mut self.pending.new_keys).duplicates()?;
        if repeated.is_empty() { Ok(()) } else { self.remove_repeated(&repeated).await }
    }

    /// Judges what waits in temporary files, partition by partition.
    async fn unspill(&mut self) -> Result<()> {
        if let Some(spill) = self.pending.spill.take() {
            let of = spill.partitions();
            for (number, batches) in (0_u64..).zip(spill.into_partitions()?) {
                self.index = Some(self.read_index(Partition { number, of }).await?);
                for batch in batches {
                    let batch = batch.map_err(arrow_error)?;
                    self.pending.counts.read += batch.num_rows() as u64;
                    self.judge(batch).await?;
                }
                self.finish_partition().await?;
            }
        }
        if let Some(gone) = self.pending.gone.take() {
            let of = gone.partitions();
            for (number, batches) in (0_u64..).zip(gone.into_partitions()?) {
                self.index = Some(self.read_index(Partition { number, of }).await?);
                for batch in batches {
                    self.delete(batch.map_err(arrow_error)?).await?;
                }
            }
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
}
