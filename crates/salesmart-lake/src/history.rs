//! What happened to a table: its commits one by one, and its files as they lie in the store now.
//!
//! A reader of rows trusts the log. Whoever audits a table asks whether the log still tells the
//! whole story, and whether the files are still those that it names.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use salesmart_core::Result;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::store::store_error;
use crate::table::METADATA_KEY;
use crate::{DataFile, Lake, TablePath};

/// Commits that are read at a time: years of nights are many small documents.
const AT_ONCE: usize = 16;

/// One commit of a table's log.
#[derive(Clone, Debug, PartialEq)]
pub struct TableCommit {
    /// The version it made.
    pub version: u64,
    /// When the writer says it was made.
    pub at: Option<DateTime<Utc>>,
    /// The files it added.
    pub added: Vec<DataFile>,
    /// The paths of the files it took out of the table, relative to the lake.
    pub removed: Vec<String>,
    /// What Salesmart wrote into it.
    pub metadata: BTreeMap<String, Value>,
    /// Lines that are no JSON: the commit was damaged.
    pub unreadable_lines: usize,
}

/// A data file as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in lower-case hexadecimal.
    pub sha256: String,
}

impl Lake {
    /// The commits of a table that are in its log, oldest first. A version that is missing from
    /// the log is missing here.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn history(&self, path: &TablePath) -> Result<Vec<TableCommit>> {
        let log = format!("{path}/_delta_log");
        // A commit is named by its version alone; other JSON documents are no commits.
        let names = self.list_json(&log).await?;
        let versions = names.into_iter().filter_map(|name| Some((name.parse::<u64>().ok()?, name)));
        let read = versions.map(|(version, name)| {
            let document = format!("{log}/{name}.json");
            async move {
                let bytes = self.get_bytes(&document).await?;
                Ok(bytes.map(|bytes| commit(path, version, &bytes)))
            }
        });
        let mut commits: Vec<TableCommit> = futures::stream::iter(read)
            .buffered(AT_ONCE)
            .try_filter_map(async |commit| Ok(commit))
            .try_collect()
            .await?;
        commits.sort_unstable_by_key(|commit| commit.version);
        Ok(commits)
    }

    /// A data file as it lies in the store, read once from end to end; `None`: it is not there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn stored_file(&self, file: &DataFile) -> Result<Option<StoredFile>> {
        let failed = |e| store_error(format!("failed to read `{}` from the lake", file.path), e);
        let object = match self.store.get(&Path::from(file.path.as_str())).await {
            Ok(object) => object,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(failed(e)),
        };
        let mut bytes = object.into_stream();
        let (mut size, mut hash) = (0, Sha256::new());
        while let Some(chunk) = bytes.try_next().await.map_err(failed)? {
            size += chunk.len() as u64;
            hash.update(&chunk);
        }
        let mut sha256 = String::with_capacity(64);
        for byte in hash.finalize() {
            let _ = write!(sha256, "{byte:02x}");
        }
        Ok(Some(StoredFile { size, sha256 }))
    }
}

/// Reads one commit: a JSON action a line.
fn commit(path: &TablePath, version: u64, bytes: &[u8]) -> TableCommit {
    let mut commit = TableCommit {
        version,
        at: None,
        added: Vec::new(),
        removed: Vec::new(),
        metadata: BTreeMap::new(),
        unreadable_lines: 0,
    };
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let Ok(Value::Object(mut action)) = serde_json::from_slice::<Value>(line) else {
            commit.unreadable_lines += 1;
            continue;
        };
        let file = |action: &Value| Some(format!("{path}/{}", action["path"].as_str()?));
        if let Some(add) = action.get("add") {
            commit.added.extend(file(add).map(|path| DataFile {
                path,
                size: add["size"].as_u64().unwrap_or(0),
                rows: rows_of(add),
            }));
        }
        if let Some(remove) = action.get("remove") {
            commit.removed.extend(file(remove));
        }
        if let Some(Value::Object(mut info)) = action.remove("commitInfo") {
            commit.at = info
                .get("timestamp")
                .and_then(Value::as_i64)
                .and_then(DateTime::from_timestamp_millis);
            if let Some(Value::Object(ours)) = info.remove(METADATA_KEY) {
                commit.metadata = ours.into_iter().collect();
            }
        }
    }
    commit
}

/// The rows that the log says a file has. Statistics are JSON in a text.
fn rows_of(add: &Value) -> u64 {
    add["stats"]
        .as_str()
        .and_then(|stats| serde_json::from_str::<Value>(stats).ok())
        .and_then(|stats| stats["numRecords"].as_u64())
        .unwrap_or(0)
}
