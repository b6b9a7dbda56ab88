//! Rows as text, for people who look for the ones that offend.

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{Expr, SortExpr};
use datafusion::prelude::{DataFrame, ident};
use salesmart_core::{Error, Result};

/// How many offending rows a result shows.
const SAMPLES: usize = 5;
/// How many characters of one value are shown.
const VALUE_CHARS: usize = 80;

/// One row as `column=value, column=value`.
pub(crate) fn row_text(batch: &RecordBatch, row: usize, columns: &[usize]) -> Result<String> {
    let options = FormatOptions::default().with_null("null");
    let mut parts = Vec::with_capacity(columns.len());
    for index in columns {
        let formatter = ArrayFormatter::try_new(batch.column(*index), &options)
            .map_err(|e| Error::bug("a value cannot be shown").with_source(e))?;
        let mut value = formatter.value(row).to_string();
        if value.chars().count() > VALUE_CHARS {
            value = value.chars().take(VALUE_CHARS).chain(['…']).collect();
        }
        parts.push(format!("{}={value}", batch.schema().field(*index).name()));
    }
    Ok(parts.join(", "))
}

/// The first rows by these columns, as text.
pub(super) async fn samples(
    frame: DataFrame,
    columns: &[&str],
) -> Result<Vec<String>, DataFusionError> {
    let select: Vec<Expr> = columns.iter().map(|name| ident(*name)).collect();
    let order: Vec<SortExpr> = columns.iter().map(|name| ident(*name).sort(true, false)).collect();
    let batches = frame.select(select)?.sort(order)?.limit(0, Some(SAMPLES))?.collect().await?;
    let all: Vec<usize> = (0..columns.len()).collect();
    let mut samples = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            samples.push(
                row_text(batch, row, &all).map_err(|e| DataFusionError::External(Box::new(e)))?,
            );
        }
    }
    Ok(samples)
}

/// A count, as the engine gives it; null counts nothing.
pub(super) fn number(value: &ScalarValue) -> u64 {
    match value {
        ScalarValue::Int64(Some(n)) => u64::try_from(*n).unwrap_or(0),
        ScalarValue::UInt64(Some(n)) => *n,
        _ => 0,
    }
}
