//! Planning every model against the declared schemas of what it reads, without any data.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use chrono::DateTime;
use datafusion::catalog::TableProvider;
use datafusion::common::{Column, ScalarValue, TableReference};
use datafusion::datasource::empty::EmptyTable;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};
use datafusion::sql::sqlparser::ast::Query;
use salesmart_core::{ColumnType, Error, Result};

use crate::catalog::{Catalog, Model, SqlCheck};
use crate::diagnostics::Source;
use crate::header::ColumnContract;
use crate::incremental::AsOf;
use crate::name::Relation;
use crate::nearest::nearest;
use crate::raw::{RawStream, quoted};
use crate::rule::Rule;
use crate::session::{Workspace, config};
use crate::settings::BusinessSettings;
use crate::sql::{self, Instant};
use crate::system;

/// Proof that every model plans and keeps its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Models that were planned.
    pub models: usize,
    /// Checks that were read, in headers and files.
    pub checks: usize,
}

/// The schema of a model's table, by its contract.
pub(crate) fn contract_schema(model: &Model) -> SchemaRef {
    let fields: Vec<Field> = model
        .header
        .columns
        .iter()
        .map(|column| Field::new(&column.name, column.column_type.to_arrow(), true))
        .collect();
    Arc::new(Schema::new(fields))
}

/// The schema of anything a query may read.
pub(crate) fn relation_schema(catalog: &Catalog, relation: &Relation) -> Option<SchemaRef> {
    match relation {
        Relation::Model(name) => catalog.model(name).map(contract_schema),
        Relation::System(table) => system::schema(table),
        Relation::Raw { system, stream } => catalog.raw().schema(system, stream),
    }
}

/// Plans every model and SQL check, and compares models with their contracts and pipelines with
/// `source:`. Nothing is read but what is in memory.
///
/// # Errors
/// With every problem found: file, line, what was expected and found.
pub async fn plan_all(
    catalog: &Catalog,
    raw: &[RawStream],
    business: &BusinessSettings,
) -> Result<Planned> {
    let mut problems = Vec::new();
    catalog.raw().check(raw, &mut problems);

    let workspace = Workspace::new(business, Arc::new(RuntimeEnv::default()), config());
    let relations = catalog
        .models()
        .map(|model| Relation::Model(model.name.clone()))
        .chain(system::TABLES.iter().map(|table| Relation::System((*table).to_owned())))
        .chain(catalog.raw().relations());
    for relation in relations {
        let Some(schema) = relation_schema(catalog, &relation) else { continue };
        let table: Arc<dyn TableProvider> = Arc::new(EmptyTable::new(schema));
        workspace
            .register(&relation, table)
            .map_err(|e| Error::bug(format!("`{relation}` cannot be declared")).with_source(e))?;
    }
    // The instant's value does not matter here, only its type.
    let instant = Instant::new(DateTime::UNIX_EPOCH, business);
    let mut checks = 0;
    for model in catalog.models() {
        checks += model.header.checks.len();
        check_values(model, &mut problems);
        if let Err(error) = plan_model(&workspace, model, instant).await {
            problems.push(error);
        }
        plan_incremental(&workspace, model, &mut problems).await;
    }
    for check in catalog.checks() {
        checks += 1;
        if let Err(error) = plan_check(&workspace, check, instant).await {
            problems.push(error);
        }
    }
    match Error::many(problems) {
        Some(error) => Err(error),
        None => Ok(Planned { models: catalog.models().count(), checks }),
    }
}

/// Plans what a model says of its keys.
async fn plan_incremental(workspace: &Workspace, model: &Model, problems: &mut Vec<Error>) {
    let Some(incremental) = &model.header.incremental else { return };
    for input in &incremental.changed_by {
        let text = format!("select {} as key from {}", input.key, input.relation);
        let planned = async {
            let query = sql::parse(&model.file, &text)?;
            analysed(workspace, query, Source { file: &model.file, text: &text }).await
        };
        if let Err(error) = planned.await {
            problems.push(error.at(input.location.clone()));
        }
    }
    for matters in &incremental.matters {
        let Some(query) = &matters.query else { continue };
        let query = sql::bind(query, Instant::of_no_meaning());
        let source = Source { file: &model.file, text: &matters.text };
        if let Err(error) = analysed(workspace, query, source).await {
            problems.push(error.at(matters.location.clone()));
        }
    }
    if let Some(periods) = &incremental.periods {
        let query = sql::bind(&periods.query, Instant::of_no_meaning());
        let source = Source { file: &model.file, text: &periods.text };
        match analysed(workspace, query, source).await {
            Ok(plan) if plan.schema().has_column_with_unqualified_name("date_day") => {}
            Ok(_) => problems.push(
                Error::configuration("`periods:` does not say of which day its rows are")
                    .at(periods.location.clone())
                    .with("expected", "a column `date_day`"),
            ),
            Err(error) => problems.push(error.at(periods.location.clone())),
        }
    }
    if let AsOf::Moves(query, text, location) = &incremental.as_of {
        let instant = Instant::of_no_meaning();
        let query = sql::bind_since(query, instant, instant);
        let source = Source { file: &model.file, text };
        match analysed(workspace, query, source).await {
            Ok(plan) if plan.schema().fields().len() == 1 => {}
            Ok(_) => problems.push(
                Error::configuration("`as_of:` gives more than keys")
                    .at(location.clone())
                    .with("expected", "a query with one column"),
            ),
            Err(error) => problems.push(error.at(location.clone())),
        }
    }
}

/// Plans a model and brings its result to the contract: the declared columns with exactly the
/// declared types.
pub(crate) async fn plan_model(
    workspace: &Workspace,
    model: &Model,
    instant: Instant,
) -> Result<LogicalPlan> {
    let source = Source { file: &model.file, text: &model.text };
    let plan = analysed(workspace, sql::bind(&model.query, instant), source).await?;
    conform(plan, model)
}

/// Plans a SQL check.
pub(crate) async fn plan_check(
    workspace: &Workspace,
    check: &SqlCheck,
    instant: Instant,
) -> Result<LogicalPlan> {
    let source = Source { file: &check.file, text: &check.text };
    analysed(workspace, sql::bind(&check.query, instant), source).await
}

/// A query's plan with its types coerced: only then are they known for sure, and only there does
/// `date + text` fail.
pub(crate) async fn analysed(
    workspace: &Workspace,
    query: Query,
    source: Source<'_>,
) -> Result<LogicalPlan> {
    let plan = workspace.plan(query).await.map_err(|e| source.plan_error(&e))?;
    let state = workspace.context().state();
    state
        .analyzer()
        .execute_and_check(plan, state.config_options(), |_, _| {})
        .map_err(|e| source.plan_error(&e))
}

struct Output {
    qualifier: Option<TableReference>,
    name: String,
    data_type: DataType,
}

fn conform(plan: LogicalPlan, model: &Model) -> Result<LogicalPlan> {
    let outputs: Vec<Output> = plan
        .schema()
        .iter()
        .map(|(qualifier, field)| Output {
            qualifier: qualifier.cloned(),
            name: field.name().clone(),
            data_type: field.data_type().clone(),
        })
        .collect();
    let mut problems = compare(model, &outputs);
    if problems.is_empty() {
        for (contract, output) in model.header.columns.iter().zip(&outputs) {
            if ColumnType::from_arrow(&output.data_type) != Some(contract.column_type) {
                problems.push(wrong_type(model, contract, &output.data_type));
            }
        }
    }
    if let Some(error) = Error::many(problems) {
        return Err(error);
    }
    let columns: Vec<Expr> = model
        .header
        .columns
        .iter()
        .zip(outputs)
        .map(|(contract, output)| {
            let column = Expr::Column(Column::new(output.qualifier, output.name));
            let declared = contract.column_type.to_arrow();
            let column = if output.data_type == declared { column } else { cast(column, declared) };
            column.alias(&contract.name)
        })
        .collect();
    let source = Source { file: &model.file, text: &model.text };
    LogicalPlanBuilder::from(plan)
        .project(columns)
        .and_then(LogicalPlanBuilder::build)
        .map_err(|e| source.plan_error(&e))
}

/// Names and order; types are compared when these agree.
fn compare(model: &Model, outputs: &[Output]) -> Vec<Error> {
    let contract: Vec<&str> =
        model.header.columns.iter().map(|column| column.name.as_str()).collect();
    let found: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
    if contract == found {
        return Vec::new();
    }
    let mut problems = Vec::new();
    let extra: Vec<&Output> =
        outputs.iter().filter(|output| !contract.contains(&output.name.as_str())).collect();
    for column in &model.header.columns {
        if found.contains(&column.name.as_str()) {
            continue;
        }
        let error = Error::configuration(format!(
            "`{}` does not select its column `{}`",
            model.name, column.name
        ))
        .at(column.location.clone())
        .with("expected", format!("`{}` {}", column.name, column.column_type));
        problems.push(
            match nearest(&column.name, extra.iter().map(|output| output.name.as_str())) {
                Some(near) => error
                    .with_hint(format!("the SQL selects `{near}`: write one name in both places")),
                None => error.with_hint("select it, or remove it from `columns:`"),
            },
        );
    }
    for output in &extra {
        let place = match sql::output_span(&model.query, &output.name) {
            Some(span) => sql::location(&model.file, span),
            None => model.header.location.clone(),
        };
        let declared = ColumnType::from_arrow(&output.data_type).unwrap_or(ColumnType::String);
        problems.push(
            Error::configuration(format!(
                "`{}` selects `{}`, which its contract does not declare",
                model.name, output.name
            ))
            .at(place)
            .with_hint(format!(
                "declare it under `columns:` as `{}: {{type: {}, doc: …}}`, or do not select it",
                output.name,
                quoted(declared)
            )),
        );
    }
    if problems.is_empty() {
        let duplicate =
            found.iter().find(|name| found.iter().filter(|other| other == name).count() > 1);
        problems.push(match duplicate {
            Some(name) => Error::configuration(format!("`{}` selects `{name}` twice", model.name))
                .at(sql::output_span(&model.query, name).map_or_else(
                    || model.header.location.clone(),
                    |span| sql::location(&model.file, span),
                ))
                .with_hint("name columns instead of `*`, each once"),
            None => Error::configuration(format!(
                "`{}` selects its columns in another order than its contract",
                model.name
            ))
            .at(model.header.location.clone())
            .with("expected", contract.join(", "))
            .with("found", found.join(", "))
            .with_hint("bring the final select into the order of `columns:`"),
        });
    }
    problems
}

fn wrong_type(model: &Model, contract: &ColumnContract, found: &DataType) -> Error {
    let place = match sql::output_span(&model.query, &contract.name) {
        Some(span) => sql::location(&model.file, span),
        None => contract.location.clone(),
    };
    let shown = match ColumnType::from_arrow(found) {
        Some(column_type) => column_type.to_string(),
        None if *found == DataType::Null => "null, which has no type".to_owned(),
        None => found.to_string(),
    };
    Error::configuration(format!(
        "column `{}` of `{}` has another type than its contract",
        contract.name, model.name
    ))
    .at(place)
    .with("expected", format!("{} ({})", contract.column_type, contract.location))
    .with("found", shown)
    .with_hint(format!(
        "write `{}`, or change the contract",
        cast_to(&contract.name, contract.column_type)
    ))
}

/// How SQL casts to a declared type.
fn cast_to(column: &str, column_type: ColumnType) -> String {
    let sql = match column_type {
        ColumnType::String => "varchar".to_owned(),
        ColumnType::Int64 => "bigint".to_owned(),
        ColumnType::Float64 => "double".to_owned(),
        ColumnType::Decimal(precision, scale) => format!("decimal({precision}, {scale})"),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Boolean => "boolean".to_owned(),
        ColumnType::Timestamp => {
            return format!("arrow_cast({column}, 'Timestamp(Microsecond, Some(\"UTC\"))')");
        }
    };
    format!("cast({column} as {sql})")
}

/// A literal of a check, in the type of the column it is about.
pub(crate) fn check_value(column_type: ColumnType, text: &str) -> Option<ScalarValue> {
    let array = arrow::array::StringArray::from(vec![text]);
    let options = arrow::compute::CastOptions { safe: false, ..Default::default() };
    let array =
        arrow::compute::cast_with_options(&array, &column_type.to_arrow(), &options).ok()?;
    ScalarValue::try_from_array(&array, 0).ok().filter(|value| !value.is_null())
}

/// Whether the values in checks fit the columns they are about.
fn check_values(model: &Model, problems: &mut Vec<Error>) {
    for check in &model.header.checks {
        let values: Vec<&String> = match &check.rule {
            Rule::AcceptedValues(values) => values.iter().collect(),
            Rule::Between(low, high) => vec![low, high],
            Rule::Freshness { column, .. } => {
                let column_type = model.header.column(column).map(|column| column.column_type);
                if !matches!(column_type, Some(ColumnType::Date | ColumnType::Timestamp) | None) {
                    problems.push(
                        Error::configuration(format!(
                            "`{column}` is neither a date nor a timestamp"
                        ))
                        .at(check.location.clone())
                        .with_hint("name the column that says how new a row is"),
                    );
                }
                continue;
            }
            _ => continue,
        };
        let column = check.column.as_deref().and_then(|column| model.header.column(column));
        let Some(column) = column else { continue };
        for value in values {
            if check_value(column.column_type, value).is_none() {
                problems.push(
                    Error::configuration(format!(
                        "`{value}` in a check is not a {}",
                        column.column_type
                    ))
                    .at(check.location.clone())
                    .with("column", format!("`{}` {}", column.name, column.column_type)),
                );
            }
        }
    }
}
