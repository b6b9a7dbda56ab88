//! Where each column of each model comes from, read off the plan of its SQL.
//!
//! The plan knows what a text search cannot: which of two columns of one name is meant, what `*`
//! stands for, what a common table expression passes on. Every node gives, for each of its output
//! columns, the columns its values are made of and those that only decide which value it is, and
//! for all its rows together the columns that decide which rows there are.
//!
//! ```text
//! select team, sum(case when won then amount end) as value    value ◀ amount (aggregated)
//! from deal where closed group by team                        value ◁ won (condition)
//!                                                             rows  ◁ closed (filter), team (group)
//! ```
//!
//! The plan is taken before it is optimised: an optimiser folds away what a reader asks for. One
//! model is looked at a time, so its sources are the tables it names itself; whoever wants to know
//! more follows them.

mod expression;
mod flow;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::DataFusionError;
use datafusion::datasource::empty::EmptyTable;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::LogicalPlan;
use salesmart_core::{Error, Result};

use crate::catalog::{Catalog, Model};
use crate::name::{Relation, TableName};
use crate::plan::{plan_model, relation_schema};
use crate::session::{Workspace, config};
use crate::settings::BusinessSettings;
use crate::sql::Instant;
use crate::system;

/// A column that something comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceColumn {
    /// The table.
    pub relation: Relation,
    /// Its column.
    pub column: String,
}

impl fmt::Display for SourceColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.relation, self.column)
    }
}

/// What was done to a source's values on their way. Of several, the last named counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Nothing: they were only renamed or given another type.
    Copied,
    /// They went through an expression.
    Computed,
    /// Many rows' values became one.
    Aggregated,
}

impl Way {
    /// As pages spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Way::Copied => "copied",
            Way::Computed => "computed",
            Way::Aggregated => "aggregated",
        }
    }
}

/// How a column takes part without its values being passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Influence {
    /// It decides which rows there are: `where`, `having`, `exists`.
    Filter,
    /// It decides which rows meet: a join's condition.
    Join,
    /// It decides which rows become one: `group by`, `distinct`, `partition by`.
    Group,
    /// It decides which row is first.
    Order,
    /// It decides which of several values is taken: `case when`, an aggregate's `filter`.
    Condition,
}

impl Influence {
    /// As pages spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Influence::Filter => "filter",
            Influence::Join => "join",
            Influence::Group => "group",
            Influence::Order => "order",
            Influence::Condition => "condition",
        }
    }
}

/// Columns that decide, and how.
pub type Influences = BTreeMap<SourceColumn, BTreeSet<Influence>>;

/// Where one output column comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnLineage {
    /// The columns its values are made of.
    pub values: BTreeMap<SourceColumn, Way>,
    /// The columns that decide which value it is.
    pub decided_by: Influences,
    /// The tables whose rows are counted or numbered in it, whatever is in them.
    pub counts: BTreeSet<Relation>,
}

impl ColumnLineage {
    /// Whether it is the same wherever it stands: a literal, or the instant of the run. What decides
    /// between literals is in [`ColumnLineage::decided_by`].
    #[must_use]
    pub fn is_literal(&self) -> bool {
        self.values.is_empty() && self.counts.is_empty()
    }
}

/// Where the columns and the rows of a model come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelLineage {
    /// One entry a column, in the contract's order.
    pub columns: Vec<(String, ColumnLineage)>,
    /// The columns that decide which rows there are.
    pub rows: Influences,
    /// The tables its rows come from.
    pub relations: BTreeSet<Relation>,
}

impl ModelLineage {
    /// The lineage of a column.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnLineage> {
        self.columns.iter().find(|(known, _)| known == name).map(|(_, lineage)| lineage)
    }
}

/// The lineage of every model of the catalog. Nothing is read but what is in memory.
///
/// # Errors
/// When a model does not plan, as [`crate::plan_all`] says it, or its plan has a node that is not
/// known here, which is a bug.
pub async fn lineage(
    catalog: &Catalog,
    business: &BusinessSettings,
) -> Result<BTreeMap<TableName, ModelLineage>> {
    let workspace = Workspace::new(business, Arc::new(RuntimeEnv::default()), config());
    let models = catalog.models().map(|model| Relation::Model(model.name.clone()));
    let given = system::TABLES.iter().map(|table| Relation::System((*table).to_owned()));
    for relation in models.chain(given).chain(catalog.raw().relations()) {
        let Some(schema) = relation_schema(catalog, &relation) else { continue };
        let table: Arc<dyn TableProvider> = Arc::new(EmptyTable::new(schema));
        workspace
            .register(&relation, table)
            .map_err(|e| Error::bug(format!("`{relation}` cannot be declared")).with_source(e))?;
    }
    let instant = Instant::of_no_meaning();
    let mut all = BTreeMap::new();
    for model in catalog.models() {
        let plan = plan_model(&workspace, model, instant).await?;
        all.insert(model.name.clone(), of_plan(model, &plan)?);
    }
    Ok(all)
}

fn of_plan(model: &Model, plan: &LogicalPlan) -> Result<ModelLineage> {
    let frame = walk::Walk::default().plan(plan).map_err(|e: DataFusionError| {
        Error::bug(format!("the lineage of `{}` cannot be read from its plan", model.name))
            .at(model.header.location.clone())
            .with_source(e)
    })?;
    let names = model.header.columns.iter().map(|column| column.name.clone());
    Ok(ModelLineage {
        columns: names.zip(frame.columns.into_iter().map(flow::Flow::lineage)).collect(),
        rows: frame.rows,
        relations: frame.relations,
    })
}
