//! Building a part of a table: the keys whose inputs changed.
//!
//! ```text
//! what the table was made of ─▶ keys that changed ─▶ the model over inputs of those keys only
//! (its newest commit)           or: build it all                   │ new rows
//!                                                                  ▼
//! files without such keys stay          files with such keys ─▶ merged, written again
//! ```
//!
//! Everything goes into one commit, which also says which keys it replaced, for the models that
//! read this one, and what the table is made of now. Whatever cannot be proved builds everything:
//! see `keys.rs` for what is proved, and `crate::incremental` for what a model promises.

mod diff;
mod keys;
mod matters;
mod merge;
mod periods;
mod ranged;
mod restrict;
mod sums;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use salesmart_core::{Error, Result};
use salesmart_lake::{Commit, CommitMode, DataFile, Table, TablePath, TableWriter, Uncommitted};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) use self::keys::Keys;
use self::keys::{ChangedKeys, Found, State, keys_schema};
pub(super) use self::ranged::FileRange;
use self::ranged::{RangedFiles, RangedWriter};
use super::Progress;
use super::fingerprint::Fingerprint;
use super::table::{Built, Duplicates, Job, data_files, stored_schema};
use super::watch::{self, Passed, Watch};
use crate::catalog::{Catalog, Model};
use crate::diagnostics::Source as SqlSource;
use crate::graph;
use crate::incremental::Incremental;
use crate::name::Relation;
use crate::session::Workspace;
use crate::store;

/// Rows that are written at a time.
const BATCH_ROWS: usize = 8192;

/// One stored table that an input consists of.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) path: TablePath,
    pub(super) version: u64,
    pub(super) files: Vec<DataFile>,
    /// Which keys its files hold, where it says so.
    pub(super) ranges: Vec<FileRange>,
}

/// How an input tells what changed in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// It is only added to.
    Appended,
    /// Its commits say which keys they replaced.
    Keyed,
    /// It does not: its versions are compared.
    Whole,
}

/// An input that changes keys.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) relation: Relation,
    pub(super) key: String,
    pub(super) parts: Vec<Part>,
    pub(super) source: Source,
}

/// What an incremental build needs to know before it starts.
#[derive(Clone, Debug)]
pub(super) struct Increment {
    /// A fingerprint of everything but the rows of the inputs that change keys.
    pub(super) basis: String,
    pub(super) inputs: Vec<Input>,
    /// Every other table that is read, where what it brought must be found again.
    pub(super) others: Vec<(Relation, Vec<Part>)>,
}

/// The inputs that change keys, as they are now.
pub(super) fn inputs(
    catalog: &Catalog,
    declared: &Incremental,
    parts: &BTreeMap<Relation, Vec<Part>>,
) -> Vec<Input> {
    let input = |by: &crate::incremental::ChangedBy| Input {
        relation: by.relation.clone(),
        key: by.key.clone(),
        parts: parts.get(&by.relation).cloned().unwrap_or_default(),
        source: keys::source_of(catalog, &by.relation),
    };
    declared.changed_by.iter().map(input).collect()
}

/// The other tables that a model without rows of keys reads: what keys brought is asked of them
/// again.
pub(super) fn others(
    catalog: &Catalog,
    model: &Model,
    declared: &Incremental,
    parts: &BTreeMap<Relation, Vec<Part>>,
) -> Vec<(Relation, Vec<Part>)> {
    if declared.has_keys() {
        return Vec::new();
    }
    graph::closure(catalog, model)
        .bases
        .into_iter()
        .filter(|base| declared.changed_by.iter().all(|input| input.relation != **base))
        .filter_map(|base| Some((base.clone(), parts.get(base)?.clone())))
        .collect()
}

/// Which keys the files of a table hold; empty where it does not say so of every file.
pub(super) fn ranges(table: &Table) -> Vec<FileRange> {
    let ranges: Vec<FileRange> = table
        .metadata
        .get(store::RANGES)
        .and_then(|value| Vec::deserialize(value).ok())
        .unwrap_or_default();
    let named: BTreeSet<String> =
        ranges.iter().map(|range| format!("{}/{}", table.path, range.name)).collect();
    let is_whole = named.len() == table.files.len()
        && table.files.iter().all(|file| named.contains(&file.path));
    if is_whole { ranges } else { Vec::new() }
}

pub(super) fn register(
    workspace: &Workspace,
    relation: &Relation,
    table: Arc<dyn TableProvider>,
) -> Result<()> {
    workspace
        .register(relation, table)
        .map_err(|e| Error::bug(format!("`{relation}` cannot be registered")).with_source(e))
}

/// New rows of a table that are written, and what the commit says of them.
struct Rewritten {
    written: RangedFiles,
    removed: BTreeSet<String>,
    ranges: Vec<FileRange>,
    duplicates: Duplicates,
    passed: Passed,
}

impl Job {
    /// Builds the keys that changed, or everything.
    pub(super) async fn build_incremental(&self, model: &Model) -> Result<Built> {
        let (Some(declared), Some(increment)) = (&model.header.incremental, &self.increment) else {
            return Err(Error::bug(format!("`{}` does not say how it changes", model.name)));
        };
        let path = store::path(&self.name);
        let newest = self.lake.table(&path).await?;
        if let Some(table) = &newest
            && !self.rebuild
            && store::fingerprint(&table.metadata) == Some(self.fingerprint.as_str())
        {
            (self.on_progress)(Progress::Unchanged(self.name.clone()));
            return Ok(Built::found(
                table,
                &self.fingerprint,
                self.started.elapsed().as_secs_f64(),
            ));
        }
        (self.on_progress)(Progress::Started(self.name.clone()));
        if let Some(rows) = &declared.sums {
            return self.build_sums(model, declared, increment, newest.as_ref(), rows).await;
        }
        if let Some(periods) = &declared.periods {
            return self.build_periods(model, declared, increment, newest.as_ref(), periods).await;
        }
        let schema = stored_schema(model);
        let key = schema.index_of(&declared.key).map_err(|e| {
            Error::bug(format!("`{}` has no column for its key", model.name)).with_source(e)
        })?;
        if let Some(table) = &newest {
            match self.what_changed(model, declared, increment, table).await? {
                Ok(keys) => {
                    let size = keys.len();
                    let part = self.part(model, increment, table, &schema, key, keys.clone());
                    if let Some(part) = part.await? {
                        tracing::info!(table = %self.name, keys = size, "built in part");
                        return self.commit(model, Some((table, keys)), part).await;
                    }
                }
                Err(why) => tracing::info!(table = %self.name, why, "all of it is built"),
            }
        }
        let stream = self.stream(model, &self.workspace).await?;
        let part = self.whole(model, &schema, key, stream).await?;
        self.commit(model, None, part).await
    }

    /// The keys that changed since the newest version, or why all of it must be built.
    async fn what_changed(
        &self,
        model: &Model,
        declared: &Incremental,
        increment: &Increment,
        table: &Table,
    ) -> Result<Found> {
        if self.rebuild {
            return Ok(Err("somebody asked for it".to_owned()));
        }
        if declared.has_keys() && ranges(table).is_empty() && table.rows > 0 {
            return Ok(Err("its files do not say which keys they hold".to_owned()));
        }
        let duplicates = table.metadata.get(store::DUPLICATES).map(Duplicates::deserialize);
        if !matches!(duplicates, Some(Ok(Duplicates { rows: 0, .. }))) {
            return Ok(Err("rows in it share their grain".to_owned()));
        }
        let state = table.metadata.get(store::INCREMENTAL).map(State::deserialize);
        match state {
            Some(Ok(state)) => self.since(model, declared, increment, &state).await,
            _ => Ok(Err("its last build was no incremental one".to_owned())),
        }
    }

    /// The keys that changed since a state.
    async fn since(
        &self,
        model: &Model,
        declared: &Incremental,
        increment: &Increment,
        state: &State,
    ) -> Result<Found> {
        if state.basis != increment.basis {
            let why = "its SQL, the settings, the engine or an input without keys changed";
            return Ok(Err(why.to_owned()));
        }
        self.changed_keys(model, declared, &increment.inputs, state).await
    }

    /// Of a snapshot that declares its keys: those that changed since it was last added to. `None`:
    /// any may have.
    pub(super) async fn keys_to_add(
        &self,
        model: &Model,
        table: Option<&Table>,
    ) -> Result<Option<Arc<Keys>>> {
        let (Some(declared), Some(increment)) = (&model.header.incremental, &self.increment) else {
            return Ok(None);
        };
        let state = table.and_then(|table| table.metadata.get(store::INCREMENTAL));
        let Some(Ok(state)) = state.map(State::deserialize) else { return Ok(None) };
        if state.as_of >= self.instant.as_of {
            return Ok(None);
        }
        match self.since(model, declared, increment, &state).await? {
            Ok(keys) => {
                tracing::info!(table = %self.name, keys = keys.len(), "added to by key");
                Ok(Some(Arc::new(keys.into_iter().collect())))
            }
            Err(why) => {
                tracing::info!(table = %self.name, why, "all keys are looked at");
                Ok(None)
            }
        }
    }

    /// What a commit says the table was made of.
    pub(super) fn state(&self) -> Option<Value> {
        let increment = self.increment.as_ref()?;
        Some(json!(State {
            basis: increment.basis.clone(),
            as_of: self.instant.as_of,
            inputs: increment
                .inputs
                .iter()
                .map(|input| versions(&input.relation, &input.parts))
                .collect(),
            others: increment
                .others
                .iter()
                .map(|(relation, parts)| versions(relation, parts))
                .collect(),
        }))
    }

    /// Writes all rows.
    async fn whole(
        &self,
        model: &Model,
        schema: &SchemaRef,
        key: usize,
        mut stream: SendableRecordBatchStream,
    ) -> Result<Rewritten> {
        let source = SqlSource { file: &model.file, text: &model.text };
        let mut writer = RangedWriter::new(&self.lake, &store::path(&self.name), schema, key);
        let mut watch = Watch::new(model, schema, &self.workspace)?;
        while let Some(batch) = stream.next().await {
            let batch = with_schema(&batch.map_err(|e| source.running(&e))?, schema)?;
            watch.see(&batch)?;
            writer.write(&batch).await?;
        }
        let written = writer.finish().await?;
        let ranges = if written.lacks_keys { Vec::new() } else { written.ranges.clone() };
        let seen = watch.finish();
        Ok(Rewritten {
            written,
            removed: BTreeSet::new(),
            ranges,
            duplicates: seen.duplicates,
            passed: seen.passed,
        })
    }

    /// Writes the rows of some keys into the place of those that the table has; `None` where the
    /// model gives rows of other keys, so that its promise does not hold.
    async fn part(
        &self,
        model: &Model,
        increment: &Increment,
        table: &Table,
        schema: &SchemaRef,
        key: usize,
        changed: BTreeSet<String>,
    ) -> Result<Option<Rewritten>> {
        let mut ranges = ranges(table);
        let none = Rewritten {
            written: RangedFiles::default(),
            removed: BTreeSet::new(),
            ranges: ranges.clone(),
            duplicates: Duplicates::default(),
            passed: watch::passed(table),
        };
        if changed.is_empty() {
            return Ok(Some(none));
        }
        let runs = ranged::runs(&ranges, changed.iter());
        let keys: Arc<Keys> = Arc::new(changed.into_iter().collect());
        let Some(new) = self.new_rows(model, increment, schema, key, &keys).await? else {
            return Ok(None);
        };

        let path = store::path(&self.name);
        let mut watch = Watch::new(model, schema, &self.workspace)?;
        let mut writer = RangedWriter::new(&self.lake, &path, schema, key);
        let new_count: u64 = new.files.iter().map(|file| file.rows).sum();
        let mut rows = merge::Rows::new(self.lake.read_uncommitted(&new), key);
        let mut removed = BTreeSet::new();
        let mut fresh: Vec<(std::ops::Range<usize>, Vec<FileRange>)> = Vec::new();
        for run in runs {
            let names: Vec<String> =
                ranges[run.files.clone()].iter().map(|range| range.name.clone()).collect();
            let (stored, stored_count) = self.stored_rows(table, &names, key, &keys);
            let share = if run.up_to.is_none() { new_count } else { 0 };
            writer.expect(stored_count.max(share));
            let mut stored = merge::Rows::new(stored, key);
            let mut waiting: Vec<RecordBatch> = Vec::new();
            let mut count = 0;
            loop {
                let next = merge::next(&mut stored, &mut rows, run.up_to.as_deref()).await?;
                let is_end = next.is_none();
                if let Some(next) = next {
                    count += next.num_rows();
                    waiting.push(with_schema(&next, schema)?);
                }
                if count >= BATCH_ROWS || (is_end && count > 0) {
                    let batch = concat_batches(schema, &waiting)
                        .map_err(|e| Error::bug("rows do not go together").with_source(e))?;
                    watch.see(&batch)?;
                    writer.write(&batch).await?;
                    waiting.clear();
                    count = 0;
                }
                if is_end {
                    break;
                }
            }
            writer.close().await?;
            removed.extend(names);
            let known: usize = fresh.iter().map(|(_, ranges)| ranges.len()).sum();
            fresh.push((run.files, writer.written.ranges[known..].to_vec()));
        }
        self.lake.remove_uncommitted(&new).await?;
        let written = writer.finish().await?;
        if written.lacks_keys {
            return Err(Error::bug(format!("`{}` has rows without a key", self.name)));
        }
        for (place, files) in fresh.into_iter().rev() {
            ranges.splice(place, files);
        }
        let seen = watch.finish();
        // The rows of files that stay were seen when these were written.
        let passed = match removed.len() == table.files.len() {
            true => seen.passed,
            false => watch::passed(table).intersection(&seen.passed).cloned().collect(),
        };
        Ok(Some(Rewritten { written, removed, ranges, duplicates: seen.duplicates, passed }))
    }

    /// The rows of the changed keys in files that no table has yet; `None` where the model gives
    /// others.
    async fn new_rows(
        &self,
        model: &Model,
        increment: &Increment,
        schema: &SchemaRef,
        key: usize,
        keys: &Arc<Keys>,
    ) -> Result<Option<Uncommitted>> {
        let source = SqlSource { file: &model.file, text: &model.text };
        let workspace = self.restricted(model, increment, keys).await?;
        let mut stream = self.stream(model, &workspace).await?;
        let path = store::path(&self.name);
        let mut writer =
            TableWriter::new(&self.lake, &path, Arc::clone(schema)).with_prefix("_new/");
        let mut is_promised = true;
        while let Some(batch) = stream.next().await {
            let batch = with_schema(&batch.map_err(|e| source.running(&e))?, schema)?;
            let column = batch.column(key).as_string::<i32>();
            let mut rows = column.iter();
            is_promised = rows.all(|key| key.is_some_and(|key| keys.contains(key)));
            if !is_promised {
                break;
            }
            writer.write(&batch).await?;
        }
        let new = writer.into_table(schema).await?;
        if !is_promised {
            tracing::warn!(
                table = %self.name,
                "all of it is built: rows of a key do not follow from the same key's inputs"
            );
            self.lake.remove_uncommitted(&new).await?;
            return Ok(None);
        }
        Ok(Some(new))
    }

    /// The rows of some files that stay, and how many there are with those that go.
    fn stored_rows(
        &self,
        table: &Table,
        names: &[String],
        key: usize,
        keys: &Arc<Keys>,
    ) -> (futures::stream::BoxStream<'static, Result<RecordBatch>>, u64) {
        let file = |name: &String| {
            let path = format!("{}/{name}", table.path);
            table.files.iter().find(|file| file.path == path).cloned()
        };
        let mut some = table.clone();
        some.files = names.iter().filter_map(file).collect();
        let rows = some.files.iter().map(|file| file.rows).sum();
        let keys = Arc::clone(keys);
        let stream = self.lake.read(&some, None);
        (stream.map(move |batch| merge::without(&batch?, key, &keys)).boxed(), rows)
    }

    /// Makes what was written the table's newest version.
    async fn commit(
        &self,
        model: &Model,
        before: Option<(&Table, BTreeSet<String>)>,
        part: Rewritten,
    ) -> Result<Built> {
        let path = store::path(&self.name);
        let Rewritten { written, removed, ranges, duplicates, passed } = part;
        let rows: u64 = written.files.iter().map(|file| file.rows).sum();
        let mut content = Fingerprint::empty();
        let is_same = before.is_some() && removed.is_empty() && written.files.is_empty();
        if let Some((table, _)) = &before {
            content.add("before", store::content(&table.metadata).unwrap_or_default().as_bytes());
        }
        for name in &removed {
            content.add("removed", name.as_bytes());
        }
        for file in &written.files {
            content.add("file", file.sha256.as_bytes());
        }
        let content = match &before {
            Some((table, _)) if is_same => store::content(&table.metadata).map(str::to_owned),
            _ => None,
        }
        .unwrap_or_else(|| content.finish());
        let mut metadata: BTreeMap<String, Value> = BTreeMap::from([
            (store::FINGERPRINT.to_owned(), json!(self.fingerprint)),
            (store::CONTENT.to_owned(), json!(content)),
            (store::DUPLICATES.to_owned(), json!(duplicates)),
            (store::PASSED.to_owned(), json!(passed)),
            (store::INCREMENTAL.to_owned(), json!(self.state())),
            (store::RANGES.to_owned(), json!(ranges)),
            ("as_of".to_owned(), json!(self.instant.as_of)),
        ]);
        let mut files = data_files(&path, &written.files);
        let mode = match before {
            None => CommitMode::Overwrite,
            Some((table, keys)) => {
                let keys = self.write_keys(&keys).await?;
                metadata.insert(store::CHANGED_KEYS.to_owned(), json!(keys));
                let gone: BTreeSet<String> =
                    removed.iter().map(|name| format!("{path}/{name}")).collect();
                files.extend(table.files.iter().filter(|file| !gone.contains(&file.path)).cloned());
                CommitMode::ReplaceFiles(removed)
            }
        };
        let commit = Commit {
            files: written.files,
            mode,
            schema: stored_schema(model),
            metadata,
            transaction: None,
            description: Some(model.header.description.clone()),
        };
        let version = self.lake.commit(&path, commit).await?;
        let seconds = self.started.elapsed().as_secs_f64();
        (self.on_progress)(Progress::Built { table: self.name.clone(), rows, seconds });
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(Built {
            version,
            rows: files.iter().map(|file| file.rows).sum(),
            files,
            content,
            is_new: true,
            seconds,
            duplicates: Some(duplicates),
            passed,
            ranges,
        })
    }

    /// Writes the keys that a commit replaces beside the table, for those who read it.
    async fn write_keys(&self, keys: &BTreeSet<String>) -> Result<ChangedKeys> {
        let path = store::path(&self.name);
        let mut writer =
            TableWriter::new(&self.lake, &path, keys_schema()).with_prefix("_changes/");
        let column: StringArray = keys.iter().map(Some).collect();
        let batch = RecordBatch::try_new(keys_schema(), vec![Arc::new(column)])
            .map_err(|e| Error::bug("keys are no column").with_source(e))?;
        writer.write(&batch).await?;
        let file = writer.finish().await?.pop();
        Ok(ChangedKeys {
            size: file.as_ref().map_or(0, |file| file.size),
            rows: file.as_ref().map_or(0, |file| file.rows),
            name: file.map(|file| file.name),
        })
    }
}

fn versions(relation: &Relation, parts: &[Part]) -> (String, BTreeMap<String, u64>) {
    let parts = parts.iter().map(|part| (part.path.to_string(), part.version));
    (relation.to_string(), parts.collect())
}

fn with_schema(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec()).map_err(|e| {
        Error::bug("the query gave other types than it was planned with").with_source(e)
    })
}
