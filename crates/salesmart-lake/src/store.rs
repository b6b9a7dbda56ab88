//! Opening the object store that holds the lake.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use salesmart_core::{Error, ErrorKind, Result};
use url::Url;

/// The lake: one object store and everything below one prefix of it.
#[derive(Clone, Debug)]
pub struct Lake {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The lake's folder, when it is a local one.
    pub(crate) folder: Option<Arc<FilePath>>,
    location: Arc<str>,
    url: Url,
}

/// Opens the store behind a path or URL (`file://`, `s3://`, `gs://`, `az://`, `memory://`),
/// rooted at it. Credentials and endpoints come from the environment, under the names the
/// `object_store` crate documents (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`,
/// `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_NAME` …). `create` makes a local folder that
/// is not there yet.
///
/// # Errors
/// When the text is no usable location, or a local folder cannot be made or is not there.
pub fn open_store(location: &str, create: bool) -> Result<Arc<dyn ObjectStore>> {
    if let Some(folder) = local_folder(location)? {
        return open_folder(&folder, create);
    }
    let url = parse_url(location)?;
    if url.scheme() == "memory" {
        return Ok(Arc::new(InMemory::new()));
    }
    let options = std::env::vars().filter(|(name, _)| {
        ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| name.starts_with(prefix))
    });
    let (store, prefix) = object_store::parse_url_opts(&url, options).map_err(|e| {
        Error::configuration(format!("`{location}` cannot be opened as an object store"))
            .with("expected", "a path, or a URL with file, s3, gs or az")
            .with_source(e)
    })?;
    let store: Arc<dyn ObjectStore> = Arc::from(store);
    Ok(if prefix == Path::default() { store } else { Arc::new(PrefixStore::new(store, prefix)) })
}

/// The local folder that a location names, if it names one.
fn local_folder(location: &str) -> Result<Option<PathBuf>> {
    if !location.contains("://") {
        return Ok(Some(PathBuf::from(location)));
    }
    let url = parse_url(location)?;
    if url.scheme() != "file" {
        return Ok(None);
    }
    url.to_file_path().map(Some).map_err(|()| {
        Error::configuration(format!("`{location}` is not a local folder"))
            .with("expected", "`file:///an/absolute/path`")
    })
}

fn open_folder(folder: &FilePath, create: bool) -> Result<Arc<dyn ObjectStore>> {
    if create {
        std::fs::create_dir_all(folder).map_err(|e| {
            Error::configuration(format!("failed to make the folder `{}`", folder.display()))
                .with_source(e)
        })?;
    }
    let cannot_open =
        || Error::configuration(format!("the folder `{}` cannot be opened", folder.display()));
    let canonical = folder.canonicalize().map_err(|e| cannot_open().with_source(e))?;
    let store =
        LocalFileSystem::new_with_prefix(canonical).map_err(|e| cannot_open().with_source(e))?;
    Ok(Arc::new(store))
}

fn parse_url(location: &str) -> Result<Url> {
    Url::parse(location).map_err(|e| {
        Error::configuration(format!("`{location}` is not a URL"))
            .with("expected", "a path, or a URL with file, s3, gs or az")
            .with_source(e)
    })
}

impl Lake {
    /// Opens the lake at a path or URL, making a local folder that is not there yet.
    ///
    /// # Errors
    /// When the location cannot be opened.
    pub async fn open(location: &str) -> Result<Self> {
        let store = open_store(location, true)
            .map_err(|e| e.wrap(format!("failed to open the lake `{location}`")))?;
        let mut lake = Self::with_store(store, location);
        if let Some(folder) = local_folder(location)? {
            let folder = folder.canonicalize().map_err(|e| {
                Error::configuration(format!("the folder `{}` cannot be opened", folder.display()))
                    .with_source(e)
            })?;
            lake.folder = Some(Arc::from(folder));
        }
        Ok(lake)
    }

    /// A lake on a store that is open already.
    #[must_use]
    pub fn with_store(store: Arc<dyn ObjectStore>, location: &str) -> Self {
        // Engines look stores up by scheme and host: a host of its own for each location.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in location.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let url = Url::parse(&format!("lake://l{hash:016x}/")).expect("a fixed form is a URL");
        Self { store, folder: None, location: Arc::from(location), url }
    }

    /// The store, rooted at the lake.
    #[must_use]
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// A URL without meaning outside the process, under which an engine can register the store.
    #[must_use]
    pub fn store_url(&self) -> &Url {
        &self.url
    }

    /// The location as it was given.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }
}

/// Says what a failing store means for the person who runs this.
pub(crate) fn store_error(what: String, error: object_store::Error) -> Error {
    let (kind, retryable, hint) = match &error {
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => (
            ErrorKind::Permission,
            false,
            "check the credentials in the environment and that they may read, write and list there",
        ),
        object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. } => (
            ErrorKind::Configuration,
            false,
            "the lake needs a store with create-only puts (S3 since 2024, GCS, Azure, a local disk)",
        ),
        _ => (ErrorKind::SourceUnavailable, true, "run again when the store answers"),
    };
    Error::new(kind, what).with_retryable(retryable).with_source(error).with_hint(hint)
}
