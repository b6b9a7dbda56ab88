//! Recomputing the documents: rows are written out in canonical form and hashed, and what comes
//! out is compared with what the seal says.

use std::collections::{BTreeSet, HashMap};

use salesmart_core::Result;
use salesmart_lake::Lake;
use sha2::{Digest, Sha256};

use super::{Report, VerifyOptions};
use crate::canonical::{LineKind, header, hex};
use crate::documents::{Part, each_part};
use crate::seal::SealKey;
use crate::tables::{self, Index, Unreadable};
use crate::{Finding, FindingKind, Seal};

/// The document of one seal, as far as it has been read. The deals of all snapshots are read
/// before the figures of any, so a hash waits half-way: 200 bytes a snapshot.
struct Document<'a> {
    seal: &'a Seal,
    whole: Sha256,
    content: Sha256,
    deals: u64,
    figures: u64,
    unsealed: BTreeSet<String>,
}

impl<'a> Document<'a> {
    fn new(seal: &'a Seal) -> Self {
        let mut whole = Sha256::new();
        whole.update(header(seal));
        Self {
            seal,
            whole,
            content: Sha256::new(),
            deals: 0,
            figures: 0,
            unsealed: BTreeSet::new(),
        }
    }

    fn add(&mut self, kind: LineKind, part: &mut Part) {
        match kind {
            LineKind::Deal => self.deals += part.lines.len() as u64,
            LineKind::Figure => self.figures += part.lines.len() as u64,
        }
        for line in part.lines.in_order() {
            self.whole.update(line);
            self.content.update(line);
        }
        self.unsealed.append(&mut part.unsealed);
    }
}

/// Recomputes the documents of all seals.
pub(super) async fn recompute(
    lake: &Lake,
    seals: &[Seal],
    options: VerifyOptions,
    report: &mut Report,
    unreadable: &mut Vec<Unreadable>,
) -> Result<()> {
    let mut documents: HashMap<SealKey, Vec<Document<'_>>> = HashMap::new();
    let mut wanted: HashMap<SealKey, &Seal> = HashMap::new();
    for seal in seals {
        if options.rows_from.is_none_or(|from| seal.snapshot_date >= from) {
            wanted.entry(seal.key()).or_insert(seal);
            documents.entry(seal.key()).or_default().push(Document::new(seal));
        }
    }
    let sealed: BTreeSet<SealKey> = seals.iter().map(Seal::key).collect();
    for (kind, name) in
        [(LineKind::Deal, tables::SNAPSHOT_DEAL), (LineKind::Figure, tables::SNAPSHOT_FIGURE)]
    {
        let Some(table) = tables::newest(lake, name).await? else {
            if !seals.is_empty() {
                let message = "snapshots were sealed, and the table of their rows is not there";
                report.findings.push(Finding::about(
                    FindingKind::TableMissing,
                    format!("forecast.{name}"),
                    message,
                ));
            }
            continue;
        };
        let mut index = Index::of(lake, &table).await?;
        unreadable.append(&mut index.unreadable);
        report.findings.extend(orphans(&index, &sealed, name));
        report.findings.extend(counts(&index));
        let again = each_part(lake, &table, kind, &index, &wanted, |key, mut part| {
            for document in documents.get_mut(&key).into_iter().flatten() {
                document.add(kind, &mut part);
            }
            Ok(())
        })
        .await?;
        unreadable.extend(again);
    }
    for document in documents.into_values().flatten() {
        report.checked.documents += 1;
        report.checked.deals += document.deals;
        report.checked.figures += document.figures;
        report.findings.extend(judge(document));
    }
    Ok(())
}

/// Rows of nights and periods that were never sealed, or whose seal is gone.
fn orphans(index: &Index, sealed: &BTreeSet<SealKey>, name: &str) -> Vec<Finding> {
    let mut orphans: Vec<(&SealKey, &u64)> =
        index.rows.iter().filter(|(key, _)| !sealed.contains(*key)).collect();
    orphans.sort_unstable();
    let finding = |(key, rows): (&SealKey, &u64)| {
        let message = format!(
            "{} of {} for the period from {} belong to no sealed snapshot: it was removed, or \
             they were inserted",
            if *rows == 1 { "a row".to_owned() } else { format!("{rows} rows") },
            key.snapshot_date,
            key.period_start
        );
        Finding::about(FindingKind::Orphaned, format!("forecast.{name}"), message)
    };
    orphans.into_iter().map(finding).collect()
}

/// Files that have other rows than the log says.
fn counts(index: &Index) -> Vec<Finding> {
    let differs = |(file, rows): &&(salesmart_lake::DataFile, u64)| file.rows != *rows;
    let finding = |(file, rows): &(salesmart_lake::DataFile, u64)| {
        let message = "the file has other rows than the table's log says: it was rewritten";
        Finding::about(FindingKind::FileRewritten, &file.path, message)
            .instead_of(format!("{} rows", file.rows), format!("{rows} rows"))
    };
    index.counted.iter().filter(differs).map(finding).collect()
}

/// Compares a document with its seal.
fn judge(document: Document<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let seal = document.seal;
    let (whole, content) = (hex(document.whole), hex(document.content));
    let content_fits = content == seal.content_hash;
    let mut counts_fit = true;
    for (what, sealed, found) in
        [("deals", seal.deal_rows, document.deals), ("figures", seal.figure_rows, document.figures)]
    {
        let sealed = u64::try_from(sealed).unwrap_or(u64::MAX);
        if found == sealed {
            continue;
        }
        counts_fit = false;
        let (kind, message) = if content_fits {
            (FindingKind::HeaderEdited, format!("its number of {what} was edited"))
        } else if found < sealed {
            (FindingKind::RowsMissing, format!("{} of its {what} are gone", sealed - found))
        } else {
            (FindingKind::RowsAdded, format!("{} {what} were added to it", found - sealed))
        };
        findings.push(
            Finding::of(kind, seal, message)
                .instead_of(format!("{sealed} {what}"), format!("{found} {what}")),
        );
    }
    let fits = whole == seal.hash;
    match (content_fits, fits) {
        (true, true) => {}
        (false, true) => findings.push(
            Finding::of(
                FindingKind::SealEdited,
                seal,
                "the hash of its rows that is kept with it was edited; its document is as sealed",
            )
            .instead_of(&seal.content_hash, &content),
        ),
        (false, false) if counts_fit => findings.push(
            Finding::of(
                FindingKind::RowsEdited,
                seal,
                "a deal or a figure in it was edited: its rows have another hash",
            )
            .instead_of(&seal.content_hash, &content),
        ),
        // The counts say it already.
        (false, false) => {}
        (true, false) if counts_fit => findings.push(
            Finding::of(
                FindingKind::HeaderEdited,
                seal,
                "its rows are as sealed and its hash does not fit: its number, date, period, run, \
                 the hash before it, or its own hash was edited",
            )
            .instead_of(&seal.hash, &whole),
        ),
        (true, false) => {}
    }
    if !document.unsealed.is_empty() {
        let columns: Vec<&str> = document.unsealed.iter().map(String::as_str).collect();
        let message = format!("no seal covers the column `{}` of its rows", columns.join("`, `"));
        findings.push(Finding::of(FindingKind::Unsealed, seal, message));
    }
    findings
}
