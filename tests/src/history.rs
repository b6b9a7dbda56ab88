//! What is done to a forecast history by those who should not: rows changed, files exchanged.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Decimal128Type, Int64Type};
use futures::TryStreamExt;
use salesmart_lake::{Commit, CommitMode, Lake, TablePath, TableWriter};
use serde_json::json;

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A copy of a lake that a story may damage.
pub struct Forged {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Forged {
    /// Copies a lake.
    #[must_use]
    pub fn of(lake: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(lake, folder.path());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { folder, runtime }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    async fn open(&self, table: &str) -> (Lake, TablePath) {
        let lake = Lake::open(self.path().to_str().unwrap()).await.unwrap();
        (lake, TablePath::warehouse("forecast", table))
    }

    /// All rows of a table of the forecast.
    #[must_use]
    pub fn rows(&self, table: &str) -> RecordBatch {
        self.runtime.block_on(async {
            let (lake, path) = self.open(table).await;
            let table = lake.table(&path).await.unwrap().unwrap();
            let batches: Vec<RecordBatch> = lake.read(&table, None).try_collect().await.unwrap();
            concat_batches(&batches[0].schema(), &batches).unwrap()
        })
    }

    /// Puts these rows in the place of a table's, leaving no trace in its log: what somebody does
    /// who knows Delta.
    pub fn replace(&self, table: &str, rows: &RecordBatch) {
        self.runtime.block_on(async {
            let (lake, path) = self.open(table).await;
            // As many versions as there were, so that no release names one that is not there.
            let version = lake.table(&path).await.unwrap().unwrap().version;
            lake.remove_folder(path.as_str()).await.unwrap();
            for made in 0..=version {
                let part = if made == 0 { rows.clone() } else { rows.slice(0, 0) };
                let mut writer = TableWriter::new(&lake, &path, rows.schema());
                writer.write(&part).await.unwrap();
                let commit = Commit {
                    files: writer.finish().await.unwrap(),
                    mode: CommitMode::Append,
                    schema: rows.schema(),
                    metadata: [("forged".to_owned(), json!(true))].into(),
                    transaction: None,
                    description: None,
                };
                lake.commit(&path, commit).await.unwrap();
            }
        });
    }

    /// Overwrites a table with its own rows, as a tool that compacts tables would.
    pub fn overwrite(&self, table: &str) {
        let rows = self.rows(table);
        self.runtime.block_on(async {
            let (lake, path) = self.open(table).await;
            let mut writer = TableWriter::new(&lake, &path, rows.schema());
            writer.write(&rows).await.unwrap();
            let commit = Commit {
                files: writer.finish().await.unwrap(),
                mode: CommitMode::Overwrite,
                schema: rows.schema(),
                metadata: std::collections::BTreeMap::new(),
                transaction: None,
                description: None,
            };
            lake.commit(&path, commit).await.unwrap();
        });
    }

    /// The data files of a table, the largest first.
    #[must_use]
    pub fn files(&self, table: &str) -> Vec<PathBuf> {
        let folder = self.path().join("warehouse/forecast").join(table);
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "parquet"))
            .collect();
        files.sort_by_key(|path| std::cmp::Reverse(path.metadata().unwrap().len()));
        files
    }
}

/// The rows for which `keep` holds of the value of a column of whole numbers.
#[must_use]
pub fn only(rows: &RecordBatch, column: &str, keep: impl Fn(i64) -> bool) -> RecordBatch {
    let numbers = rows.column_by_name(column).unwrap().as_primitive::<Int64Type>();
    let kept: BooleanArray = numbers.iter().map(|number| number.map(&keep)).collect();
    filter_record_batch(rows, &kept).unwrap()
}

fn with(rows: &RecordBatch, column: &str, array: ArrayRef) -> RecordBatch {
    let place = rows.schema().index_of(column).unwrap();
    let mut columns = rows.columns().to_vec();
    columns[place] = array;
    RecordBatch::try_new(rows.schema(), columns).unwrap()
}

/// The rows with every whole number of a column changed.
#[must_use]
pub fn renumbered(rows: &RecordBatch, column: &str, to: impl Fn(i64) -> i64) -> RecordBatch {
    let numbers = rows.column_by_name(column).unwrap().as_primitive::<Int64Type>().clone();
    with(rows, column, Arc::new(numbers.unary::<_, Int64Type>(to)))
}

/// The rows with a cent more in the first amount of a column that is not null.
#[must_use]
pub fn a_cent_more(rows: &RecordBatch, column: &str) -> RecordBatch {
    let amounts = rows.column_by_name(column).unwrap().as_primitive::<Decimal128Type>().clone();
    let first = (0..amounts.len()).find(|row| amounts.is_valid(*row)).unwrap();
    let changed: arrow::array::Decimal128Array = (0..amounts.len())
        .map(|row| {
            let value = amounts.is_valid(row).then(|| amounts.value(row));
            if row == first { value.map(|cents| cents + 1) } else { value }
        })
        .collect();
    let data_type = amounts.data_type().clone();
    with(rows, column, Arc::new(changed.with_data_type(data_type)))
}

/// The rows with one text of a column exchanged for another wherever it stands.
#[must_use]
pub fn retold(rows: &RecordBatch, column: &str, from: &str, to: &str) -> RecordBatch {
    let texts = rows.column_by_name(column).unwrap().as_string::<i32>().clone();
    let changed: StringArray =
        texts.iter().map(|text| text.map(|text| if text == from { to } else { text })).collect();
    with(rows, column, Arc::new(changed))
}
