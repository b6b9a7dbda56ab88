//! Streaming batches into Parquet files that a commit can then add to a table.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::future::BoxFuture;
use object_store::ObjectStore;
use object_store::buffered::BufWriter;
use parquet::arrow::async_writer::{AsyncArrowWriter, AsyncFileWriter};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterVersion};
use salesmart_core::{Error, ErrorKind, Result};
use sha2::{Digest, Sha256};

use crate::{Lake, TablePath};

/// Rows a row group holds at most; what the writer keeps in memory is one of these, encoded.
const ROW_GROUP_ROWS: usize = 256 * 1024;
/// A file is closed when it has grown beyond this.
const TARGET_FILE_BYTES: usize = 256 * 1024 * 1024;

/// A Parquet file that is written but belongs to no table yet.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// Its name, relative to the table.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Rows.
    pub rows: u64,
    /// SHA-256 of its bytes, in hexadecimal. The same rows in the same order give the same bytes.
    pub sha256: String,
}

/// Writes batches as Parquet files into a table's folder. Nothing is visible to readers before
/// the files are committed; the files of a writer that was dropped stay as garbage that no
/// reader sees.
pub struct TableWriter {
    store: Arc<dyn ObjectStore>,
    path: TablePath,
    schema: SchemaRef,
    prefix: String,
    row_group_bytes: Option<usize>,
    open: Option<OpenFile>,
    done: Vec<NewFile>,
}

struct OpenFile {
    name: String,
    writer: AsyncArrowWriter<Hashing>,
    rows: u64,
}

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_writer_version(WriterVersion::PARQUET_1_0)
        // The same rows give the same bytes whatever built this binary.
        .set_created_by("salesmart".to_owned())
        .build()
}

impl TableWriter {
    /// A writer of files for the table at `path`.
    #[must_use]
    pub fn new(lake: &Lake, path: &TablePath, schema: SchemaRef) -> Self {
        Self {
            store: lake.object_store(),
            path: path.clone(),
            schema,
            prefix: String::new(),
            row_group_bytes: None,
            open: None,
            done: Vec::new(),
        }
    }

    /// Begins the names of all files with `prefix`, so that a later commit can replace just them.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Closes a row group also when it takes so many bytes in memory. How rows came in batches then
    /// shows in the files: for tables whose bytes need not be the same each time.
    #[must_use]
    pub fn with_row_group_bytes(mut self, bytes: usize) -> Self {
        self.row_group_bytes = Some(bytes);
        self
    }

    /// Writes one batch, in the schema given at the start.
    ///
    /// # Errors
    /// When the store fails or the batch has another schema.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.start()?,
        };
        open.writer.write(batch).await.map_err(|e| failed(&self.path, e))?;
        open.rows += batch.num_rows() as u64;
        if self.row_group_bytes.is_some_and(|most| open.writer.memory_size() > most) {
            open.writer.flush().await.map_err(|e| failed(&self.path, e))?;
        }
        if open.writer.bytes_written() > TARGET_FILE_BYTES {
            self.done.push(close(&self.path, open).await?);
        } else {
            self.open = Some(open);
        }
        Ok(())
    }

    fn start(&self) -> Result<OpenFile> {
        let name = format!("{}part-{}.zstd.parquet", self.prefix, uuid::Uuid::new_v4().simple());
        let target = Hashing {
            inner: BufWriter::new(Arc::clone(&self.store), self.path.object(&name)),
            sha256: Sha256::new(),
        };
        let writer =
            AsyncArrowWriter::try_new(target, Arc::clone(&self.schema), Some(properties()))
                .map_err(|e| failed(&self.path, e))?;
        Ok(OpenFile { name, writer, rows: 0 })
    }

    /// Closes the last file. No rows, no files.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn finish(mut self) -> Result<Vec<NewFile>> {
        if let Some(open) = self.open.take() {
            self.done.push(close(&self.path, open).await?);
        }
        Ok(self.done)
    }

    /// Closes the last file and resolves what was written as if it were a table, so that it can be
    /// read back before it is committed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn into_table(self, schema: &SchemaRef) -> Result<Uncommitted> {
        let path = self.path.clone();
        let files = self.finish().await?;
        Ok(Uncommitted { path, schema: Arc::clone(schema), files })
    }
}

fn failed(path: &TablePath, error: ParquetError) -> Error {
    Error::new(ErrorKind::SourceUnavailable, format!("failed to write Parquet for `{path}`"))
        .with_source(error)
        .with_hint("check the space and the rights at the lake, then run again")
}

async fn close(path: &TablePath, mut open: OpenFile) -> Result<NewFile> {
    open.writer.finish().await.map_err(|e| failed(path, e))?;
    let size = open.writer.bytes_written() as u64;
    let sha256 = open.writer.into_inner().sha256.finalize().iter().fold(
        String::with_capacity(64),
        |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        },
    );
    Ok(NewFile { name: open.name, size, rows: open.rows, sha256 })
}

/// Hashes what passes through on its way to the store.
struct Hashing {
    inner: BufWriter,
    sha256: Sha256,
}

impl AsyncFileWriter for Hashing {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, Result<(), ParquetError>> {
        self.sha256.update(&bytes);
        AsyncFileWriter::write(&mut self.inner, bytes)
    }

    fn complete(&mut self) -> BoxFuture<'_, Result<(), ParquetError>> {
        self.inner.complete()
    }
}

/// Files that are written and belong to no table.
#[derive(Clone, Debug)]
pub struct Uncommitted {
    pub(crate) path: TablePath,
    /// Their columns.
    pub schema: SchemaRef,
    /// The files.
    pub files: Vec<NewFile>,
}
