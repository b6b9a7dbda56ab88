//! `salesmart audit`: what was believed, how good it was, and that nobody changed it since.

mod accuracy;
mod bridge;
mod coverage;
mod export;
mod ledger;
mod moment;
mod rows;
mod scope;
mod snapshot;
mod verify;

use clap::{Args, Subcommand, ValueEnum};
use futures::StreamExt;
use salesmart_core::{Error, Result};
use salesmart_lake::{Lake, Release};
use salesmart_run::Workspace;

use crate::commands::query::{ask, failed};
use crate::context::Context;
use crate::output::{Format, RowWriter};
use crate::period::Period;

/// Shows, compares, verifies and exports the forecast history.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart audit verify                                        the chain and its files
  salesmart audit snapshot --period FY26Q3 --as-of 2026-08-01   what was believed then
  salesmart audit bridge 2026-08-01 2026-08-31 --period FY26Q3  why the figure moved
  salesmart audit accuracy --period FY26Q3 --series commit      how good it was
  salesmart audit coverage                                      what is sealed, and what is not
  salesmart audit export --output history.tar                   for somebody who trusts nobody

Every run that publishes seals a snapshot of each open fiscal period: its deals, each scope's
figures, and a SHA-256 chained to the snapshot before. docs/forecast-history.md says exactly what
is hashed, and how to verify it without Salesmart.")]
pub struct Audit {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Subcommand, Debug)]
enum AuditCommand {
    /// Show what was believed of a period on a day, deal by deal
    Snapshot(snapshot::Snapshot),
    /// Show how good the forecasts of a period were
    Accuracy(accuracy::Accuracy),
    /// Explain how a period's open value moved between two days, deal by deal, to the cent
    Bridge(bridge::Bridge),
    /// Recompute every seal, follow the chain, and look at the files
    Verify(verify::Verify),
    /// Show which nights are sealed, and what is known of the time before
    Coverage(coverage::Coverage),
    /// Write one file that an auditor can take along and verify without Salesmart
    Export(export::Export),
}

impl Audit {
    /// Does what the subcommand says.
    ///
    /// # Errors
    /// When the lake cannot be read, nothing fits, or the history does not hold.
    pub fn run(&self, context: &Context) -> Result<()> {
        match &self.command {
            AuditCommand::Snapshot(command) => command.run(context),
            AuditCommand::Accuracy(command) => command.run(context),
            AuditCommand::Bridge(command) => command.run(context),
            AuditCommand::Verify(command) => command.run(context),
            AuditCommand::Coverage(command) => command.run(context),
            AuditCommand::Export(command) => command.run(context),
        }
    }
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum AuditFormat {
    /// For reading.
    #[default]
    Table,
    /// Comma-separated with a header; null is an empty field.
    Csv,
    /// One JSON object a line.
    Json,
}

impl AuditFormat {
    fn of_rows(self) -> Format {
        match self {
            AuditFormat::Table => Format::Table,
            AuditFormat::Csv => Format::Csv,
            AuditFormat::Json => Format::Json,
        }
    }
}

/// What the commands that ask the current release need.
struct Asked {
    workspace: Workspace,
    lake: Lake,
    release: Release,
}

impl Asked {
    /// Opens the current release, which has to have a forecast.
    async fn open(context: &Context) -> Result<Self> {
        let workspace = context.workspace()?;
        let lake = context.lake(&workspace).await?;
        let release = super::release(&lake, None).await?;
        if !release.tables.contains_key("forecast.snapshot") {
            return Err(Error::configuration(format!(
                "release {} has no forecast history",
                release.id
            ))
            .with_hint(
                "run a pipeline whose models are not narrowed by `select`: its run seals snapshots",
            ));
        }
        Ok(Self { workspace, lake, release })
    }

    fn period(&self, text: &str) -> Result<Period> {
        Period::parse(text, &self.workspace.business().calendar)
    }
}

/// Asks the release and writes the rows to standard output.
async fn show(asked: &Asked, sql: &str, format: AuditFormat, context: &Context) -> Result<()> {
    let mut rows = ask(&asked.workspace, &asked.lake, &asked.release, sql).await?;
    let mut writer = RowWriter::new(format.of_rows(), None, rows.schema(), context.style())?;
    while let Some(batch) = rows.next().await {
        writer.write(&batch.map_err(failed)?)?;
    }
    writer.finish()?;
    Ok(())
}
