//! What a release says of itself: rows, runs, sources, checks, figures. All of it is asked in SQL,
//! over exactly the tables that the release names.

use std::collections::BTreeMap;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use salesmart_core::{Error, Result};
use salesmart_lake::Release;

use crate::Request;
use crate::figures::{self, Figures};

/// Releases that the site lists, the newest.
const LISTED_RELEASES: usize = 200;
/// Runs that the site lists, the newest.
const LISTED_RUNS: usize = 200;

/// A run, as `ops.run` has it.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) pipeline: String,
    pub(crate) started_at: String,
    pub(crate) finished_at: Option<String>,
    pub(crate) status: String,
    pub(crate) as_of: Option<String>,
    pub(crate) read: Option<String>,
    pub(crate) landed: Option<String>,
    pub(crate) quarantined: Option<String>,
    pub(crate) release: Option<String>,
    pub(crate) failure: Option<String>,
}

/// A stream of a run, as `ops.stream_run` has it.
#[derive(Clone, Debug)]
pub(crate) struct StreamRun {
    pub(crate) run_id: String,
    pub(crate) pipeline: String,
    pub(crate) connection: String,
    pub(crate) stream: String,
    pub(crate) read: u64,
    pub(crate) landed: u64,
    pub(crate) quarantined: u64,
    pub(crate) reconciliation: Option<String>,
    pub(crate) failure: Option<String>,
}

/// The outcome of a check.
#[derive(Clone, Debug)]
pub(crate) struct CheckOutcome {
    pub(crate) table: String,
    pub(crate) column: Option<String>,
    pub(crate) check: String,
    pub(crate) severity: String,
    pub(crate) passed: bool,
    pub(crate) offending: String,
    pub(crate) samples: Vec<String>,
    pub(crate) location: Option<String>,
}

/// What is known of a release.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Releases up to this one, newest first.
    pub(crate) releases: Vec<Release>,
    /// Releases that are older than those.
    pub(crate) older_releases: usize,
    /// Runs up to that of the release, newest first.
    pub(crate) runs: Vec<Run>,
    /// Their streams.
    pub(crate) streams: Vec<StreamRun>,
    /// What the checks of the release found.
    pub(crate) checks: Vec<CheckOutcome>,
    /// Some figures of each metric, by its id.
    pub(crate) figures: BTreeMap<String, Figures>,
    /// Columns of tables that no model builds any more: name and type.
    pub(crate) orphans: BTreeMap<String, Vec<(String, String)>>,
}

impl Facts {
    /// Asks the release.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub(crate) async fn read(request: Request<'_>) -> Result<Self> {
        let asked = Asked::new(request);
        let (releases, older_releases) = releases(request).await?;
        let mut runs = asked.runs().await?;
        for run in &mut runs {
            // A run cannot know the release it is about to make.
            if run.release.is_none() {
                run.release = releases
                    .iter()
                    .find(|release| release.run_id.as_str() == run.id)
                    .map(|release| release.id.to_string());
            }
        }
        Ok(Self {
            releases,
            older_releases,
            streams: asked.streams().await?,
            checks: asked.checks().await?,
            figures: figures::read(&asked).await?,
            orphans: asked.orphans().await?,
            runs,
        })
    }
}

async fn releases(request: Request<'_>) -> Result<(Vec<Release>, usize)> {
    let mut ids = request.lake.releases().await?;
    ids.retain(|id| *id <= request.release.id);
    let older = ids.len().saturating_sub(LISTED_RELEASES);
    let mut releases = Vec::new();
    for id in ids.into_iter().skip(older).rev() {
        releases.push(request.lake.release(id).await?);
    }
    Ok((releases, older))
}

/// A row's cells as text.
pub(crate) type Row = Vec<Option<String>>;

/// A release that answers SQL.
pub(crate) struct Asked<'a> {
    pub(crate) request: Request<'a>,
    versions: BTreeMap<String, u64>,
}

impl<'a> Asked<'a> {
    fn new(request: Request<'a>) -> Self {
        let tables = request.release.tables.iter();
        let versions = tables.map(|(name, table)| (name.clone(), table.version)).collect();
        Self { request, versions }
    }

    /// Whether the release has a table.
    pub(crate) fn has(&self, table: &str) -> bool {
        self.versions.contains_key(table)
    }

    /// The rows of an answer.
    ///
    /// # Errors
    /// When the SQL does not fit the release, or the store fails.
    pub(crate) async fn rows(&self, sql: &str) -> Result<Vec<Row>> {
        let Request { lake, business, .. } = self.request;
        let stream = salesmart_model::query(lake, &self.versions, business, sql).await?;
        let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(|e| {
            Error::bug("failed to read what the site shows").with("query", sql).with_source(e)
        })?;
        let mut rows = Vec::new();
        for batch in &batches {
            cells(batch, &mut rows).map_err(|e| {
                Error::bug("a cell cannot be shown").with("query", sql).with_source(e)
            })?;
        }
        Ok(rows)
    }

    async fn runs(&self) -> Result<Vec<Run>> {
        if !self.has("ops.run") {
            return Ok(Vec::new());
        }
        let sql = format!(
            "select run_id, pipeline, started_at, finished_at, status, as_of, rows_read, \
             rows_landed, rows_quarantined, release_id, failure \
             from ops.run order by started_at desc, run_id desc limit {LISTED_RUNS}"
        );
        let rows = self.rows(&sql).await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let mut cells = row.into_iter();
                let mut next = || cells.next().flatten();
                Run {
                    id: next().unwrap_or_default(),
                    pipeline: next().unwrap_or_default(),
                    started_at: next().unwrap_or_default(),
                    finished_at: next(),
                    status: next().unwrap_or_default(),
                    as_of: next(),
                    read: next(),
                    landed: next(),
                    quarantined: next(),
                    release: next(),
                    failure: next(),
                }
            })
            .collect())
    }

    async fn streams(&self) -> Result<Vec<StreamRun>> {
        if !self.has("ops.stream_run") {
            return Ok(Vec::new());
        }
        let rows = self
            .rows(
                "select run_id, pipeline, connection, stream, rows_read, rows_landed, \
                 rows_quarantined, reconciliation, failure \
                 from ops.stream_run order by run_id desc, connection, stream",
            )
            .await?;
        let number = |cell: Option<String>| cell.and_then(|text| text.parse().ok()).unwrap_or(0);
        Ok(rows
            .into_iter()
            .map(|row| {
                let mut cells = row.into_iter();
                let mut next = || cells.next().flatten();
                StreamRun {
                    run_id: next().unwrap_or_default(),
                    pipeline: next().unwrap_or_default(),
                    connection: next().unwrap_or_default(),
                    stream: next().unwrap_or_default(),
                    read: number(next()),
                    landed: number(next()),
                    quarantined: number(next()),
                    reconciliation: next(),
                    failure: next(),
                }
            })
            .collect())
    }

    async fn checks(&self) -> Result<Vec<CheckOutcome>> {
        if !self.has("ops.check_result") {
            return Ok(Vec::new());
        }
        let run = self.request.release.run_id.as_str().replace('\'', "''");
        let rows = self
            .rows(&format!(
                "select table_name, column_name, check_text, severity, passed, offending_rows, \
                 samples, location from ops.check_result where run_id = '{run}' \
                 order by table_name, column_name nulls first, check_text, location"
            ))
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let mut cells = row.into_iter();
                let mut next = || cells.next().flatten();
                CheckOutcome {
                    table: next().unwrap_or_default(),
                    column: next(),
                    check: next().unwrap_or_default(),
                    severity: next().unwrap_or_default(),
                    passed: next().as_deref() == Some("true"),
                    offending: next().unwrap_or_default(),
                    samples: next()
                        .map(|text| text.lines().map(str::to_owned).collect())
                        .unwrap_or_default(),
                    location: next(),
                }
            })
            .collect())
    }

    async fn orphans(&self) -> Result<BTreeMap<String, Vec<(String, String)>>> {
        let mut orphans = BTreeMap::new();
        for name in self.versions.keys() {
            let known = name.parse().is_ok_and(|name| self.request.catalog.model(&name).is_some());
            if known {
                continue;
            }
            let table = self.request.release.table(self.request.lake, name).await?;
            let columns = table.schema.fields().iter().map(|field| {
                let known = salesmart_core::ColumnType::from_arrow(field.data_type());
                let shown = known.map_or_else(|| field.data_type().to_string(), |t| t.to_string());
                (field.name().clone(), shown)
            });
            orphans.insert(name.clone(), columns.collect());
        }
        Ok(orphans)
    }
}

fn cells(
    batch: &RecordBatch,
    rows: &mut Vec<Row>,
) -> Result<(), datafusion::arrow::error::ArrowError> {
    let options = FormatOptions::default();
    let formatters = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column, &options))
        .collect::<Result<Vec<_>, _>>()?;
    for row in 0..batch.num_rows() {
        let mut cells = Vec::with_capacity(formatters.len());
        for (column, formatter) in batch.columns().iter().zip(&formatters) {
            let null = column.is_null(row);
            cells.push((!null).then(|| formatter.value(row).to_string()));
        }
        rows.push(cells);
    }
    Ok(())
}
