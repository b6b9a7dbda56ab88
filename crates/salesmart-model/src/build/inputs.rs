//! What is there before anything is built: raw tables, system tables, and built tables that this
//! run does not build.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::datasource::MemTable;
use salesmart_core::{ColumnType, Error, Result};
use salesmart_lake::{Table, TablePath};

use super::fingerprint::{self, Fingerprint};
use super::incremental::Part;
use super::{Build, Built};
use crate::catalog::Catalog;
use crate::header::{ColumnContract, Kind};
use crate::name::{Relation, TableName};
use crate::raw::RawStream;
use crate::rule::Rule;
use crate::{graph, store, system};

impl Build {
    /// Makes every input readable.
    pub(super) async fn resolve(&mut self) -> Result<()> {
        for table in system::TABLES {
            if graph::AFTER_CHECKS.contains(&table) {
                continue;
            }
            let batches = match (self.request.system.remove(table), table) {
                (Some(batches), _) => batches,
                (None, "metric") => vec![system::metric(&self.request.catalog)?],
                (None, "model_column") => vec![system::model_column(&self.request.catalog)?],
                (None, table) => {
                    system::of_settings(table, &self.request.business)?.into_iter().collect()
                }
            };
            self.system_table(table, batches)?;
        }
        let relations: Vec<Relation> = self.request.catalog.raw().relations().collect();
        for relation in relations {
            self.raw_table(relation).await?;
        }
        self.existing().await
    }

    /// Makes a system table readable.
    pub(super) fn system_table(&mut self, table: &str, batches: Vec<RecordBatch>) -> Result<()> {
        let schema = system::schema(table)
            .ok_or_else(|| Error::bug(format!("there is no `system.{table}`")))?;
        let fingerprint = fingerprint::of_batches(&batches)?;
        let relation = Relation::System(table.to_owned());
        let provider = MemTable::try_new(schema, vec![batches]).map_err(|e| {
            Error::bug(format!("rows of `system.{table}` have another shape")).with_source(e)
        })?;
        self.workspace
            .register(&relation, Arc::new(provider))
            .map_err(|e| Error::bug(format!("`{relation}` cannot be registered")).with_source(e))?;
        self.fingerprints.insert(relation, fingerprint);
        Ok(())
    }

    /// Makes the union of a stream's raw tables readable; where nothing is connected, or nothing
    /// has landed yet, it is empty.
    async fn raw_table(&mut self, relation: Relation) -> Result<()> {
        let Relation::Raw { system, stream } = &relation else { return Ok(()) };
        let schema = self
            .request
            .catalog
            .raw()
            .schema(system, stream)
            .ok_or_else(|| Error::bug(format!("`{relation}` has no columns")))?;
        let streams: BTreeMap<TablePath, &RawStream> = self
            .request
            .raw
            .iter()
            .filter(|raw| raw.system.as_str() == system && raw.stream.as_str() == stream)
            .map(|raw| (TablePath::raw(&raw.connection, &raw.stream), raw))
            .collect();
        let mut fingerprint = Fingerprint::new();
        let mut parts: Vec<Part> = Vec::new();
        let mut problems = Vec::new();
        for (path, raw) in streams {
            let Some(table) = self.request.lake.table(&path).await? else { continue };
            fingerprint.add(path.as_str(), table.version.to_string().as_bytes());
            if raw.is_discovered() {
                let found = self.request.catalog.raw().discovered(raw, &table.schema);
                if !found.missing.is_empty() {
                    tracing::warn!(
                        connection = %raw.connection,
                        stream = %raw.stream,
                        columns = found.missing.join(", "),
                        "the source has no such columns: they read as null"
                    );
                }
                problems.extend(found.problems);
            }
            let (version, files) = (table.version, table.files);
            parts.push(Part { path, version, files, ranges: Vec::new() });
        }
        if let Some(error) = Error::many(problems) {
            return Err(error);
        }
        let files: Vec<_> = parts.iter().flat_map(|part| part.files.iter().cloned()).collect();
        let provider = store::provider(&self.request.lake, &files, schema)?;
        self.workspace
            .register(&relation, provider)
            .map_err(|e| Error::bug(format!("`{relation}` cannot be registered")).with_source(e))?;
        self.parts.insert(relation.clone(), parts);
        self.fingerprints.insert(relation, fingerprint.finish());
        Ok(())
    }

    /// Makes readable what selected models read and this run does not build.
    async fn existing(&mut self) -> Result<()> {
        let catalog = Arc::clone(&self.request.catalog);
        for model in self.run.clone().iter().filter_map(|name| catalog.model(name)) {
            for read in graph::upstream(model) {
                if self.run.contains(read) || self.built.contains_key(read) {
                    continue;
                }
                if !self.find(read, !is_snapshot(&catalog, read), true).await? {
                    return Err(Error::configuration(format!(
                        "`{}` reads `{read}`, which is not selected and was never built",
                        model.name
                    ))
                    .at(model.header.location.clone())
                    .with_hint(format!("select what it reads too: `+{}`", model.name)));
                }
            }
            // Only needed to check against, so its absence leaves the check out.
            for check in &model.header.checks {
                if let Rule::Relationships { table, .. } = &check.rule
                    && !self.run.contains(table)
                    && !self.built.contains_key(table)
                    && catalog.model(table).is_some_and(|target| target.kind().is_stored())
                {
                    self.find(table, !is_snapshot(&catalog, table), false).await?;
                }
            }
        }
        Ok(())
    }

    /// Takes the released version of a table where that is wanted and there is one, or the newest.
    /// `is_read`: a model reads it, so it must have the columns of its contract.
    async fn find(&mut self, name: &TableName, released: bool, is_read: bool) -> Result<bool> {
        let path = store::path(name);
        let released = self
            .request
            .last_release
            .as_ref()
            .filter(|_| released)
            .and_then(|release| release.get(&name.to_string()).copied());
        let table: Option<Table> = match released {
            Some(version) => Some(self.request.lake.table_at(&path, version).await?),
            None => self.request.lake.table(&path).await?,
        };
        let Some(table) = table else { return Ok(false) };
        let lacks = self.lacks(name, &table);
        if is_read && !lacks.is_empty() {
            return Err(Error::configuration(format!(
                "`{name}` was built before its model had {}",
                lacks.join(", ")
            ))
            .with_hint(format!("build it too: select `{name}`, or `+` and what reads it")));
        }
        let fingerprint = store::fingerprint(&table.metadata)
            .map_or_else(|| format!("version {}", table.version), str::to_owned);
        self.finished(name, Built::found(&table, &fingerprint, 0.0))?;
        Ok(true)
    }

    /// Columns of a model that a version of its table does not have, or not in their type.
    fn lacks(&self, name: &TableName, table: &Table) -> Vec<String> {
        let Some(model) = self.request.catalog.model(name) else { return Vec::new() };
        // What a snapshot's older rows lack is null, by its contract.
        if model.kind() == Kind::Snapshot {
            return Vec::new();
        }
        let has = |column: &&ColumnContract| {
            let field = table.schema.field_with_name(&column.name);
            field.is_ok_and(|field| {
                ColumnType::from_arrow(field.data_type()) == Some(column.column_type)
            })
        };
        let lacks = model.header.columns.iter().filter(|column| !has(column));
        lacks.map(|column| format!("`{}` as {}", column.name, column.column_type)).collect()
    }

    /// Adds to the receipt the published tables that this run did not look at, so that a release
    /// made from it is whole.
    pub(super) async fn unselected(&mut self) -> Result<()> {
        let catalog = Arc::clone(&self.request.catalog);
        for model in catalog.models() {
            if model.is_published() && !self.built.contains_key(&model.name) {
                self.find(&model.name, true, false).await?;
            }
        }
        Ok(())
    }
}

/// What a snapshot has stays in it, whatever became of the run that added it: who reads it reads
/// its newest version.
fn is_snapshot(catalog: &Catalog, name: &TableName) -> bool {
    catalog.model(name).is_some_and(|model| model.kind() == Kind::Snapshot)
}
