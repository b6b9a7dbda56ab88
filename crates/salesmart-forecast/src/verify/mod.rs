//! Verifying the history: every document is written out again and hashed, the hashes are followed
//! from the first snapshot to the last, and the tables are looked at as files.
//!
//! Architecture invariant: what is wrong with the data is a [`Finding`], never an error, so that
//! one damaged file does not hide what else is wrong. An error means that the lake cannot be read
//! at all.

mod chain;
mod files;
mod heads;
mod ledger;
mod rows;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use salesmart_core::Result;
use salesmart_lake::Lake;
use serde::Serialize;

use crate::tables::{self, Unreadable};
use crate::{Finding, FindingKind, Seal};

/// What to verify.
#[derive(Clone, Copy, Debug, Default)]
pub struct VerifyOptions {
    /// Recompute the documents of snapshots from this day on only. Links, recorded heads and
    /// files are looked at for all of history.
    pub rows_from: Option<NaiveDate>,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Snapshots whose links were followed.
    pub snapshots: u64,
    /// Snapshots whose documents were recomputed.
    pub documents: u64,
    /// Deal lines in these.
    pub deals: u64,
    /// Figure lines in these.
    pub figures: u64,
    /// Entries of the ledger.
    pub ledger_entries: u64,
    /// Data files, read from end to end.
    pub files: u64,
    /// Commits of the tables' logs.
    pub commits: u64,
    /// Heads that releases and runs recorded.
    pub recorded_heads: u64,
}

/// What verifying found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// How much was looked at.
    pub checked: Checked,
    /// The number of the newest snapshot.
    pub head_no: Option<i64>,
    /// The hash of the newest snapshot.
    pub head_hash: Option<String>,
    /// The snapshot at which the chain does not hold for the first time.
    pub first_bad_link: Option<String>,
    /// Everything that is wrong; what concerns the chain in the order of its snapshots, then the
    /// rest.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Verifies the forecast history of a lake.
///
/// # Errors
/// When the lake cannot be read.
pub async fn verify(lake: &Lake, options: VerifyOptions) -> Result<Report> {
    let mut report = Report::default();
    let mut unreadable: Vec<Unreadable> = Vec::new();
    let recorded = heads::recorded(lake).await?;
    report.checked.recorded_heads = recorded.heads.len() as u64;

    let mut seals: Vec<Seal> = Vec::new();
    if let Some(table) = tables::newest(lake, tables::SNAPSHOT).await? {
        seals = tables::seals(lake, &table, &mut unreadable).await?;
    }
    report.checked.snapshots = seals.len() as u64;
    if let Some(last) = seals.last() {
        report.head_no = Some(last.snapshot_no);
        report.head_hash = Some(last.hash.clone());
    }

    report.findings.extend(chain::follow(&seals));
    report.findings.extend(heads::compare(&seals, &recorded));
    rows::recompute(lake, &seals, options, &mut report, &mut unreadable).await?;
    ledger::read(lake, &mut report, &mut unreadable).await?;
    files::look_at(lake, &recorded, &mut report).await?;

    for file in unreadable {
        // What is missing or rewritten is known to be so already.
        if !report.findings.iter().any(|finding| finding.subject == file.path) {
            let message = format!("the file cannot be read: {}", file.why);
            report.findings.push(Finding::about(FindingKind::FileUnreadable, file.path, message));
        }
    }
    // The chain first, in its own order.
    report
        .findings
        .sort_by_key(|finding| (finding.snapshot_no.is_none(), finding.snapshot_no, finding.kind));
    report.findings.dedup();
    report.first_bad_link = report
        .findings
        .iter()
        .find(|finding| finding.kind.breaks_the_chain())
        .map(|finding| finding.subject.clone());
    Ok(report)
}
