//! From the rows of a table to the lines of one snapshot after another.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{Array, RecordBatch};
use futures::TryStreamExt;
use salesmart_core::Result;
use salesmart_lake::{Lake, Table};

use crate::Seal;
use crate::canonical::{LineKind, Lines, RowLines};
use crate::seal::SealKey;
use crate::tables::{Index, PERIOD_START, SNAPSHOT_DATE, Unreadable, rows_of, runs};

/// All lines of one kind of one snapshot.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// The lines.
    pub(crate) lines: Lines,
    /// Columns that have values in these rows and are not among those that were sealed.
    pub(crate) unsealed: BTreeSet<String>,
}

/// Hands the lines of each wanted snapshot to `take`, one snapshot after the other in the order in
/// which the files have them. Snapshots are held in memory only while their rows are still being
/// read: one at a time, where a table is sorted by snapshot as the models write it.
pub(crate) async fn each_part(
    lake: &Lake,
    table: &Table,
    kind: LineKind,
    index: &Index,
    wanted: &HashMap<SealKey, &Seal>,
    mut take: impl FnMut(SealKey, Part) -> Result<()>,
) -> Result<Vec<Unreadable>> {
    let mut unreadable = Vec::new();
    let mut open: HashMap<SealKey, Part> = HashMap::new();
    for (file, keys) in &index.files {
        if !keys.iter().any(|key| wanted.contains_key(key)) {
            continue;
        }
        let mut rows = rows_of(lake, table, file, None);
        loop {
            let batch = match rows.try_next().await {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                Err(error) => {
                    unreadable.push(Unreadable::new(file, error)?);
                    break;
                }
            };
            for (key, run) in runs(&batch)? {
                let Some(seal) = wanted.get(&key) else { continue };
                let part = open.entry(key).or_default();
                let columns = sealed_columns(seal, kind);
                let written = RowLines::new(kind, &batch, columns)?;
                for row in run.clone() {
                    part.lines.push(&written, row);
                }
                see_unsealed(&batch, run, columns, &mut part.unsealed);
                let is_whole = index.rows.get(&key).copied() == Some(part.lines.len() as u64);
                if is_whole && let Some(part) = open.remove(&key) {
                    take(key, part)?;
                }
            }
        }
    }
    // What is left lost rows in a file that cannot be read.
    let mut left: Vec<(SealKey, Part)> = open.into_iter().collect();
    left.sort_by_key(|(key, _)| *key);
    for (key, part) in left {
        take(key, part)?;
    }
    Ok(unreadable)
}

/// The columns that a seal covers.
pub(crate) fn sealed_columns(seal: &Seal, kind: LineKind) -> &[String] {
    match kind {
        LineKind::Deal => &seal.deal_columns,
        LineKind::Figure => &seal.figure_columns,
    }
}

/// Notes columns that no seal covers and that say something all the same.
fn see_unsealed(
    batch: &RecordBatch,
    run: std::ops::Range<usize>,
    sealed: &[String],
    unsealed: &mut BTreeSet<String>,
) {
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let name = field.name();
        // The header says the day and the period.
        let is_covered =
            name == SNAPSHOT_DATE || name == PERIOD_START || sealed.iter().any(|s| s == name);
        if !is_covered && !unsealed.contains(name) && run.clone().any(|row| column.is_valid(row)) {
            unsealed.insert(name.clone());
        }
    }
}
