//! Rows waiting in temporary files, one a partition of the keys, while the index of what is there
//! is too large to be held at once.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek};
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use salesmart_core::{Error, Result};

use crate::batch::arrow_error;
use crate::index::Partition;

/// One temporary file a partition. Rows keep their order within a partition, and rows of the same
/// key are in the same one.
pub(crate) struct Spill {
    writers: Vec<StreamWriter<BufWriter<File>>>,
}

fn failed(error: std::io::Error) -> Error {
    Error::configuration("failed to use a temporary file")
        .with_source(error)
        .with_hint("check the space in the temporary folder (TMPDIR)")
}

impl Spill {
    pub(crate) fn new(schema: &SchemaRef, partitions: u64) -> Result<Self> {
        let writers = (0..partitions)
            .map(|_| {
                let file = BufWriter::new(tempfile::tempfile().map_err(failed)?);
                StreamWriter::try_new(file, schema).map_err(arrow_error)
            })
            .collect::<Result<_>>()?;
        Ok(Self { writers })
    }

    /// Adds rows; a row without a key goes to the first partition, which rejects it.
    pub(crate) fn write(&mut self, batch: &RecordBatch, keys: &[Option<u128>]) -> Result<()> {
        let of = self.writers.len() as u64;
        for (number, writer) in self.writers.iter_mut().enumerate() {
            let rows: UInt32Array = keys
                .iter()
                .enumerate()
                .filter(|(_, key)| {
                    key.map_or(0, |key| Partition::number_of(key, of)) == number as u64
                })
                .filter_map(|(row, _)| u32::try_from(row).ok())
                .collect();
            if !rows.is_empty() {
                let part = take_record_batch(batch, &rows).map_err(arrow_error)?;
                writer.write(&part).map_err(arrow_error)?;
            }
        }
        Ok(())
    }

    /// The partitions, each as a stream of its batches.
    pub(crate) fn into_partitions(self) -> Result<Vec<StreamReader<BufReader<File>>>> {
        self.writers
            .into_iter()
            .map(|mut writer| {
                writer.finish().map_err(arrow_error)?;
                let file = writer.into_inner().map_err(arrow_error)?;
                let mut file = file.into_inner().map_err(|e| failed(e.into_error()))?;
                file.rewind().map_err(failed)?;
                StreamReader::try_new(BufReader::new(file), None).map_err(arrow_error)
            })
            .collect()
    }
}

/// The schema of what waits.
pub(crate) fn schema_of(batch: &RecordBatch) -> SchemaRef {
    Arc::clone(batch.schema_ref())
}
