//! A history made by hand, sealed by code that shares nothing with what is tested.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema};
use chrono::{Days, NaiveDate};
use futures::TryStreamExt;
use salesmart_lake::{Commit, CommitMode, Lake, TableWriter};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::tables;

/// One row a deal: id, name, amount in cents.
pub(crate) type Deal = (&'static str, Option<&'static str>, Option<i128>);

pub(crate) const DEALS: [Deal; 3] = [
    ("crm:006A", Some("Ten\tchairs"), Some(123_450)),
    ("crm:006B", None, None),
    ("crm:006C", Some("\\N"), Some(-5)),
];

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A lake with sealed nights in a folder that goes when the test ends.
pub(crate) struct History {
    pub(crate) lake: Lake,
    pub(crate) folder: tempfile::TempDir,
    /// Number and hash of the newest snapshot.
    pub(crate) head: (i64, String),
    /// The documents as they were sealed.
    pub(crate) documents: Vec<String>,
}

fn sha(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn dates(days: &[NaiveDate]) -> ArrayRef {
    let number = |day: &NaiveDate| {
        i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).unwrap()
    };
    Arc::new(Date32Array::from(days.iter().map(number).collect::<Vec<_>>()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn money(cents: Vec<Option<i128>>) -> ArrayRef {
    Arc::new(Decimal128Array::from(cents).with_precision_and_scale(18, 2).unwrap())
}

fn instants(micros: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC"))
}

fn numbers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

pub(crate) fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let field =
        |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), true);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(schema), arrays).unwrap()
}

impl History {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path().join("lake").to_str().unwrap()).await.unwrap();
        Self { lake, folder, head: (0, "0".repeat(64)), documents: Vec::new() }
    }

    /// So many nights from 2026-08-01 on, with the same deals and two open periods.
    pub(crate) async fn of_nights(nights: u64) -> Self {
        let mut history = Self::new().await;
        for night in 0..nights {
            history.seal(day("2026-08-01") + Days::new(night), &DEALS).await;
        }
        history
    }

    /// Seals a night: the deals in the first period, none in the second.
    pub(crate) async fn seal(&mut self, date: NaiveDate, deals: &[Deal]) {
        let first = (day("2026-08-01"), day("2026-10-31"), "FY27Q3");
        let second = (day("2026-11-01"), day("2027-01-31"), "FY27Q4");
        let run = format!("run-{date}");
        let n = deals.len();
        self.append(
            tables::SNAPSHOT_DEAL,
            batch(vec![
                ("snapshot_date", dates(&vec![date; n])),
                ("period_start", dates(&vec![first.0; n])),
                ("opportunity_id", texts(&deals.iter().map(|d| d.0).collect::<Vec<_>>())),
                ("name", Arc::new(StringArray::from_iter(deals.iter().map(|d| d.1)))),
                ("amount", money(deals.iter().map(|d| d.2).collect())),
                ("close_date", dates(&vec![date; n])),
            ]),
        )
        .await;
        self.append(
            tables::SNAPSHOT_FIGURE,
            batch(vec![
                ("snapshot_date", dates(&[date, date])),
                ("period_start", dates(&[first.0, second.0])),
                ("scope", texts(&["company", "company"])),
                ("scope_id", Arc::new(StringArray::from(vec![None::<&str>, None]))),
                ("series", texts(&["commit", "commit"])),
                ("n", numbers(&[i64::try_from(n).unwrap(), 0])),
            ]),
        )
        .await;
        let mut deal_lines: Vec<String> = deals
            .iter()
            .map(|(id, name, cents)| {
                let name = name.map_or("\\N".to_owned(), |name| {
                    name.replace('\\', "\\\\").replace('\t', "\\t")
                });
                let amount = cents.map_or("\\N".to_owned(), |cents| {
                    let sign = if cents < 0 { "-" } else { "" };
                    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
                });
                format!("deal\t{id}\t{name}\t{amount}\t{date}\n")
            })
            .collect();
        deal_lines.sort();
        for (period, deals, figures) in [
            (first, deal_lines.concat(), format!("figure\tcompany\t\\N\tcommit\t{n}\n")),
            (second, String::new(), "figure\tcompany\t\\N\tcommit\t0\n".to_owned()),
        ] {
            let rows = i64::try_from(deals.lines().count()).unwrap();
            let (number, previous) = (self.head.0 + 1, self.head.1.clone());
            let content = format!("{deals}{figures}");
            let document = format!(
                "salesmart-snapshot v1\nprevious {previous}\nno {number}\ndate {date}\n\
                 period quarter {} {} {}\nas_of {date}T23:00:00.000000Z\nrun {run}\n\
                 deals {rows}\nfigures 1\ndeal_columns opportunity_id name amount close_date\n\
                 figure_columns scope scope_id series n\n{content}",
                period.0, period.1, period.2,
            );
            let hash = sha(&document);
            let micros = date.and_hms_opt(23, 0, 0).unwrap().and_utc().timestamp_micros();
            self.append(
                tables::SNAPSHOT,
                batch(vec![
                    ("snapshot_no", numbers(&[number])),
                    ("snapshot_date", dates(&[date])),
                    ("period_grain", texts(&["quarter"])),
                    ("period_start", dates(&[period.0])),
                    ("period_end", dates(&[period.1])),
                    ("period_name", texts(&[period.2])),
                    ("as_of", instants(vec![micros])),
                    ("sealed_run_id", texts(&[&run])),
                    ("deal_rows", numbers(&[rows])),
                    ("figure_rows", numbers(&[1])),
                    ("deal_columns", texts(&["opportunity_id name amount close_date"])),
                    ("figure_columns", texts(&["scope scope_id series n"])),
                    ("content_hash", texts(&[&sha(&content)])),
                    ("previous_hash", texts(&[&previous])),
                    ("hash", texts(&[&hash])),
                ]),
            )
            .await;
            self.head = (number, hash);
            self.documents.push(document);
        }
        let micros = date.and_hms_opt(23, 0, 0).unwrap().and_utc().timestamp_micros();
        self.append(tables::LEDGER_ENTRY, ledger(date, micros)).await;
        let head = json!({ "snapshot_no": self.head.0, "hash": self.head.1 });
        let record = json!({ "run_id": run, "published": { "forecast_head": head } });
        self.lake.put_json(&format!("runs/{run}.json"), &record).await.unwrap();
        let number = self.head.0 / 2;
        let path = format!("releases/r{number:06}.json");
        self.lake.put_json(&path, &json!({ "forecast_head": head })).await.unwrap();
    }

    /// Appends rows as a run does, with the hashes of the files.
    pub(crate) async fn append(&self, table: &str, rows: RecordBatch) {
        self.commit(table, rows, CommitMode::Append).await;
    }

    pub(crate) async fn commit(&self, table: &str, rows: RecordBatch, mode: CommitMode) {
        let path = tables::path(table);
        let mut writer = TableWriter::new(&self.lake, &path, rows.schema());
        writer.write(&rows).await.unwrap();
        let files = writer.finish().await.unwrap();
        let hashes: BTreeMap<String, String> =
            files.iter().map(|file| (file.name.clone(), file.sha256.clone())).collect();
        let commit = Commit {
            files,
            mode,
            schema: rows.schema(),
            metadata: BTreeMap::from([("files".to_owned(), json!(hashes))]),
            transaction: None,
            description: None,
        };
        self.lake.commit(&path, commit).await.unwrap();
    }

    /// All rows of a table, in the order of what they are about.
    pub(crate) async fn rows(&self, table: &str) -> RecordBatch {
        let table = self.lake.table(&tables::path(table)).await.unwrap().unwrap();
        let batches: Vec<RecordBatch> = self.lake.read(&table, None).try_collect().await.unwrap();
        let all = concat_batches(&batches[0].schema(), &batches).unwrap();
        let order = |name: &str| all.column_by_name(name).cloned();
        let columns: Vec<_> = ["snapshot_no", "snapshot_date", "period_start", "known_from"]
            .into_iter()
            .filter_map(order)
            .map(|values| arrow::compute::SortColumn { values, options: None })
            .collect();
        let places = arrow::compute::lexsort_to_indices(&columns, None).unwrap();
        arrow::compute::take_record_batch(&all, &places).unwrap()
    }

    /// Puts a table with these rows in the place of one, leaving no trace in its log: what a forger
    /// does who knows Delta.
    pub(crate) async fn forge(&self, table: &str, rows: RecordBatch) {
        self.lake.remove_folder(tables::path(table).as_str()).await.unwrap();
        self.append(table, rows).await;
    }

    /// The data files of a table on the disk, in the order of their commits.
    pub(crate) async fn files(&self, table: &str) -> Vec<std::path::PathBuf> {
        let commits = self.lake.history(&tables::path(table)).await.unwrap();
        let root = self.folder.path().join("lake");
        commits.iter().flat_map(|c| &c.added).map(|file| root.join(&file.path)).collect()
    }
}

fn ledger(date: NaiveDate, known_from: i64) -> RecordBatch {
    batch(vec![
        ("opportunity_id", texts(&["crm:006A", "crm:006Z"])),
        ("valid_from", instants(vec![known_from - 1, known_from - 2])),
        ("known_from", instants(vec![known_from, known_from])),
        ("name", texts(&["a, \"b\"", ""])),
        ("close_date", dates(&[date, day("2029-01-01")])),
    ])
}

/// The batch with one column's values replaced.
pub(crate) fn with_column(rows: &RecordBatch, name: &str, array: ArrayRef) -> RecordBatch {
    let place = rows.schema().index_of(name).unwrap();
    let mut columns = rows.columns().to_vec();
    columns[place] = array;
    RecordBatch::try_new(rows.schema(), columns).unwrap()
}

/// The batch without some rows.
pub(crate) fn without(rows: &RecordBatch, gone: impl Fn(usize) -> bool) -> RecordBatch {
    let keep: arrow::array::BooleanArray =
        (0..rows.num_rows()).map(|row| Some(!gone(row))).collect();
    arrow::compute::filter_record_batch(rows, &keep).unwrap()
}

/// One value of a text column replaced.
pub(crate) fn with_text(rows: &RecordBatch, name: &str, row: usize, text: &str) -> RecordBatch {
    use arrow::array::{Array, AsArray};
    let old = rows.column_by_name(name).unwrap().as_string::<i32>().clone();
    let new = (0..old.len())
        .map(|at| if at == row { Some(text) } else { old.is_valid(at).then(|| old.value(at)) });
    let array: StringArray = new.collect();
    with_column(rows, name, Arc::new(array))
}

/// One value of a column of whole numbers replaced.
pub(crate) fn with_number(rows: &RecordBatch, name: &str, row: usize, to: i64) -> RecordBatch {
    use arrow::array::AsArray;
    let old = rows.column_by_name(name).unwrap();
    let old = old.as_primitive::<arrow::datatypes::Int64Type>().clone();
    let new = (0..old.len()).map(|at| Some(if at == row { to } else { old.value(at) }));
    with_column(rows, name, Arc::new(new.collect::<Int64Array>()))
}

/// One amount replaced.
pub(crate) fn with_amount(rows: &RecordBatch, row: usize, cents: i128) -> RecordBatch {
    use arrow::array::{Array, AsArray};
    let old = rows.column_by_name("amount").unwrap();
    let old = old.as_primitive::<arrow::datatypes::Decimal128Type>().clone();
    let new = (0..old.len())
        .map(|at| if at == row { Some(cents) } else { old.is_valid(at).then(|| old.value(at)) });
    with_column(rows, "amount", money(new.collect()))
}

/// The type of a column of instants.
pub(crate) fn instant_type() -> DataType {
    DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()))
}
