//! A Parquet file.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use salesmart_core::{Error, Result};

use super::{BatchWriter, Sink};

pub(super) struct ParquetWriter(ArrowWriter<Sink>);

impl ParquetWriter {
    pub(super) fn new(sink: Sink, schema: SchemaRef) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        ArrowWriter::try_new(sink, schema, Some(properties)).map(Self).map_err(failed)
    }
}

impl BatchWriter for ParquetWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.0.write(batch).map_err(failed)
    }

    fn finish(self: Box<Self>) -> Result<Sink> {
        self.0.into_inner().map_err(failed)
    }
}

fn failed(error: ParquetError) -> Error {
    Error::configuration("failed to write the Parquet file")
        .with_source(error)
        .with_state("no file was left behind")
}
