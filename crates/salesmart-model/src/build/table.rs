//! Building one table: query, order, write, commit. What differs for other
//! kinds is in `snapshot.rs` and `incremental/`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant as Clock;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::Column;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, SortExpr};
use datafusion::physical_plan::execute_stream;
use futures::StreamExt;
use salesmart_core::{Error, Result};
use salesmart_lake::{Commit, CommitMode, DataFile, Lake, NewFile, Table, TablePath, TableWriter};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Progress;
use super::fingerprint::Fingerprint;
use super::incremental::{self, FileRange, Increment};
use super::watch::{self, Passed, Watch};
use crate::catalog::{Catalog, Model};
use crate::diagnostics::Source;
use crate::header::Kind;
use crate::name::TableName;
use crate::session::Workspace;
use crate::settings::BusinessSettings;
use crate::sql::Instant;
use crate::{plan, store};

/// Rows that share their grain with another row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Duplicates {
    pub(crate) rows: u64,
    pub(crate) samples: Vec<String>,
}

/// A table that is there, built by this run or not.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    pub(crate) version: u64,
    pub(crate) rows: u64,
    pub(crate) files: Vec<DataFile>,
    /// The hash of its rows: what reads it is built again only when this changes.
    pub(crate) content: String,
    pub(crate) is_new: bool,
    pub(crate) seconds: f64,
    /// Seen while the rows were written in order; `None` where nobody looked.
    pub(crate) duplicates: Option<Duplicates>,
    /// Checks that all of its rows were seen to pass while they were written.
    pub(crate) passed: Passed,
    /// Which keys its files hold, where it is built in parts.
    pub(super) ranges: Vec<FileRange>,
}

impl Built {
    /// A table as the lake has it.
    pub(super) fn found(table: &Table, fingerprint: &str, seconds: f64) -> Self {
        let duplicates = table
            .metadata
            .get(store::DUPLICATES)
            .and_then(|value| Duplicates::deserialize(value).ok());
        Self {
            version: table.version,
            rows: table.rows,
            files: table.files.clone(),
            // A table of an older Salesmart says only what it was made of, which is as good.
            content: store::content(&table.metadata).unwrap_or(fingerprint).to_owned(),
            is_new: false,
            seconds,
            duplicates,
            passed: watch::passed(table),
            ranges: incremental::ranges(table),
        }
    }
}

/// One hash for the rows in some files, written in order.
pub(super) fn content(files: &[NewFile]) -> String {
    let mut fingerprint = Fingerprint::empty();
    for file in files {
        fingerprint.add("file", file.sha256.as_bytes());
    }
    fingerprint.finish()
}

/// Building one table.
pub(super) struct Job {
    pub(super) workspace: Workspace,
    pub(super) lake: Lake,
    pub(super) catalog: Arc<Catalog>,
    pub(super) name: TableName,
    pub(super) instant: Instant,
    pub(super) fingerprint: String,
    pub(super) rebuild: bool,
    pub(super) may_append: bool,
    pub(super) business: BusinessSettings,
    /// How the table is built in part.
    pub(super) increment: Option<Increment>,
    pub(super) on_progress: Arc<dyn Fn(Progress) + Send + Sync>,
    pub(super) started: Clock,
}

impl Job {
    pub(super) async fn run(mut self) -> (TableName, Result<Built>) {
        let built = self.table().await;
        (self.name, built)
    }

    async fn table(&mut self) -> Result<Built> {
        let catalog = Arc::clone(&self.catalog);
        let model = catalog
            .model(&self.name)
            .ok_or_else(|| Error::bug(format!("`{}` is not in the catalog", self.name)))?;
        self.look_at_what_matters(model).await?;
        let built = match model.kind() {
            Kind::Snapshot => self.append(model).await,
            Kind::Incremental => self.build_incremental(model).await,
            Kind::View | Kind::Table => self.build(model).await,
        };
        built
            .map_err(|e| e.wrap(format!("failed to build model `{}` ({})", model.name, model.file)))
    }

    async fn build(&self, model: &Model) -> Result<Built> {
        let path = store::path(&self.name);
        let newest = self.lake.table(&path).await?;
        if let Some(table) = &newest
            && !self.rebuild
            && store::fingerprint(&table.metadata) == Some(self.fingerprint.as_str())
        {
            (self.on_progress)(Progress::Unchanged(self.name.clone()));
            let seconds = self.started.elapsed().as_secs_f64();
            return Ok(Built::found(table, &self.fingerprint, seconds));
        }

        (self.on_progress)(Progress::Started(self.name.clone()));
        let schema = stored_schema(model);
        let written = self.write(model, &schema, &self.workspace, &|_| true).await?;
        let Written { files, rows, duplicates, passed } = written.unwrap_or_default();
        let written = data_files(&path, &files);
        let content = content(&files);
        let metadata = BTreeMap::from([
            (store::FINGERPRINT.to_owned(), json!(self.fingerprint)),
            (store::CONTENT.to_owned(), json!(content)),
            (store::DUPLICATES.to_owned(), json!(duplicates)),
            (store::PASSED.to_owned(), json!(passed)),
            ("as_of".to_owned(), json!(self.instant.as_of)),
        ]);
        let commit = Commit {
            files,
            mode: CommitMode::Overwrite,
            schema,
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
            files: written,
            content,
            is_new: true,
            seconds,
            duplicates,
            passed,
            ranges: Vec::new(),
        })
    }

    /// Writes the rows of the model's query, in files that no table has yet; nothing, where a batch
    /// is not as it is expected.
    pub(super) async fn write(
        &self,
        model: &Model,
        schema: &SchemaRef,
        workspace: &Workspace,
        is_expected: &(dyn Fn(&RecordBatch) -> bool + Send + Sync),
    ) -> Result<Option<Written>> {
        let stream = self.stream(model, workspace).await?;
        self.write_stream(model, schema, workspace, stream, is_expected).await
    }

    /// The same of rows that are at hand, in the order of the grain.
    pub(super) async fn write_stream(
        &self,
        model: &Model,
        schema: &SchemaRef,
        workspace: &Workspace,
        mut stream: SendableRecordBatchStream,
        is_expected: &(dyn Fn(&RecordBatch) -> bool + Send + Sync),
    ) -> Result<Option<Written>> {
        let mut writer = TableWriter::new(&self.lake, &store::path(&self.name), Arc::clone(schema));
        let mut watch = Watch::new(model, schema, workspace)?;
        let mut rows = 0u64;
        let source = Source { file: &model.file, text: &model.text };
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(|e| source.running(&e))?;
            let batch = RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec())
                .map_err(|e| {
                    Error::bug("the query gave other types than it was planned with").with_source(e)
                })?;
            if !is_expected(&batch) {
                let written = writer.into_table(schema).await?;
                self.lake.remove_uncommitted(&written).await?;
                return Ok(None);
            }
            watch.see(&batch)?;
            rows += batch.num_rows() as u64;
            writer.write(&batch).await?;
        }
        let files = writer.finish().await?;
        let seen = watch.finish();
        let duplicates = (!model.header.grain.is_empty()).then_some(seen.duplicates);
        Ok(Some(Written { files, rows, duplicates, passed: seen.passed }))
    }

    /// The model's rows in the order of its grain, so that the same rows are the same bytes.
    pub(super) async fn stream(
        &self,
        model: &Model,
        workspace: &Workspace,
    ) -> Result<SendableRecordBatchStream> {
        let plan = plan::plan_model(workspace, model, self.instant).await?;
        self.in_order(model, workspace, plan).await
    }

    /// The rows of a plan in the order of a model's grain.
    pub(super) async fn in_order(
        &self,
        model: &Model,
        workspace: &Workspace,
        plan: LogicalPlan,
    ) -> Result<SendableRecordBatchStream> {
        let source = Source { file: &model.file, text: &model.text };
        let order: Vec<SortExpr> = model
            .sort_columns()
            .into_iter()
            .map(|column| Expr::Column(Column::from_name(column)).sort(true, false))
            .collect();
        let plan = LogicalPlanBuilder::from(plan)
            .sort(order)
            .and_then(LogicalPlanBuilder::build)
            .map_err(|e| source.running(&e))?;
        let context = workspace.context();
        let physical =
            context.state().create_physical_plan(&plan).await.map_err(|e| source.running(&e))?;
        execute_stream(physical, context.task_ctx()).map_err(|e| source.running(&e))
    }
}

/// Rows in files that no table has yet.
#[derive(Default)]
pub(super) struct Written {
    pub(super) files: Vec<NewFile>,
    pub(super) rows: u64,
    pub(super) duplicates: Option<Duplicates>,
    pub(super) passed: Passed,
}

/// New files of a table, as readers name them.
pub(super) fn data_files(path: &TablePath, files: &[NewFile]) -> Vec<DataFile> {
    let file = |file: &NewFile| DataFile {
        path: format!("{path}/{}", file.name),
        size: file.size,
        rows: file.rows,
    };
    files.iter().map(file).collect()
}

/// The contract with its comments, where other tools look for them.
pub(super) fn stored_schema(model: &Model) -> SchemaRef {
    let fields: Vec<Field> = model
        .header
        .columns
        .iter()
        .map(|column| {
            let field = Field::new(&column.name, column.column_type.to_arrow(), true);
            if column.doc.is_empty() {
                field
            } else {
                field.with_metadata([("comment".to_owned(), column.doc.clone())].into())
            }
        })
        .collect();
    Arc::new(Schema::new(fields))
}
