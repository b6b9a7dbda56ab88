//! The end of the chain of sealed forecast snapshots, for run records and releases.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use salesmart_core::receipt::{ForecastHead, SealedSnapshot};
use salesmart_core::{Error, Result, RunId};
use salesmart_lake::{Lake, TablePath};

/// What a record keeps of the chain.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Its last link.
    pub(crate) head: Option<ForecastHead>,
    /// The links that the run added, in order.
    pub(crate) sealed: Vec<SealedSnapshot>,
}

/// The columns that are read of `forecast.snapshot`.
const COLUMNS: [&str; 4] = ["snapshot_no", "hash", "period_name", "sealed_run_id"];

/// The chain as it is after a run; nothing where no snapshot was ever sealed. The newest version
/// counts, whatever the release: seals are never rolled back.
pub(crate) async fn chain(lake: &Lake, run_id: &RunId) -> Result<Chain> {
    let mut chain = Chain::default();
    let Some(table) = lake.table(&TablePath::warehouse("forecast", "snapshot")).await? else {
        return Ok(chain);
    };
    let columns = COLUMNS.map(str::to_owned);
    let mut batches = lake.read(&table, Some(&columns));
    while let Some(batch) = batches.try_next().await? {
        add(&mut chain, &batch, run_id)?;
    }
    chain.sealed.sort_by_key(|sealed| sealed.snapshot_no);
    Ok(chain)
}

fn add(chain: &mut Chain, batch: &RecordBatch, run_id: &RunId) -> Result<()> {
    let column = |name: &str| {
        batch.column_by_name(name).ok_or_else(|| {
            Error::configuration(format!("`forecast.snapshot` has no column `{name}`"))
                .with_hint("a project's own `forecast.snapshot` must keep the columns of the chain")
        })
    };
    let text = |name: &'static str| {
        column(name)?
            .as_string_opt::<i32>()
            .ok_or_else(|| Error::bug(format!("`{name}` is no text")))
    };
    let numbers = column("snapshot_no")?
        .as_primitive_opt::<Int64Type>()
        .ok_or_else(|| Error::bug("`snapshot_no` is no whole number"))?;
    let (hashes, periods) = (text("hash")?, text("period_name")?);
    let runs = text("sealed_run_id")?;
    for row in 0..batch.num_rows() {
        let snapshot_no = numbers.value(row);
        if chain.head.as_ref().is_none_or(|head| head.snapshot_no < snapshot_no) {
            chain.head = Some(ForecastHead { snapshot_no, hash: hashes.value(row).to_owned() });
        }
        if runs.is_valid(row) && runs.value(row) == run_id.as_str() {
            let period = periods.value(row).to_owned();
            chain.sealed.push(SealedSnapshot { snapshot_no, period });
        }
    }
    Ok(())
}
