//! Reading a table's rows in batches, without an engine.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{Field, Schema};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use futures::{FutureExt, TryFutureExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use salesmart_core::{Error, ErrorKind, Result};

use crate::store::store_error;
use crate::{Lake, Table, TablePath, Uncommitted};

impl Lake {
    /// The rows of a table, file after file, with only the named columns (those a file has; an
    /// older file lacks columns that were added later). `None` reads all columns. Files that were
    /// written while a column had a narrower type come in the table's type of today.
    #[must_use]
    pub fn read(
        &self,
        table: &Table,
        columns: Option<&[String]>,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let files = table.files.iter().map(|file| (file.path.clone(), file.size)).collect();
        let schema = Arc::clone(&table.schema);
        let path = table.path.clone();
        self.read_files(table.path.clone(), files, columns)
            .map(move |batch| in_types_of(&schema, batch?, &path))
            .boxed()
    }

    /// The rows of files that are not committed yet.
    #[must_use]
    pub fn read_uncommitted(
        &self,
        written: &Uncommitted,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let path = &written.path;
        let files =
            written.files.iter().map(|file| (format!("{path}/{}", file.name), file.size)).collect();
        self.read_files(path.clone(), files, None)
    }

    /// Removes files that will not be committed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove_uncommitted(&self, written: &Uncommitted) -> Result<()> {
        for file in &written.files {
            let path = written.path.object(&file.name);
            self.store
                .delete(&path)
                .await
                .map_err(|e| store_error(format!("failed to remove `{path}` from the lake"), e))?;
        }
        Ok(())
    }

    fn read_files(
        &self,
        path: TablePath,
        files: Vec<(String, u64)>,
        columns: Option<&[String]>,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let store = self.object_store();
        let columns: Option<Vec<String>> = columns.map(<[String]>::to_vec);
        futures::stream::iter(files)
            .then(move |(file, size)| {
                let store = Arc::clone(&store);
                let path = path.clone();
                let columns = columns.clone();
                async move {
                    let failed = move |e: ParquetError| {
                        Error::new(
                            ErrorKind::SourceUnavailable,
                            format!("failed to read table `{path}`"),
                        )
                        .with_source(e)
                        .with_retryable(true)
                    };
                    let reader = ObjectReader { store, path: Path::from(file), size };
                    let mut builder = ParquetRecordBatchStreamBuilder::new(reader)
                        .await
                        .map_err(failed.clone())?;
                    if let Some(columns) = columns {
                        let mask = ProjectionMask::columns(
                            builder.parquet_schema(),
                            columns.iter().map(String::as_str),
                        );
                        builder = builder.with_projection(mask);
                    }
                    let stream = builder.build().map_err(failed.clone())?;
                    Ok::<_, Error>(stream.map_err(failed))
                }
            })
            .try_flatten()
            .boxed()
    }
}

/// A batch with its columns in the types that the table has now.
fn in_types_of(schema: &Schema, batch: RecordBatch, path: &TablePath) -> Result<RecordBatch> {
    let target = |field: &Field| {
        let now = schema.field_with_name(field.name()).ok()?;
        (now.data_type() != field.data_type()).then(|| now.data_type().clone())
    };
    if batch.schema_ref().fields().iter().all(|field| target(field).is_none()) {
        return Ok(batch);
    }
    let failed = |error| {
        Error::bug(format!("an older file of table `{path}` does not fit its columns of today"))
            .with_source(error)
    };
    let mut fields: Vec<Field> = Vec::with_capacity(batch.num_columns());
    let mut columns = Vec::with_capacity(batch.num_columns());
    let strictly = CastOptions { safe: false, ..CastOptions::default() };
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        match target(field) {
            Some(now) => {
                columns.push(cast_with_options(column, &now, &strictly).map_err(failed)?);
                fields.push(Field::new(field.name(), now, field.is_nullable()));
            }
            None => {
                columns.push(Arc::clone(column));
                fields.push(field.as_ref().clone());
            }
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(failed)
}

/// One Parquet file on the store, of known size.
struct ObjectReader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for ObjectReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.store.get_range(&self.path, range).map_err(external).boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<Range<u64>>,
    ) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move {
            let size = self.size;
            ParquetMetaDataReader::new()
                .with_arrow_reader_options(options)
                .load_and_finish(self, size)
                .await
                .map(Arc::new)
        }
        .boxed()
    }
}
