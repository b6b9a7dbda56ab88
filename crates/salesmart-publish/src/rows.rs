//! The rows of a table's files, in parts that can be read side by side.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_lake::{DataFile, Lake};

/// Rows that are read at a time.
const BATCH_ROWS: usize = 8_192;

/// A piece of a file: all of it, or some of its row groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) file: DataFile,
    /// The row groups; `None` is all of them.
    pub(crate) groups: Option<Vec<usize>>,
    pub(crate) rows: u64,
}

/// Divides files into parts of about `rows_a_part` rows, always in the same way.
pub(crate) async fn parts(
    lake: &Lake,
    files: &[DataFile],
    rows_a_part: u64,
) -> Result<Vec<Vec<Piece>>> {
    let whole = |file: &DataFile| Piece { file: file.clone(), groups: None, rows: file.rows };
    let all: u64 = files.iter().map(|file| file.rows).sum();
    if all <= rows_a_part {
        return Ok(vec![files.iter().map(whole).collect()]);
    }
    let mut parts: Vec<Vec<Piece>> = Vec::new();
    let mut open: Vec<Piece> = Vec::new();
    let mut add = |piece: Piece| {
        open.push(piece);
        if open.iter().map(|piece| piece.rows).sum::<u64>() >= rows_a_part {
            parts.push(std::mem::take(&mut open));
        }
    };
    for file in files {
        if file.rows <= rows_a_part {
            add(whole(file));
            continue;
        }
        let builder = builder(lake, file).await?;
        let mut groups = Vec::new();
        let mut rows = 0;
        for (index, group) in builder.metadata().row_groups().iter().enumerate() {
            groups.push(index);
            rows += u64::try_from(group.num_rows()).unwrap_or(0);
            if rows >= rows_a_part {
                let groups = Some(std::mem::take(&mut groups));
                add(Piece { file: file.clone(), groups, rows });
                rows = 0;
            }
        }
        if !groups.is_empty() {
            add(Piece { file: file.clone(), groups: Some(groups), rows });
        }
    }
    if !open.is_empty() {
        parts.push(open);
    }
    Ok(parts)
}

async fn builder(
    lake: &Lake,
    file: &DataFile,
) -> Result<ParquetRecordBatchStreamBuilder<FileReader>> {
    let (store, path) = (lake.object_store(), Path::from(file.path.as_str()));
    let reader = FileReader { store, path, size: file.size };
    ParquetRecordBatchStreamBuilder::new(reader).await.map_err(|e| unreadable(file, e))
}

/// A Parquet file of known size on the lake's store.
struct FileReader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl AsyncFileReader for FileReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        async move { self.store.get_range(&self.path, range).await.map_err(external) }.boxed()
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

fn unreadable(file: &DataFile, error: ParquetError) -> Error {
    Error::new(
        ErrorKind::SourceUnavailable,
        format!("failed to read `{}` from the lake", file.path),
    )
    .with_source(error)
}

/// The rows of pieces, one after the other, with the columns of `schema` in its order and types.
/// A column that a file lacks is null.
pub(crate) fn read(
    lake: &Lake,
    pieces: Vec<Piece>,
    schema: SchemaRef,
) -> BoxStream<'static, Result<RecordBatch>> {
    let lake = lake.clone();
    futures::stream::iter(pieces)
        .then(move |piece| {
            let (lake, schema) = (lake.clone(), Arc::clone(&schema));
            async move {
                let mut builder = builder(&lake, &piece.file).await?.with_batch_size(BATCH_ROWS);
                let names = schema.fields().iter().map(|field| field.name().as_str());
                let mask = ProjectionMask::columns(builder.parquet_schema(), names);
                builder = builder.with_projection(mask);
                if let Some(groups) = piece.groups {
                    builder = builder.with_row_groups(groups);
                }
                let file = piece.file.clone();
                let stream = builder.build().map_err(|e| unreadable(&file, e))?;
                Ok::<_, Error>(
                    stream.map(move |batch| {
                        conform(&batch.map_err(|e| unreadable(&file, e))?, &schema)
                    }),
                )
            }
        })
        .try_flatten()
        .boxed()
}

/// A batch with exactly the columns of a schema.
fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let failed =
        |e| Error::bug("a file of the lake does not fit its table's columns").with_source(e);
    let strictly = CastOptions { safe: false, ..CastOptions::default() };
    let columns = schema
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
            Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
            Some(column) => cast_with_options(column, field.data_type(), &strictly).map_err(failed),
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(failed)
}

/// A schema of some columns of another, all of which may be null.
pub(crate) fn some_columns(schema: &SchemaRef, names: &[String]) -> SchemaRef {
    let fields: Vec<_> =
        names.iter().filter_map(|name| schema.field_with_name(name).ok().cloned()).collect();
    Arc::new(arrow::datatypes::Schema::new(fields))
}
