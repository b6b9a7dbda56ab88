//! New values of some columns, merged into the latest version of each key.
//!
//! Patches are collected until there are many or until something else comes. Then the raw table is
//! read twice: its keys and sequence numbers to find the latest version of each patched key, and
//! its rows to merge them. A merged row that differs is appended whole; so the raw table stays
//! append-only, and a row of it is always a whole row.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take, take_record_batch};
use arrow::datatypes::{Field, Int64Type, Schema};
use futures::TryStreamExt;
use salesmart_core::stream::SOURCE_POSITION;
use salesmart_core::{Error, Result};
use salesmart_lake::Table;

use crate::batch::{Judged, arrow_error};
use crate::hash::content_hashes;
use crate::index::{KeyHasher, stored_keys};
use crate::lander::Lander;
use crate::provenance::{OPERATION, Operation, ROW_HASH, SEQUENCE};

/// Why a patch without a row is in quarantine.
const NO_ROW: &str =
    "the source has new values for this record, and the record itself was never delivered";

/// Patches that wait to be merged.
pub(crate) struct Patches {
    batches: Vec<RecordBatch>,
    /// The last patch of each key: its row, counted over all batches.
    rows: HashMap<u128, u32, BuildHasherDefault<KeyHasher>>,
    next: u32,
}

impl Patches {
    pub(crate) fn new() -> Self {
        Self { batches: Vec::new(), rows: HashMap::default(), next: 0 }
    }

    /// Whether a batch has the columns of those that wait.
    pub(crate) fn fits(&self, batch: &RecordBatch) -> bool {
        self.batches.first().is_none_or(|first| first.schema_ref() == batch.schema_ref())
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds patches; none of the keys is null. A later one of a key replaces an earlier one.
    pub(crate) fn add(&mut self, batch: RecordBatch, keys: &[u128]) {
        for key in keys {
            self.rows.insert(*key, self.next);
            self.next += 1;
        }
        self.batches.push(batch);
    }
}

/// The latest version of a patched key.
#[derive(Clone, Copy)]
struct Latest {
    sequence: i64,
    gone: bool,
}

impl Lander {
    /// Merges the patches that wait. What came before them is committed first, so that the raw
    /// table holds the latest versions.
    pub(crate) async fn flush_patches(&mut self) -> Result<()> {
        let Some(mut patches) = self.patches.take() else { return Ok(()) };
        let batches = std::mem::take(&mut patches.batches);
        let Some(first) = batches.first() else { return Ok(()) };
        self.settle().await?;
        let read = u64::from(patches.next);
        self.pending.counts.read += read;
        // What a later patch of the same key replaced is told by that one.
        self.pending.counts.unchanged += read - patches.rows.len() as u64;
        let all = concat_batches(first.schema_ref(), &batches).map_err(arrow_error)?;
        drop(batches);
        let mut latest: Vec<Option<Latest>> = vec![None; all.num_rows()];
        if let Some(table) = self.table.clone() {
            self.find_latest(&table, &patches, &mut latest).await?;
            self.merge(&table, &patches, &all, &latest).await?;
        }
        let mut orphans: Vec<u32> = patches
            .rows
            .values()
            .copied()
            .filter(|row| latest[*row as usize].is_none_or(|latest| latest.gone))
            .collect();
        orphans.sort_unstable();
        for row in orphans {
            let rejected = self.rejected(&all, row as usize, NO_ROW.to_owned());
            // The record is missing, not malformed: a census finds what is lost for good.
            self.pending.without_row += 1;
            self.reject(rejected).await?;
        }
        Ok(())
    }

    async fn find_latest(
        &mut self,
        table: &Table,
        patches: &Patches,
        latest: &mut [Option<Latest>],
    ) -> Result<()> {
        let key = self.request.stream.key.clone();
        let mut columns = key.clone();
        columns.extend([OPERATION, SEQUENCE].map(str::to_owned));
        let mut batches = self.request.lake.read(table, Some(&columns));
        while let Some(batch) = batches.try_next().await? {
            let sequences = integers(&batch, SEQUENCE)?;
            let operations = batch
                .column_by_name(OPERATION)
                .and_then(|column| column.as_string_opt::<i32>())
                .ok_or_else(|| lacks(OPERATION))?;
            for (row, key) in stored_keys(&batch, &key)?.into_iter().enumerate() {
                let Some(patch) = key.and_then(|key| patches.rows.get(&key)) else { continue };
                let sequence = sequences[row];
                let known = &mut latest[*patch as usize];
                if known.is_none_or(|known| known.sequence < sequence) {
                    let gone = operations.value(row) == Operation::Delete.as_str();
                    *known = Some(Latest { sequence, gone });
                }
            }
        }
        Ok(())
    }

    async fn merge(
        &mut self,
        table: &Table,
        patches: &Patches,
        all: &RecordBatch,
        latest: &[Option<Latest>],
    ) -> Result<()> {
        let key = self.request.stream.key.clone();
        let names: Vec<String> =
            self.request.stream.columns.iter().map(|column| column.name.clone()).collect();
        let mut columns = names.clone();
        columns.extend([SEQUENCE, ROW_HASH].map(str::to_owned));
        let mut batches = self.request.lake.read(table, Some(&columns));
        while let Some(batch) = batches.try_next().await? {
            let sequences = integers(&batch, SEQUENCE)?;
            let mut rows: Vec<u32> = Vec::new();
            let mut patched: Vec<u32> = Vec::new();
            let mut keys: Vec<u128> = Vec::new();
            for ((row, key), at) in stored_keys(&batch, &key)?.into_iter().enumerate().zip(0_u32..)
            {
                let Some(key) = key else { continue };
                let Some(patch) = patches.rows.get(&key) else { continue };
                let is_latest = latest[*patch as usize]
                    .is_some_and(|latest| !latest.gone && latest.sequence == sequences[row]);
                if is_latest {
                    rows.push(at);
                    patched.push(*patch);
                    keys.push(key);
                }
            }
            if rows.is_empty() {
                continue;
            }
            let base = take_record_batch(&batch, &UInt32Array::from(rows)).map_err(arrow_error)?;
            self.append_merged(&base, all, &UInt32Array::from(patched), &names, &keys).await?;
        }
        Ok(())
    }

    /// Appends those merged rows that differ from what is there.
    async fn append_merged(
        &mut self,
        base: &RecordBatch,
        patches: &RecordBatch,
        patched: &UInt32Array,
        names: &[String],
        keys: &[u128],
    ) -> Result<()> {
        let count = base.num_rows();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(names.len() + 1);
        let mut fields: Vec<Field> = Vec::with_capacity(names.len() + 1);
        for name in names.iter().map(String::as_str).chain([SOURCE_POSITION]) {
            let column = match (patches.column_by_name(name), base.column_by_name(name)) {
                (Some(column), _) => take(column, patched, None).map_err(arrow_error)?,
                (None, Some(column)) => Arc::clone(column),
                // An older file lacks it; it is null there.
                (None, None) => continue,
            };
            fields.push(Field::new(name, column.data_type().clone(), true));
            columns.push(column);
        }
        let merged =
            RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(arrow_error)?;
        let declared: Vec<(&str, &ArrayRef)> = names
            .iter()
            .filter_map(|name| Some((name.as_str(), merged.column_by_name(name)?)))
            .collect();
        let contents = content_hashes(count, &declared)?;
        let before = integers(base, ROW_HASH)?;
        let keep: Vec<bool> = contents
            .iter()
            .zip(&before)
            .map(|(now, before)| *now != before.cast_unsigned())
            .collect();
        self.pending.counts.unchanged += keep.iter().filter(|keep| !**keep).count() as u64;
        if let Some(index) = &mut self.index {
            for (key, content) in keys.iter().zip(&contents) {
                index.set_content(*key, *content);
            }
        }
        let kept = Judged { batch: merged, contents, row_keys: None }.keep(&keep)?;
        self.append(kept, Operation::Upsert).await
    }
}

fn lacks(column: &str) -> Error {
    Error::bug(format!("a raw table lacks its provenance column `{column}`"))
}

fn integers(batch: &RecordBatch, name: &str) -> Result<Vec<i64>> {
    let column = batch.column_by_name(name).ok_or_else(|| lacks(name))?;
    let column = column.as_primitive_opt::<Int64Type>().ok_or_else(|| lacks(name))?;
    Ok(column.values().to_vec())
}
