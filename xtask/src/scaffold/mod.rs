//! `cargo xtask new-connector` and `new-model`: the files that a new thing has, in their places,
//! ready to be filled in.

mod connector;
mod model;

use std::path::Path;

use crate::failure::{Doing, Failure};
use crate::paths;

pub(crate) use connector::run as connector;
pub(crate) use model::run as model;

/// Writes files that do not exist yet, or none of them.
fn write_new(files: &[(String, String)]) -> Result<(), Failure> {
    let root = paths::root();
    if let Some((taken, _)) = files.iter().find(|(path, _)| root.join(path).exists()) {
        return Err(Failure::new(format!("`{taken}` exists already; nothing was written")));
    }
    for (path, text) in files {
        let file = root.join(path);
        let folder = file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).doing(format_args!("create `{}`", folder.display()))?;
        std::fs::write(&file, text).doing(format_args!("write `{path}`"))?;
        println!("wrote {path}");
    }
    Ok(())
}

/// Whether a name can be a folder, a Rust module and an SQL schema at once.
fn is_plain_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The only argument.
fn only<'a>(arguments: &'a [String], usage: &str) -> Result<&'a str, Failure> {
    match arguments {
        [one] => Ok(one),
        _ => Err(Failure::new("expected one argument").hint(format!("type `{usage}`"))),
    }
}
