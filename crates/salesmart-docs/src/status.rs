//! What happened since the release that a site shows: newer runs, and a newer release.

use chrono::{DateTime, Utc};
use salesmart_core::Result;
use salesmart_lake::{Lake, Release};
use serde::{Deserialize, Serialize};

use crate::search::assignment;

/// The file of a site that says what happened since.
pub const STATUS: &str = "assets/status.js";

/// The newest runs that are looked at.
const LOOKED_AT: usize = 50;

/// The part of a run's record that is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Seen {
    run_id: String,
    pipeline: String,
    status: String,
    started_at: DateTime<Utc>,
    #[serde(default)]
    finished_at: Option<DateTime<Utc>>,
    #[serde(default)]
    failure: Option<SeenFailure>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct SeenFailure {
    message: String,
    #[serde(default)]
    hint: Option<String>,
}

#[derive(Serialize)]
struct Status {
    shown: String,
    current: Option<String>,
    runs: Vec<Seen>,
}

/// What happened since, as the script [`STATUS`]. Where nothing did, two calls give the same.
///
/// # Errors
/// When the lake cannot be read.
pub async fn status(lake: &Lake, shown: &Release) -> Result<String> {
    let mut names = lake.list_json("runs").await?;
    // Ids begin with the moment.
    names.retain(|name| name.as_str() > shown.run_id.as_str());
    let older = names.len().saturating_sub(LOOKED_AT);
    let mut runs = Vec::new();
    for name in names.into_iter().skip(older).rev() {
        let Some(mut run) = lake.get_json::<Seen>(&format!("runs/{name}.json")).await? else {
            continue;
        };
        if run.status == "running" {
            // The lease is the truth about who is at work.
            let holder = lake.lease_holder(&format!("pipeline-{}", run.pipeline)).await?;
            if holder.is_none_or(|holder| holder.run_id.as_str() != run.run_id) {
                "killed".clone_into(&mut run.status);
            }
        }
        runs.push(run);
    }
    let current = lake.current_release().await?.map(|release| release.id.to_string());
    assignment("SALESMART_STATUS", &Status { shown: shown.id.to_string(), current, runs })
}
