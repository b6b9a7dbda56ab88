//! Given rows, from YAML to Arrow.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, SchemaRef};
use salesmart_core::yaml::{Node, Value};
use salesmart_core::{ColumnType, Error, Result};

use super::Row;
use crate::name::Relation;
use crate::nearest::did_you_mean;

/// A scalar's text; `None` for null.
pub(super) fn text(node: &Node) -> Result<Option<&str>> {
    match &node.value {
        Value::Null => Ok(None),
        Value::Scalar(text, _) => Ok(Some(text)),
        _ => Err(Error::configuration("a row holds plain values")
            .at(node.location.clone())
            .with("expected", "`{column: value}`")),
    }
}

/// One value in a column's type, without rounding and without loss.
pub(super) fn value(data_type: &DataType, node: &Node) -> Result<ArrayRef> {
    let text = text(node)?;
    let strings = StringArray::from(vec![text]);
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let wrong = || {
        let shown = ColumnType::from_arrow(data_type)
            .map_or_else(|| data_type.to_string(), |t| t.to_string());
        Error::configuration(format!("`{}` is not a {shown}", text.unwrap_or_default()))
            .at(node.location.clone())
    };
    let array = cast_with_options(&strings, data_type, &options).map_err(|_| wrong())?;
    // The cast rounds `1.005` to a decimal(9,2) in silence; a case says what it means.
    if let (DataType::Decimal128(_, scale), Some(text)) = (data_type, text) {
        let digits =
            text.split_once('.').map_or(0, |(_, digits)| digits.trim_end_matches('0').len());
        if digits > usize::try_from(*scale).unwrap_or(0) {
            return Err(wrong());
        }
    }
    Ok(array)
}

/// The given rows of one input.
pub(super) fn batch(
    name: &str,
    relation: &Relation,
    schema: &SchemaRef,
    rows: &[Row],
) -> Result<RecordBatch> {
    for row in rows {
        for (column, _) in row {
            if schema.column_with_name(&column.value).is_none() {
                let error =
                    Error::configuration(format!("`{name}` has no column `{}`", column.value))
                        .at(column.location.clone());
                let known = schema.fields().iter().map(|field| field.name().as_str());
                return Err(match did_you_mean(&column.value, known, "columns there are") {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                });
            }
        }
    }
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let mut parts: Vec<ArrayRef> = Vec::with_capacity(rows.len());
        for (number, row) in rows.iter().enumerate() {
            let named = row.into_iter().find(|(column, _)| column.value == *field.name());
            parts.push(match named {
                Some((_, node)) => value(field.data_type(), node)?,
                None => provenance(relation, field.name(), field.data_type(), number + 1),
            });
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        columns.push(if parts.is_empty() {
            arrow::array::new_empty_array(field.data_type())
        } else {
            arrow::compute::concat(&parts)
                .map_err(|e| Error::bug("values of one type do not go together").with_source(e))?
        });
    }
    RecordBatch::try_new(Arc::clone(schema), columns)
        .map_err(|e| Error::bug(format!("rows of `{name}` have another shape")).with_source(e))
}

/// What land would have written beside a raw row that says nothing of it; null elsewhere.
fn provenance(relation: &Relation, column: &str, data_type: &DataType, number: usize) -> ArrayRef {
    let text = match (relation, column) {
        (Relation::Raw { .. }, "_connection" | "_run_id") => Some("case".to_owned()),
        (Relation::Raw { stream, .. }, "_stream") => Some(stream.clone()),
        (Relation::Raw { .. }, "_op") => Some("upsert".to_owned()),
        (Relation::Raw { .. }, "_sequence" | "_row_hash" | "_row_key") => Some(number.to_string()),
        (Relation::Raw { .. }, "_source_position") => Some(format!("case:{number}")),
        (Relation::Raw { .. }, "_extracted_at") => Some("1970-01-01T00:00:00Z".to_owned()),
        _ => None,
    };
    let strings = StringArray::from(vec![text]);
    arrow::compute::cast(&strings, data_type)
        .unwrap_or_else(|_| arrow::array::new_null_array(data_type, 1))
}
