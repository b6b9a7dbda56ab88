//! Run records: one small document a run, written again after every stage.

use chrono::{DateTime, Utc};
use salesmart_core::receipt::{
    Extracted, Failure, ForecastHead, Landed, Modeled, Published, RowCounts, SealedSnapshot,
};
use salesmart_core::{Error, Result, RunId};
use salesmart_lake::Lake;
use serde::{Deserialize, Serialize};

use crate::observe::Stage;

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It goes on, or its process was killed: `salesmart runs` tells the two apart by the lease.
    Running,
    /// All stages that were asked for are done.
    Succeeded,
    /// Streams failed; the others went down the line.
    Partial,
    /// It ended early.
    Failed,
    /// Its process ended without a word.
    Killed,
}

impl RunStatus {
    /// As tables spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RunStatus::Running => "running",
            RunStatus::Succeeded => "succeeded",
            RunStatus::Partial => "partial",
            RunStatus::Failed => "failed",
            RunStatus::Killed => "killed",
        }
    }
}

/// What is known of one run: its receipts, stage by stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The run.
    pub run_id: RunId,
    /// The pipeline.
    pub pipeline: String,
    /// The version of Salesmart that ran it.
    pub salesmart_version: String,
    /// The stages that were asked for.
    pub stages: Vec<Stage>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it stands.
    pub status: RunStatus,
    /// The instant the models are built as of.
    pub as_of: DateTime<Utc>,
    /// Whether all models were asked for.
    pub complete: bool,
    /// What stage `extract` handed on, when it ran alone.
    pub extracted: Option<Extracted>,
    /// What stage `land` handed on.
    pub landed: Option<Landed>,
    /// What stage `model` handed on.
    pub modeled: Option<Modeled>,
    /// The forecast snapshots that stage `model` sealed.
    #[serde(default)]
    pub sealed: Vec<SealedSnapshot>,
    /// The last sealed forecast snapshot there was when stage `model` ended.
    #[serde(default)]
    pub forecast_head: Option<ForecastHead>,
    /// What stage `publish` left behind.
    pub published: Option<Published>,
    /// Why it ended early, or which streams it is without.
    pub failure: Option<Failure>,
}

impl RunRecord {
    /// Where the record is kept in the lake.
    pub(crate) fn path(run_id: &RunId) -> String {
        format!("runs/{run_id}.json")
    }

    /// What happened to all rows of the run.
    #[must_use]
    pub fn rows(&self) -> RowCounts {
        self.landed.as_ref().map(Landed::total).unwrap_or_default()
    }

    pub(crate) async fn save(&self, lake: &Lake) -> Result<()> {
        lake.put_json(&Self::path(&self.run_id), self).await
    }
}

/// Every run of a lake, oldest first. A run whose process is gone is shown as killed.
///
/// # Errors
/// When the lake cannot be read.
pub async fn run_records(lake: &Lake) -> Result<Vec<RunRecord>> {
    let mut records = Vec::new();
    for name in lake.list_json("runs").await? {
        if let Some(record) = lake.get_json::<RunRecord>(&format!("runs/{name}.json")).await? {
            records.push(judge(lake, record).await?);
        }
    }
    records.sort_by_key(|record| record.started_at);
    Ok(records)
}

/// One run.
///
/// # Errors
/// When there is no such run, or the lake cannot be read.
pub async fn run_record(lake: &Lake, run_id: &RunId) -> Result<RunRecord> {
    match lake.get_json::<RunRecord>(&RunRecord::path(run_id)).await? {
        Some(record) => judge(lake, record).await,
        None => Err(Error::configuration(format!("there is no run `{run_id}`"))
            .with("lake", lake.location())
            .with_hint("`salesmart runs` lists them")),
    }
}

/// A run that says it goes on while nobody holds its lease was killed.
async fn judge(lake: &Lake, mut record: RunRecord) -> Result<RunRecord> {
    if record.status == RunStatus::Running {
        let holder = lake.lease_holder(&lease_name(&record.pipeline)).await?;
        if holder.is_none_or(|holder| holder.run_id != record.run_id) {
            record.status = RunStatus::Killed;
        }
    }
    Ok(record)
}

/// The lease that lets only one run of a pipeline go on at a time.
pub(crate) fn lease_name(pipeline: &str) -> String {
    format!("pipeline-{pipeline}")
}
