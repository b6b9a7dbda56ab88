//! A lake whose tables a test changes, release by release.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray};
use chrono::{DateTime, Utc};
use salesmart_core::receipt::{Modeled, ModeledTable};
use salesmart_core::{ColumnPromise, RunId, TableContract, ValueRule};
use salesmart_lake::{Commit, CommitMode, Lake, TablePath, TableWriter};

use crate::{PublishRequest, Snapshot, publish};

/// A deal: its key, what it brings in cents, what was noted.
pub(super) type Deal = (i64, i64, Option<&'static str>);

pub(super) struct World {
    lake: Lake,
    runs: u32,
    tables: BTreeMap<String, ModeledTable>,
    contracts: BTreeMap<String, TableContract>,
}

/// Deals in the columns that they have at first.
pub(super) fn deals(deals: &[Deal]) -> RecordBatch {
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(deals.iter().map(|deal| deal.0)));
    let amount = Decimal128Array::from_iter_values(deals.iter().map(|deal| i128::from(deal.1)));
    let amount: ArrayRef = Arc::new(amount.with_precision_and_scale(18, 2).unwrap());
    let note: ArrayRef = Arc::new(deals.iter().map(|deal| deal.2).collect::<StringArray>());
    RecordBatch::try_from_iter_with_nullable([
        ("id", id, true),
        ("amount", amount, true),
        ("note", note, true),
    ])
    .unwrap()
}

/// How many deals there are: in every release it goes with them.
pub(super) fn total(count: usize) -> RecordBatch {
    let n: ArrayRef = Arc::new(Int64Array::from(vec![i64::try_from(count).unwrap()]));
    RecordBatch::try_from_iter_with_nullable([("n", n, true)]).unwrap()
}

impl World {
    pub(super) async fn new() -> Self {
        let promise = |name: &str, not_null, rules| ColumnPromise {
            name: name.to_owned(),
            doc: format!("What `{name}` means: it's \"told\"."),
            not_null,
            rules,
        };
        let between = ValueRule::Between("0".to_owned(), "1000000".to_owned());
        let deals = TableContract {
            description: "Deals.".to_owned(),
            grain: vec!["id".to_owned()],
            columns: vec![
                promise("id", true, Vec::new()),
                promise("amount", false, vec![between]),
                promise("note", false, Vec::new()),
            ],
        };
        Self {
            lake: Lake::open("memory:///").await.unwrap(),
            runs: 0,
            tables: BTreeMap::new(),
            contracts: BTreeMap::from([("mart.deal".to_owned(), deals)]),
        }
    }

    /// Writes a table's next version, a file a batch; files that are there already stay.
    pub(super) async fn write(&mut self, table: &str, batches: &[RecordBatch]) {
        self.commit(table, batches, CommitMode::Overwrite).await;
    }

    /// Adds files to a table.
    pub(super) async fn append(&mut self, table: &str, batches: &[RecordBatch]) {
        self.commit(table, batches, CommitMode::Append).await;
    }

    async fn commit(&mut self, table: &str, batches: &[RecordBatch], mode: CommitMode) {
        let path = TablePath::warehouse("mart", table);
        let schema = batches[0].schema();
        let mut files = Vec::new();
        for batch in batches {
            let mut writer = TableWriter::new(&self.lake, &path, Arc::clone(&schema));
            writer.write(batch).await.unwrap();
            files.extend(writer.finish().await.unwrap());
        }
        let commit = Commit {
            files,
            mode,
            schema,
            metadata: BTreeMap::new(),
            transaction: None,
            description: None,
        };
        let version = self.lake.commit(&path, commit).await.unwrap();
        let rows = self.lake.table(&path).await.unwrap().unwrap().rows;
        let modeled = ModeledTable {
            schema: "mart".to_owned(),
            table: table.to_owned(),
            version,
            rows,
            built: true,
            published: true,
            seconds: 0.0,
        };
        self.tables.insert(table.to_owned(), modeled);
    }

    /// Takes a table out of the releases to come.
    pub(super) fn remove(&mut self, table: &str) {
        self.tables.remove(table);
    }

    /// Makes a release of what the tables are now.
    pub(super) async fn release(&mut self) -> Snapshot {
        let now: DateTime<Utc> = "2026-11-23T05:00:00Z".parse().unwrap();
        self.runs += 1;
        let modeled = Modeled {
            as_of: now,
            tables: self.tables.values().cloned().collect(),
            checks: Vec::new(),
        };
        publish(PublishRequest {
            lake: &self.lake,
            modeled: &modeled,
            forecast_head: None,
            complete: true,
            pipeline: "nightly",
            run_id: &RunId::from_text(format!("run-{}", self.runs)),
            now,
        })
        .await
        .unwrap();
        Snapshot {
            lake: self.lake.clone(),
            release: self.lake.current_release().await.unwrap().unwrap(),
            contracts: self.contracts.clone(),
        }
    }
}
