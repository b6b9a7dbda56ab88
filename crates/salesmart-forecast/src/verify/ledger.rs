//! The ledger's own order: each run appends what it learnt, later than every run before it.

use std::collections::HashMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::DateTime;
use futures::TryStreamExt;
use salesmart_core::Result;
use salesmart_lake::{DataFile, Lake, Table};

use super::Report;
use crate::canonical::instant;
use crate::seal::column;
use crate::tables::{self, Unreadable};
use crate::{Finding, FindingKind};

/// When something became known.
const KNOWN_FROM: &str = "known_from";

/// Reads when each entry became known, commit by commit.
pub(super) async fn read(
    lake: &Lake,
    report: &mut Report,
    unreadable: &mut Vec<Unreadable>,
) -> Result<()> {
    let Some(table) = tables::newest(lake, tables::LEDGER_ENTRY).await? else { return Ok(()) };
    let mut versions: HashMap<String, u64> = HashMap::new();
    for commit in lake.history(&table.path).await? {
        for file in commit.added {
            versions.entry(file.path).or_insert(commit.version);
        }
    }
    // Commits in their order; the span of what became known in each.
    let mut spans: Vec<(u64, Span)> = Vec::new();
    for file in &table.files {
        let span = match span(lake, &table, file).await {
            Ok(span) => span,
            Err(error) => {
                unreadable.push(Unreadable::new(file, error)?);
                continue;
            }
        };
        report.checked.ledger_entries += span.rows;
        if span.rows != file.rows {
            let message = "the file has other rows than the table's log says: it was rewritten";
            report.findings.push(
                Finding::about(FindingKind::FileRewritten, &file.path, message)
                    .instead_of(format!("{} rows", file.rows), format!("{} rows", span.rows)),
            );
        }
        if span.unknown > 0 {
            let message = format!("{} entries do not say when they became known", span.unknown);
            report.findings.push(Finding::about(
                FindingKind::LedgerOutOfOrder,
                &file.path,
                message,
            ));
        }
        if let Some(version) = versions.get(&file.path) {
            spans.push((*version, span));
        }
    }
    spans.sort_by_key(|(version, _)| *version);
    report.findings.extend(ascending(&spans));
    Ok(())
}

/// What became known in one file.
struct Span {
    first: i64,
    last: i64,
    rows: u64,
    unknown: u64,
}

async fn span(lake: &Lake, table: &Table, file: &DataFile) -> Result<Span> {
    let mut span = Span { first: i64::MAX, last: i64::MIN, rows: 0, unknown: 0 };
    let instants = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut batches = tables::rows_of(lake, table, file, Some(&[KNOWN_FROM.to_owned()]));
    while let Some(batch) = batches.try_next().await? {
        span.rows += batch.num_rows() as u64;
        let known = column(&batch, KNOWN_FROM, &instants)?;
        span.unknown += known.null_count() as u64;
        for at in known.as_primitive::<TimestampMicrosecondType>().iter().flatten() {
            span.first = span.first.min(at);
            span.last = span.last.max(at);
        }
    }
    Ok(span)
}

/// Each commit has to be later than all before it; files of one commit belong together.
fn ascending(spans: &[(u64, Span)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut known: Option<i64> = None;
    for commit in spans.chunk_by(|a, b| a.0 == b.0) {
        let with_rows = || commit.iter().map(|(_, span)| span).filter(|s| s.first <= s.last);
        let (Some(first), Some(last)) =
            (with_rows().map(|s| s.first).min(), with_rows().map(|s| s.last).max())
        else {
            continue;
        };
        if let Some(before) = known.filter(|before| first <= *before) {
            let version = commit.first().map_or(0, |(version, _)| *version);
            let message = format!(
                "version {version} says it was known before what an earlier version had learnt: \
                 entries were slipped in"
            );
            findings.push(
                Finding::about(
                    FindingKind::LedgerOutOfOrder,
                    format!("forecast.{}", tables::LEDGER_ENTRY),
                    message,
                )
                .instead_of(format!("after {}", written(before)), written(first)),
            );
        }
        known = known.max(Some(last));
    }
    findings
}

fn written(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).map_or_else(|| micros.to_string(), instant)
}
