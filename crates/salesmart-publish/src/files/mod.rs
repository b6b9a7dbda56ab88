//! Files as a target: a folder a release, and a small manifest that names the current one.
//!
//! Everything is written under `<release>/`; `current.json` is put last. A reader that begins with
//! it never sees a release that is not whole. Puts are atomic: a file that is there is complete, so
//! a load that ended early goes on with the files that are missing.

pub mod config;
mod csv;
mod excel;
mod manifest;
mod old;

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::AsyncArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use salesmart_core::receipt::{LoadedHow, TableLoad};
use salesmart_core::yaml::Node;
use salesmart_core::{Error, ErrorKind, Finding, ReleaseId, Result, TargetName};
use salesmart_lake::{Table, open_store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rows::{Piece, read};
use crate::{Loaded, Snapshot, Target, TargetKind};
use config::{Format, Settings};
use excel::{Book, Content};
use manifest::{CURRENT, FolderPlan, Manifest, PLAN, WrittenFile, failed, get, put};

/// What the rest of the house knows of this kind.
pub const KIND: TargetKind = TargetKind {
    name: "files",
    summary: "Parquet, CSV and Excel files in a folder, S3, Google Cloud Storage or Azure",
    example: include_str!("example.yml"),
    configure,
    schema,
};

/// Bytes that are handed to the store at a time.
const CHUNK: usize = 1024 * 1024;

/// A place that releases are written to.
#[derive(Debug)]
pub struct Files {
    settings: Settings,
}

fn configure(_: &TargetName, node: &Node, root: &FilePath) -> Result<Arc<dyn Target>> {
    Ok(Arc::new(Files { settings: Settings::new(node, root)? }))
}

fn schema() -> serde_json::Value {
    schemars::schema_for!(config::FilesConfig).to_value()
}

/// One table of the release.
struct Taken<'a> {
    name: &'a str,
    table: Table,
    contract: salesmart_core::TableContract,
}

impl Taken<'_> {
    fn pieces(&self) -> Vec<Piece> {
        let whole = |file: &salesmart_lake::DataFile| Piece {
            file: file.clone(),
            groups: None,
            rows: file.rows,
        };
        self.table.files.iter().map(whole).collect()
    }
}

impl Files {
    fn open(&self) -> Result<Arc<dyn ObjectStore>> {
        open_store(&self.settings.location, true)
    }

    /// Removes what is no longer kept. The release is there already: what cannot be removed is told,
    /// and fails nothing.
    async fn remove_old(&self, store: &dyn ObjectStore, current: &str) -> Option<String> {
        let keep = self.settings.keep?;
        let error = old::remove(store, current, keep).await.err()?;
        Some(format!("folders of old releases stay: {error:#}"))
    }

    /// The folder of a release: its id, or with a number behind it where a folder of that name was
    /// begun with other settings.
    async fn folder(
        &self,
        store: &dyn ObjectStore,
        release: ReleaseId,
        plan: &FolderPlan,
    ) -> Result<String> {
        let mut n = 1;
        loop {
            let folder = if n == 1 { release.to_string() } else { format!("{release}_{n}") };
            let path = format!("{folder}/{PLAN}");
            match get::<FolderPlan>(store, &path).await? {
                Some(begun) if begun == *plan => return Ok(folder),
                Some(_) => n += 1,
                None => {
                    put(store, &path, plan).await?;
                    return Ok(folder);
                }
            }
        }
    }
}

/// The size of a file that is there.
async fn size(store: &dyn ObjectStore, path: &str) -> Result<Option<u64>> {
    match store.head(&Path::from(path)).await {
        Ok(there) => Ok(Some(there.size)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(failed(format!("failed to look for `{path}` of the target"), error)),
    }
}

fn not_written(path: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::SourceUnavailable, format!("failed to write `{path}` of the target"))
        .with_retryable(true)
        .with_source(error)
        .with_hint("publish again when there is room and the store answers: files that are complete are not written again")
}

async fn write_parquet(
    store: &Arc<dyn ObjectStore>,
    path: &str,
    snapshot: &Snapshot,
    taken: &Taken<'_>,
) -> Result<()> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
        .set_created_by("salesmart".to_owned())
        .build();
    let schema = Arc::clone(&taken.table.schema);
    let out = BufWriter::new(Arc::clone(store), Path::from(path));
    let mut writer = AsyncArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))
        .map_err(|e| not_written(path, e))?;
    let mut batches = read(&snapshot.lake, taken.pieces(), schema);
    while let Some(batch) = batches.try_next().await? {
        writer.write(&batch).await.map_err(|e| not_written(path, e))?;
    }
    writer.close().await.map(drop).map_err(|e| not_written(path, e))
}

async fn write_csv(
    store: &Arc<dyn ObjectStore>,
    path: &str,
    settings: &Settings,
    snapshot: &Snapshot,
    taken: &Taken<'_>,
) -> Result<()> {
    let mut out = BufWriter::new(Arc::clone(store), Path::from(path));
    let schema = Arc::clone(&taken.table.schema);
    let mut writer = csv::Writer::new(settings, &schema);
    let mut batches = read(&snapshot.lake, taken.pieces(), schema);
    while let Some(batch) = batches.try_next().await? {
        writer.batch(&batch)?;
        out.put(Bytes::from(writer.take()))
            .await
            .map_err(|e| failed(format!("failed to write `{path}` of the target"), e))?;
    }
    out.put(Bytes::from(writer.take()))
        .await
        .map_err(|e| failed(format!("failed to write `{path}` of the target"), e))?;
    out.shutdown().await.map_err(|e| not_written(path, e))
}

/// Writes the workbook into a temporary file, which Excel's format needs, and sends that.
async fn write_workbook(
    store: &Arc<dyn ObjectStore>,
    path: &str,
    snapshot: &Snapshot,
    tables: &[Taken<'_>],
) -> Result<Vec<String>> {
    let title = format!(
        "Release {} as of {}",
        snapshot.release.id,
        snapshot.release.as_of.format("%Y-%m-%d %H:%M UTC")
    );
    let contents: Vec<Content<'_>> = tables
        .iter()
        .map(|taken| Content {
            table: taken.name,
            description: &taken.contract.description,
            rows: taken.table.rows,
        })
        .collect();
    let mut book = Book::new(&title, &contents)?;
    for taken in tables {
        let mut sheet = book.sheet(taken.name, &taken.table.schema, &taken.contract)?;
        let mut batches = read(&snapshot.lake, taken.pieces(), Arc::clone(&taken.table.schema));
        while let Some(batch) = batches.try_next().await? {
            book.batch(&mut sheet, &batch)?;
        }
        book.end(&sheet)?;
    }
    let file = tempfile::NamedTempFile::new().map_err(|e| {
        Error::new(ErrorKind::TargetRefused, "failed to make a temporary file").with_source(e)
    })?;
    let notes = book.save(file.path())?;
    let mut written = tokio::fs::File::open(file.path()).await.map_err(|e| not_written(path, e))?;
    let mut out = BufWriter::new(Arc::clone(store), Path::from(path));
    loop {
        let mut chunk = Vec::with_capacity(CHUNK);
        let read = (&mut written)
            .take(CHUNK as u64)
            .read_to_end(&mut chunk)
            .await
            .map_err(|e| not_written(path, e))?;
        if read == 0 {
            break;
        }
        out.put(Bytes::from(chunk))
            .await
            .map_err(|e| failed(format!("failed to write `{path}` of the target"), e))?;
    }
    out.shutdown().await.map_err(|e| not_written(path, e))?;
    Ok(notes)
}

#[async_trait]
impl Target for Files {
    async fn check(&self) -> Vec<Finding> {
        let location = &self.settings.location;
        let looked = async {
            let store = self.open()?;
            get::<Manifest>(&*store, CURRENT).await
        };
        vec![match looked.await {
            Ok(Some(current)) => {
                Finding::good(format!("`{location}` holds release {}", current.release))
            }
            Ok(None) => {
                Finding::good(format!("`{location}` can be reached and holds no release yet"))
            }
            Err(error) => Finding::bad(&format!("`{location}`"), &error),
        }]
    }

    async fn holds(&self) -> Result<Option<ReleaseId>> {
        let store = self.open()?;
        Ok(get::<Manifest>(&*store, CURRENT).await?.map(|current| current.release))
    }

    async fn load(&self, snapshot: &Snapshot) -> Result<Loaded> {
        let settings = &self.settings;
        let release = &snapshot.release;
        let store = self.open()?;
        let current = get::<Manifest>(&*store, CURRENT).await?;
        let plan = FolderPlan {
            run_id: release.run_id.as_str().to_owned(),
            settings: settings.fingerprint(),
        };
        let mut loaded =
            Loaded { before: current.as_ref().map(|current| current.release), ..Loaded::default() };
        let mut tables = Vec::new();
        let is_current =
            current.as_ref().is_some_and(|c| c.release == release.id && c.plan == plan);
        for (name, released) in settings.selection.of(release)? {
            let mut load = TableLoad {
                table: name.to_owned(),
                how: if is_current { LoadedHow::Unchanged } else { LoadedHow::Whole },
                rows: released.rows,
                sent: 0,
                bytes: 0,
                seconds: 0.0,
            };
            if !is_current {
                let table = snapshot.table(name).await?;
                load.rows = table.rows;
                tables.push(Taken { name, table, contract: snapshot.contract(name) });
            }
            loaded.tables.push(load);
        }
        if let (true, Some(current)) = (is_current, &current) {
            loaded.notes.extend(self.remove_old(&*store, &current.folder).await);
            return Ok(loaded);
        }
        let folder = self.folder(&*store, release.id, &plan).await?;
        let mut files = Vec::new();
        for format in &settings.formats {
            if *format == Format::Xlsx {
                let name = format!("{}.xlsx", settings.workbook);
                let path = format!("{folder}/{name}");
                if size(&*store, &path).await?.is_none() {
                    loaded.notes.extend(write_workbook(&store, &path, snapshot, &tables).await?);
                }
                let bytes = size(&*store, &path).await?.unwrap_or(0);
                files.push(WrittenFile {
                    name,
                    format: *format,
                    tables: tables.iter().map(|taken| taken.name.to_owned()).collect(),
                    rows: tables.iter().map(|taken| taken.table.rows).sum(),
                    bytes,
                });
                continue;
            }
            for (taken, load) in tables.iter().zip(&mut loaded.tables) {
                let begun = Instant::now();
                let ending = if *format == Format::Csv { "csv" } else { "parquet" };
                let name = format!("{}.{ending}", taken.name);
                let path = format!("{folder}/{name}");
                let is_there = size(&*store, &path).await?.is_some();
                if !is_there {
                    match format {
                        Format::Csv => write_csv(&store, &path, settings, snapshot, taken).await?,
                        _ => write_parquet(&store, &path, snapshot, taken).await?,
                    }
                }
                let bytes = size(&*store, &path).await?.unwrap_or(0);
                if !is_there {
                    load.sent = taken.table.rows;
                    load.bytes += bytes;
                    load.seconds += begun.elapsed().as_secs_f64();
                }
                let tables = vec![taken.name.to_owned()];
                files.push(WrittenFile {
                    name,
                    format: *format,
                    tables,
                    rows: taken.table.rows,
                    bytes,
                });
            }
        }
        let manifest = Manifest {
            release: release.id,
            as_of: release.as_of,
            released_at: release.created_at,
            folder,
            plan,
            files,
        };
        put(&*store, CURRENT, &manifest).await?;
        loaded.notes.extend(self.remove_old(&*store, &manifest.folder).await);
        Ok(loaded)
    }
}
