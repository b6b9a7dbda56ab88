//! Keeping sums: what the changed keys brought is taken away, what they bring now is added.
//!
//! ```text
//! sums so far ───────────────────────────────────────────┐
//! the model over the keys' inputs as they are        (+) ┼─▶ added up by the grain ─▶ sums now
//! the model over the keys' inputs as they were then  (−) ┘   (of no row: gone)
//! ```
//!
//! Both looks go to the keys only; the sums themselves are read and written again, which costs as
//! much as there are sums, however many rows stand behind them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result as EngineResult;
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::prelude::ident;
use salesmart_core::Result;
use salesmart_lake::{Commit, CommitMode, Table};
use serde::Deserialize;
use serde_json::{Value, json};

use super::keys::{Keys, State};
use super::{Increment, Input, Part, ranges};
use crate::build::Progress;
use crate::build::table::{Built, Duplicates, Job, Written, content, data_files, stored_schema};
use crate::build::watch;
use crate::catalog::Model;
use crate::diagnostics::Source;
use crate::incremental::Incremental;
use crate::name::Relation;
use crate::sql::Instant;
use crate::{plan, store};

impl Job {
    /// Brings sums up to date, or adds everything up.
    pub(super) async fn build_sums(
        &self,
        model: &Model,
        declared: &Incremental,
        increment: &Increment,
        newest: Option<&Table>,
        rows: &str,
    ) -> Result<Built> {
        if let Some(table) = newest {
            match self.what_changed(model, declared, increment, table).await? {
                Ok(keys) if keys.is_empty() => return self.same(model, table).await,
                Ok(keys) => {
                    let size = keys.len();
                    if let Some(written) = self.moved(model, increment, table, keys, rows).await? {
                        tracing::info!(table = %self.name, keys = size, "sums are moved");
                        return self.commit_sums(model, written, Some(size)).await;
                    }
                }
                Err(why) => tracing::info!(table = %self.name, why, "all of it is built"),
            }
        }
        let schema = stored_schema(model);
        let written = self.write(model, &schema, &self.workspace, &|_| true).await?;
        self.commit_sums(model, written.unwrap_or_default(), None).await
    }

    /// The sums with what the keys bring now instead of what they brought; `None` where they were
    /// no sums of what is found now to have been brought.
    async fn moved(
        &self,
        model: &Model,
        increment: &Increment,
        table: &Table,
        keys: BTreeSet<String>,
        rows: &str,
    ) -> Result<Option<Written>> {
        let state = table.metadata.get(store::INCREMENTAL).map(State::deserialize);
        let Some(Ok(state)) = state else { return Ok(None) };
        let keys: Arc<Keys> = Arc::new(keys.into_iter().collect());

        let workspace = self.restricted(model, increment, &keys).await?;
        let now = plan::plan_model(&workspace, model, self.instant).await?;
        let last = Instant::new(state.as_of, &self.business);
        let Some((inputs, others)) = self.as_they_were(increment, &state).await? else {
            return Ok(None);
        };
        let before = self.only_keys(model, &inputs, &others, last, &keys).await?;
        let before = plan::plan_model(&before, model, last).await?;

        let source = Source { file: &model.file, text: &model.text };
        let stored = store::provider(&self.lake, &table.files, plan::contract_schema(model))?;
        let plan = LogicalPlanBuilder::scan("stored", provider_as_source(stored), None)
            .and_then(LogicalPlanBuilder::build)
            .and_then(|stored| added_up(model, stored, now, before, rows))
            .map_err(|e| source.running(&e))?;
        let stream = self.in_order(model, &workspace, plan).await?;
        let is_sum = |batch: &RecordBatch| {
            batch.column_by_name(rows).is_some_and(|column| {
                column.as_primitive::<Int64Type>().iter().all(|rows| rows.is_some_and(|n| n > 0))
            })
        };
        let schema = stored_schema(model);
        let written = self.write_stream(model, &schema, &workspace, stream, &is_sum).await?;
        if written.is_none() {
            tracing::warn!(
                table = %self.name,
                "all of it is built: more was taken away than had been added"
            );
        }
        Ok(written)
    }

    /// The inputs in the versions of a state; `None` where it does not say of one.
    pub(super) async fn as_they_were(
        &self,
        increment: &Increment,
        state: &State,
    ) -> Result<Option<(Vec<Input>, Vec<(Relation, Vec<Part>)>)>> {
        let mut inputs = Vec::new();
        for input in &increment.inputs {
            let versions = state.inputs.get(&input.relation.to_string());
            let Some(parts) = self.parts_at(&input.parts, versions).await? else {
                return Ok(None);
            };
            inputs.push(Input { parts, ..input.clone() });
        }
        let mut others = Vec::new();
        for (relation, parts) in &increment.others {
            let versions = state.others.get(&relation.to_string());
            let Some(parts) = self.parts_at(parts, versions).await? else { return Ok(None) };
            others.push((relation.clone(), parts));
        }
        Ok(Some((inputs, others)))
    }

    async fn parts_at(
        &self,
        parts: &[Part],
        versions: Option<&BTreeMap<String, u64>>,
    ) -> Result<Option<Vec<Part>>> {
        let Some(versions) = versions else { return Ok(None) };
        let mut then = Vec::new();
        for part in parts {
            // A table that was not there then had no rows.
            let Some(version) = versions.get(part.path.as_str()).copied() else { continue };
            if version == part.version {
                then.push(part.clone());
                continue;
            }
            let table = self.lake.table_at(&part.path, version).await?;
            let ranges = ranges(&table);
            then.push(Part { path: part.path.clone(), version, files: table.files, ranges });
        }
        Ok(Some(then))
    }

    /// Says of a table that it is what it would be.
    pub(super) async fn same(&self, model: &Model, table: &Table) -> Result<Built> {
        let duplicates = Duplicates::default();
        let content = store::content(&table.metadata).unwrap_or_default().to_owned();
        let commit = Commit {
            files: Vec::new(),
            mode: CommitMode::ReplaceFiles(BTreeSet::new()),
            schema: stored_schema(model),
            metadata: {
                let mut said = self.said(&content, Some(&duplicates), &watch::passed(table));
                said.insert(store::MOVED_KEYS.to_owned(), json!(0));
                said
            },
            transaction: None,
            description: Some(model.header.description.clone()),
        };
        let version = self.lake.commit(&store::path(&self.name), commit).await?;
        let seconds = self.started.elapsed().as_secs_f64();
        let rows = table.rows;
        (self.on_progress)(Progress::Built { table: self.name.clone(), rows, seconds });
        Ok(Built {
            version,
            rows,
            files: table.files.clone(),
            content,
            is_new: true,
            seconds,
            duplicates: Some(duplicates),
            passed: watch::passed(table),
            ranges: Vec::new(),
        })
    }

    pub(super) async fn commit_sums(
        &self,
        model: &Model,
        written: Written,
        moved: Option<usize>,
    ) -> Result<Built> {
        let path = store::path(&self.name);
        let Written { files, rows, duplicates, passed } = written;
        let data = data_files(&path, &files);
        let content = content(&files);
        let mut metadata = self.said(&content, duplicates.as_ref(), &passed);
        if let Some(keys) = moved {
            metadata.insert(store::MOVED_KEYS.to_owned(), json!(keys));
        }
        let commit = Commit {
            files,
            mode: CommitMode::Overwrite,
            schema: stored_schema(model),
            metadata,
            transaction: None,
            description: Some(model.header.description.clone()),
        };
        let version = self.lake.commit(&path, commit).await?;
        let seconds = self.started.elapsed().as_secs_f64();
        (self.on_progress)(Progress::Built { table: self.name.clone(), rows, seconds });
        Ok(Built {
            version,
            rows,
            files: data,
            content,
            is_new: true,
            seconds,
            duplicates,
            passed,
            ranges: Vec::new(),
        })
    }

    /// What a commit says of the sums in it.
    fn said(
        &self,
        content: &str,
        duplicates: Option<&Duplicates>,
        passed: &watch::Passed,
    ) -> BTreeMap<String, Value> {
        BTreeMap::from([
            (store::FINGERPRINT.to_owned(), json!(self.fingerprint)),
            (store::CONTENT.to_owned(), json!(content)),
            (store::DUPLICATES.to_owned(), json!(duplicates)),
            (store::PASSED.to_owned(), json!(passed)),
            (store::INCREMENTAL.to_owned(), json!(self.state())),
            ("as_of".to_owned(), json!(self.instant.as_of)),
        ])
    }
}

/// What is stored, what comes and what goes, as one table of sums.
fn added_up(
    model: &Model,
    stored: LogicalPlan,
    now: LogicalPlan,
    before: LogicalPlan,
    rows: &str,
) -> EngineResult<LogicalPlan> {
    let is_grain = |name: &String| model.header.grain.contains(name);
    let names = || model.header.columns.iter().map(|column| &column.name);
    let same = || names().map(ident).collect::<Vec<Expr>>();
    let taken = names().map(|name| match is_grain(name) {
        true => ident(name),
        false => Expr::Negative(Box::new(ident(name))).alias(name),
    });
    let before = LogicalPlanBuilder::from(before).project(taken)?.build()?;
    let all = LogicalPlanBuilder::from(stored)
        .project(same())?
        .union(LogicalPlanBuilder::from(now).project(same())?.build()?)?
        .union(before)?;
    let grain = names().filter(|name| is_grain(name)).map(ident);
    let sums = names().filter(|name| !is_grain(name)).map(|name| sum(ident(name)).alias(name));
    let typed = model.header.columns.iter().map(|column| {
        let name = &column.name;
        cast(ident(name), column.column_type.to_arrow()).alias(name)
    });
    all.aggregate(grain, sums)?.filter(ident(rows).not_eq(lit(0_i64)))?.project(typed)?.build()
}
