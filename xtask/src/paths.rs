//! Where things are: the checkout, the cache, cargo's output.

use std::path::{Path, PathBuf};

/// The checkout: the folder above xtask's own.
pub(crate) fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().map_or_else(|| own.clone(), Path::to_path_buf)
}

/// What outlives a checkout: build output and installed test servers.
pub(crate) fn cache() -> PathBuf {
    if let Some(folder) = set("SALESMART_CACHE") {
        return folder;
    }
    let home = set("HOME").unwrap_or_else(|| PathBuf::from("/tmp"));
    home.join(".cache/salesmart")
}

/// Where cargo builds.
///
/// A newcomer who has just run the README's first command has every dependency compiled in the
/// checkout's own `target/`; while the cache has none, that one is used rather than compiling
/// them all again.
pub(crate) fn target() -> PathBuf {
    if let Some(folder) = set("CARGO_TARGET_DIR") {
        return folder;
    }
    let own = root().join("target");
    let cached = cache().join("target");
    if own.join("release/salesmart").exists() && !cached.join("release").exists() {
        own
    } else {
        cached
    }
}

/// An environment variable that is set and not empty.
fn set(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Every file below `folder` whose name ends in `ending`, sorted. None if there is no such folder.
pub(crate) fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A path as a person names it from the checkout, with `/`.
pub(crate) fn shown(path: &Path) -> String {
    let root = root();
    path.strip_prefix(&root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}
