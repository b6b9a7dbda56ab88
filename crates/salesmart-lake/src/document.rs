//! Small JSON documents beside the tables.

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, PutOptions, PutPayload};
use salesmart_core::{ConnectionName, Error, Result, StreamName};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::store_error;
use crate::{Lake, crash};

fn encode<T: Serialize>(path: &str, document: &T) -> Result<PutPayload> {
    serde_json::to_vec_pretty(document)
        .map(|bytes| PutPayload::from(Bytes::from(bytes)))
        .map_err(|e| Error::bug(format!("failed to encode `{path}`")).with_source(e))
}

impl Lake {
    /// Writes a document that must not be there yet. Returns whether this call made it: `false`
    /// means that somebody else was first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn create_json<T: Serialize>(&self, path: &str, document: &T) -> Result<bool> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&Path::from(path), encode(path, document)?, options).await {
            Ok(_) => {
                crash::after_write(path);
                Ok(true)
            }
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => Ok(false),
            Err(e) => Err(store_error(format!("failed to write `{path}` to the lake"), e)),
        }
    }

    /// Writes a document, replacing one that is there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put_json<T: Serialize>(&self, path: &str, document: &T) -> Result<()> {
        self.store
            .put(&Path::from(path), encode(path, document)?)
            .await
            .map_err(|e| store_error(format!("failed to write `{path}` to the lake"), e))?;
        crash::after_write(path);
        Ok(())
    }

    /// Reads a document, `None` where there is none.
    ///
    /// # Errors
    /// When the store fails, or the document is not what was expected.
    pub async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        let Some(bytes) = self.get_bytes(path).await? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|e| {
            Error::configuration(format!("the document `{path}` of the lake cannot be read"))
                .with("lake", self.location())
                .with_source(e)
                .with_hint("it was written by another version of Salesmart, or by hand: restore it from a backup")
        })
    }

    /// Writes an object of raw bytes, replacing one that is there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn put_bytes(&self, path: &str, bytes: Vec<u8>) -> Result<()> {
        self.store
            .put(&Path::from(path), bytes.into())
            .await
            .map_err(|e| store_error(format!("failed to write `{path}` to the lake"), e))?;
        Ok(())
    }

    /// Reads an object of raw bytes, `None` where there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn get_bytes(&self, path: &str) -> Result<Option<Bytes>> {
        let failed = |e| store_error(format!("failed to read `{path}` from the lake"), e);
        match self.store.get(&Path::from(path)).await {
            Ok(result) => result.bytes().await.map(Some).map_err(failed),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(failed(e)),
        }
    }

    /// The names of the documents below a folder (not deeper), sorted, without `.json`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list_json(&self, folder: &str) -> Result<Vec<String>> {
        let listing = self
            .store
            .list_with_delimiter(Some(&Path::from(folder)))
            .await
            .map_err(|e| store_error(format!("failed to list `{folder}` of the lake"), e))?;
        let mut names: Vec<String> = listing
            .objects
            .iter()
            .filter_map(|object| {
                object.location.filename()?.strip_suffix(".json").map(str::to_owned)
            })
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The streams that have a quarantine table, sorted.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn quarantine_tables(&self) -> Result<Vec<(ConnectionName, StreamName)>> {
        let mut tables = Vec::new();
        for connection in self.folders("quarantine").await? {
            for stream in self.folders(&format!("quarantine/{connection}")).await? {
                // What has another name was not made by us.
                if let (Ok(connection), Ok(stream)) =
                    (ConnectionName::new(connection.clone()), StreamName::new(stream))
                {
                    tables.push((connection, stream));
                }
            }
        }
        Ok(tables)
    }

    /// The streams of a connection that have a raw table, sorted.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn raw_tables(&self, connection: &ConnectionName) -> Result<Vec<StreamName>> {
        let folders = self.folders(&format!("raw/{connection}")).await?;
        // What has another name was not made by us.
        Ok(folders.into_iter().filter_map(|name| StreamName::new(name).ok()).collect())
    }

    /// The names of the folders in a folder, sorted.
    async fn folders(&self, folder: &str) -> Result<Vec<String>> {
        let listing = self
            .store
            .list_with_delimiter(Some(&Path::from(folder)))
            .await
            .map_err(|e| store_error(format!("failed to list `{folder}` of the lake"), e))?;
        let mut names: Vec<String> = listing
            .common_prefixes
            .iter()
            .filter_map(|prefix| prefix.filename().map(str::to_owned))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Removes everything below a folder, such as a spool that has been landed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove_folder(&self, folder: &str) -> Result<()> {
        let failed = |e| store_error(format!("failed to remove `{folder}` from the lake"), e);
        let objects: Vec<_> =
            self.store.list(Some(&Path::from(folder))).try_collect().await.map_err(failed)?;
        for object in objects {
            self.store.delete(&object.location).await.map_err(failed)?;
        }
        Ok(())
    }
}
