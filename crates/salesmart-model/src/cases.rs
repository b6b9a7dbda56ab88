//! Case files: rows in, rows out, for one model or one step of it.
//!
//! ```yaml
//! cases:
//!   - name: the last version of a deal counts
//!     as_of: 2026-01-31T00:00:00Z
//!     given:
//!       raw.crm.deals:
//!         - {deal_id: d1, amount: 10.00, _sequence: 1}
//!         - {deal_id: d1, amount: 12.00, _sequence: 2}
//!     expect:
//!       - {deal_id: d1, amount: 12.00}
//! ```
//!
//! Inputs that are not given are empty with their declared schema, except the system tables that
//! follow from the settings, such as `system.business`. Given raw rows get plausible provenance where they name none.
//! Only the columns that `expect` names are compared; the order of rows counts when
//! `ordered: true`. `cte:` names the step to look at instead of the result.

mod compare;
mod rows;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::datasource::MemTable;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::DataFrame;
use salesmart_core::yaml::{self, At, Node, Pairs};
use salesmart_core::{Error, ErrorKind, Location, Result};
use serde::Deserialize;

use crate::catalog::{Catalog, Model};
use crate::diagnostics::Source;
use crate::name::{Relation, TableName};
use crate::nearest::did_you_mean;
use crate::plan::{analysed, plan_model, relation_schema};
use crate::session::{Workspace, config};
use crate::settings::BusinessSettings;
use crate::sql::{self, Instant};
use crate::system;

type Row = Pairs<At<String>, Node>;

/// A file of cases for one model.
#[derive(Debug)]
pub struct CaseFile {
    /// The cases, in the order of the file.
    pub cases: Vec<Case>,
}

/// One case: rows in, rows out.
#[derive(Debug)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Where it stands.
    pub location: Location,
    as_of: Option<DateTime<Utc>>,
    given: Vec<(At<String>, Vec<Row>)>,
    expect: Vec<Row>,
    ordered: bool,
    cte: Option<At<String>>,
}

#[derive(Deserialize)]
struct RawFile {
    cases: Vec<RawCase>,
}

#[derive(Deserialize)]
struct RawCase {
    name: At<String>,
    #[serde(default)]
    as_of: Option<At<String>>,
    #[serde(default)]
    given: Pairs<At<String>, Vec<Row>>,
    expect: Vec<Row>,
    #[serde(default)]
    ordered: bool,
    #[serde(default)]
    cte: Option<At<String>>,
}

impl CaseFile {
    /// Reads a case file.
    ///
    /// # Errors
    /// With place, when it is not YAML, has unknown keys, or an `as_of` is no instant.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let raw: RawFile = yaml::parse(file, text, 1)?.decode()?;
        let mut cases = Vec::new();
        for case in raw.cases {
            let as_of = match case.as_of {
                None => None,
                Some(text) => Some(
                    DateTime::parse_from_rfc3339(&text.value)
                        .map_err(|e| {
                            Error::configuration(format!("`{}` is not an instant", text.value))
                                .at(text.location)
                                .with("expected", "`2026-01-31T00:00:00Z`")
                                .with_source(e)
                        })?
                        .to_utc(),
                ),
            };
            cases.push(Case {
                name: case.name.value,
                location: case.name.location,
                as_of,
                given: case.given.0,
                expect: case.expect,
                ordered: case.ordered,
                cte: case.cte,
            });
        }
        Ok(Self { cases })
    }
}

/// Runs one case of a model.
///
/// # Errors
/// When the case names what is not there, the model does not run, or the rows are not those
/// expected; then the message shows both sides.
pub async fn run_case(
    catalog: &Catalog,
    model: &TableName,
    case: &Case,
    business: &BusinessSettings,
) -> Result<()> {
    let model = catalog.model(model).ok_or_else(|| {
        Error::configuration(format!("no model is called `{model}`")).at(case.location.clone())
    })?;
    let as_of = match (case.as_of, model.uses_as_of) {
        (Some(as_of), _) => as_of,
        (None, false) => DateTime::UNIX_EPOCH,
        (None, true) => {
            return Err(Error::configuration(format!(
                "case `{}` does not say as of when",
                case.name
            ))
            .at(case.location.clone())
            .with_hint(format!(
                "`{}` reads `$as_of`: add `as_of: 2026-01-31T00:00:00Z`",
                model.name
            )));
        }
    };
    let instant = Instant::new(as_of, business);
    let workspace = Workspace::new(business, Arc::new(RuntimeEnv::default()), config());
    give(&workspace, catalog, model, case, business)?;

    let source = Source { file: &model.file, text: &model.text };
    let plan = match &case.cte {
        None => plan_model(&workspace, model, instant).await?,
        Some(cte) => {
            let query = sql::only_cte(&model.query, &cte.value).ok_or_else(|| {
                let steps: Vec<&str> = model
                    .query
                    .with
                    .iter()
                    .flat_map(|with| &with.cte_tables)
                    .map(|table| table.alias.name.value.as_str())
                    .collect();
                let error =
                    Error::configuration(format!("`{}` has no step `{}`", model.name, cte.value))
                        .at(cte.location.clone());
                match did_you_mean(&cte.value, steps, "steps there are") {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                }
            })?;
            analysed(&workspace, sql::bind(&query, instant), source).await?
        }
    };
    let batches = DataFrame::new(workspace.context().state(), plan)
        .collect()
        .await
        .map_err(|e| source.running(&e))?;
    compare::compare(&batches, &case.expect, case.ordered, &case.location)
        .map_err(|e| failure(model, case, e))
}

fn failure(model: &Model, case: &Case, difference: compare::Difference) -> Error {
    match difference {
        compare::Difference::Case(error) => error,
        compare::Difference::Rows(text) => Error::new(
            ErrorKind::CheckFailed,
            format!("case `{}` of `{}` gives other rows\n{text}", case.name, model.name),
        )
        .at(case.location.clone()),
    }
}

/// Makes the inputs readable.
fn give(
    workspace: &Workspace,
    catalog: &Catalog,
    model: &Model,
    case: &Case,
    business: &BusinessSettings,
) -> Result<()> {
    for (name, _) in &case.given {
        if !model.reads.iter().any(|read| read.relation.to_string() == name.value) {
            let reads: Vec<String> =
                model.reads.iter().map(|read| read.relation.to_string()).collect();
            let error =
                Error::configuration(format!("`{}` does not read `{}`", model.name, name.value))
                    .at(name.location.clone());
            let hint = did_you_mean(&name.value, reads.iter().map(String::as_str), "it reads");
            return Err(match hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            });
        }
    }
    for read in &model.reads {
        let schema = relation_schema(catalog, &read.relation)
            .ok_or_else(|| Error::bug(format!("`{}` has no schema", read.relation)))?;
        let name = read.relation.to_string();
        let given = case.given.iter().find(|(table, _)| table.value == name);
        let batch = match (given, &read.relation) {
            (Some((_, rows)), relation) => rows::batch(&name, relation, &schema, rows)?,
            (None, Relation::System(table)) => system::of_settings(table, business)?
                .unwrap_or_else(|| arrow::array::RecordBatch::new_empty(Arc::clone(&schema))),
            (None, _) => arrow::array::RecordBatch::new_empty(Arc::clone(&schema)),
        };
        let table = MemTable::try_new(schema, vec![vec![batch]]).map_err(|e| {
            Error::bug(format!("rows of `{name}` have another shape")).with_source(e)
        })?;
        workspace
            .register(&read.relation, Arc::new(table))
            .map_err(|e| Error::bug(format!("`{name}` cannot be registered")).with_source(e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
