//! What is in a raw table already: for each key its newest content hash, and whether it is gone.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use salesmart_core::{Error, Result};
use salesmart_lake::{Lake, Table};

use crate::hash::key_hashes;
use crate::provenance::{OPERATION, Operation, ROW_HASH, ROW_KEY, SEQUENCE};

/// How many rows of a raw table one partition of the index covers. An entry takes 48 bytes while
/// the index is built and 32 afterwards.
pub(crate) const PARTITION_ROWS: u64 = 6_000_000;

/// One part of the keys: those whose hash leaves `number` when divided by `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) number: u64,
    pub(crate) of: u64,
}

impl Partition {
    /// All keys.
    pub(crate) const WHOLE: Partition = Partition { number: 0, of: 1 };

    /// Which partition a key is in.
    pub(crate) fn number_of(key: u128, of: u64) -> u64 {
        // The upper half: the lower one orders the index.
        let upper = (key >> 64) as u64;
        upper % of
    }

    fn holds(self, key: u128) -> bool {
        Self::number_of(key, self.of) == self.number
    }
}

#[derive(Clone, Copy)]
struct Version {
    key: u128,
    sequence: i64,
    content: u64,
    gone: bool,
}

/// The newest version of a key.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u128,
    content: u64,
    gone: bool,
    seen: bool,
}

/// What a row that came in is, compared with what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The key is not in the table.
    New,
    /// The key is there with other content, or was deleted.
    Changed,
    /// The key is there with this content.
    Unchanged,
    /// The key came before in this reading.
    Again,
}

/// What a census says of a key that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// It is there.
    Live,
    /// It has no row, or its row is gone.
    Missing,
    /// It was named before.
    Again,
}

/// The newest version of every key of one partition, in the order of the keys' hashes, and beside
/// it what a change feed has brought since.
#[derive(Debug, Default)]
pub(crate) struct Index {
    entries: Vec<Entry>,
    fresh: HashMap<u128, Fresh, BuildHasherDefault<KeyHasher>>,
}

/// A key that was not there when the index was read.
#[derive(Clone, Copy, Debug)]
struct Fresh {
    content: u64,
    gone: bool,
}

/// Keys are hashes already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, key: u128) {
        // The lower half: the upper one chooses the partition.
        self.0 = u64::try_from(key & u128::from(u64::MAX)).unwrap_or(u64::MAX);
    }
}

/// The columns of a raw table that identify a row.
pub(crate) fn identity(key: &[String]) -> Vec<String> {
    if key.is_empty() { vec![ROW_KEY.to_owned()] } else { key.to_vec() }
}

/// The key hashes of rows read back from a raw table.
pub(crate) fn stored_keys(batch: &RecordBatch, identity: &[String]) -> Result<Vec<Option<u128>>> {
    let columns = identity
        .iter()
        .map(|name| {
            batch.column_by_name(name).cloned().ok_or_else(|| {
                Error::configuration(format!(
                    "the raw table has no column `{name}`, which is part of the key now"
                ))
                .with_hint("a key cannot change under landed rows: give the stream another name")
            })
        })
        .collect::<Result<Vec<_>>>()?;
    key_hashes(batch.num_rows(), &columns)
}

impl Index {
    /// Reads the newest version of every key of a partition.
    pub(crate) async fn read(
        lake: &Lake,
        table: &Table,
        key: &[String],
        partition: Partition,
    ) -> Result<Self> {
        let identity = identity(key);
        let mut columns = identity.clone();
        columns.extend([OPERATION, SEQUENCE, ROW_HASH].map(str::to_owned));
        let mut versions: Vec<Version> =
            Vec::with_capacity(usize::try_from(table.rows / partition.of).unwrap_or(0));
        let mut batches = lake.read(table, Some(&columns));
        while let Some(batch) = batches.try_next().await? {
            let keys = stored_keys(&batch, &identity)?;
            let missing =
                || Error::bug(format!("the raw table `{}` lacks its provenance", table.path));
            let operations = batch
                .column_by_name(OPERATION)
                .and_then(|c| c.as_string_opt::<i32>())
                .ok_or_else(missing)?;
            let sequences = batch
                .column_by_name(SEQUENCE)
                .and_then(|c| c.as_primitive_opt::<Int64Type>())
                .ok_or_else(missing)?;
            let contents = batch
                .column_by_name(ROW_HASH)
                .and_then(|c| c.as_primitive_opt::<Int64Type>())
                .ok_or_else(missing)?;
            for (row, key) in keys.iter().enumerate() {
                let Some(key) = *key else { continue };
                if partition.holds(key) {
                    versions.push(Version {
                        key,
                        sequence: sequences.value(row),
                        content: contents.value(row).cast_unsigned(),
                        gone: operations.value(row) == Operation::Delete.as_str(),
                    });
                }
            }
        }
        versions.sort_unstable_by_key(|version| (version.key, version.sequence));
        let mut entries: Vec<Entry> = Vec::with_capacity(versions.len());
        for version in versions {
            let entry = Entry {
                key: version.key,
                content: version.content,
                gone: version.gone,
                seen: false,
            };
            match entries.last_mut() {
                Some(last) if last.key == version.key => *last = entry,
                _ => entries.push(entry),
            }
        }
        Ok(Self { entries, ..Self::default() })
    }

    fn find(&mut self, key: u128) -> Option<&mut Entry> {
        let at = self.entries.binary_search_by_key(&key, |entry| entry.key).ok()?;
        self.entries.get_mut(at)
    }

    /// Judges a row of a snapshot, in which a key may come once.
    pub(crate) fn judge_once(&mut self, key: u128, content: u64) -> Verdict {
        match self.find(key) {
            None => Verdict::New,
            Some(entry) if entry.seen => Verdict::Again,
            Some(entry) => {
                entry.seen = true;
                if entry.gone || entry.content != content {
                    Verdict::Changed
                } else {
                    Verdict::Unchanged
                }
            }
        }
    }

    /// Judges a row of a change feed, in which the last version of a key counts.
    pub(crate) fn judge_latest(&mut self, key: u128, content: u64) -> Verdict {
        if let Some(entry) = self.find(key) {
            if !entry.gone && entry.content == content {
                return Verdict::Unchanged;
            }
            entry.gone = false;
            entry.content = content;
            return Verdict::Changed;
        }
        match self.fresh.insert(key, Fresh { content, gone: false }) {
            None => Verdict::New,
            Some(before) if !before.gone && before.content == content => Verdict::Unchanged,
            Some(_) => Verdict::Changed,
        }
    }

    /// Keys that came since the index was read.
    pub(crate) fn fresh(&self) -> usize {
        self.fresh.len()
    }

    /// Marks a key as gone. Returns whether it was there until now.
    pub(crate) fn delete(&mut self, key: u128) -> bool {
        let gone = match self.find(key) {
            Some(entry) => Some(&mut entry.gone),
            None => None,
        };
        if let Some(gone) = gone {
            return !std::mem::replace(gone, true);
        }
        self.fresh.get_mut(&key).is_some_and(|fresh| !std::mem::replace(&mut fresh.gone, true))
    }

    /// Notes that a live key has other content now.
    pub(crate) fn set_content(&mut self, key: u128, content: u64) {
        if let Some(entry) = self.find(key) {
            entry.content = content;
        } else if let Some(fresh) = self.fresh.get_mut(&key) {
            fresh.content = content;
        }
    }

    /// Takes note of a key that a census names. Only for an index without fresh keys.
    pub(crate) fn name(&mut self, key: u128) -> Named {
        match self.find(key) {
            Some(entry) if entry.seen => Named::Again,
            Some(entry) if !entry.gone => {
                entry.seen = true;
                Named::Live
            }
            _ => Named::Missing,
        }
    }

    /// Whether a complete reading left keys out that are still there.
    pub(crate) fn has_unseen(&self) -> bool {
        self.entries.iter().any(|entry| !entry.seen && !entry.gone)
    }

    /// Whether this key is one of them; asked twice, the answer is no.
    pub(crate) fn take_unseen(&mut self, key: u128) -> bool {
        match self.find(key) {
            Some(entry) if !entry.seen && !entry.gone => {
                entry.gone = true;
                true
            }
            _ => false,
        }
    }
}
