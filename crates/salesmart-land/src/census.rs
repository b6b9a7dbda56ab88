//! Comparing the source's list of all its keys with the rows that have landed.
//!
//! Keys with a row that the list does not name are gone from the source: they get a delete marker.
//! Keys that it names and that have no row were lost, unless they wait in quarantine. The list is
//! kept in temporary files, divided as the index is, so its length does not matter.

use std::collections::HashSet;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::util::display::array_value_to_string;
use futures::TryStreamExt;
use salesmart_core::Result;
use salesmart_core::receipt::{Reconciliation, ReconciliationStatus};
use salesmart_core::stream::SOURCE_POSITION;
use salesmart_lake::TablePath;

use crate::batch::arrow_error;
use crate::index::{Index, Named, Partition};
use crate::lander::Lander;
use crate::spill::Spill;

/// Missing keys that are looked for in quarantine. More are a loss in any case.
const LOOKED_FOR: usize = 10_000;
/// Missing keys that are shown.
const SAMPLES: usize = 5;

/// A list of keys that is being received.
#[derive(Default)]
pub(crate) struct Census {
    keys: Option<Spill>,
    /// Keys that the raw table's columns cannot hold: their rows were rejected for that.
    unfit: u64,
}

/// What a census found.
#[derive(Default)]
struct Tally {
    named: u64,
    missing: u64,
    /// The first of the missing keys, each as the texts of its columns.
    samples: Vec<Vec<String>>,
    /// Their hashes, against naming one twice.
    met: HashSet<u128>,
}

impl Lander {
    /// Keeps a part of the list.
    pub(crate) fn census_keys(&mut self, batch: &RecordBatch, unfit: u64) -> Result<()> {
        let keys = self.keys_of(batch)?;
        let partitions = self.partitions();
        let Some(census) = &mut self.census else { return Err(outside()) };
        census.unfit += unfit;
        let spill = match &mut census.keys {
            Some(spill) => spill,
            none => none.insert(Spill::new(batch.schema_ref(), partitions)?),
        };
        spill.write(batch, &keys)
    }

    /// Compares the complete list with the raw table. What came before is committed first.
    pub(crate) async fn census_ends(&mut self) -> Result<()> {
        let Some(census) = self.census.take() else { return Err(outside()) };
        self.settle().await?;
        self.index = None;
        let mut tally = Tally::default();
        match census.keys {
            Some(spill) => {
                let of = spill.partitions();
                for (number, batches) in (0_u64..).zip(spill.into_partitions()?) {
                    let mut index = self.read_index(Partition { number, of }).await?;
                    for batch in batches {
                        self.name_keys(&batch.map_err(arrow_error)?, &mut index, &mut tally)?;
                    }
                    self.delete_unseen(&mut index).await?;
                }
            }
            None => {
                let of = self.partitions();
                for number in 0..of {
                    let mut index = self.read_index(Partition { number, of }).await?;
                    self.delete_unseen(&mut index).await?;
                }
            }
        }
        let found = self.in_quarantine(&mut tally).await?;
        let lost = tally.missing - found;
        let explained = found + census.unfit;
        let named = tally.named + census.unfit;
        let mut notes = Vec::new();
        if explained > 0 {
            notes.push(format!("{explained} of the keys are in quarantine"));
        }
        if lost > 0 {
            let samples: Vec<String> =
                tally.samples.iter().take(SAMPLES).map(|key| key.join(", ")).collect();
            notes.push(format!("without a row: {}", samples.join("; ")));
        }
        self.reconciled(Reconciliation {
            check: "keys".to_owned(),
            from: None,
            to: None,
            source_rows: named,
            landed_rows: named - lost,
            status: match lost {
                0 => ReconciliationStatus::Matched,
                _ => ReconciliationStatus::Mismatched,
            },
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        });
        Ok(())
    }

    fn name_keys(
        &mut self,
        batch: &RecordBatch,
        index: &mut Index,
        tally: &mut Tally,
    ) -> Result<()> {
        let columns = self.key_columns(batch)?;
        for (row, key) in self.keys_of(batch)?.into_iter().enumerate() {
            // A record without a key is none that could have a row.
            let Some(key) = key else { continue };
            match index.name(key) {
                Named::Again => {}
                Named::Live => tally.named += 1,
                Named::Missing if tally.met.contains(&key) => {}
                Named::Missing => {
                    tally.named += 1;
                    tally.missing += 1;
                    if tally.samples.len() < LOOKED_FOR {
                        tally.met.insert(key);
                        tally.samples.push(texts(&columns, row)?);
                    }
                }
            }
        }
        Ok(())
    }

    /// How many of the missing keys are the place of a row in quarantine. Those are no samples then.
    /// Only the place counts: a record that merely mentions a lost one explains nothing.
    async fn in_quarantine(&mut self, tally: &mut Tally) -> Result<u64> {
        if tally.samples.is_empty() {
            return Ok(0);
        }
        let path = TablePath::quarantine(&self.request.connection, &self.request.stream.name);
        let Some(table) = self.request.lake.table(&path).await? else { return Ok(0) };
        let columns = [SOURCE_POSITION.to_owned()];
        let mut batches = self.request.lake.read(&table, Some(&columns));
        let mut found: HashSet<usize> = HashSet::new();
        let looked_for = Words::of(&tally.samples);
        while let Some(batch) = batches.try_next().await? {
            for column in batch.columns() {
                for text in column.as_string::<i32>().iter().flatten() {
                    looked_for.find_in(text, &mut found);
                }
            }
        }
        let mut at = 0;
        tally.samples.retain(|_| {
            at += 1;
            !found.contains(&(at - 1))
        });
        Ok(found.len() as u64)
    }
}

/// Keys by their first column, to be found in texts as whole words.
struct Words<'a> {
    keys: &'a [Vec<String>],
    by_first: std::collections::HashMap<&'a str, Vec<usize>>,
}

impl<'a> Words<'a> {
    fn of(keys: &'a [Vec<String>]) -> Self {
        let mut by_first: std::collections::HashMap<&str, Vec<usize>> = Default::default();
        for (at, key) in keys.iter().enumerate() {
            by_first.entry(key.first().map_or("", String::as_str)).or_default().push(at);
        }
        Self { keys, by_first }
    }

    /// Adds the keys whose columns are all words of the text.
    fn find_in(&self, text: &str, found: &mut HashSet<usize>) {
        let words: HashSet<&str> =
            text.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_')).collect();
        for word in &words {
            for at in self.by_first.get(word).into_iter().flatten() {
                if self.keys[*at].iter().all(|part| words.contains(part.as_str())) {
                    found.insert(*at);
                }
            }
        }
    }
}

fn texts(columns: &[ArrayRef], row: usize) -> Result<Vec<String>> {
    columns.iter().map(|column| array_value_to_string(column, row).map_err(arrow_error)).collect()
}

fn outside() -> salesmart_core::Error {
    salesmart_core::Error::bug("keys of a census came outside of one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_as_a_whole_word_only() {
        let key = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
        let keys: Vec<Vec<String>> =
            vec![key(&["12"]), key(&["0061x"]), key(&["7", "amount"]), key(&["8", "stage"])];
        let mut found = HashSet::new();
        let words = Words::of(&keys);
        words.find_in(r#"{"id":"123","other":"0061x"}"#, &mut found);
        words.find_in("deals/7?property=amount", &mut found);
        words.find_in("deals/8", &mut found);
        assert_eq!(found, HashSet::from([1, 2]));
    }
}
