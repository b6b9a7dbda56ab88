//! The site: what every table, column and figure of a release means, and where it comes from.
//!
//! ```text
//! Catalog ── contracts, cards, SQL ─┐
//!         └─ plans ─▶ lineage ──────┼▶ pages ─▶ Site: path ─▶ bytes
//! Release ── rows, runs, checks,  ──┘
//!            figures (by SQL)
//! ```
//!
//! Everything in a [`Site`] follows from one release and the models in use: the same two give the
//! same bytes. What happened since, such as a night that failed, is a file of its own
//! ([`status`]), which whoever writes or serves the site adds. Pages work from `file://`: data is
//! in scripts, nothing is fetched, and nothing comes from another host.
//!
//! Architecture invariant: this crate writes no file and opens no socket.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

mod assets;
mod facts;
mod figures;
mod graph;
mod highlight;
mod pages;
mod search;
mod status;
mod templates;
#[cfg(test)]
mod tests;
mod wording;

use std::collections::BTreeMap;

use salesmart_core::Result;
use salesmart_lake::{Lake, Release};
use salesmart_model::{BusinessSettings, Catalog};

pub use status::{STATUS, status};

/// What a site is made of.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The lake.
    pub lake: &'a Lake,
    /// The release whose rows, runs, checks and figures are shown.
    pub release: &'a Release,
    /// The models whose contracts and SQL are shown.
    pub catalog: &'a Catalog,
    /// What models know of the company.
    pub business: &'a BusinessSettings,
}

/// The files of a site: path and content. Paths are relative, with `/`, and in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    files: BTreeMap<String, Vec<u8>>,
}

impl Site {
    /// A file, by its path.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// Every file, by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// The bytes of all files together.
    #[must_use]
    pub fn size(&self) -> usize {
        self.files.values().map(Vec::len).sum()
    }

    fn add(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), content.into());
    }
}

/// What a browser calls a file of that name.
#[must_use]
pub fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// Makes the site of a release.
///
/// # Errors
/// When a model does not plan, or the release cannot be read.
pub async fn site(request: Request<'_>) -> Result<Site> {
    let lineage = salesmart_model::lineage(request.catalog, request.business).await?;
    let facts = facts::Facts::read(request).await?;
    let book = pages::Book::new(request, &lineage, &facts);
    let mut site = Site::default();
    book.write(&mut site)?;
    site.add("assets/search.js", search::script(&book)?);
    site.add("assets/graph.js", graph::script(&book)?);
    assets::add(&mut site);
    Ok(site)
}
