//! What a `Cargo.toml` of ours says about dependencies, read line by line: ours are all written
//! one dependency a line.

use std::path::{Path, PathBuf};

use crate::failure::{Doing, Failure};
use crate::paths;

/// The folders of all crates, sorted.
pub(super) fn crates() -> Result<Vec<PathBuf>, Failure> {
    let folder = paths::root().join("crates");
    let entries = std::fs::read_dir(&folder).doing(format_args!("read `{}`", folder.display()))?;
    let mut crates: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|path| path.is_dir()).collect();
    crates.sort();
    Ok(crates)
}

/// The last part of a path, which for a crate's folder is its name.
pub(super) fn name(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The names in `[dependencies]` and `[build-dependencies]`. Tests may use what they need.
pub(super) fn dependencies(folder: &Path) -> Result<Vec<String>, Failure> {
    let file = folder.join("Cargo.toml");
    let text = std::fs::read_to_string(&file)
        .doing(format_args!("read `{}`: every folder in crates/ is a crate", file.display()))?;
    Ok(parse(&text))
}

fn parse(text: &str) -> Vec<String> {
    let mut wanted = false;
    let mut names = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            wanted = section == "dependencies"
                || section == "build-dependencies"
                || (section.starts_with("target.") && section.ends_with(".dependencies"));
            if let Some((_, name)) = section.split_once("dependencies.")
                && !section.starts_with("dev-")
            {
                names.push(name.to_owned());
            }
        } else if wanted && !line.starts_with('#') {
            let end = line.find(|c: char| !c.is_alphanumeric() && c != '-' && c != '_');
            if let Some(end) = end.filter(|end| *end > 0) {
                names.push(line[..end].to_owned());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_read_in_every_way_of_writing() {
        let text = "[package]\nname = \"x\"\n[dependencies]\n# a comment\nserde.workspace = true\n\
                    a-b = { path = \"..\" }\n[dev-dependencies]\ninsta.workspace = true\n\
                    [dependencies.c_d]\nversion = \"1\"\n[build-dependencies]\ncc = \"1\"\n";
        assert_eq!(super::parse(text), ["serde", "a-b", "c_d", "cc"]);
    }
}
