//! The tables as files: whether their logs hold nothing but appends, and whether each data file is
//! still the one that was written.

use std::collections::{BTreeSet, HashMap};

use salesmart_core::Result;
use salesmart_lake::{DataFile, Lake, TableCommit};

use super::Report;
use super::heads::Recorded;
use crate::tables;
use crate::{Finding, FindingKind};

/// The key under which a commit keeps the hashes of its files.
const FILES: &str = "files";

/// Looks at the log and the files of every table that is only appended to.
pub(super) async fn look_at(lake: &Lake, recorded: &Recorded, report: &mut Report) -> Result<()> {
    for name in tables::APPEND_ONLY {
        let subject = format!("forecast.{name}");
        let Some(table) = tables::newest(lake, name).await? else {
            if let Some((_, document)) = recorded.versions.get(name) {
                let message = format!("the table is not there, and `{document}` has it");
                report.findings.push(Finding::about(FindingKind::TableMissing, subject, message));
            }
            continue;
        };
        let commits = lake.history(&table.path).await?;
        report.checked.commits += commits.len() as u64;
        report.findings.extend(log(&subject, table.version, &commits));
        if let Some((version, document)) = recorded.versions.get(name)
            && *version > table.version
        {
            let message =
                format!("`{document}` read a newer version: the end of the log was cut off");
            report.findings.push(
                Finding::about(FindingKind::LogRewritten, &subject, message)
                    .instead_of(format!("version {version}"), format!("version {}", table.version)),
            );
        }
        report.findings.extend(membership(&subject, &table.files, &commits));
        let hashes = hashes(&commits);
        for file in &table.files {
            report.checked.files += 1;
            let finding = file_as_written(lake, file, hashes.get(&file.path)).await?;
            report.findings.extend(finding);
        }
    }
    Ok(())
}

/// A log of appends has each version, and takes no file out.
fn log(subject: &str, newest: u64, commits: &[TableCommit]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let there: BTreeSet<u64> = commits.iter().map(|commit| commit.version).collect();
    let gone: Vec<String> =
        (0..=newest).filter(|v| !there.contains(v)).map(|v| v.to_string()).collect();
    if !gone.is_empty() {
        let message = format!("version {} of the table's log is not there", gone.join(", "));
        findings.push(Finding::about(FindingKind::LogDamaged, subject, message));
    }
    for commit in commits {
        if commit.unreadable_lines > 0 {
            let message = format!("version {} of the table's log is damaged", commit.version);
            findings.push(Finding::about(FindingKind::LogDamaged, subject, message));
        }
        if !commit.removed.is_empty() {
            let message = format!(
                "version {} took {} out of the table, which is only ever appended to",
                commit.version,
                match commit.removed.len() {
                    1 => "a file".to_owned(),
                    files => format!("{files} files"),
                },
            );
            findings.push(Finding::about(FindingKind::LogRewritten, subject, message));
        }
    }
    findings
}

/// What the log added and what readers are given have to be the same files.
fn membership(subject: &str, files: &[DataFile], commits: &[TableCommit]) -> Vec<Finding> {
    let now: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let added: BTreeSet<&str> =
        commits.iter().flat_map(|c| &c.added).map(|file| file.path.as_str()).collect();
    let removed: BTreeSet<&str> =
        commits.iter().flat_map(|c| &c.removed).map(String::as_str).collect();
    let unknown =
        now.difference(&added).map(|path| (*path, "it is in the table, and no commit added it"));
    let lost = added
        .difference(&now)
        .filter(|path| !removed.contains(*path))
        .map(|path| (*path, "a commit added it, and the table's checkpoint does not have it"));
    unknown
        .chain(lost)
        .map(|(path, what)| {
            Finding::about(FindingKind::LogDamaged, subject, format!("`{path}`: {what}"))
        })
        .collect()
}

/// The hashes that commits recorded of the files they added, by path.
fn hashes(commits: &[TableCommit]) -> HashMap<String, String> {
    let mut hashes = HashMap::new();
    for commit in commits {
        let Some(files) = commit.metadata.get(FILES).and_then(|files| files.as_object()) else {
            continue;
        };
        for file in &commit.added {
            let name = file.path.rsplit('/').next().unwrap_or(&file.path);
            if let Some(hash) = files.get(name).and_then(|hash| hash.as_str()) {
                hashes.insert(file.path.clone(), hash.to_owned());
            }
        }
    }
    hashes
}

/// Compares a file with what the log says of it.
async fn file_as_written(
    lake: &Lake,
    file: &DataFile,
    hash: Option<&String>,
) -> Result<Option<Finding>> {
    let Some(stored) = lake.stored_file(file).await? else {
        let message = "the file is not there";
        return Ok(Some(Finding::about(FindingKind::FileMissing, &file.path, message)));
    };
    if stored.size != file.size {
        let message = "the file has another size than was written: it was rewritten";
        return Ok(Some(
            Finding::about(FindingKind::FileRewritten, &file.path, message)
                .instead_of(format!("{} bytes", file.size), format!("{} bytes", stored.size)),
        ));
    }
    match hash {
        Some(hash) if *hash != stored.sha256 => {
            let message = "the file has other bytes than were written: it was rewritten in place";
            Ok(Some(
                Finding::about(FindingKind::FileRewritten, &file.path, message)
                    .instead_of(hash, &stored.sha256),
            ))
        }
        _ => Ok(None),
    }
}
