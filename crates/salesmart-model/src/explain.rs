//! Reading a release together with what its figures are made of.
//!
//! Views of the marts are in no release: nothing of them is stored. They read published tables
//! and the settings only, so they can be planned over any release, as of its instant. Only those
//! that a query names, itself or through others, are planned.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::datasource::{MemTable, ViewTable};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::{DataFrame, SQLOptions};
use salesmart_core::{Error, Result};
use salesmart_lake::Lake;

use crate::catalog::Catalog;
use crate::diagnostics::Source;
use crate::name::{Relation, TableName};
use crate::nearest::nearest;
use crate::plan::{analysed, plan_model};
use crate::query::{FILE, open, unwrapped};
use crate::refs::{self, Reference};
use crate::session::{Workspace, config};
use crate::settings::BusinessSettings;
use crate::sql::{self, Instant};
use crate::{store, system};

/// Runs a query over a release (`tables`: the exact versions, by `schema.table`) in which the
/// catalog's views of the marts can be named too, and `system.business`, `system.holiday` and
/// `system.target`. `$as_of` and `$as_of_date`, in the query and in the views, are the release's
/// instant.
///
/// # Errors
/// When the text is not one query, names what is not there, a view does not fit the release's
/// tables, or the store fails.
pub async fn explain(
    lake: &Lake,
    tables: &BTreeMap<String, u64>,
    as_of: DateTime<Utc>,
    catalog: &Catalog,
    business: &BusinessSettings,
    sql: &str,
) -> Result<SendableRecordBatchStream> {
    let workspace = Workspace::new(business, Arc::new(RuntimeEnv::default()), config());
    store::attach(workspace.context(), lake);
    let explained =
        Explained { lake, tables, instant: Instant::new(as_of, business), catalog, workspace };

    let query = sql::parse(FILE, sql)?;
    let found = refs::find(FILE, &query);
    if let Some(error) = Error::many(found.problems) {
        return Err(error);
    }
    explained.provide(&found.reads, business).await?;

    let source = Source { file: FILE, text: sql };
    let bound = sql::bind(&query, explained.instant);
    let plan = analysed(&explained.workspace, bound, source).await?;
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)
        .map_err(|e| source.plan_error(&e))?;
    let frame = DataFrame::new(explained.workspace.context().state(), plan);
    frame.execute_stream().await.map_err(|e| unwrapped(&e).unwrap_or_else(|| source.running(&e)))
}

struct Explained<'a> {
    lake: &'a Lake,
    tables: &'a BTreeMap<String, u64>,
    instant: Instant,
    catalog: &'a Catalog,
    workspace: Workspace,
}

impl Explained<'_> {
    /// Makes everything readable that the query reads, itself or through views.
    async fn provide(&self, reads: &[Reference], business: &BusinessSettings) -> Result<()> {
        let mut views: BTreeSet<&TableName> = BTreeSet::new();
        let mut known: BTreeSet<&Relation> = BTreeSet::new();
        let mut waiting: Vec<&Reference> = reads.iter().collect();
        while let Some(read) = waiting.pop() {
            if !known.insert(&read.relation) {
                continue;
            }
            match &read.relation {
                Relation::Model(name) => match self.tables.get(&name.to_string()) {
                    Some(version) => {
                        let table = open(self.lake, name, *version).await?;
                        self.register(&read.relation, table)?;
                    }
                    None => match self.catalog.model(name) {
                        Some(model) if model.is_published_view() => {
                            views.insert(name);
                            waiting.extend(&model.reads);
                        }
                        _ => return Err(self.unknown(read)),
                    },
                },
                Relation::System(table) => match system::of_settings(table, business)? {
                    Some(batch) => {
                        let rows = MemTable::try_new(batch.schema(), vec![vec![batch]]);
                        let rows = rows.map_err(|e| {
                            Error::bug(format!("`system.{table}` has no rows")).with_source(e)
                        })?;
                        self.register(&read.relation, Arc::new(rows))?;
                    }
                    None => return Err(self.unknown(read)),
                },
                Relation::Raw { .. } => return Err(self.unknown(read)),
            }
        }
        for model in self.catalog.order().iter().filter_map(|name| self.catalog.model(name)) {
            if !views.contains(&model.name) {
                continue;
            }
            let plan = plan_model(&self.workspace, model, self.instant).await.map_err(|e| {
                e.wrap(format!("the view `{}` does not fit the release", model.name)).with_hint(
                    "the release is older than the model: run the pipeline, then ask again",
                )
            })?;
            let view = Arc::new(ViewTable::new(plan, None));
            self.register(&Relation::Model(model.name.clone()), view)?;
        }
        Ok(())
    }

    fn register(&self, relation: &Relation, table: Arc<dyn TableProvider>) -> Result<()> {
        self.workspace
            .register(relation, table)
            .map_err(|e| Error::bug(format!("`{relation}` cannot be registered")).with_source(e))
    }

    fn unknown(&self, read: &Reference) -> Error {
        let views = self.catalog.models().filter(|model| model.is_published_view());
        let names: Vec<String> =
            self.tables.keys().cloned().chain(views.map(|model| model.name.to_string())).collect();
        let typed = read.relation.to_string();
        let error = Error::configuration(format!("table `{typed}` is not in the release"))
            .at(read.location.clone());
        match nearest(&typed, names.iter().map(String::as_str)) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error.with_hint("`show tables` lists what a release has"),
        }
    }
}
