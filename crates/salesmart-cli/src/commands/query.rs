//! `salesmart query "SQL"`: reading a release.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use clap::Args;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_lake::{Lake, Release};
use salesmart_run::Workspace;

use crate::context::Context;
use crate::output::{Format, RowWriter};

/// Asks the current release, or an older one, in SQL. Nothing can be changed by it.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart query \"select * from kpi.win_rate where period_grain = 'year'\"
  salesmart query \"show tables\"
  salesmart query \"select * from mart.fct_opportunity\" --format parquet --output deals.parquet
  salesmart query --release r000041 \"select count(*) from mart.dim_rep\"
  salesmart query - < question.sql

Schemas: mart (facts and dimensions), kpi (figures by period and scope), funnel (stages, conversion,
losses), forecast (sealed snapshots, accuracy, bridge), ops (runs, checks, exclusions).
`salesmart models show kpi.win_rate` explains a table's columns. SQL may call fiscal_year(date), fiscal_quarter(date), fiscal_month(date),
period_start(grain, date) and period_end(grain, date).

Formats:
  table    for reading; `∅` is null; at most 1,000 rows are shown
  csv      a header, then rows; null is an empty field
  json     JSON lines: one object a row; decimals are numbers with all their digits
  parquet  needs --output")]
pub struct Query {
    /// The question; `-` reads it from standard input
    sql: String,
    /// How rows are written
    #[arg(long, short, value_enum, default_value_t)]
    format: Format,
    /// The file to write to; it appears when it is complete
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The release to ask, instead of the current one
    #[arg(long, value_name = "ID")]
    release: Option<String>,
}

impl Query {
    /// Asks and writes the answer.
    ///
    /// # Errors
    /// When the SQL cannot be planned or run, or there is no such release.
    pub fn run(&self, context: &Context) -> Result<()> {
        let sql = if self.sql == "-" { standard_input()? } else { self.sql.clone() };
        let workspace = context.workspace()?;
        context.block_on(async {
            let lake = context.lake(&workspace).await?;
            let release = super::release(&lake, self.release.as_deref()).await;
            let tables = match release {
                Ok(release) => versions(&release),
                // What is in quarantine can be looked at when the very first run has failed.
                Err(_) if self.release.is_none() && sql.contains("quarantine.") => BTreeMap::new(),
                Err(error) => return Err(error),
            };
            let mut rows =
                salesmart_model::query(&lake, &tables, &workspace.business(), &sql).await?;
            let output = self.output.as_deref();
            let mut writer = RowWriter::new(self.format, output, rows.schema(), context.style())?;
            while let Some(batch) = rows.next().await {
                writer.write(&batch.map_err(failed)?)?;
            }
            writer.finish()?;
            Ok(())
        })
    }
}

fn standard_input() -> Result<String> {
    let mut sql = String::new();
    std::io::stdin().read_to_string(&mut sql).map_err(|e| {
        Error::configuration("failed to read the question from standard input").with_source(e)
    })?;
    Ok(sql)
}

/// Asks one release.
pub(super) async fn ask(
    workspace: &Workspace,
    lake: &Lake,
    release: &Release,
    sql: &str,
) -> Result<SendableRecordBatchStream> {
    salesmart_model::query(lake, &versions(release), &workspace.business(), sql).await
}

/// The version of each table of a release.
pub(super) fn versions(release: &Release) -> BTreeMap<String, u64> {
    release.tables.iter().map(|(name, table)| (name.clone(), table.version)).collect()
}

/// Asks one release for a few rows.
pub(super) async fn ask_all(
    workspace: &Workspace,
    lake: &Lake,
    release: &Release,
    sql: &str,
) -> Result<Vec<RecordBatch>> {
    let mut rows = ask(workspace, lake, release, sql).await?;
    let mut batches = Vec::new();
    while let Some(batch) = rows.next().await {
        batches.push(batch.map_err(failed)?);
    }
    Ok(batches)
}

/// A failure while rows were on their way.
pub(super) fn failed(error: DataFusionError) -> Error {
    let kind = match error.find_root() {
        // Our own error from inside the engine, such as a file that is gone.
        DataFusionError::External(own) => {
            own.downcast_ref::<Error>().map_or(ErrorKind::Configuration, Error::kind)
        }
        DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => {
            ErrorKind::SourceUnavailable
        }
        _ => ErrorKind::Configuration,
    };
    Error::new(kind, "failed to run the query").with_source(error)
}
