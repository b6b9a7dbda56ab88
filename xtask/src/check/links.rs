//! A link from one of our documents to a file of ours leads to a file.

use std::path::{Path, PathBuf};

use crate::failure::{Doing, Failure};
use crate::paths;

pub(super) fn run() -> Result<(), Failure> {
    let root = paths::root();
    let mut documents: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .iter()
        .map(|name| root.join(name))
        .collect();
    for folder in ["docs", "crates", "benches", "tests", "sql"] {
        documents.extend(paths::files_below(&root.join(folder), ".md"));
    }
    let mut problems = Vec::new();
    for document in documents {
        let shown = paths::shown(&document);
        let text = std::fs::read_to_string(&document).doing(format_args!("read `{shown}`"))?;
        let folder = document.parent().unwrap_or(Path::new("."));
        for (line, target) in targets(&text) {
            if !folder.join(&target).exists() {
                problems.push(format!("{shown}:{line} links to `{target}`, which does not exist"));
            }
        }
    }
    super::none(&problems, "a link is relative to the document it stands in")
}

/// Line number and path of every link to a file; links to the web and within the page are not ours
/// to check.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for rest in line.split("](").skip(1) {
            let target = rest.split([')', '#', ' ']).next().unwrap_or("");
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                found.push((index + 1, target.to_owned()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn links_to_files_are_found() {
        let text =
            "see [a](docs/a.md#part) and [b](https://b.example)\n```\n[c](c.md)\n```\n[d](#d)\n";
        assert_eq!(super::targets(text), [(1, "docs/a.md".to_owned())]);
    }
}
