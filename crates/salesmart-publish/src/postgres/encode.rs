//! Batches as PostgreSQL's binary COPY takes them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{Schema, SchemaRef};
use bytes::{Bytes, BytesMut};
use pgpq::ArrowToPostgresBinaryEncoder;
use salesmart_core::{Error, Result};

/// PostgreSQL's text holds every character but this one.
const NUL: char = '\0';
/// What stands for it there.
const REPLACEMENT: &str = "\u{fffd}";

/// Encodes the rows of one COPY.
pub(super) struct Encoder {
    inner: ArrowToPostgresBinaryEncoder,
    buffer: BytesMut,
    /// Texts in which a character was replaced.
    pub(super) replaced: u64,
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::bug("failed to encode rows for PostgreSQL").with_source(error)
}

impl Encoder {
    pub(super) fn new(schema: &Schema) -> Result<Self> {
        let mut inner = ArrowToPostgresBinaryEncoder::try_new(schema).map_err(failed)?;
        let mut buffer = BytesMut::new();
        inner.write_header(&mut buffer).map_err(failed)?;
        Ok(Self { inner, buffer, replaced: 0 })
    }

    /// The bytes of one batch; the first begin with the header.
    pub(super) fn batch(&mut self, batch: &RecordBatch) -> Result<Bytes> {
        let batch = self.without_nul(batch)?;
        self.inner.write_batch(&batch, &mut self.buffer).map_err(failed)?;
        Ok(self.buffer.split().freeze())
    }

    /// The last bytes.
    pub(super) fn end(mut self) -> Result<Bytes> {
        self.inner.write_footer(&mut self.buffer).map_err(failed)?;
        Ok(self.buffer.freeze())
    }

    fn without_nul(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let has_nul = |column: &ArrayRef| {
            column
                .as_any()
                .downcast_ref::<StringArray>()
                .is_some_and(|texts| texts.value_data().contains(&0))
        };
        if !batch.columns().iter().any(has_nul) {
            return Ok(batch.clone());
        }
        let mut columns = Vec::with_capacity(batch.num_columns());
        for column in batch.columns() {
            let Some(texts) = column.as_any().downcast_ref::<StringArray>() else {
                columns.push(Arc::clone(column));
                continue;
            };
            let mended: StringArray = texts
                .iter()
                .map(|text| {
                    text.map(|text| {
                        if text.contains(NUL) {
                            self.replaced += 1;
                        }
                        text.replace(NUL, REPLACEMENT)
                    })
                })
                .collect();
            columns.push(Arc::new(mended) as ArrayRef);
        }
        RecordBatch::try_new(batch.schema(), columns).map_err(failed)
    }
}

/// The schema with which rows are read to be encoded: the lake's, every column nullable.
pub(super) fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| arrow::datatypes::Field::new(field.name(), plain(field.data_type()), true))
        .collect();
    Arc::new(Schema::new(fields))
}

/// The one encoding of each type that the encoder is given.
fn plain(data_type: &arrow::datatypes::DataType) -> arrow::datatypes::DataType {
    salesmart_core::ColumnType::from_arrow(data_type)
        .map_or_else(|| data_type.clone(), salesmart_core::ColumnType::to_arrow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_postgres_cannot_hold_is_replaced_and_counted() {
        let texts = StringArray::from(vec![Some("a\0b"), None, Some("plain")]);
        let batch = RecordBatch::try_from_iter([("t", Arc::new(texts) as ArrayRef)]).unwrap();
        let mut encoder = Encoder::new(&nullable(&batch.schema())).unwrap();
        let bytes = encoder.batch(&batch).unwrap();
        assert_eq!(encoder.replaced, 1);
        assert!(bytes.windows(5).any(|window| window == "a\u{fffd}b".as_bytes()));
        assert!(encoder.end().unwrap().ends_with(&[0xff, 0xff]));
    }
}
