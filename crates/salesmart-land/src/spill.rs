//! Rows waiting in temporary files, one a partition of the keys, while the index of what is there
//! is too large to be held at once.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek};
use std::iter::Take;

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
    /// Batches in each file.
    written: Vec<usize>,
    /// Of these, those before the last mark.
    marked: Vec<usize>,
    rows: u64,
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
            .collect::<Result<Vec<_>>>()?;
        let files = writers.len();
        Ok(Self { writers, written: vec![0; files], marked: vec![0; files], rows: 0 })
    }

    /// Rows that wait.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// How many partitions there are.
    pub(crate) fn partitions(&self) -> u64 {
        self.writers.len() as u64
    }

    /// Notes that everything so far belongs together.
    pub(crate) fn mark(&mut self) {
        self.marked.clone_from(&self.written);
    }

    /// Leaves out what came after the mark.
    pub(crate) fn back_to_mark(&mut self) {
        self.written.clone_from(&self.marked);
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
                self.written[number] += 1;
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// The partitions, each as a stream of its batches.
    pub(crate) fn into_partitions(self) -> Result<Vec<Take<StreamReader<BufReader<File>>>>> {
        self.writers
            .into_iter()
            .zip(self.written)
            .map(|(mut writer, batches)| {
                writer.finish().map_err(arrow_error)?;
                let file = writer.into_inner().map_err(arrow_error)?;
                let mut file = file.into_inner().map_err(|e| failed(e.into_error()))?;
                file.rewind().map_err(failed)?;
                let reader =
                    StreamReader::try_new(BufReader::new(file), None).map_err(arrow_error)?;
                Ok(reader.take(batches))
            })
            .collect()
    }
}
