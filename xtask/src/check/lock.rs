//! Two versions of the engine's crates in one binary do not understand each other's types, and
//! cost minutes of build time. `deny.toml` says the same; this check needs nothing installed.

use crate::failure::{Doing, Failure};
use crate::paths;

const SINGLE: [&str; 5] = ["arrow", "parquet", "datafusion", "object_store", "deltalake-core"];

pub(super) fn run() -> Result<(), Failure> {
    let text =
        std::fs::read_to_string(paths::root().join("Cargo.lock")).doing("read Cargo.lock")?;
    let mut problems = Vec::new();
    for name in SINGLE {
        let versions = versions(&text, name);
        if versions.len() != 1 {
            let found = if versions.is_empty() { "none".to_owned() } else { versions.join(", ") };
            problems.push(format!("`{name}` must be there in one version; found: {found}"));
        }
    }
    super::none(&problems, "`cargo tree --invert NAME@VERSION` says who brings it")
}

fn versions(lock: &str, name: &str) -> Vec<String> {
    let head = format!("name = \"{name}\"\nversion = \"");
    lock.split(&head)
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(version, _)| version.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_second_version_is_found() {
        let lock = "[[package]]\nname = \"arrow\"\nversion = \"59.0.0\"\n\n[[package]]\n\
                    name = \"arrow\"\nversion = \"58.0.0\"\n\n[[package]]\nname = \"arrow-row\"\n\
                    version = \"59.0.0\"\n";
        assert_eq!(super::versions(lock, "arrow"), ["59.0.0", "58.0.0"]);
        assert!(super::versions(lock, "parquet").is_empty());
    }
}
