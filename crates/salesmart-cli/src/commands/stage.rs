//! `salesmart extract | land | model | publish PIPELINE`: one stage of the line by itself.

use clap::Args;
use salesmart_core::Result;
use salesmart_run::Stages;

use super::run::{Modelling, Reading, walk};
use crate::context::Context;

/// Reads the sources of a pipeline into the lake's spool; nothing lands yet.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart extract crm-export && salesmart land crm-export")]
pub struct Extract {
    /// The pipeline: the name of a file in `pipelines/`, without its ending
    pipeline: String,
    #[command(flatten)]
    reading: Reading,
}

/// Lands what the last `extract` read: new and changed rows into raw tables, what does not fit
/// into quarantine.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart extract crm-export && salesmart land crm-export")]
pub struct Land {
    /// The pipeline: the name of a file in `pipelines/`, without its ending
    pipeline: String,
}

/// Builds the models from what has landed, and checks them; readers see nothing of it yet.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart model crm-export
  salesmart model crm-export --select kpi.win_rate+ --rebuild
  salesmart model crm-export --as-of 2026-06-30 && salesmart publish crm-export")]
pub struct Model {
    /// The pipeline: the name of a file in `pipelines/`, without its ending
    pipeline: String,
    #[command(flatten)]
    modelling: Modelling,
}

/// Publishes what was built last as a new release, and loads the pipeline's targets. Refused when a
/// check with severity `error` failed.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart model crm-export && salesmart publish crm-export
  salesmart publish crm-export --targets-only     after a roll-back, or when a target was away")]
pub struct Publish {
    /// The pipeline: the name of a file in `pipelines/`, without its ending
    pipeline: String,
    /// Make no release: bring the targets to the one that is current in the lake
    #[arg(long)]
    targets_only: bool,
}

impl Extract {
    /// Runs the stage.
    ///
    /// # Errors
    /// When a stream cannot be read.
    pub fn run(&self, context: &Context) -> Result<()> {
        walk(context, &self.pipeline, Stages::Extract, &self.reading, &Modelling::default())
    }
}

impl Land {
    /// Runs the stage.
    ///
    /// # Errors
    /// When there is nothing to land, or too much does not fit.
    pub fn run(&self, context: &Context) -> Result<()> {
        walk(context, &self.pipeline, Stages::Land, &Reading::default(), &Modelling::default())
    }
}

impl Model {
    /// Runs the stage.
    ///
    /// # Errors
    /// When a model cannot be built.
    pub fn run(&self, context: &Context) -> Result<()> {
        walk(context, &self.pipeline, Stages::Model, &Reading::default(), &self.modelling)
    }
}

impl Publish {
    /// Runs the stage.
    ///
    /// # Errors
    /// When nothing was built, a check failed, or a target did not take the release.
    pub fn run(&self, context: &Context) -> Result<()> {
        let stages = if self.targets_only { Stages::Targets } else { Stages::Publish };
        walk(context, &self.pipeline, stages, &Reading::default(), &Modelling::default())
    }
}
