//! Files of moderate size that know which keys they hold.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use salesmart_core::Result;
use salesmart_lake::{Lake, NewFile, TablePath, TableWriter};
use serde::{Deserialize, Serialize};

/// Rows a file holds: few enough that a night leaves the files of old keys alone, enough for
/// files to be read in one go. Tests have files of a few rows.
pub(super) const FILE_ROWS: u64 = if cfg!(test) { 32 } else { 128 * 1024 };

/// The keys in a file; both ends are in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::build) struct FileRange {
    /// The file's name, relative to the table.
    pub(in crate::build) name: String,
    pub(in crate::build) low: String,
    pub(in crate::build) high: String,
}

/// Writes rows that come in the order of their key.
pub(super) struct RangedWriter {
    lake: Lake,
    path: TablePath,
    schema: SchemaRef,
    key: usize,
    file_rows: u64,
    open: Option<Open>,
    pub(super) written: RangedFiles,
}

struct Open {
    writer: TableWriter,
    rows: u64,
    low: Option<String>,
    high: Option<String>,
}

/// What was written.
#[derive(Debug, Default)]
pub(super) struct RangedFiles {
    pub(super) files: Vec<NewFile>,
    /// In the order of the keys.
    pub(super) ranges: Vec<FileRange>,
    /// Whether every row had a key. One that has none is found by nobody who looks for keys.
    pub(super) lacks_keys: bool,
}

impl RangedWriter {
    pub(super) fn new(lake: &Lake, path: &TablePath, schema: &SchemaRef, key: usize) -> Self {
        Self {
            lake: lake.clone(),
            path: path.clone(),
            schema: Arc::clone(schema),
            key,
            file_rows: FILE_ROWS,
            open: None,
            written: RangedFiles::default(),
        }
    }

    /// Divides so many rows that are to come evenly among files.
    pub(super) fn expect(&mut self, rows: u64) {
        let files = (rows / FILE_ROWS).max(1);
        self.file_rows = rows.div_ceil(files).max(1);
    }

    pub(super) async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut rest = batch.clone();
        while rest.num_rows() > 0 {
            let open = self.open.get_or_insert_with(|| Open {
                writer: TableWriter::new(&self.lake, &self.path, Arc::clone(&self.schema)),
                rows: 0,
                low: None,
                high: None,
            });
            let room = usize::try_from(self.file_rows - open.rows).unwrap_or(usize::MAX);
            let now = rest.slice(0, room.min(rest.num_rows()));
            rest = rest.slice(now.num_rows(), rest.num_rows() - now.num_rows());
            let keys = now.column(self.key).as_string::<i32>();
            if keys.null_count() > 0 {
                self.written.lacks_keys = true;
            } else {
                open.low.get_or_insert_with(|| keys.value(0).to_owned());
                open.high = Some(keys.value(keys.len() - 1).to_owned());
            }
            open.writer.write(&now).await?;
            open.rows += now.num_rows() as u64;
            if open.rows >= self.file_rows {
                self.close().await?;
            }
        }
        Ok(())
    }

    /// Ends the file that is open: the next row begins another one.
    pub(super) async fn close(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let files = open.writer.finish().await?;
        match (files.as_slice(), open.low, open.high) {
            ([file], Some(low), Some(high)) => {
                self.written.ranges.push(FileRange { name: file.name.clone(), low, high });
            }
            // A file that grew so large that it was divided has no range of its own.
            _ => self.written.lacks_keys = true,
        }
        self.written.files.extend(files);
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<RangedFiles> {
        self.close().await?;
        Ok(self.written)
    }
}

/// Files next to each other that hold, or would hold, some of the changed keys.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Places in the list of files.
    pub(super) files: std::ops::Range<usize>,
    /// The last key whose new rows belong here; `None`: all that are left.
    pub(super) up_to: Option<String>,
}

/// The runs of files to write again for some keys, in order. A key belongs to every file whose
/// range holds it, or to the next one, or to the last.
pub(super) fn runs<'a>(ranges: &[FileRange], keys: impl Iterator<Item = &'a String>) -> Vec<Run> {
    let Some(last) = ranges.len().checked_sub(1) else {
        return vec![Run { files: 0..0, up_to: None }];
    };
    let mut touched = vec![false; ranges.len()];
    for key in keys {
        let mut index = ranges.partition_point(|range| range.high < *key).min(last);
        touched[index] = true;
        // The rows of one key may lie in several files.
        while index < last && ranges[index + 1].low <= *key {
            index += 1;
            touched[index] = true;
        }
    }
    let mut runs: Vec<Run> = Vec::new();
    for (index, _) in touched.iter().enumerate().filter(|(_, touched)| **touched) {
        match runs.last_mut() {
            Some(run) if run.files.end == index => run.files.end = index + 1,
            _ => runs.push(Run { files: index..index + 1, up_to: None }),
        }
    }
    for run in &mut runs {
        run.up_to = (run.files.end <= last).then(|| ranges[run.files.end - 1].high.clone());
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_the_files_that_hold_it_or_to_the_next() {
        let ranges: Vec<FileRange> = [("b", "d"), ("d", "f"), ("h", "k"), ("m", "p")]
            .into_iter()
            .map(|(low, high)| FileRange {
                name: String::new(),
                low: low.to_owned(),
                high: high.to_owned(),
            })
            .collect();
        let of = |keys: &[&str]| {
            let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            runs(&ranges, keys.iter())
                .into_iter()
                .map(|run| (run.files, run.up_to))
                .collect::<Vec<_>>()
        };
        let up_to = |key: &str| Some(key.to_owned());
        assert_eq!(of(&["c"]), [(0..1, up_to("d"))]);
        assert_eq!(of(&["d"]), [(0..2, up_to("f"))], "its rows lie in two files");
        assert_eq!(of(&["a"]), [(0..1, up_to("d"))]);
        assert_eq!(of(&["g"]), [(2..3, up_to("k"))], "between files: the next");
        assert_eq!(of(&["z"]), [(3..4, None)], "behind all: the last");
        assert_eq!(of(&["e", "i", "n"]), [(1..4, None)]);
        assert_eq!(of(&["c", "i"]), [(0..1, up_to("d")), (2..3, up_to("k"))]);
        assert_eq!(of(&[]), []);
        assert_eq!(runs(&[], [].iter()).len(), 1, "an empty table takes everything");
    }
}
