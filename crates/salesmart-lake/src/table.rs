//! One version of a Delta table, resolved to its exact files.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use deltalake_core::DeltaTable;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};
use salesmart_core::{Error, ErrorKind, Result};
use serde_json::Value;
use url::Url;

use crate::store::store_error;
use crate::{Lake, TablePath};

/// The key in a commit's information under which Salesmart keeps its own.
pub(crate) const METADATA_KEY: &str = "salesmart";

/// One Parquet file of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Its path, relative to the lake.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Rows.
    pub rows: u64,
}

/// One version of a table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Where it is.
    pub path: TablePath,
    /// The version.
    pub version: u64,
    /// Its columns.
    pub schema: SchemaRef,
    /// Its files, in the order of their paths.
    pub files: Vec<DataFile>,
    /// What Salesmart wrote into the commit that made this version.
    pub metadata: BTreeMap<String, Value>,
    /// Rows in all files.
    pub rows: u64,
    pub(crate) delta: DeltaTable,
}

/// What Delta failed at, in our words.
pub(crate) fn delta_error(what: String, error: deltalake_core::DeltaTableError) -> Error {
    Error::new(ErrorKind::SourceUnavailable, what)
        .with_retryable(true)
        .with_source(error)
        .with_hint("run again; if it stays, look at the table's `_delta_log` folder in the lake")
}

fn table_url(text: &str) -> Result<Url> {
    Url::parse(text).map_err(|e| Error::bug(format!("`{text}` is no URL")).with_source(e))
}

impl Lake {
    pub(crate) fn log_store(&self, path: &TablePath) -> Result<LogStoreRef> {
        let prefixed: Arc<dyn ObjectStore> =
            Arc::new(PrefixStore::new(Arc::clone(&self.store), Path::from(path.as_str())));
        let config = StorageConfig::default();
        // A local disk lists in no order, and Delta's kernel sorts only what it knows by a real
        // `file` URL. Every other store lists in order; for those the URL is just a name below
        // our own store.
        let Some(folder) = &self.folder else {
            let url = table_url(&format!("lake:///{path}/"))?;
            return Ok(default_logstore(prefixed, Arc::clone(&self.store), &url, &config));
        };
        let url = Url::from_directory_path(folder.join(path.as_str()))
            .map_err(|()| Error::bug(format!("`{path}` has no URL")))?;
        Ok(default_logstore(prefixed, Arc::new(LocalFileSystem::new()), &url, &config))
    }

    /// The newest version of a table, `None` where there is no table.
    ///
    /// # Errors
    /// When the store fails or the log cannot be read.
    pub async fn table(&self, path: &TablePath) -> Result<Option<Table>> {
        let log_store = self.log_store(path)?;
        let there = log_store
            .is_delta_table_location()
            .await
            .map_err(|e| delta_error(format!("failed to look for table `{path}`"), e))?;
        if !there {
            return Ok(None);
        }
        let mut delta = DeltaTable::new(log_store);
        delta.load().await.map_err(|e| delta_error(format!("failed to open table `{path}`"), e))?;
        self.resolve(path, delta).await.map(Some)
    }

    /// A table as it was at a version.
    ///
    /// # Errors
    /// When the store fails, or the version is not there (any more).
    pub async fn table_at(&self, path: &TablePath, version: u64) -> Result<Table> {
        let mut delta = DeltaTable::new(self.log_store(path)?);
        delta.load_version(version).await.map_err(|e| {
            delta_error(format!("failed to open version {version} of table `{path}`"), e)
        })?;
        self.resolve(path, delta).await
    }

    async fn resolve(&self, path: &TablePath, delta: DeltaTable) -> Result<Table> {
        let failed = |e| delta_error(format!("failed to read the log of table `{path}`"), e);
        let state = delta.snapshot().map_err(failed)?;
        let version = state.version();
        let schema: Schema = state.snapshot().arrow_schema().as_ref().clone();
        let mut files: Vec<DataFile> = state
            .log_data()
            .iter()
            .map(|file| DataFile {
                path: format!("{path}/{}", file.path()),
                size: u64::try_from(file.size()).unwrap_or(0),
                rows: file.num_records().unwrap_or(0) as u64,
            })
            .collect();
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let rows = files.iter().map(|file| file.rows).sum();
        let metadata = self.commit_metadata(path, version).await?;
        Ok(Table {
            path: path.clone(),
            version,
            schema: Arc::new(schema),
            files,
            metadata,
            rows,
            delta,
        })
    }

    /// What Salesmart wrote into one commit; empty where it wrote nothing, or the commit is gone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn commit_metadata(
        &self,
        path: &TablePath,
        version: u64,
    ) -> Result<BTreeMap<String, Value>> {
        let commit = path.object(&format!("_delta_log/{version:020}.json"));
        let failed =
            |e| store_error(format!("failed to read commit {version} of table `{path}`"), e);
        let bytes = match self.store.get(&commit).await {
            Ok(result) => result.bytes().await.map_err(failed)?,
            // Cleaned up by another tool: the table is readable from its checkpoint all the same.
            Err(object_store::Error::NotFound { .. }) => return Ok(BTreeMap::new()),
            Err(e) => return Err(failed(e)),
        };
        for line in bytes.split(|byte| *byte == b'\n') {
            let Ok(Value::Object(mut action)) = serde_json::from_slice::<Value>(line) else {
                continue;
            };
            let Some(Value::Object(mut info)) = action.remove("commitInfo") else { continue };
            if let Some(Value::Object(ours)) = info.remove(METADATA_KEY) {
                return Ok(ours.into_iter().collect());
            }
        }
        Ok(BTreeMap::new())
    }
}
