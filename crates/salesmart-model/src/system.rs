//! The tables of schema `system`, which Salesmart itself provides to models.
//!
//! `business`, `holiday`, `metric`, `model_column` and `target` follow from the settings and the
//! catalog; `stream_run`, `repair`, `reconciliation` and `schema_change` come with the build request; `run`
//! and `check_result` are made after the checks, and what reads them is built last.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{Date32Type, Field, Schema, SchemaRef};
use chrono::NaiveDate;
use salesmart_core::receipt::{CheckResult, Severity};
use salesmart_core::{ColumnType, Error, Result, RunId};

use crate::catalog::Catalog;
use crate::name::Relation;
use crate::settings::{BusinessSettings, Target};

/// Every system table.
pub const TABLES: [&str; 11] = [
    "business",
    "check_result",
    "holiday",
    "metric",
    "model_column",
    "reconciliation",
    "repair",
    "run",
    "schema_change",
    "stream_run",
    "target",
];

/// Those that follow from the settings alone.
pub(crate) const FROM_SETTINGS: [&str; 3] = ["business", "holiday", "target"];

use ColumnType::{Boolean, Date, Decimal, Int64, String as Text, Timestamp};

fn columns(table: &str) -> Option<&'static [(&'static str, ColumnType)]> {
    Some(match table {
        "business" => &[
            ("company_name", Text),
            ("reporting_currency", Text),
            ("time_zone", Text),
            ("fiscal_year_start_month", Int64),
            ("fiscal_pattern", Text),
            ("stale_after_days", Int64),
            ("forecast_open_periods", Int64),
            ("books_close_days", Int64),
            ("forecast_checkpoints", Text),
        ],
        "metric" => &[
            ("id", Text),
            ("title", Text),
            ("definition", Text),
            ("formula", Text),
            ("unit", Text),
            ("grain", Text),
            ("time_anchor", Text),
            ("additive", Boolean),
            ("numerator", Text),
            ("denominator", Text),
            ("null_rule", Text),
            ("owner", Text),
            ("source_models", Text),
        ],
        "run" => &[
            ("run_id", Text),
            ("pipeline", Text),
            ("started_at", Timestamp),
            ("finished_at", Timestamp),
            ("status", Text),
            ("as_of", Timestamp),
            ("salesmart_version", Text),
            ("rows_read", Int64),
            ("rows_landed", Int64),
            ("rows_quarantined", Int64),
            ("rows_unchanged", Int64),
            ("rows_deleted", Int64),
            ("release_id", Text),
            ("failure", Text),
        ],
        "stream_run" => &[
            ("run_id", Text),
            ("pipeline", Text),
            ("connection", Text),
            ("stream", Text),
            ("rows_read", Int64),
            ("rows_landed", Int64),
            ("rows_quarantined", Int64),
            ("rows_unchanged", Int64),
            ("rows_deleted", Int64),
            ("adds_up", Boolean),
            ("raw_version", Int64),
            ("failure", Text),
        ],
        "repair" => &[
            ("run_id", Text),
            ("connection", Text),
            ("stream", Text),
            ("column_name", Text),
            ("from_value", Text),
            ("to_value", Text),
            ("rows", Int64),
        ],
        "reconciliation" => &[
            ("run_id", Text),
            ("connection", Text),
            ("stream", Text),
            ("check_name", Text),
            ("window_from", Text),
            ("window_to", Text),
            ("source_rows", Int64),
            ("landed_rows", Int64),
            ("status", Text),
            ("note", Text),
        ],
        "schema_change" => &[
            ("run_id", Text),
            ("connection", Text),
            ("stream", Text),
            ("column_name", Text),
            ("change", Text),
            ("from_type", Text),
            ("to_type", Text),
            ("action", Text),
            ("detected_at", Timestamp),
        ],
        "check_result" => &[
            ("run_id", Text),
            ("table_name", Text),
            ("column_name", Text),
            ("check_text", Text),
            ("severity", Text),
            ("passed", Boolean),
            ("offending_rows", Int64),
            ("samples", Text),
            ("location", Text),
        ],
        "holiday" => &[("date_day", Date), ("name", Text)],
        "target" => &[
            ("target_id", Text),
            ("metric", Text),
            ("scope", Text),
            ("scope_id", Text),
            ("period_grain", Text),
            ("period_start", Date),
            ("value", Decimal(38, 6)),
            ("note", Text),
        ],
        "model_column" => &[
            ("table_schema", Text),
            ("table_name", Text),
            ("column_name", Text),
            ("position", Int64),
            ("type", Text),
            ("doc", Text),
        ],
        _ => return None,
    })
}

/// The schema of a system table; `None` where there is no such table.
#[must_use]
pub fn schema(table: &str) -> Option<SchemaRef> {
    let fields: Vec<Field> = columns(table)?
        .iter()
        .map(|(name, column_type)| Field::new(*name, column_type.to_arrow(), true))
        .collect();
    Some(Arc::new(Schema::new(fields)))
}

/// Rows of a system table, column by column in the schema's order.
///
/// # Errors
/// A bug, when table, number, type or length of the columns are not those of the schema.
pub fn batch(table: &str, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    let schema =
        schema(table).ok_or_else(|| Error::bug(format!("there is no system table `{table}`")))?;
    RecordBatch::try_new(schema, columns).map_err(|e| {
        Error::bug(format!("rows of `system.{table}` have another shape")).with_source(e)
    })
}

fn text<T: Into<String>>(values: impl IntoIterator<Item = Option<T>>) -> ArrayRef {
    Arc::new(values.into_iter().map(|value| value.map(Into::into)).collect::<StringArray>())
}

fn int(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn date(values: impl IntoIterator<Item = NaiveDate>) -> ArrayRef {
    Arc::new(values.into_iter().map(Date32Type::from_naive_date).map(Some).collect::<Date32Array>())
}

/// The rows of a system table that follow from the settings alone; `None` for any other.
pub(crate) fn of_settings(table: &str, settings: &BusinessSettings) -> Result<Option<RecordBatch>> {
    match table {
        "business" => business(settings).map(Some),
        "holiday" => holiday(settings).map(Some),
        "target" => target(settings).map(Some),
        _ => Ok(None),
    }
}

/// `system.business`: one row.
fn business(business: &BusinessSettings) -> Result<RecordBatch> {
    let checkpoints: Vec<String> =
        business.forecast_checkpoints.iter().map(ToString::to_string).collect();
    let one = |value: &str| text([Some(value)]);
    batch(
        "business",
        vec![
            one(&business.company_name),
            one(&business.reporting_currency),
            one(business.time_zone.name()),
            int([i64::from(business.calendar.start_month())]),
            one(business.calendar.pattern()),
            int([business.stale_after_days]),
            int([business.forecast_open_periods]),
            int([business.books_close_days]),
            one(&checkpoints.join(",")),
        ],
    )
}

/// `system.holiday`: a row a holiday of the settings.
fn holiday(business: &BusinessSettings) -> Result<RecordBatch> {
    batch(
        "holiday",
        vec![
            date(business.holidays.iter().map(|(day, _)| *day)),
            text(business.holidays.iter().map(|(_, name)| Some(name.as_str()))),
        ],
    )
}

/// `system.target`: a row a target of the settings.
fn target(business: &BusinessSettings) -> Result<RecordBatch> {
    let targets = &business.targets;
    let column =
        |of: &dyn Fn(&Target) -> &String| text(targets.iter().map(|target| Some(of(target))));
    let values = Decimal128Array::from_iter_values(targets.iter().map(|target| target.value))
        .with_precision_and_scale(38, 6)
        .map_err(|e| Error::bug("a target's value is beyond 38 digits").with_source(e))?;
    batch(
        "target",
        vec![
            column(&|target| &target.id),
            column(&|target| &target.metric),
            column(&|target| &target.scope),
            column(&|target| &target.scope_id),
            column(&|target| &target.period_grain),
            date(targets.iter().map(|target| target.period_start)),
            Arc::new(values),
            text(targets.iter().map(|target| target.note.as_deref())),
        ],
    )
}

/// `system.metric`: the definition cards of all models.
pub(crate) fn metric(catalog: &Catalog) -> Result<RecordBatch> {
    let mut cards: Vec<_> = catalog
        .models()
        .flat_map(|model| model.header.metrics.iter().map(move |metric| (metric, model)))
        .collect();
    cards.sort_by(|a, b| a.0.id.cmp(&b.0.id));
    let column = |of: &dyn Fn(&crate::header::Metric) -> Option<&String>| {
        text(cards.iter().map(|(metric, _)| of(metric).cloned()))
    };
    let sources = cards.iter().map(|(_, model)| {
        let reads: Vec<String> = model
            .reads
            .iter()
            .filter(|read| matches!(read.relation, Relation::Model(_)))
            .map(|read| read.relation.to_string())
            .collect();
        Some(reads.join(", "))
    });
    batch(
        "metric",
        vec![
            column(&|metric| Some(&metric.id)),
            column(&|metric| Some(&metric.title)),
            column(&|metric| Some(&metric.definition)),
            column(&|metric| Some(&metric.formula)),
            column(&|metric| Some(&metric.unit)),
            column(&|metric| Some(&metric.grain)),
            column(&|metric| Some(&metric.time_anchor)),
            Arc::new(
                cards.iter().map(|(metric, _)| Some(metric.additive)).collect::<BooleanArray>(),
            ),
            column(&|metric| metric.numerator.as_ref()),
            column(&|metric| metric.denominator.as_ref()),
            column(&|metric| metric.null_rule.as_ref()),
            text(cards.iter().map(|(_, model)| model.header.owner.clone())),
            text(sources),
        ],
    )
}

/// `system.model_column`: every column of every model.
pub(crate) fn model_column(catalog: &Catalog) -> Result<RecordBatch> {
    let all: Vec<_> = catalog
        .models()
        .flat_map(|model| {
            model.header.columns.iter().zip(1i64..).map(move |(column, n)| (model, column, n))
        })
        .collect();
    batch(
        "model_column",
        vec![
            text(all.iter().map(|(model, _, _)| Some(model.name.schema.as_str()))),
            text(all.iter().map(|(model, _, _)| Some(model.name.table.as_str()))),
            text(all.iter().map(|(_, column, _)| Some(column.name.as_str()))),
            int(all.iter().map(|(_, _, n)| *n)),
            text(all.iter().map(|(_, column, _)| Some(column.column_type.to_string()))),
            text(all.iter().map(|(_, column, _)| Some(column.doc.as_str()))),
        ],
    )
}

/// `system.check_result` rows of one run.
///
/// # Errors
/// Never, unless the schema above is broken.
pub fn check_result(run_id: &RunId, results: &[CheckResult]) -> Result<RecordBatch> {
    let severity = |severity: Severity| match severity {
        Severity::Error => "error",
        Severity::Warn => "warn",
    };
    let passed: BooleanArray = results.iter().map(|result| Some(result.passed)).collect();
    batch(
        "check_result",
        vec![
            text(results.iter().map(|_| Some(run_id.as_str()))),
            text(results.iter().map(|result| Some(result.table.as_str()))),
            text(results.iter().map(|result| result.column.as_deref())),
            text(results.iter().map(|result| Some(result.check.as_str()))),
            text(results.iter().map(|result| Some(severity(result.severity)))),
            Arc::new(passed),
            int(results
                .iter()
                .map(|result| i64::try_from(result.offending_rows).unwrap_or(i64::MAX))),
            text(
                results
                    .iter()
                    .map(|result| (!result.samples.is_empty()).then(|| result.samples.join("\n"))),
            ),
            text(results.iter().map(|result| result.location.as_ref().map(ToString::to_string))),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_a_schema_and_the_business_row_fits() {
        for table in TABLES {
            assert!(schema(table).is_some(), "{table}");
        }
        assert_eq!(business(&BusinessSettings::default()).unwrap().num_rows(), 1);
        assert!(schema("nothing").is_none());
    }

    #[test]
    fn targets_and_holidays_are_rows() {
        let day: NaiveDate = "2026-04-01".parse().unwrap();
        let settings = BusinessSettings {
            holidays: vec![(day, "Founders' Day".to_owned())],
            targets: vec![Target {
                id: "t1".to_owned(),
                metric: "win_rate_by_outcome_period".to_owned(),
                scope: "company".to_owned(),
                scope_id: "company".to_owned(),
                period_grain: "quarter".to_owned(),
                period_start: day,
                value: 250_000,
                note: None,
            }],
            ..BusinessSettings::default()
        };
        for (table, expected) in [
            ("holiday", "2026-04-01|Founders' Day"),
            (
                "target",
                "t1|win_rate_by_outcome_period|company|company|quarter|2026-04-01|0.250000|",
            ),
        ] {
            let batch = of_settings(table, &settings).unwrap().unwrap();
            let shown: Vec<String> = batch
                .columns()
                .iter()
                .map(|column| arrow::util::display::array_value_to_string(column, 0).unwrap())
                .collect();
            assert_eq!(shown.join("|"), expected);
        }
    }
}
