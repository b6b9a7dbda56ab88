//! Dependencies point up the architecture's table of rooms only.

use super::manifest;
use crate::failure::Failure;

/// Each room and the rooms it may use. The four stages do not know each other, run knows no
/// connector, a connector knows no SQL; only `salesmart-cli` knows all.
const ROOMS: [(&str, &[&str]); 14] = [
    ("core", &[]),
    ("config", &["core"]),
    ("lake", &["core"]),
    ("extract", &["core"]),
    ("land", &["core", "lake"]),
    ("model", &["core", "lake"]),
    ("forecast", &["core", "lake"]),
    ("publish", &["core", "lake"]),
    ("connectors", &["core", "extract"]),
    ("run", &["core", "config", "lake", "extract", "land", "model", "forecast", "publish"]),
    ("docs", &["core", "lake", "model"]),
    ("serve", &["core", "config", "lake", "model", "docs"]),
    ("simulator", &["core"]),
    (
        "cli",
        &[
            "core",
            "config",
            "lake",
            "extract",
            "land",
            "model",
            "forecast",
            "publish",
            "connectors",
            "run",
            "docs",
            "serve",
            "simulator",
        ],
    ),
];

/// Crates from outside that only some rooms may use, and why.
const RESERVED: [(&str, &[&str], &str); 4] = [
    ("deltalake-core", &["lake"], "the lake is the only room that knows Delta"),
    ("datafusion", &["model", "docs", "serve", "cli"], "only models and queries need the engine"),
    (
        "object_store",
        &["lake", "model", "publish", "connectors"],
        "the other rooms reach a store through the lake",
    ),
    (
        "tokio",
        &[
            "lake",
            "extract",
            "land",
            "model",
            "forecast",
            "publish",
            "connectors",
            "run",
            "docs",
            "serve",
            "simulator",
            "cli",
        ],
        "core and config do no I/O and nothing asynchronous",
    ),
];

pub(super) fn run() -> Result<(), Failure> {
    let mut problems = Vec::new();
    for folder in manifest::crates()? {
        let crate_name = manifest::name(&folder);
        let room = crate_name.strip_prefix("salesmart-").unwrap_or(&crate_name);
        problems.extend(wrong(room, &manifest::dependencies(&folder)?));
    }
    super::none(
        &problems,
        "move the code to the room it belongs to; if the architecture itself should change, \
         write why in crates/DECISIONS.md and change xtask/src/check/directions.rs",
    )
}

/// What is wrong with the dependencies of one room.
fn wrong(room: &str, dependencies: &[String]) -> Vec<String> {
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("`{room}` in crates/ is not a room of the architecture")];
    };
    let mut problems = Vec::new();
    for dependency in dependencies {
        if let Some(other) = dependency.strip_prefix("salesmart-")
            && !allowed.contains(&other)
        {
            problems.push(format!(
                "crates/salesmart-{room} uses salesmart-{other}; it may use: {}",
                if allowed.is_empty() { "no room".to_owned() } else { allowed.join(", ") }
            ));
        }
        let reserved = RESERVED.iter().find(|(name, ..)| name == dependency);
        if let Some((_, rooms, why)) = reserved
            && !rooms.contains(&room)
        {
            problems.push(format!("crates/salesmart-{room} uses {dependency}, but {why}"));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_that_knows_another_is_found() {
        let uses = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect::<Vec<_>>();
        assert!(wrong("land", &uses(&["salesmart-core", "salesmart-lake", "arrow"])).is_empty());
        assert_eq!(wrong("land", &uses(&["salesmart-extract"])).len(), 1);
        assert_eq!(wrong("run", &uses(&["salesmart-connectors", "deltalake-core"])).len(), 2);
        assert_eq!(wrong("utils", &[]).len(), 1);
    }
}
