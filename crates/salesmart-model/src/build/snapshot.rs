//! Adding to a snapshot: what is in it stays, the query's rows are appended in one commit.
//!
//! The query reads the rows so far by the model's own name and leaves out what is there. So a run
//! that was killed after the append and before the release adds nothing twice, and a run that
//! finds nothing new commits nothing. The newest version counts, whatever the last release names:
//! a seal that was made is made. A snapshot that declares its keys looks only at those that changed
//! (see `incremental/`).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::{DataFrame, ident};
use salesmart_core::{ColumnType, Error, Result};
use salesmart_lake::{Commit, CommitMode, DataFile, Table};
use serde::Deserialize;
use serde_json::json;

use super::Progress;
use super::fingerprint::Fingerprint;
use super::incremental::Keys;
use super::table::{Built, Duplicates, Job, Written, data_files, stored_schema};
use super::watch;
use crate::catalog::Model;
use crate::checks::shared;
use crate::diagnostics::Source;
use crate::name::Relation;
use crate::{plan, store};

impl Job {
    /// Adds the query's rows to the table, if the checks so far allow it.
    pub(super) async fn append(&self, model: &Model) -> Result<Built> {
        let path = store::path(&self.name);
        let before = self.lake.table(&path).await?;
        let new_columns = match &before {
            Some(table) => new_columns(model, table)?,
            None => true,
        };
        if !self.may_append {
            tracing::warn!(table = %self.name, "nothing is added: a check failed with an error");
        }
        let seen = before.as_ref().map_or(&[][..], |table| &table.files);
        self.register_own_rows(model, seen)?;

        let schema = stored_schema(model);
        let (mut files, mut rows, mut duplicates) = (Vec::new(), 0, duplicates(before.as_ref()));
        let mut passed = before.as_ref().map(watch::passed).unwrap_or_default();
        if self.may_append {
            (self.on_progress)(Progress::Started(self.name.clone()));
            let written = match self.keys_to_add(model, before.as_ref()).await? {
                Some(keys) => self.rows_of(model, &schema, seen, &keys).await?,
                None => None,
            };
            let written = match written {
                Some(written) => written,
                None => {
                    let all = self.write(model, &schema, &self.workspace, &|_| true).await?;
                    all.unwrap_or_default()
                }
            };
            (files, rows) = (written.files, written.rows);
            passed = match &before {
                Some(table) if table.rows > 0 => {
                    watch::passed(table).intersection(&written.passed).cloned().collect()
                }
                _ => written.passed,
            };
        }
        if let Some(table) = &before
            && files.is_empty()
            && !new_columns
        {
            (self.on_progress)(Progress::Unchanged(self.name.clone()));
            return Ok(Built::found(table, "", self.started.elapsed().as_secs_f64()));
        }

        let added = data_files(&path, &files);
        if rows > 0 {
            let source = Source { file: &model.file, text: &model.text };
            let found = self.shared_grain(model, seen, &added, duplicates.rows == 0);
            duplicates = found.await.map_err(|e| source.running(&e))?;
        }
        let mut content = Fingerprint::empty();
        let content_before = before.as_ref().and_then(|table| store::content(&table.metadata));
        content.add("before", content_before.unwrap_or_default().as_bytes());
        for file in &files {
            content.add("file", file.sha256.as_bytes());
        }
        let content = content.finish();
        // What was appended can be proved to be what was written, file by file.
        let hashes: BTreeMap<&str, &str> =
            files.iter().map(|file| (file.name.as_str(), file.sha256.as_str())).collect();
        let hashes = json!(hashes);
        let mut metadata = BTreeMap::from([
            (store::CONTENT.to_owned(), json!(content)),
            (store::DUPLICATES.to_owned(), json!(duplicates)),
            (store::PASSED.to_owned(), json!(passed)),
            ("files".to_owned(), hashes),
            ("as_of".to_owned(), json!(self.instant.as_of)),
        ]);
        // Where nothing was added because a check failed, what there was to add is still to come.
        if self.may_append
            && let Some(state) = self.state()
        {
            metadata.insert(store::INCREMENTAL.to_owned(), state);
        }
        let commit = Commit {
            files,
            mode: CommitMode::Append,
            schema,
            metadata,
            transaction: None,
            description: Some(model.header.description.clone()),
        };
        let version = self.lake.commit(&path, commit).await?;
        let seconds = self.started.elapsed().as_secs_f64();
        (self.on_progress)(Progress::Built { table: self.name.clone(), rows, seconds });
        let files: Vec<DataFile> = seen.iter().cloned().chain(added).collect();
        Ok(Built {
            version,
            rows: files.iter().map(|file| file.rows).sum(),
            files,
            content,
            is_new: true,
            seconds,
            duplicates: Some(duplicates),
            passed,
            ranges: Vec::new(),
        })
    }

    /// The rows to add of some keys, looking at no others; `None` where the model gives rows of
    /// others.
    async fn rows_of(
        &self,
        model: &Model,
        schema: &SchemaRef,
        seen: &[DataFile],
        keys: &Arc<Keys>,
    ) -> Result<Option<Written>> {
        let (Some(declared), Some(increment)) = (&model.header.incremental, &self.increment) else {
            return Ok(None);
        };
        if keys.is_empty() {
            return Ok(Some(Written::default()));
        }
        let workspace = self.restricted(model, increment, keys).await?;
        self.restrict_own(&workspace, model, &declared.key, seen, keys).await?;
        let is_known = |batch: &RecordBatch| {
            batch.column_by_name(&declared.key).is_some_and(|column| {
                let mut rows = column.as_string::<i32>().iter();
                rows.all(|key| key.is_some_and(|key| keys.contains(key)))
            })
        };
        let written = self.write(model, schema, &workspace, &is_known).await?;
        if written.is_none() {
            tracing::warn!(
                table = %self.name,
                "all keys are looked at: rows of a key do not follow from the same key's inputs"
            );
        }
        Ok(written)
    }

    /// Makes the rows so far readable under the model's own name.
    fn register_own_rows(&self, model: &Model, files: &[DataFile]) -> Result<()> {
        let relation = Relation::Model(self.name.clone());
        let provider = store::provider(&self.lake, files, plan::contract_schema(model))?;
        self.workspace
            .register(&relation, provider)
            .map_err(|e| Error::bug(format!("`{relation}` cannot be registered")).with_source(e))
    }

    /// Rows that share their grain, among the new ones and between them and those that were there.
    /// While no row does, only the rows within the new ones' range are looked at: a night's rows
    /// have its date, and the files of other nights stay closed.
    async fn shared_grain(
        &self,
        model: &Model,
        seen: &[DataFile],
        added: &[DataFile],
        only_range: bool,
    ) -> Result<Duplicates, DataFusionError> {
        let grain: Vec<&str> = model.header.grain.iter().map(String::as_str).collect();
        let keys = || grain.iter().map(|name| ident(*name)).collect::<Vec<Expr>>();
        let frame = |files: &[DataFile]| -> Result<DataFrame, DataFusionError> {
            let provider = store::provider(&self.lake, files, plan::contract_schema(model))
                .map_err(|e| DataFusionError::External(Box::new(e)))?;
            self.workspace.context().read_table(provider)?.select(keys())
        };
        let added = frame(added)?;
        let mut seen = frame(seen)?;
        if only_range {
            for within in ranges(added.clone(), &grain).await? {
                seen = seen.filter(within)?;
            }
        }
        shared(added.union(seen)?, &grain).await
    }
}

/// Conditions that every row with the grain of one of these fulfils.
async fn ranges(rows: DataFrame, grain: &[&str]) -> Result<Vec<Expr>, DataFusionError> {
    let mut answers = vec![count(lit(1)).alias("rows")];
    for (index, name) in grain.iter().enumerate() {
        answers.push(count(ident(*name)).alias(format!("n{index}")));
        answers.push(min(ident(*name)).alias(format!("low{index}")));
        answers.push(max(ident(*name)).alias(format!("high{index}")));
    }
    let batches = rows.aggregate(vec![], answers)?.collect().await?;
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else {
        return Ok(Vec::new());
    };
    let value = |name: String| match batch.column_by_name(&name) {
        Some(column) => ScalarValue::try_from_array(column, 0),
        None => Ok(ScalarValue::Null),
    };
    let mut within = Vec::new();
    for (index, name) in grain.iter().enumerate() {
        // A null among the new values has no place in a range.
        if value(format!("n{index}"))? == value("rows".to_owned())? {
            let (low, high) = (value(format!("low{index}"))?, value(format!("high{index}"))?);
            within.push(ident(*name).between(Expr::Literal(low, None), Expr::Literal(high, None)));
        }
    }
    Ok(within)
}

/// What the newest commit knows of rows that share their grain.
fn duplicates(table: Option<&Table>) -> Duplicates {
    table
        .and_then(|table| table.metadata.get(store::DUPLICATES))
        .and_then(|value| Duplicates::deserialize(value).ok())
        .unwrap_or_default()
}

/// Whether the contract has columns that the table lacks. It keeps every column that is there:
/// what was sealed stays readable.
fn new_columns(model: &Model, table: &Table) -> Result<bool> {
    let mut problems = Vec::new();
    for field in table.schema.fields() {
        let there = ColumnType::from_arrow(field.data_type());
        let shown = there.map_or_else(|| field.data_type().to_string(), |there| there.to_string());
        match model.header.column(field.name()) {
            Some(column) if there == Some(column.column_type) => {}
            Some(column) => problems.push(
                Error::configuration(format!(
                    "column `{}` of the snapshot `{}` has another type than its rows so far",
                    column.name, model.name
                ))
                .at(column.location.clone())
                .with("expected", shown)
                .with("found", column.column_type)
                .with_hint("what is in a snapshot is never rewritten: add a column of another name"),
            ),
            None => problems.push(
                Error::configuration(format!(
                    "the snapshot `{}` no longer has the column `{}`, which its rows so far have",
                    model.name,
                    field.name()
                ))
                .at(model.header.location.clone())
                .with("expected", format!("`{}` {shown}", field.name()))
                .with_hint(
                    "keep the column (new rows may have null in it), or give the model another name",
                ),
            ),
        }
    }
    match Error::many(problems) {
        Some(error) => Err(error),
        None => Ok(model.header.columns.len() > table.schema.fields().len()),
    }
}
