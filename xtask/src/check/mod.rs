//! `cargo xtask check`: what a machine can say about the code without running it.
//!
//! A check is one file here and one line in [`ALL`]. The cheap ones come first; every one runs,
//! so that a reader sees all there is to mend.

mod cargo;
mod crate_list;
mod directions;
mod exit_codes;
mod file_size;
mod licences;
mod links;
mod lock;
mod manifest;
mod model_cases;

use crate::failure::Failure;

/// One check.
struct Check {
    name: &'static str,
    /// What holds where it passes.
    promise: &'static str,
    run: fn() -> Result<(), Failure>,
}

const ALL: [Check; 12] = [
    Check {
        name: "directions",
        promise: "crates depend only on the rooms the architecture allows them",
        run: directions::run,
    },
    Check {
        name: "crate-list",
        promise: "the README lists every crate, and no other",
        run: crate_list::run,
    },
    Check {
        name: "exit-codes",
        promise: "docs/exit-codes.md lists the codes of the code",
        run: exit_codes::run,
    },
    Check { name: "links", promise: "links between our documents lead somewhere", run: links::run },
    Check {
        name: "file-size",
        promise: "no Rust file has more than 600 lines besides its tests",
        run: file_size::run,
    },
    Check {
        name: "model-cases",
        promise: "every model under sql/kpis/ has a case file in tests/models/",
        run: model_cases::run,
    },
    Check {
        name: "lock",
        promise: "the engine's crates are there in one version each",
        run: lock::run,
    },
    Check { name: "fmt", promise: "the code is formatted", run: cargo::fmt },
    Check { name: "clippy", promise: "there is no compiler or clippy warning", run: cargo::clippy },
    Check { name: "docs", promise: "the API docs build without a warning", run: cargo::docs },
    // After the checks that have cargo download every dependency.
    Check {
        name: "licences",
        promise: "every dependency declares a licence that deny.toml allows",
        run: licences::run,
    },
    Check {
        name: "deny",
        promise: "bans, licence texts and sources by deny.toml (where cargo-deny is installed)",
        run: cargo::deny,
    },
];

/// Runs the named checks, or all of them.
pub(crate) fn run(names: &[String]) -> Result<(), Failure> {
    if names.iter().any(|name| name == "--list") {
        for check in &ALL {
            println!("{:<12} {}", check.name, check.promise);
        }
        return Ok(());
    }
    if let Some(unknown) = names.iter().find(|name| !ALL.iter().any(|c| c.name == **name)) {
        return Err(Failure::new(format!("`{unknown}` is not a check"))
            .hint("`cargo xtask check --list` lists them"));
    }
    let mut failed = Vec::new();
    for check in &ALL {
        if !names.is_empty() && !names.iter().any(|name| name == check.name) {
            continue;
        }
        match (check.run)() {
            Ok(()) => println!("ok     {}: {}", check.name, check.promise),
            Err(failure) => {
                println!("FAILED {}: {failure}", check.name);
                failed.push(check.name);
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("{} of the checks failed: {}", failed.len(), failed.join(", "))))
}

/// Fails with a list of problems, if there are any.
fn none(problems: &[String], hint: &str) -> Result<(), Failure> {
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::new(problems.join("\n       ")).hint(hint))
}
