//! `salesmart check`: every mistake that can be known without running.

use std::fmt::Write;

use clap::Args;
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_run::CheckReport;

use crate::context::Context;
use crate::style::Style;

/// Finds every mistake that can be known without running: unknown keys, missing files, SQL that
/// does not plan, columns that do not exist, types that break a contract, cycles, layers read in
/// the wrong direction. Each with its file, line and a hint.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart check                             the whole project
  salesmart check crm-export                  one pipeline, and all models
  salesmart check --connections               also look at the sources: there, allowed, how much")]
pub struct Check {
    /// Only this pipeline; all models are checked in any case
    pipeline: Option<String>,
    /// Also look at the sources, without reading them
    #[arg(long)]
    connections: bool,
}

impl Check {
    /// Checks.
    ///
    /// # Errors
    /// Everything that is wrong, as one error.
    pub fn run(&self, context: &Context) -> Result<()> {
        let workspace = context.workspace()?;
        let lake = workspace.project().lake_url(context.global().lake.as_deref());
        let report = context.block_on(async {
            salesmart_run::check(&workspace, self.pipeline.as_deref(), self.connections).await
        });
        let report = match (report, lake) {
            (Ok(report), Ok(_)) => report,
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => return Err(error),
            (Err(error), Err(beside)) => {
                return Err(Error::many(vec![error, beside])
                    .unwrap_or_else(|| Error::bug("two errors are none")));
            }
        };
        context.print(&render(&report, context.style()))?;
        match Error::many(unmet(&report)) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// What the sources themselves complained of.
fn unmet(report: &CheckReport) -> Vec<Error> {
    report
        .findings
        .iter()
        .filter(|(_, finding)| !finding.ok)
        .map(|(connection, finding)| {
            let error = Error::new(
                ErrorKind::SourceUnavailable,
                format!("connection `{connection}` is not ready: {}", finding.message),
            );
            match &finding.hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
        })
        .collect()
}

fn render(report: &CheckReport, style: Style) -> String {
    let mut text = String::new();
    for (connection, finding) in report.findings.iter().filter(|(_, finding)| finding.ok) {
        let _ = writeln!(text, "{} {connection}: {}", style.green("ok"), finding.message);
    }
    let count =
        |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    let _ = writeln!(
        text,
        "{} {}, {}, {}, {} and {} are in order",
        style.green("ok"),
        count(report.pipelines, "pipeline"),
        count(report.connections, "connection"),
        count(report.streams, "stream"),
        count(report.models, "model"),
        count(report.checks, "check"),
    );
    text
}
