//! `salesmart audit verify`: whether anything was changed since it was sealed.

use std::fmt::Write;

use chrono::NaiveDate;
use clap::Args;
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_forecast::{Report, VerifyOptions, verify};

use super::AuditFormat;
use super::rows::Texts;
use crate::context::Context;
use crate::output::grouped;
use crate::style::Style;

/// Writes out every sealed document again from the lake's files, hashes it, follows the chain from
/// the first snapshot to the last, compares it with what releases and runs recorded, and looks at
/// the logs and data files of the tables. Names the first bad link and everything else it finds.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  salesmart audit verify
  salesmart audit verify --rows-from 2026-09-01     quicker: older documents are not recomputed
  salesmart audit verify --format json | jq .findings

Reads the newest state of the lake, whatever the current release is. The exit code is 0 when nothing
is wrong, and 7 (check_failed) when something is. What it finds:

  removed, inserted, link_broken, out_of_order     snapshots that do not follow each other
  rows_edited, rows_missing, rows_added            deals or figures that are not those sealed
  header_edited, seal_edited                       what a snapshot says of itself was changed
  cut_off, resealed                                the chain is not the one that was recorded
  orphaned, unsealed                               rows or columns that no seal covers
  file_missing, file_rewritten, file_unreadable    data files that are not those written
  log_rewritten, log_damaged, ledger_out_of_order  tables that were not only appended to
  table_missing")]
pub(super) struct Verify {
    /// Recompute only documents of snapshots from this day on; everything else is verified for
    /// all of history
    #[arg(long, value_name = "DAY")]
    rows_from: Option<NaiveDate>,
    /// How it is written; `json` is one document
    #[arg(long, short, value_enum, default_value_t)]
    format: AuditFormat,
}

impl Verify {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let workspace = context.workspace()?;
        let style = context.style();
        let options = VerifyOptions { rows_from: self.rows_from };
        let report = context.block_on(async {
            let lake = context.lake(&workspace).await?;
            verify(&lake, options).await
        })?;
        match self.format {
            AuditFormat::Json => context.print(&crate::commands::json(&report)?)?,
            AuditFormat::Csv => findings(&report).write(self.format, style)?,
            AuditFormat::Table => {
                context.print(&summary(&report, style))?;
                if !report.is_good() {
                    findings(&report).write(self.format, style)?;
                }
            }
        }
        match failure(&report) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

/// What was looked at, and whether it holds.
fn summary(report: &Report, style: Style) -> String {
    let checked = &report.checked;
    let mut text = String::new();
    for (what, count) in [
        ("snapshots", checked.snapshots),
        ("documents recomputed", checked.documents),
        ("deals in them", checked.deals),
        ("figures in them", checked.figures),
        ("entries of the ledger", checked.ledger_entries),
        ("data files", checked.files),
        ("commits", checked.commits),
        ("recorded heads", checked.recorded_heads),
    ] {
        let _ = writeln!(text, "  {:>15}  {what}", grouped(count));
    }
    let head = match (report.head_no, &report.head_hash) {
        (Some(number), Some(hash)) => format!("; its head is no {number}, {hash}"),
        _ => String::new(),
    };
    if !report.is_good() {
        let _ = writeln!(text, "\n{}\n", style.red("THE FORECAST HISTORY DOES NOT HOLD"));
    } else if head.is_empty() {
        text.push_str("\nNothing has been sealed yet.\n");
    } else {
        let _ = writeln!(text, "\n{} the chain holds{head}", style.green("ok"));
    }
    text
}

fn findings(report: &Report) -> Texts {
    let mut rows =
        Texts::new(&["finding", "snapshot_no", "subject", "message", "expected", "found"]);
    for finding in &report.findings {
        rows.row([
            Some(finding.kind.as_str().to_owned()),
            finding.snapshot_no.map(|number| number.to_string()),
            Some(finding.subject.clone()),
            Some(finding.message.clone()),
            finding.expected.clone(),
            finding.found.clone(),
        ]);
    }
    rows
}

/// The error of a history that does not hold.
fn failure(report: &Report) -> Option<Error> {
    let first = report.findings.first()?;
    let count = match report.findings.len() {
        1 => "1 finding".to_owned(),
        count => format!("{count} findings"),
    };
    let error =
        Error::new(ErrorKind::CheckFailed, format!("the forecast history does not hold: {count}"));
    let error = match &report.first_bad_link {
        Some(link) => error.with("first bad link", link).with("why", &first.message),
        None => error
            .with("chain", "every document has its hash, and each follows the one before")
            .with("first finding", format!("{}: {}", first.subject, first.message)),
    };
    Some(error.with_hint(
        "keep the lake as it is; compare it with a backup or with an earlier `salesmart audit export`",
    ))
}
