//! The commands, one file each.

pub mod audit;
pub mod check;
pub mod completions;
pub mod connectors;
pub mod demo;
pub mod docs;
pub mod explain;
pub mod init;
pub mod metrics;
pub mod models;
pub mod query;
pub mod releases;
pub mod run;
pub mod runs;
pub mod schema;
pub mod serve;
pub mod simulate;
pub mod stage;

use clap::ValueEnum;
use salesmart_core::{Error, Result};
use salesmart_lake::{Lake, Release};
use serde::Serialize;

/// How one record is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RecordFormat {
    /// For reading.
    #[default]
    Text,
    /// The whole record, for programs.
    Json,
}

/// A record as JSON.
fn json<T: Serialize>(record: &T) -> Result<String> {
    serde_json::to_string_pretty(record)
        .map(|text| text + "\n")
        .map_err(|e| Error::bug("failed to write a record as JSON").with_source(e))
}

/// The release with that id, or the current one.
async fn release(lake: &Lake, id: Option<&str>) -> Result<Release> {
    match id {
        None | Some("current") => lake.current_release().await?.ok_or_else(|| {
            Error::configuration("there is no release yet")
                .with("lake", lake.location())
                .with_hint("run a pipeline: `salesmart run NAME`")
        }),
        Some(id) => lake.release(id.parse()?).await,
    }
}
