//! Where the files are: the only module that knows URLs, object stores and their errors.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, GetResult, GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt,
};
use salesmart_core::yaml::At;
use salesmart_core::{Error, ErrorKind, Location, Result};
use url::Url;

use super::identity::SourceFile;
use super::pattern::Pattern;

/// A checked `location`.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// As messages show it: without credentials that someone put into the URL.
    pub shown: String,
    /// Where it is declared.
    pub location: Location,
    kind: PlaceKind,
}

#[derive(Clone, Debug)]
enum PlaceKind {
    Folder(PathBuf),
    Url(Url),
}

impl Place {
    /// Checks a location as it is written. Nothing is opened yet.
    pub(super) fn new(written: &At<String>, project: &FilePath) -> Result<Self> {
        let text = written.value.as_str();
        let location = written.location.clone();
        if text.is_empty() {
            return Err(Error::configuration("`location` is empty")
                .at(location)
                .with_hint("name a folder, or a URL such as `s3://bucket/exports`"));
        }
        if !text.contains("://") {
            let folder = project.join(text);
            return Ok(Self { shown: text.to_owned(), location, kind: PlaceKind::Folder(folder) });
        }
        let url = Url::parse(text).map_err(|error| {
            Error::configuration("`location` is not a URL").with_source(error).at(location.clone())
        })?;
        let mut shown = url.clone();
        // What cannot have a user name cannot have a secret there either.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.set_query(None);
        shown.set_fragment(None);
        let kind = match url.scheme() {
            "file" => PlaceKind::Folder(url.to_file_path().map_err(|()| {
                Error::configuration(format!("`{shown}` is not a path on this machine"))
                    .at(location.clone())
                    .with_hint("write `file:///` and an absolute path, or the path alone")
            })?),
            "s3" | "gs" | "az" if url.host_str().is_none_or(str::is_empty) => {
                return Err(Error::configuration(format!("`{shown}` names no bucket"))
                    .at(location)
                    .with_hint("write `s3://bucket/prefix`"));
            }
            "s3" | "gs" | "az" => PlaceKind::Url(url),
            other => {
                return Err(Error::configuration(format!(
                    "`{other}://` is not a place files are read from"
                ))
                .with("expected", "a folder, `file://`, `s3://`, `gs://` or `az://`")
                .at(location));
            }
        };
        Ok(Self { shown: shown.to_string(), location, kind })
    }

    /// Opens the store. For a cloud store this contacts nobody yet.
    pub(super) fn open(&self) -> Result<Store> {
        let (objects, root, local): (Arc<dyn ObjectStore>, _, _) = match &self.kind {
            PlaceKind::Folder(folder) => {
                let store = LocalFileSystem::new_with_prefix(folder).map_err(|error| {
                    Error::new(
                        ErrorKind::SourceUnavailable,
                        format!("the folder `{}` cannot be opened", self.shown),
                    )
                    .with("folder", folder.display())
                    .with_source(error)
                    .at(self.location.clone())
                    .with_state("nothing was read")
                    .with_hint(format!("create it, or set `location`; {}", nearest_folder(folder)))
                })?;
                (Arc::new(store), Path::ROOT, true)
            }
            PlaceKind::Url(url) => {
                let objects = cloud_store(url).map_err(|error| {
                    Error::configuration(format!("failed to set up access to `{}`", self.shown))
                        .with_source(error)
                        .at(self.location.clone())
                        .with_state("nothing was read")
                        .with_hint(format!("look at the {} variables", variables(url.scheme())))
                })?;
                let root = Path::from_url_path(url.path()).map_err(|error| {
                    Error::configuration(format!("`{}` is not a usable prefix", self.shown))
                        .with_source(error)
                        .at(self.location.clone())
                })?;
                (objects, root, false)
            }
        };
        Ok(Store { objects, root, local, place: self.clone() })
    }

    /// What a store's failure means to a person.
    pub(super) fn error(&self, error: object_store::Error, message: &str) -> Error {
        use object_store::Error as Failure;
        let state = "nothing of what failed was read; what is landed stays as it is";
        let failure = match &error {
            Failure::PermissionDenied { .. } | Failure::Unauthenticated { .. } => {
                Error::new(ErrorKind::Permission, message).with_hint(
                    "grant read and list on this location to the credentials in the environment, \
                     then run `salesmart check --connections`",
                )
            }
            Failure::NotFound { .. } => Error::new(ErrorKind::SourceUnavailable, message)
                .with_hint("it is gone or was never there: look at `location` and `path`"),
            Failure::Precondition { .. } => {
                Error::new(ErrorKind::SourceUnavailable, message).with_retryable(true).with_hint(
                    "the file changed while it was read: run again when it is written completely",
                )
            }
            Failure::InvalidPath { .. } | Failure::UnknownConfigurationKey { .. } => {
                Error::new(ErrorKind::Configuration, message)
            }
            _ if is_denied(&error) => Error::new(ErrorKind::Permission, message)
                .with_hint("make it readable for the user that runs Salesmart"),
            _ => Error::new(ErrorKind::SourceUnavailable, message)
                .with_retryable(true)
                .with_hint("look at the network, and at the AWS_…, GOOGLE_… or AZURE_… variables"),
        };
        failure
            .with("location", &self.shown)
            .with_source(error)
            .at(self.location.clone())
            .with_state(state)
    }
}

/// Whether the file system said no.
fn is_denied(error: &object_store::Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::PermissionDenied;
        }
        next = error.source();
    }
    false
}

/// What is there instead of a missing folder.
fn nearest_folder(folder: &FilePath) -> String {
    match folder.ancestors().skip(1).find(|ancestor| ancestor.is_dir()) {
        Some(there) => format!("`{}` is there", there.display()),
        None => "none of the folders above it is there".to_owned(),
    }
}

/// The environment variables that a scheme's store is configured by.
fn variables(scheme: &str) -> &'static str {
    match scheme {
        "s3" => "`AWS_…`",
        "gs" => "`GOOGLE_…`",
        _ => "`AZURE_…` (`AZURE_STORAGE_ACCOUNT_NAME` at least)",
    }
}

fn cloud_store(url: &Url) -> object_store::Result<Arc<dyn ObjectStore>> {
    Ok(match url.scheme() {
        "s3" => Arc::new(AmazonS3Builder::from_env().with_url(url.as_str()).build()?),
        "gs" => Arc::new(GoogleCloudStorageBuilder::from_env().with_url(url.as_str()).build()?),
        _ => Arc::new(MicrosoftAzureBuilder::from_env().with_url(url.as_str()).build()?),
    })
}

/// How much of an object is fetched at a time.
pub(super) const PIECE: u64 = 8 * 1024 * 1024;

/// An opened file.
pub(super) enum Opened {
    /// On this machine.
    File(std::fs::File),
    /// In an object store.
    Pieces(BoxStream<'static, object_store::Result<Bytes>>),
}

/// An open location.
#[derive(Clone, Debug)]
pub(super) struct Store {
    objects: Arc<dyn ObjectStore>,
    root: Path,
    local: bool,
    place: Place,
}

impl Store {
    /// A store that is already open, as tests have it.
    #[cfg(test)]
    pub(super) fn over(objects: Arc<dyn ObjectStore>) -> Self {
        let place = Place {
            shown: "memory".to_owned(),
            location: Location::line("test.yml", 1),
            kind: PlaceKind::Folder(PathBuf::new()),
        };
        Self { objects, root: Path::ROOT, local: false, place }
    }

    /// Where it is.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The full path of a file, given relative to the location.
    fn path_of(&self, relative: &str) -> object_store::Result<Path> {
        let full = if self.root.as_ref().is_empty() {
            relative.to_owned()
        } else {
            format!("{}/{relative}", self.root)
        };
        Ok(Path::parse(full)?)
    }

    /// The files a pattern means, in the order of their paths.
    pub(super) async fn list(&self, pattern: &Pattern) -> Result<Vec<SourceFile>> {
        if pattern.is_one_file() {
            return match self.head(pattern.as_str()).await {
                Ok(file) => Ok(vec![file]),
                Err(object_store::Error::NotFound { .. }) => Ok(Vec::new()),
                Err(error) => Err(self
                    .place
                    .error(error, &format!("failed to look at `{}`", pattern.as_str()))),
            };
        }
        let files = self.folder(pattern.folder(), pattern.is_recursive()).await?;
        Ok(files.into_iter().filter(|file| pattern.matches(&file.path)).collect())
    }

    /// Every file in a folder, in the order of their paths.
    pub(super) async fn folder(&self, folder: &str, recursive: bool) -> Result<Vec<SourceFile>> {
        let listed = async {
            let prefix = if folder.is_empty() { self.root.clone() } else { self.path_of(folder)? };
            if recursive {
                self.objects.list(Some(&prefix)).try_collect::<Vec<ObjectMeta>>().await
            } else {
                self.objects.list_with_delimiter(Some(&prefix)).await.map(|listed| listed.objects)
            }
        };
        let objects = match listed.await {
            Ok(objects) => objects,
            // A folder that is not there has no files in it.
            Err(object_store::Error::NotFound { .. }) => Vec::new(),
            Err(error) => {
                let message = format!("failed to list the files in `{}`", self.place.shown);
                return Err(self.place.error(error, &message));
            }
        };
        let files: BTreeMap<String, SourceFile> = objects
            .into_iter()
            .filter_map(|object| self.source_file(object))
            .map(|file| (file.path.clone(), file))
            .collect();
        Ok(files.into_values().collect())
    }

    /// A file as it is now.
    pub(super) async fn head(&self, relative: &str) -> object_store::Result<SourceFile> {
        let object = self.objects.head(&self.path_of(relative)?).await?;
        self.source_file(object).ok_or_else(|| object_store::Error::Generic {
            store: "files",
            source: "the store answered for another path".into(),
        })
    }

    /// Opens a file to be read from front to back, in the version that was listed. A local file is
    /// what it is at this moment, which is given back with it.
    ///
    /// An object is fetched in pieces of `piece` bytes, two at a time, each with its own retries:
    /// one long download would have to be finished before the client's timeout.
    pub(super) async fn open(&self, file: &SourceFile, piece: u64) -> Result<(Opened, SourceFile)> {
        if !self.local {
            let (store, size, of) = (self.clone(), file.size, file.clone());
            let starts = (0..size).step_by(usize::try_from(piece).unwrap_or(usize::MAX));
            let pieces = futures::stream::iter(starts).map(move |start| {
                let (store, of) = (store.clone(), of.clone());
                async move { store.get_range(&of, start..size.min(start + piece)).await }
            });
            return Ok((Opened::Pieces(pieces.buffered(2).boxed()), file.clone()));
        }
        let opened = self
            .get_opts(file, None)
            .await
            .map_err(|error| self.place.error(error, &format!("failed to open `{}`", file.path)))?;
        let now = self.source_file(opened.meta.clone()).unwrap_or_else(|| file.clone());
        Ok(match opened.payload {
            GetResultPayload::File(handle, _) => (Opened::File(handle), now),
            GetResultPayload::Stream(stream) => (Opened::Pieces(stream), now),
        })
    }

    /// Reads a part of a file, in that version.
    pub(super) async fn get_range(
        &self,
        file: &SourceFile,
        range: Range<u64>,
    ) -> object_store::Result<Bytes> {
        self.get_opts(file, Some(range.into())).await?.bytes().await
    }

    async fn get_opts(
        &self,
        file: &SourceFile,
        range: Option<GetRange>,
    ) -> object_store::Result<GetResult> {
        let options = GetOptions { if_match: file.etag.clone(), range, ..GetOptions::default() };
        self.objects.get_opts(&self.path_of(&file.path)?, options).await
    }

    fn source_file(&self, object: ObjectMeta) -> Option<SourceFile> {
        let full = object.location.as_ref();
        let path = if self.root.as_ref().is_empty() {
            full
        } else {
            full.strip_prefix(self.root.as_ref())?.strip_prefix('/')?
        };
        Some(SourceFile {
            path: path.to_owned(),
            size: object.size,
            modified: object.last_modified,
            etag: object.e_tag.filter(|_| !self.local),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<Place> {
        let written = At { value: text.to_owned(), location: Location::line("p.yml", 3) };
        Place::new(&written, FilePath::new("/project"))
    }

    #[test]
    fn a_location_is_a_folder_or_a_known_kind_of_url() {
        assert!(
            matches!(place("data").unwrap().kind, PlaceKind::Folder(f) if f == FilePath::new("/project/data"))
        );
        assert!(
            matches!(place("file:///x/y").unwrap().kind, PlaceKind::Folder(f) if f == FilePath::new("/x/y"))
        );
        assert!(matches!(place("s3://bucket/x").unwrap().kind, PlaceKind::Url(_)));
        for text in ["", "ftp://host/x", "s3:///x", "://"] {
            let error = place(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{text}");
            assert_eq!(error.location().unwrap().line, 3, "{text}");
        }
    }

    #[test]
    fn cloud_stores_are_set_up_without_contacting_anyone() {
        assert!(place("s3://bucket/exports/2017").unwrap().open().is_ok());
        assert!(place("gs://bucket/exports").unwrap().open().is_ok());
        // Azure wants to know the account, which is no part of the URL.
        let error = place("az://container/exports").unwrap().open().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.hint().unwrap().contains("AZURE_STORAGE_ACCOUNT_NAME"));
    }

    #[test]
    fn no_secret_of_a_location_is_shown() {
        let place = place("s3://key:hunter2@bucket/x?token=hunter2#hunter2").unwrap();
        assert_eq!(place.shown, "s3://bucket/x");
    }

    #[test]
    fn a_refusal_says_what_to_grant() {
        let denied =
            object_store::Error::PermissionDenied { path: "x".into(), source: "403".into() };
        let error = place("s3://bucket/x").unwrap().error(denied, "failed to list");
        assert_eq!(error.kind(), ErrorKind::Permission);
        assert!(!error.is_retryable());
        assert!(error.hint().unwrap().contains("grant read and list"));
    }
}
