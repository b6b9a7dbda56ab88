//! Asking a release together with the views that its figures are computed from.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use salesmart_core::Result;
use salesmart_lake::{Lake, Release};
use salesmart_model::{BusinessSettings, Catalog, Model, TableName};
use salesmart_run::Workspace;

use crate::commands::query::{failed, versions};
use crate::output::texts;

/// A row of values as text; `None` is null.
pub(super) type Row = Vec<Option<String>>;

/// A release that is asked.
pub(super) struct Explained<'a> {
    lake: &'a Lake,
    release: &'a Release,
    catalog: &'a Catalog,
    business: BusinessSettings,
    tables: BTreeMap<String, u64>,
}

impl<'a> Explained<'a> {
    pub(super) fn new(workspace: &'a Workspace, lake: &'a Lake, release: &'a Release) -> Self {
        Self {
            lake,
            release,
            catalog: workspace.catalog(),
            business: workspace.business(),
            tables: versions(release),
        }
    }

    pub(super) fn catalog(&self) -> &'a Catalog {
        self.catalog
    }

    /// Whether the release has a table, or the models a view of that name.
    pub(super) fn has(&self, table: &str) -> bool {
        self.tables.contains_key(table)
            || table
                .parse::<TableName>()
                .is_ok_and(|name| self.catalog.model(&name).is_some_and(Model::is_published_view))
    }

    /// The rows of a question, as they come.
    pub(super) async fn stream(&self, sql: &str) -> Result<SendableRecordBatchStream> {
        tracing::debug!(target: "explain", sql, "asking the release");
        let as_of = self.release.as_of;
        salesmart_model::explain(self.lake, &self.tables, as_of, self.catalog, &self.business, sql)
            .await
    }

    /// The rows of a question, as text.
    pub(super) async fn rows(&self, sql: &str) -> Result<Vec<Row>> {
        let mut stream = self.stream(sql).await?;
        let mut batches: Vec<RecordBatch> = Vec::new();
        while let Some(batch) = stream.next().await {
            batches.push(batch.map_err(failed)?);
        }
        texts(&batches)
    }
}
