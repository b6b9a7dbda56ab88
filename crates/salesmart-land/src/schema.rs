//! How a raw table's columns follow the stream's declaration.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use salesmart_core::stream::StreamSpec;
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_lake::Table;

use crate::provenance::raw_schema;

/// The raw table's columns with those the stream declares now: new columns are added, columns that
/// are declared no longer stay and are null from now on.
pub(crate) fn merged_schema(table: Option<&Table>, stream: &StreamSpec) -> Result<SchemaRef> {
    let declared = raw_schema(stream);
    let Some(table) = table else { return Ok(declared) };
    let mut fields: Vec<Field> = Vec::new();
    for field in declared.fields() {
        if let Ok(there) = table.schema.field_with_name(field.name())
            && there.data_type() != field.data_type()
        {
            let error = Error::new(
                ErrorKind::SchemaChanged,
                format!("column `{}` was landed as another type than it is declared now", field.name()),
            )
            .with("landed", there.data_type())
            .with("declared", field.data_type())
            .with_state("nothing was landed")
            .with_hint(format!(
                "give the column its former type, or a new name with `from: {0}`, or give the stream a new name; \
                 raw tables are never rewritten",
                field.name()
            ));
            return Err(match &stream.location {
                Some(location) => error.at(location.clone()),
                None => error,
            });
        }
        fields.push(field.as_ref().clone());
    }
    for field in table.schema.fields() {
        if declared.field_with_name(field.name()).is_err() {
            fields.push(field.as_ref().clone());
        }
    }
    Ok(Arc::new(Schema::new(fields)))
}
