//! Running checks on built tables: as few scans as sensible, and for what fails, how many rows
//! offend and some of them.

mod rows;
mod unique;

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::{DataFusionError, ScalarValue, TableReference};
use datafusion::functions_aggregate::expr_fn::{count, max};
use datafusion::logical_expr::{Expr, JoinType, case, lit};
use datafusion::prelude::{DataFrame, ident};
use futures::StreamExt;
use salesmart_core::receipt::CheckResult;
use salesmart_core::{Error, Result};
use salesmart_lake::Lake;

pub(crate) use self::rows::row_text;
use self::rows::{number, samples};
pub(crate) use self::unique::shared;
use crate::build::{Built, Progress};
use crate::catalog::{Catalog, Model, SqlCheck};
use crate::diagnostics::Source;
use crate::name::{Relation, TableName};
use crate::plan::{check_value, plan_check};
use crate::rule::{CheckSpec, Rule};
use crate::session::{WAREHOUSE, Workspace};
use crate::sql::Instant;
use crate::store;

/// Tables that are checked at the same time.
const AT_ONCE: usize = 2;

/// What checks need to know.
pub(crate) struct Checker<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) catalog: &'a Catalog,
    pub(crate) lake: &'a Lake,
    pub(crate) instant: Instant,
    pub(crate) last_release: Option<&'a BTreeMap<String, u64>>,
    pub(crate) built: &'a BTreeMap<TableName, Built>,
    /// What can be read now.
    pub(crate) readable: &'a BTreeMap<Relation, String>,
    pub(crate) on_progress: &'a (dyn Fn(Progress) + Send + Sync),
}

impl Checker<'_> {
    /// Runs the checks of some tables, and the SQL checks that read any of them. `late`: SQL
    /// checks that need what is built after the checks.
    pub(crate) async fn run(
        &self,
        tables: &BTreeSet<TableName>,
        late: bool,
    ) -> Result<Vec<CheckResult>> {
        // A view of the marts is as large as what could be asked of it, and only a part is ever
        // asked: what is checked is the tables that read it.
        let models = tables.iter().filter_map(|name| self.catalog.model(name));
        let models = models.filter(|model| !model.is_published_view());
        let of_tables: Vec<Result<Vec<CheckResult>>> =
            futures::stream::iter(models.map(|model| self.table(model)))
                .buffered(AT_ONCE)
                .collect()
                .await;
        let mut results = Vec::new();
        for outcome in of_tables {
            results.extend(outcome?);
        }
        for check in self.catalog.checks().filter(|check| self.is_due(check, tables, late)) {
            let result = self.sql(check).await.map_err(|e| {
                e.wrap(format!("failed to run check `{}` ({})", check.name, check.file))
            })?;
            (self.on_progress)(Progress::Checked(result.clone()));
            results.push(result);
        }
        Ok(results)
    }

    fn is_due(&self, check: &SqlCheck, tables: &BTreeSet<TableName>, late: bool) -> bool {
        let needs_late = check.reads.iter().any(|read| match &read.relation {
            Relation::Model(name) => self.catalog.is_after_checks(name),
            Relation::System(table) => crate::graph::AFTER_CHECKS.contains(&table.as_str()),
            Relation::Raw { .. } => false,
        });
        let touches = check.reads.iter().any(|read| match &read.relation {
            Relation::Model(name) => tables.contains(name),
            _ => false,
        });
        let can = check.reads.iter().all(|read| self.readable.contains_key(&read.relation));
        if touches && !can && needs_late == late {
            tracing::warn!(check = check.name, "left out: it reads a table that was never built");
        }
        needs_late == late && can && (touches || late)
    }

    async fn table(&self, model: &Model) -> Result<Vec<CheckResult>> {
        let results = self
            .table_checks(model)
            .await
            .map_err(|e| e.wrap(format!("failed to check `{}` ({})", model.name, model.file)))?;
        for result in &results {
            (self.on_progress)(Progress::Checked(result.clone()));
        }
        Ok(results)
    }

    async fn table_checks(&self, model: &Model) -> Result<Vec<CheckResult>> {
        let checks = &model.header.checks;
        if checks.is_empty() {
            return Ok(Vec::new());
        }
        let source = Source { file: &model.file, text: &model.text };
        let failed = |e: DataFusionError| source.running(&e);
        let frame = self.frame(&model.name).await.map_err(failed)?;

        // One scan answers everything that looks at one row at a time and was not seen to hold
        // while the rows were written.
        let built = self.built.get(&model.name);
        let holds = |check: &CheckSpec| built.is_some_and(|b| b.passed.contains(&check.name()));
        let mut answers = vec![count(lit(1)).alias("rows")];
        for (index, check) in checks.iter().enumerate() {
            if holds(check) {
                continue;
            }
            if let Some(offends) = offends(model, check) {
                let counted = case(lit(true)).when(offends, lit(1)).end().map_err(failed)?;
                answers.push(count(counted).alias(format!("c{index}")));
            } else if let Rule::Freshness { column, .. } = &check.rule {
                answers.push(max(ident(column)).alias(format!("c{index}")));
            }
        }
        let answer = frame
            .clone()
            .aggregate(vec![], answers)
            .map_err(failed)?
            .collect()
            .await
            .map_err(failed)?;
        let value = |name: &str| -> Result<ScalarValue> {
            let batch = answer.iter().find(|batch| batch.num_rows() > 0);
            batch
                .and_then(|batch| batch.column_by_name(name))
                .and_then(|column| ScalarValue::try_from_array(column, 0).ok())
                .ok_or_else(|| Error::bug("a check's answer is missing"))
        };

        let total = number(&value("rows")?);
        let mut results = Vec::new();
        for (index, check) in checks.iter().enumerate() {
            let mut result = CheckResult {
                table: model.name.to_string(),
                column: check.column.clone(),
                check: check.text.clone(),
                severity: check.severity,
                passed: true,
                offending_rows: 0,
                samples: Vec::new(),
                location: Some(check.location.clone()),
            };
            match &check.rule {
                Rule::NotNull | Rule::AcceptedValues(_) | Rule::Between(..) if holds(check) => {}
                Rule::NotNull | Rule::AcceptedValues(_) | Rule::Between(..) => {
                    result.offending_rows = number(&value(&format!("c{index}"))?);
                    if result.offending_rows > 0
                        && let Some(offends) = offends(model, check)
                    {
                        let offending = frame.clone().filter(offends).map_err(failed)?;
                        result.samples =
                            samples(offending, &shown(model, check)).await.map_err(failed)?;
                    }
                }
                Rule::Unique | Rule::UniqueTogether(_) => {
                    let found = self.duplicates(model, check, &frame).await.map_err(failed)?;
                    result.offending_rows = found.rows;
                    result.samples = found.samples;
                }
                Rule::Relationships { table, column } => {
                    if !self.readable.contains_key(&Relation::Model(table.clone())) {
                        tracing::warn!(check = check.text, "left out: `{table}` was never built");
                        continue;
                    }
                    let orphans =
                        self.orphans(model, check, &frame, table, column).await.map_err(failed)?;
                    result.offending_rows = orphans.clone().count().await.map_err(failed)? as u64;
                    if result.offending_rows > 0 {
                        result.samples =
                            samples(orphans, &shown(model, check)).await.map_err(failed)?;
                    }
                }
                Rule::RowCountChange(share) => {
                    self.row_count_change(model, *share, total, &mut result).await?;
                }
                Rule::Freshness { column, max_age_seconds } => {
                    self.freshness(
                        column,
                        *max_age_seconds,
                        &value(&format!("c{index}"))?,
                        total,
                        &mut result,
                    );
                }
            }
            result.passed &= result.offending_rows == 0;
            results.push(result);
        }
        Ok(results)
    }

    async fn frame(&self, name: &TableName) -> Result<DataFrame, DataFusionError> {
        let reference = TableReference::full(WAREHOUSE, name.schema.as_str(), name.table.as_str());
        self.workspace.context().table(reference).await
    }

    /// Rows whose value the other table does not know.
    async fn orphans(
        &self,
        model: &Model,
        check: &CheckSpec,
        frame: &DataFrame,
        table: &TableName,
        column: &str,
    ) -> Result<DataFrame, DataFusionError> {
        let own = check.column.as_deref().unwrap_or_default();
        let known = self.frame(table).await?.select(vec![ident(column).alias("known_value")])?;
        let columns: Vec<Expr> =
            shown(model, check).iter().map(|name| ident(*name).alias(*name)).collect();
        frame.clone().filter(ident(own).is_not_null())?.select(columns)?.join(
            known,
            JoinType::LeftAnti,
            &[own],
            &["known_value"],
            None,
        )
    }

    #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
    async fn row_count_change(
        &self,
        model: &Model,
        share: f64,
        rows: u64,
        result: &mut CheckResult,
    ) -> Result<()> {
        let name = model.name.to_string();
        let Some(version) = self.last_release.and_then(|release| release.get(&name).copied())
        else {
            return Ok(());
        };
        let path = store::path(&model.name);
        if self.built.get(&model.name).is_some_and(|built| built.version == version) {
            return Ok(());
        }
        let before = self.lake.table_at(&path, version).await?.rows;
        let change = (rows as f64 - before as f64) / before as f64;
        if before > 0 && change.abs() > share {
            result.offending_rows = rows.abs_diff(before);
            result.samples = vec![format!(
                "{rows} rows, {before} in the last release ({:+.1}%)",
                change * 100.0
            )];
        }
        Ok(())
    }

    fn freshness(
        &self,
        column: &str,
        max_age: i64,
        newest: &ScalarValue,
        rows: u64,
        result: &mut CheckResult,
    ) {
        let age = match newest {
            ScalarValue::Date32(Some(days)) => {
                let epoch = chrono::NaiveDate::default();
                ((self.instant.date - epoch).num_days() - i64::from(*days)) * 86_400
            }
            ScalarValue::TimestampMicrosecond(Some(micros), _) => {
                (self.instant.as_of.timestamp_micros() - micros) / 1_000_000
            }
            // No rows: nothing to be stale. Rows without any value: nobody knows how new they are.
            _ if rows == 0 => return,
            _ => {
                result.offending_rows = rows;
                result.samples = vec![format!("no row has a `{column}`")];
                return;
            }
        };
        if age > max_age {
            result.offending_rows = rows;
            result.samples = vec![format!(
                "the newest `{column}` is {newest}, {:.1} days before the as-of instant",
                age as f64 / 86_400.0
            )];
        }
    }

    async fn sql(&self, check: &SqlCheck) -> Result<CheckResult> {
        let source = Source { file: &check.file, text: &check.text };
        let failed = |e: DataFusionError| source.running(&e);
        let plan = plan_check(self.workspace, check, self.instant).await?;
        let frame = DataFrame::new(self.workspace.context().state(), plan);
        let mut offending_rows = 0;
        let mut stream = frame.clone().execute_stream().await.map_err(failed)?;
        while let Some(batch) = stream.next().await {
            offending_rows += batch.map_err(failed)?.num_rows() as u64;
        }
        let samples = if offending_rows > 0 {
            let columns: Vec<String> =
                frame.schema().fields().iter().map(|field| field.name().clone()).collect();
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            samples(frame, &columns).await.map_err(failed)?
        } else {
            Vec::new()
        };
        Ok(CheckResult {
            table: check.table.to_string(),
            column: None,
            check: check.name.clone(),
            severity: check.severity,
            passed: offending_rows == 0,
            offending_rows,
            samples,
            location: Some(check.location.clone()),
        })
    }
}

/// When a single row offends a check, where that can be said of a single row.
pub(crate) fn offends(model: &Model, check: &CheckSpec) -> Option<Expr> {
    let name = check.column.as_deref()?;
    let column_type = model.header.column(name)?.column_type;
    let value =
        |text: &String| check_value(column_type, text).map(|value| Expr::Literal(value, None));
    Some(match &check.rule {
        Rule::NotNull => ident(name).is_null(),
        Rule::AcceptedValues(values) => {
            ident(name).in_list(values.iter().map(value).collect::<Option<Vec<_>>>()?, true)
        }
        Rule::Between(low, high) => ident(name).lt(value(low)?).or(ident(name).gt(value(high)?)),
        _ => return None,
    })
}

/// The columns by which a person finds an offending row, and the one that offends.
fn shown<'a>(model: &'a Model, check: &'a CheckSpec) -> Vec<&'a str> {
    let mut columns: Vec<&str> = model.header.grain.iter().map(String::as_str).collect();
    if let Some(column) = check.column.as_deref()
        && !columns.contains(&column)
    {
        columns.push(column);
    }
    columns
}
