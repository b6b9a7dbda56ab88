//! The files of a new project.

mod export;
mod simulated;

use std::path::Path;

use salesmart_core::{Error, Result};

pub use export::{EXPORT_FOLDER, PIPELINE, write};
pub use simulated::{Simulated, System, write as write_simulated};

/// What to do with files that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse, and write nothing.
    Refuse,
    /// Leave them as they are and write the others.
    Keep,
}

/// Writes a file, making its folder.
fn write_file(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, text))
        .map_err(|e| not_written(path, e))
}

fn not_written(path: &Path, error: std::io::Error) -> Error {
    Error::configuration(format!("failed to write `{}`", path.display()))
        .with_source(error)
        .with_hint("make the folder writable, or name another one")
}
