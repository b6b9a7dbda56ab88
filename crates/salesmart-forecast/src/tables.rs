//! The tables of the history, read file by file.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type};
use chrono::{Days, NaiveDate};
use futures::TryStreamExt;
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_lake::{DataFile, Lake, Table, TablePath};

use crate::Seal;
use crate::seal::{SealKey, column};

/// One row a sealed snapshot.
pub(crate) const SNAPSHOT: &str = "snapshot";
/// The deals of sealed snapshots.
pub(crate) const SNAPSHOT_DEAL: &str = "snapshot_deal";
/// The figures of sealed snapshots.
pub(crate) const SNAPSHOT_FIGURE: &str = "snapshot_figure";
/// The ledger: what was believed of each deal's versions, and since when.
pub(crate) const LEDGER_ENTRY: &str = "ledger_entry";
/// What was won in a period as of the closing of its books.
pub(crate) const ACTUAL_FROZEN: &str = "actual_frozen";

/// What is only ever appended to.
pub(crate) const APPEND_ONLY: [&str; 5] =
    [SNAPSHOT, SNAPSHOT_DEAL, SNAPSHOT_FIGURE, LEDGER_ENTRY, ACTUAL_FROZEN];

/// The column that says which night a row belongs to.
pub(crate) const SNAPSHOT_DATE: &str = "snapshot_date";
/// The column that says which period a row belongs to.
pub(crate) const PERIOD_START: &str = "period_start";

/// The place of one of these tables.
pub(crate) fn path(table: &str) -> TablePath {
    TablePath::warehouse("forecast", table)
}

/// The newest version of one of these tables.
pub(crate) async fn newest(lake: &Lake, table: &str) -> Result<Option<Table>> {
    lake.table(&path(table)).await
}

/// The rows of one file of a table.
pub(crate) fn rows_of(
    lake: &Lake,
    table: &Table,
    file: &DataFile,
    columns: Option<&[String]>,
) -> futures::stream::BoxStream<'static, Result<RecordBatch>> {
    let mut one = table.clone();
    one.files = vec![file.clone()];
    lake.read(&one, columns)
}

/// Whether a failed read says something about the file rather than about who reads it.
pub(crate) fn is_damage(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Permission | ErrorKind::Interrupted)
}

/// A file that could not be read, and why.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) path: String,
    pub(crate) why: String,
}

impl Unreadable {
    /// Keeps the failure of a damaged file; any other goes on as an error.
    pub(crate) fn new(file: &DataFile, error: Error) -> Result<Self> {
        if !is_damage(&error) {
            return Err(error);
        }
        let why = error.causes().pop().unwrap_or_else(|| error.message().to_owned());
        Ok(Self { path: file.path.clone(), why })
    }
}

/// Every seal of the lake, in the order of their numbers.
pub(crate) async fn seals(
    lake: &Lake,
    table: &Table,
    unreadable: &mut Vec<Unreadable>,
) -> Result<Vec<Seal>> {
    let mut seals = Vec::new();
    for file in &table.files {
        let mut rows = rows_of(lake, table, file, None);
        loop {
            match rows.try_next().await {
                Ok(Some(batch)) => seals.extend(Seal::read(&batch)?),
                Ok(None) => break,
                Err(error) if error.kind() == ErrorKind::CheckFailed => return Err(error),
                Err(error) => {
                    unreadable.push(Unreadable::new(file, error)?);
                    break;
                }
            }
        }
    }
    seals.sort_by_key(|seal| (seal.snapshot_no, seal.key()));
    Ok(seals)
}

/// Which snapshots have rows in which files of a table, and how many: known by reading two narrow
/// columns, so that afterwards a snapshot is known to be whole when its last row has been read.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Rows by snapshot, in all files.
    pub(crate) rows: HashMap<SealKey, u64>,
    /// The files that can be read, with the snapshots in them.
    pub(crate) files: Vec<(DataFile, BTreeSet<SealKey>)>,
    /// Rows in the files, by file.
    pub(crate) counted: Vec<(DataFile, u64)>,
    /// The files that cannot be read.
    pub(crate) unreadable: Vec<Unreadable>,
}

impl Index {
    pub(crate) async fn of(lake: &Lake, table: &Table) -> Result<Self> {
        let mut index = Self::default();
        let narrow = [SNAPSHOT_DATE.to_owned(), PERIOD_START.to_owned()];
        for file in &table.files {
            let mut rows = rows_of(lake, table, file, Some(&narrow));
            let mut found: HashMap<SealKey, u64> = HashMap::new();
            loop {
                match rows.try_next().await {
                    Ok(Some(batch)) => {
                        for (key, run) in runs(&batch)? {
                            *found.entry(key).or_default() += run.len() as u64;
                        }
                    }
                    Ok(None) => {
                        index.counted.push((file.clone(), found.values().sum()));
                        index.files.push((file.clone(), found.keys().copied().collect()));
                        for (key, count) in found {
                            *index.rows.entry(key).or_default() += count;
                        }
                        break;
                    }
                    Err(error) => {
                        index.unreadable.push(Unreadable::new(file, error)?);
                        break;
                    }
                }
            }
        }
        Ok(index)
    }
}

/// The runs of neighbouring rows of one snapshot in a batch.
pub(crate) fn runs(batch: &RecordBatch) -> Result<Vec<(SealKey, std::ops::Range<usize>)>> {
    let dates = column(batch, SNAPSHOT_DATE, &DataType::Date32)?;
    let periods = column(batch, PERIOD_START, &DataType::Date32)?;
    let (dates, periods) =
        (dates.as_primitive::<Date32Type>(), periods.as_primitive::<Date32Type>());
    let mut runs: Vec<(SealKey, std::ops::Range<usize>)> = Vec::new();
    let mut last = None;
    for row in 0..batch.num_rows() {
        let days = (dates.value(row), periods.value(row));
        match runs.last_mut() {
            Some((_, run)) if last == Some(days) => run.end = row + 1,
            _ => {
                last = Some(days);
                let key = SealKey { snapshot_date: to_date(days.0), period_start: to_date(days.1) };
                runs.push((key, row..row + 1));
            }
        }
    }
    Ok(runs)
}

/// A day by its number since 1970-01-01; one beyond the calendar becomes that day itself, which no
/// snapshot shows.
fn to_date(days: i32) -> NaiveDate {
    let epoch = NaiveDate::default();
    let count = Days::new(u64::from(days.unsigned_abs()));
    if days < 0 { epoch.checked_sub_days(count) } else { epoch.checked_add_days(count) }
        .unwrap_or(epoch)
}
