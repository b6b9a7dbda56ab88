//! A workspace in which inputs have only the rows of some keys.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::ViewTable;
use salesmart_core::{Error, Result};
use salesmart_lake::DataFile;

use super::keys::{IS_CHANGED, IsChanged, Keys};
use super::{Increment, Input, Part, register};
use crate::build::table::Job;
use crate::catalog::Model;
use crate::diagnostics::Source;
use crate::graph;
use crate::name::Relation;
use crate::session::{Workspace, config};
use crate::sql::Instant;
use crate::{plan, sql, store};

impl Job {
    /// Everything that the model reads, the inputs that change keys with the rows of these keys
    /// only, and the views between planned over them.
    pub(in crate::build) async fn restricted(
        &self,
        model: &Model,
        increment: &Increment,
        keys: &Arc<Keys>,
    ) -> Result<Workspace> {
        self.only_keys(model, &increment.inputs, &[], self.instant, keys).await
    }

    /// The same, as it was at another instant: with other versions of the inputs that change keys,
    /// and of others.
    pub(super) async fn only_keys(
        &self,
        model: &Model,
        inputs: &[Input],
        others: &[(Relation, Vec<Part>)],
        instant: Instant,
        keys: &Arc<Keys>,
    ) -> Result<Workspace> {
        let mut config = config();
        // A key is asked for before the row's other columns are read.
        config.options_mut().execution.parquet.pushdown_filters = true;
        let workspace = self.workspace.fresh(&self.business, config);
        workspace.context().register_udf(IsChanged::udf(keys));

        let closure = graph::closure(&self.catalog, model);
        for relation in &closure.bases {
            let other = others.iter().find(|(other, _)| other == *relation);
            if let Some(input) = inputs.iter().find(|input| input.relation == **relation) {
                self.restrict(&workspace, input, keys).await?;
            } else if let Some((_, parts)) = other {
                let schema = plan::relation_schema(&self.catalog, relation)
                    .ok_or_else(|| Error::bug(format!("`{relation}` has no schema")))?;
                let files: Vec<DataFile> =
                    parts.iter().flat_map(|part| part.files.iter().cloned()).collect();
                let provider = store::provider(&self.lake, &files, schema)?;
                register(&workspace, relation, provider)?;
            } else {
                register(&workspace, relation, self.current(relation).await?)?;
            }
        }
        for view in closure.views {
            let plan = plan::plan_model(&workspace, view, instant).await?;
            let relation = Relation::Model(view.name.clone());
            register(&workspace, &relation, Arc::new(ViewTable::new(plan, None)))?;
        }
        Ok(workspace)
    }

    pub(super) async fn current(&self, relation: &Relation) -> Result<Arc<dyn TableProvider>> {
        self.workspace
            .provider(relation)
            .await
            .ok()
            .flatten()
            .ok_or_else(|| Error::bug(format!("`{relation}` is not there")))
    }

    /// Registers an input under its name with the rows of the keys only.
    async fn restrict(&self, workspace: &Workspace, input: &Input, keys: &Arc<Keys>) -> Result<()> {
        let schema = plan::relation_schema(&self.catalog, &input.relation)
            .ok_or_else(|| Error::bug(format!("`{}` has no schema", input.relation)))?;
        let files: Vec<DataFile> =
            input.parts.iter().flat_map(|part| holding(part, keys)).collect();
        let all = store::provider(&self.lake, &files, schema)?;
        only(workspace, &input.relation, &input.key, all, keys).await
    }

    /// Registers a snapshot's own rows of the keys.
    pub(in crate::build) async fn restrict_own(
        &self,
        workspace: &Workspace,
        model: &Model,
        key: &str,
        files: &[DataFile],
        keys: &Arc<Keys>,
    ) -> Result<()> {
        let relation = Relation::Model(model.name.clone());
        let all = store::provider(&self.lake, files, plan::contract_schema(model))?;
        only(workspace, &relation, key, all, keys).await
    }
}

/// Registers a table under a name with the rows of some keys only.
async fn only(
    workspace: &Workspace,
    relation: &Relation,
    key: &str,
    all: Arc<dyn TableProvider>,
    keys: &Arc<Keys>,
) -> Result<()> {
    let is_column = all.schema().column_with_name(key).is_some();
    register(workspace, relation, all)?;
    let mut text = format!("select * from {relation} where {IS_CHANGED}(cast({key} as varchar))");
    // What lies outside of all keys is skipped by the statistics of the files.
    if let (true, Some(low), Some(high)) = (is_column, keys.iter().min(), keys.iter().max()) {
        let quoted = |key: &String| key.replace('\'', "''");
        let _ = write!(text, " and {key} between '{}' and '{}'", quoted(low), quoted(high));
    }
    let query = sql::parse("changed_by", &text)?;
    let source = Source { file: "changed_by", text: &text };
    let plan = workspace.plan(query).await.map_err(|e| source.plan_error(&e))?;
    register(workspace, relation, Arc::new(ViewTable::new(plan, None)))
}

/// The files of a table that may hold some of the keys.
fn holding(part: &Part, keys: &Keys) -> Vec<DataFile> {
    if part.ranges.is_empty() {
        return part.files.clone();
    }
    let sorted: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
    let holds = |file: &&DataFile| {
        part.ranges
            .iter()
            .find(|range| file.path.strip_suffix(range.name.as_str()).is_some())
            .is_none_or(|range| {
                sorted.range(range.low.as_str()..=range.high.as_str()).next().is_some()
            })
    };
    part.files.iter().filter(holds).cloned().collect()
}
