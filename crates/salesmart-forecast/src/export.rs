//! One file that an auditor can take along: the sealed documents themselves, what to verify them
//! with, and how.
//!
//! The archive is a plain tar. The documents in it are byte for byte what was hashed, so
//! `sha256sum -c` verifies them and a shell loop follows the chain; nothing of ours is needed. The
//! same lake and the same choice give the same bytes.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type};
use chrono::NaiveDate;
use futures::TryStreamExt;
use salesmart_core::{Error, Result};
use salesmart_lake::{Lake, Table};
use sha2::{Digest, Sha256};

use crate::Seal;
use crate::canonical::{LineKind, NOTHING_BEFORE, RowLines, header, hex, instant};
use crate::documents::each_part;
use crate::seal::{SealKey, column};
use crate::tables::{self, Index};

mod csv;

/// How to verify an export, in the words of its own README.
const README: &str = include_str!("export/README.txt");
/// The same as a program of a few lines.
const VERIFY_PY: &str = include_str!("export/verify.py");

/// What to export.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Snapshots of the period that begins on this day.
    pub period_start: Option<NaiveDate>,
    /// Snapshots from this night on.
    pub from: Option<NaiveDate>,
    /// Snapshots up to this night.
    pub to: Option<NaiveDate>,
}

impl Selection {
    fn is_everything(&self) -> bool {
        self.period_start.is_none() && self.from.is_none() && self.to.is_none()
    }

    fn has(&self, seal: &Seal) -> bool {
        self.period_start.is_none_or(|start| seal.period_start == start)
            && self.from.is_none_or(|from| seal.snapshot_date >= from)
            && self.to.is_none_or(|to| seal.snapshot_date <= to)
    }
}

/// What an export holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Snapshots.
    pub snapshots: u64,
    /// The first and the last one's number.
    pub numbers: Option<(i64, i64)>,
    /// The hash that the first one names as the one before.
    pub starts_after: String,
    /// The hash of the last one.
    pub head: String,
    /// Deal and figure lines.
    pub lines: u64,
    /// Entries of the ledger.
    pub ledger_entries: u64,
    /// Snapshots whose document does not have the hash it was sealed with.
    pub broken: Vec<String>,
}

/// Writes an export. Documents are put together in files below `spool`, an empty folder.
///
/// # Errors
/// When nothing is chosen, the lake cannot be read, or the archive cannot be written.
pub async fn export(
    lake: &Lake,
    selection: &Selection,
    spool: &Path,
    to: &mut dyn Write,
) -> Result<Exported> {
    let mut unreadable = Vec::new();
    let seals = match tables::newest(lake, tables::SNAPSHOT).await? {
        Some(table) => tables::seals(lake, &table, &mut unreadable).await?,
        None => Vec::new(),
    };
    let chosen = chosen(&seals, selection)?;
    let mut exported = Exported::default();
    let documents = documents(lake, chosen, spool, &mut exported).await?;
    let asked = asked_periods(chosen, selection);
    let ledger = spool.join("ledger.csv");
    exported.ledger_entries = write_ledger(lake, asked.as_ref(), &ledger).await?;

    let (first, last) = match (chosen.first(), chosen.last()) {
        (Some(first), Some(last)) => (first, last),
        _ => return Err(nothing_chosen(&seals)),
    };
    exported.snapshots = chosen.len() as u64;
    exported.numbers = Some((first.snapshot_no, last.snapshot_no));
    exported.starts_after.clone_from(&first.previous_hash);
    exported.head.clone_from(&last.hash);

    let manifest = manifest(chosen);
    let readme = readme(lake, first, last, &exported);
    let ledger_hash = hash_of(&ledger)?;
    let mut sums = String::new();
    for (seal, (_, hash)) in chosen.iter().zip(&documents) {
        // The hash it was sealed with, not the one of what is written here: they have to agree.
        let _ = writeln!(sums, "{}  {}", seal.hash, document_name(seal));
        if *hash != seal.hash {
            exported.broken.push(seal.label());
        }
    }
    for (name, text) in
        [("README.txt", readme.as_str()), ("manifest.csv", &manifest), ("verify.py", VERIFY_PY)]
    {
        let _ = writeln!(sums, "{}  {name}", hash_text(text));
    }
    let _ = writeln!(sums, "{ledger_hash}  ledger.csv");

    let mut archive = Archive::new(to, last);
    archive.text("README.txt", &readme)?;
    archive.text("SHA256SUMS", &sums)?;
    archive.text("manifest.csv", &manifest)?;
    archive.text("verify.py", VERIFY_PY)?;
    archive.file("ledger.csv", &ledger)?;
    for (seal, (path, _)) in chosen.iter().zip(&documents) {
        archive.file(&document_name(seal), path)?;
    }
    archive.finish()?;
    Ok(exported)
}

/// The stretch of the chain from the first chosen snapshot to the last. What lies between goes
/// along, also of other periods: a chain with holes cannot be followed.
fn chosen<'a>(seals: &'a [Seal], selection: &Selection) -> Result<&'a [Seal]> {
    let first = seals.iter().position(|seal| selection.has(seal));
    let last = seals.iter().rposition(|seal| selection.has(seal));
    match (first, last) {
        (Some(first), Some(last)) => Ok(&seals[first..=last]),
        _ => Err(nothing_chosen(seals)),
    }
}

fn nothing_chosen(seals: &[Seal]) -> Error {
    let error = Error::configuration("no sealed snapshot fits what is to be exported")
        .with_state("no file was left behind");
    match (seals.first(), seals.last()) {
        (Some(first), Some(last)) => error
            .with("first snapshot", first.label())
            .with("last snapshot", last.label())
            .with_hint("`salesmart audit coverage` shows which nights were sealed"),
        _ => error.with_hint("a run seals snapshots: `salesmart run NAME`"),
    }
}

/// The first and last days of the periods whose deals' ledger entries go along; `None`: all.
fn asked_periods(
    chosen: &[Seal],
    selection: &Selection,
) -> Option<BTreeSet<(NaiveDate, NaiveDate)>> {
    if selection.is_everything() {
        return None;
    }
    let asked = |seal: &&Seal| selection.has(seal);
    Some(chosen.iter().filter(asked).map(|seal| (seal.period_start, seal.period_end)).collect())
}

fn document_name(seal: &Seal) -> String {
    format!("snapshots/{:06}.txt", seal.snapshot_no)
}

/// Writes each document into a file of its own, and returns the files with their hashes.
async fn documents(
    lake: &Lake,
    chosen: &[Seal],
    spool: &Path,
    exported: &mut Exported,
) -> Result<Vec<(PathBuf, String)>> {
    let mut wanted: HashMap<SealKey, &Seal> = HashMap::new();
    let mut files: HashMap<SealKey, Vec<usize>> = HashMap::new();
    let mut written: Vec<(PathBuf, Sha256)> = Vec::new();
    for (place, seal) in chosen.iter().enumerate() {
        let path = spool.join(format!("{place}.txt"));
        let text = header(seal);
        std::fs::write(&path, &text).map_err(|e| not_spooled(&path, e))?;
        let mut hash = Sha256::new();
        hash.update(&text);
        written.push((path, hash));
        wanted.entry(seal.key()).or_insert(seal);
        files.entry(seal.key()).or_default().push(place);
    }
    for (kind, name) in
        [(LineKind::Deal, tables::SNAPSHOT_DEAL), (LineKind::Figure, tables::SNAPSHOT_FIGURE)]
    {
        let Some(table) = tables::newest(lake, name).await? else { continue };
        let index = Index::of(lake, &table).await?;
        // What cannot be read leaves a document with another hash, which is told.
        each_part(lake, &table, kind, &index, &wanted, |key, mut part| {
            for place in files.get(&key).into_iter().flatten() {
                exported.lines += part.lines.len() as u64;
                let Some((path, hash)) = written.get_mut(*place) else { continue };
                let failed = |e| not_spooled(path, e);
                let file = OpenOptions::new().append(true).open(&*path).map_err(failed)?;
                let mut file = BufWriter::new(file);
                for line in part.lines.in_order() {
                    hash.update(line);
                    file.write_all(line).map_err(failed)?;
                }
                file.flush().map_err(failed)?;
            }
            Ok(())
        })
        .await?;
    }
    Ok(written.into_iter().map(|(path, hash)| (path, hex(hash))).collect())
}

/// Writes the entries of the ledger in the order in which they were appended: all of them, or those
/// of deals that were ever due in one of the periods.
async fn write_ledger(
    lake: &Lake,
    periods: Option<&BTreeSet<(NaiveDate, NaiveDate)>>,
    path: &Path,
) -> Result<u64> {
    let failed = |e| not_spooled(path, e);
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    let mut entries = 0;
    if let Some(mut table) = tables::newest(lake, tables::LEDGER_ENTRY).await? {
        in_order_of_commits(lake, &mut table).await?;
        let deals = match periods {
            Some(periods) => Some(deals_due(lake, &table, periods).await?),
            None => None,
        };
        let names: Vec<String> =
            table.schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut text = csv::line(names.iter().map(|name| Some(name.as_str())));
        let mut rows = lake.read(&table, None);
        while let Some(batch) = rows.try_next().await? {
            let cells = RowLines::new(LineKind::Deal, &batch, &names)?;
            let ids = column(&batch, "opportunity_id", &DataType::Utf8)?;
            let ids = ids.as_string::<i32>();
            for row in 0..batch.num_rows() {
                if deals.as_ref().is_none_or(|deals| deals.contains(ids.value(row))) {
                    csv::row(&cells, row, &mut text);
                    entries += 1;
                }
            }
            file.write_all(text.as_bytes()).map_err(failed)?;
            text.clear();
        }
        file.write_all(text.as_bytes()).map_err(failed)?;
    }
    file.flush().map_err(failed)?;
    Ok(entries)
}

/// Sorts a table's files by the commit that added them; their names say nothing.
async fn in_order_of_commits(lake: &Lake, table: &mut Table) -> Result<()> {
    let mut versions: HashMap<String, u64> = HashMap::new();
    for commit in lake.history(&table.path).await? {
        for file in commit.added {
            versions.entry(file.path).or_insert(commit.version);
        }
    }
    table.files.sort_by_cached_key(|file| {
        (versions.get(&file.path).copied().unwrap_or(0), file.path.clone())
    });
    Ok(())
}

/// The deals with an entry that has them due in one of the periods.
async fn deals_due(
    lake: &Lake,
    table: &Table,
    periods: &BTreeSet<(NaiveDate, NaiveDate)>,
) -> Result<HashSet<String>> {
    let mut deals = HashSet::new();
    let narrow = ["opportunity_id".to_owned(), "close_date".to_owned()];
    let mut rows = lake.read(table, Some(&narrow));
    while let Some(batch) = rows.try_next().await? {
        let batch: RecordBatch = batch;
        let ids = column(&batch, "opportunity_id", &DataType::Utf8)?;
        let dates = column(&batch, "close_date", &DataType::Date32)?;
        let (ids, dates) = (ids.as_string::<i32>(), dates.as_primitive::<Date32Type>());
        for row in 0..batch.num_rows() {
            let Some(day) = dates.is_valid(row).then(|| dates.value_as_date(row)).flatten() else {
                continue;
            };
            let is_due = periods.iter().any(|(start, end)| *start <= day && day <= *end);
            if is_due && !deals.contains(ids.value(row)) {
                deals.insert(ids.value(row).to_owned());
            }
        }
    }
    Ok(deals)
}

/// The list of the documents.
fn manifest(chosen: &[Seal]) -> String {
    let names = [
        "snapshot_no",
        "file",
        "snapshot_date",
        "period_name",
        "period_start",
        "period_end",
        "as_of",
        "run_id",
        "deals",
        "figures",
        "previous_hash",
        "hash",
    ];
    let mut text = csv::line(names.iter().map(|name| Some(*name)));
    for seal in chosen {
        let fields = [
            seal.snapshot_no.to_string(),
            document_name(seal),
            seal.snapshot_date.to_string(),
            seal.period_name.clone(),
            seal.period_start.to_string(),
            seal.period_end.to_string(),
            instant(seal.as_of),
            seal.sealed_run_id.clone(),
            seal.deal_rows.to_string(),
            seal.figure_rows.to_string(),
            seal.previous_hash.clone(),
            seal.hash.clone(),
        ];
        text.push_str(&csv::line(fields.iter().map(|field| Some(field.as_str()))));
    }
    text
}

fn readme(lake: &Lake, first: &Seal, last: &Seal, exported: &Exported) -> String {
    let start = if first.previous_hash == NOTHING_BEFORE {
        "This is the chain from its beginning: the first document names 64 zeros as the one before."
            .to_owned()
    } else {
        format!(
            "This is a part of the chain. The first document follows one that is not in here, with \
             the hash\n  {}",
            first.previous_hash
        )
    };
    // The lake's place is told by its last part only: URLs may name accounts.
    let lake = lake.location().trim_end_matches('/').rsplit('/').next().unwrap_or("lake");
    README
        .replace("{lake}", lake)
        .replace("{first}", &first.label())
        .replace("{last}", &last.label())
        .replace("{snapshots}", &(last.snapshot_no - first.snapshot_no + 1).to_string())
        .replace("{ledger_entries}", &exported.ledger_entries.to_string())
        .replace("{start}", &start)
        .replace("{starts_after}", &first.previous_hash)
        .replace("{head}", &last.hash)
}

fn hash_text(text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(text);
    hex(hash)
}

fn hash_of(path: &Path) -> Result<String> {
    let failed = |e| not_spooled(path, e);
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let (mut hash, mut bytes) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        let read = file.read(&mut bytes).map_err(failed)?;
        if read == 0 {
            return Ok(hex(hash));
        }
        hash.update(&bytes[..read]);
    }
}

fn not_spooled(path: &Path, error: std::io::Error) -> Error {
    Error::configuration(format!("failed to put `{}` together", path.display()))
        .with_source(error)
        .with_state("no file was left behind")
        .with_hint("check the space in the temporary folder (TMPDIR names another)")
}

/// The tar, with the same owner, rights and time for every entry.
struct Archive<'a> {
    builder: tar::Builder<&'a mut dyn Write>,
    time: u64,
}

impl<'a> Archive<'a> {
    fn new(to: &'a mut dyn Write, last: &Seal) -> Self {
        // The instant of the newest snapshot: what is in here is not younger.
        let time = u64::try_from(last.as_of.timestamp()).unwrap_or(0);
        Self { builder: tar::Builder::new(to), time }
    }

    fn entry(&mut self, name: &str, size: u64, from: impl Read) -> Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(size);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.time);
        header.set_cksum();
        self.builder
            .append_data(&mut header, format!("forecast-history/{name}"), from)
            .map_err(not_written)
    }

    fn text(&mut self, name: &str, text: &str) -> Result<()> {
        self.entry(name, text.len() as u64, text.as_bytes())
    }

    fn file(&mut self, name: &str, path: &Path) -> Result<()> {
        let failed = |e| not_spooled(path, e);
        let file = File::open(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        self.entry(name, size, BufReader::new(file))
    }

    fn finish(mut self) -> Result<()> {
        self.builder.finish().map_err(not_written)
    }
}

fn not_written(error: std::io::Error) -> Error {
    Error::configuration("failed to write the export")
        .with_source(error)
        .with_state("no file was left behind")
}

#[cfg(test)]
mod tests;
