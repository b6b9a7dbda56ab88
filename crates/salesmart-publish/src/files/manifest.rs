//! `current.json`: which folder readers should read, written last.

use chrono::{DateTime, Utc};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use salesmart_core::{Error, ErrorKind, ReleaseId, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::config::Format;

/// The name of the manifest, below the target's location.
pub(super) const CURRENT: &str = "current.json";
/// The name of what a folder was begun with, inside it.
pub(super) const PLAN: &str = "plan.json";

/// What readers should read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The release.
    pub(super) release: ReleaseId,
    /// The instant its models were built as of.
    pub(super) as_of: DateTime<Utc>,
    /// When it was made.
    pub(super) released_at: DateTime<Utc>,
    /// The folder of its files, below the target's location.
    pub(super) folder: String,
    /// What the folder was begun with.
    pub(super) plan: FolderPlan,
    /// Its files.
    pub(super) files: Vec<WrittenFile>,
}

/// What the files of a folder are made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FolderPlan {
    /// The run that made the release: another lake has the same ids.
    pub(super) run_id: String,
    /// The settings of the target.
    pub(super) settings: String,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WrittenFile {
    /// Its name in the folder.
    pub(super) name: String,
    /// How it is written.
    pub(super) format: Format,
    /// The tables in it.
    pub(super) tables: Vec<String>,
    /// Rows in it.
    pub(super) rows: u64,
    /// Bytes.
    pub(super) bytes: u64,
}

/// Says what a failing store means.
pub(super) fn failed(what: String, error: object_store::Error) -> Error {
    let (kind, retryable, hint) = match &error {
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => (
            ErrorKind::Permission,
            false,
            "check the credentials in the environment, and that they may read, write and list there",
        ),
        _ => (
            ErrorKind::SourceUnavailable,
            true,
            "publish again when the store answers: files that are complete are not written again",
        ),
    };
    Error::new(kind, what).with_retryable(retryable).with_source(error).with_hint(hint)
}

/// Reads a document; `None` where there is none.
pub(super) async fn get<T: DeserializeOwned>(
    store: &dyn ObjectStore,
    path: &str,
) -> Result<Option<T>> {
    let what = || format!("failed to read `{path}` of the target");
    let bytes = match store.get(&Path::from(path)).await {
        Ok(found) => found.bytes().await.map_err(|e| failed(what(), e))?,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(failed(what(), error)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|e| {
        Error::new(ErrorKind::TargetRefused, what()).with_source(e).with_hint(format!(
            "`{path}` was not written by Salesmart: move it away, or name another location"
        ))
    })
}

/// Writes a document in one put.
pub(super) async fn put<T: Serialize>(
    store: &dyn ObjectStore,
    path: &str,
    document: &T,
) -> Result<()> {
    let text = serde_json::to_string_pretty(document)
        .map_err(|e| Error::bug("failed to write a manifest").with_source(e))?;
    store
        .put(&Path::from(path), PutPayload::from(text))
        .await
        .map(drop)
        .map_err(|e| failed(format!("failed to write `{path}` of the target"), e))
}
