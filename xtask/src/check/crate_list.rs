//! The README's list of crates is the folder `crates/`.

use super::manifest;
use crate::failure::{Doing, Failure};
use crate::paths;

pub(super) fn run() -> Result<(), Failure> {
    let readme =
        std::fs::read_to_string(paths::root().join("README.md")).doing("read README.md")?;
    let listed = listed(&readme);
    let there: Vec<String> = manifest::crates()?.iter().map(|f| manifest::name(f)).collect();
    let mut problems: Vec<String> = there
        .iter()
        .filter(|name| !listed.contains(name))
        .map(|name| format!("crates/{name} is not in the README's list of crates"))
        .collect();
    problems.extend(
        listed
            .iter()
            .filter(|name| !there.contains(name))
            .map(|name| format!("the README lists `{name}`, which is not in crates/")),
    );
    super::none(&problems, "a line of the list is: | `salesmart-NAME` | one sentence |")
}

/// The names in table rows that begin with a crate of ours.
fn listed(readme: &str) -> Vec<String> {
    readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `salesmart-"))
        .filter_map(|rest| rest.split_once('`'))
        .map(|(name, _)| format!("salesmart-{name}"))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn rows_are_read() {
        let readme =
            "| crate | |\n| --- | --- |\n| `salesmart-core` | words |\ntext `salesmart-x`\n";
        assert_eq!(super::listed(readme), ["salesmart-core"]);
    }
}
