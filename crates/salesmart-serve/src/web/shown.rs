//! Which site is shown: that of the current release, made once and kept.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use salesmart_core::{Error, ReleaseId, Result};
use salesmart_docs::{Request, Site};
use salesmart_lake::{Lake, Release};
use salesmart_model::{BusinessSettings, Catalog};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long the release pointer is believed.
const BELIEVED: Duration = Duration::from_secs(5);

/// A site that is made.
#[derive(Debug)]
pub(crate) struct Shown {
    release: Release,
    /// Content and entity tag by path.
    files: BTreeMap<String, (Bytes, String)>,
}

impl Shown {
    fn new(release: Release, site: &Site) -> Self {
        let files = site.files().map(|(path, content)| {
            let mut hash = DefaultHasher::new();
            content.hash(&mut hash);
            let tag = format!("\"{}-{:016x}\"", release.id, hash.finish());
            (path.to_owned(), (Bytes::copy_from_slice(content), tag))
        });
        Self { files: files.collect(), release }
    }

    /// The release whose site it is.
    pub(crate) fn release(&self) -> ReleaseId {
        self.release.id
    }

    /// A file and its entity tag.
    pub(crate) fn file(&self, path: &str) -> Option<(Bytes, &str)> {
        self.files.get(path).map(|(content, tag)| (content.clone(), tag.as_str()))
    }
}

/// Why there is nothing to show. What went wrong is logged, and not told to whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unready {
    /// No release was ever published.
    NoRelease,
    /// The lake or the release could not be read.
    Failed,
}

impl Unready {
    /// What a reader is told.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Unready::NoRelease => {
                "There is no release yet. Run a pipeline: `salesmart run NAME`.\n"
            }
            Unready::Failed => {
                "The release cannot be read at the moment; the server's log says why.\n"
            }
        }
    }
}

/// The site of the current release.
pub(crate) struct Web {
    lake: Lake,
    catalog: Arc<Catalog>,
    business: BusinessSettings,
    /// Where sites are made, so that answering the network never waits for it.
    statements: Handle,
    shown: RwLock<Option<Arc<Shown>>>,
    /// When the pointer was last looked at. Held while a site is made: one at a time.
    looked: Mutex<Option<Instant>>,
}

impl Web {
    /// A site over a lake. `statements` is the runtime on which it is made.
    pub(crate) fn new(
        lake: Lake,
        catalog: Arc<Catalog>,
        business: BusinessSettings,
        statements: Handle,
    ) -> Arc<Self> {
        Arc::new(Self {
            lake,
            catalog,
            business,
            statements,
            shown: RwLock::default(),
            looked: Mutex::default(),
        })
    }

    /// The site to show now. Only before the first is there does anybody wait for it.
    ///
    /// # Errors
    /// When there is none yet.
    pub(crate) async fn shown(self: &Arc<Self>) -> std::result::Result<Arc<Shown>, Unready> {
        match self.kept() {
            Some(kept) => {
                let web = Arc::clone(self);
                self.statements.spawn(async move {
                    // Somebody is at it where this fails.
                    if let Ok(mut looked) = web.looked.try_lock() {
                        web.look(&mut looked).await;
                    }
                });
                Ok(kept)
            }
            None => {
                let web = Arc::clone(self);
                let first = self.statements.spawn(async move {
                    let mut looked = web.looked.lock().await;
                    if web.kept().is_none() {
                        *looked = None;
                    }
                    web.look(&mut looked).await
                });
                match first.await {
                    Ok(Some(unready)) => Err(unready),
                    Ok(None) => self.kept().ok_or(Unready::Failed),
                    Err(_) => Err(Unready::Failed),
                }
            }
        }
    }

    /// What happened since the release that is shown.
    ///
    /// # Errors
    /// When the lake cannot be read.
    pub(crate) async fn status(&self, shown: &Shown) -> std::result::Result<String, Unready> {
        salesmart_docs::status(&self.lake, &shown.release).await.map_err(|e| logged(&e))
    }

    fn kept(&self) -> Option<Arc<Shown>> {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks whether there is another release, and makes its site.
    async fn look(&self, looked: &mut Option<Instant>) -> Option<Unready> {
        if looked.is_some_and(|at| at.elapsed() < BELIEVED) {
            return None;
        }
        let outcome = self.made().await;
        *looked = Some(Instant::now());
        match outcome {
            Ok(Some(shown)) => {
                let release = shown.release();
                *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(shown));
                tracing::info!(%release, "the site of a release is shown");
                None
            }
            Ok(None) if self.kept().is_some() => None,
            Ok(None) => Some(Unready::NoRelease),
            Err(error) => Some(logged(&error)),
        }
    }

    /// The site of the current release; nothing where it is shown already, or there is none.
    async fn made(&self) -> Result<Option<Shown>> {
        let Some(release) = self.lake.current_release().await? else { return Ok(None) };
        if self.kept().is_some_and(|kept| kept.release == release) {
            return Ok(None);
        }
        let request = Request {
            lake: &self.lake,
            release: &release,
            catalog: &self.catalog,
            business: &self.business,
        };
        let site = salesmart_docs::site(request).await?;
        Ok(Some(Shown::new(release, &site)))
    }
}

fn logged(error: &Error) -> Unready {
    tracing::warn!(error = format!("{error:#}"), "the site cannot be made");
    Unready::Failed
}
