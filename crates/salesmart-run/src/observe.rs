//! What a run tells while it goes on, for progress bars and logs.

use std::fmt;

use salesmart_core::receipt::{CheckResult, LandedStream, ModeledTable, Published, TargetLoad};
use salesmart_model::{Progress as BuildProgress, TableName};
use serde::{Deserialize, Serialize};

/// The stages of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading the sources.
    Extract,
    /// Writing what came into raw tables.
    Land,
    /// Building models and checking them.
    Model,
    /// Making a release.
    Publish,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Extract => "extract",
            Stage::Land => "land",
            Stage::Model => "model",
            Stage::Publish => "publish",
        })
    }
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Progress<'a> {
    /// A stage begins, with so many streams or tables before it (0 where that is not known).
    StageBegins {
        /// The stage.
        stage: Stage,
        /// How many streams or tables it is about.
        items: usize,
    },
    /// A stream has delivered so many rows so far.
    StreamRows {
        /// The connection.
        connection: &'a str,
        /// The stream.
        stream: &'a str,
        /// Rows so far, rejected ones included.
        rows: u64,
    },
    /// A stream is done.
    StreamDone(&'a LandedStream),
    /// A table begins to be built.
    TableBegins {
        /// `schema.table`.
        table: &'a str,
    },
    /// A table is built, or was up to date.
    TableDone(&'a ModeledTable),
    /// A check did not pass.
    CheckFailed(&'a CheckResult),
    /// The release is made.
    Published(&'a Published),
    /// A target begins to be loaded.
    TargetBegins {
        /// The target.
        target: &'a str,
    },
    /// A target is loaded, holds the release already, or did not take it.
    TargetDone(&'a TargetLoad),
}

/// Who listens.
pub trait Observer: Send + Sync {
    /// Called as things happen, from several tasks; must not block.
    fn observe(&self, progress: Progress<'_>);
}

/// Nobody listens.
impl Observer for () {
    fn observe(&self, _: Progress<'_>) {}
}

/// Passes on what a build tells.
pub(crate) fn tell(observer: &dyn Observer, progress: BuildProgress) {
    let table = |name: &TableName, rows, seconds, built| ModeledTable {
        schema: name.schema.clone(),
        table: name.table.clone(),
        version: 0,
        rows,
        built,
        published: true,
        seconds,
    };
    match progress {
        BuildProgress::Planned { tables } => {
            tracing::debug!(target: "model", tables, "models are planned");
        }
        BuildProgress::Started(name) => {
            observer.observe(Progress::TableBegins { table: &name.to_string() });
        }
        BuildProgress::Built { table: name, rows, seconds } => {
            observer.observe(Progress::TableDone(&table(&name, rows, seconds, true)));
        }
        BuildProgress::Unchanged(name) => {
            observer.observe(Progress::TableDone(&table(&name, 0, 0.0, false)));
        }
        BuildProgress::Checked(result) if !result.passed => {
            observer.observe(Progress::CheckFailed(&result));
        }
        BuildProgress::Checked(_) => {}
    }
}
