//! From the engine's rows to PostgreSQL's.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion_postgres::arrow_pg::datatypes::{arrow_schema_to_pg_fields, encode_recordbatch};
use futures::stream::{self, BoxStream, StreamExt};
use pgwire::api::portal::Format;
use pgwire::api::results::FieldInfo;
use pgwire::error::PgWireResult;
use pgwire::messages::data::DataRow;
use pgwire::types::format::FormatOptions;

use super::{error, text};
use crate::engine::{Failure, Rows, code};

/// What datafusion-pg-catalog puts before the name of a column that would be there twice.
const ALIASED: &str = "__alias_";

/// What a session has set that values are written by.
pub(super) fn options(settings: &HashMap<String, String>) -> Arc<FormatOptions> {
    Arc::new(FormatOptions::from_client_metadata(settings))
}

/// The columns of a result as clients are told of them.
pub(super) fn fields(
    schema: &Schema,
    format: &Format,
    options: &Arc<FormatOptions>,
) -> PgWireResult<Vec<FieldInfo>> {
    let named: Vec<Field> = schema.fields().iter().map(|field| shown(field)).collect();
    let named = Schema::new(named);
    let fields = arrow_schema_to_pg_fields(&named, format, Some(Arc::clone(options)))?;
    let described = fields.into_iter().zip(schema.fields()).map(|(info, field)| {
        let info = info.with_type_size(width(field.data_type()));
        match field.data_type() {
            // Precision and scale, by which clients know how many digits to show.
            DataType::Decimal128(precision, scale) => info
                .with_type_modifier((i32::from(*precision) << 16 | i32::from(*scale) & 0x7ff) + 4),
            _ => info,
        }
    });
    Ok(described.collect())
}

/// A column under the name that was asked for: of `select t.oid, t.*` the first has another for the
/// engine, which refuses two of one name.
fn shown(field: &Field) -> Field {
    match field.name().strip_prefix(ALIASED) {
        Some(name) => field.clone().with_name(name),
        None => field.clone(),
    }
}

/// `pg_type.typlen`: bytes of a value; -1 where values differ in length.
fn width(data_type: &DataType) -> i16 {
    match data_type {
        DataType::Boolean => 1,
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => 2,
        DataType::Int32 | DataType::UInt16 | DataType::Float32 | DataType::Date32 => 4,
        DataType::Int64 | DataType::UInt32 | DataType::Float64 => 8,
        DataType::Timestamp(..) | DataType::Time32(_) | DataType::Time64(_) => 8,
        DataType::Interval(_) | DataType::Duration(_) => 16,
        _ => -1,
    }
}

/// The rows, one message each.
pub(super) fn rows(
    rows: Rows,
    fields: Arc<Vec<FieldInfo>>,
) -> BoxStream<'static, PgWireResult<DataRow>> {
    let batches = stream::unfold(rows, |mut rows| async move {
        let batch = rows.next().await?;
        Some((batch, rows))
    });
    batches
        .map(move |batch| match batch {
            Ok(batch) => match text::written(batch, &fields) {
                Ok(batch) => {
                    let rows: Vec<_> = encode_recordbatch(Arc::clone(&fields), batch).collect();
                    stream::iter(rows)
                }
                Err(failed) => {
                    let failure = Failure::new(code::INTERNAL, failed.to_string());
                    stream::iter(vec![Err(error(failure))])
                }
            },
            Err(failure) => stream::iter(vec![Err(error(failure))]),
        })
        .flatten()
        .boxed()
}
