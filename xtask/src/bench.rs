//! `cargo xtask bench`: builds the binary as users run it and hands it to the benchmark scripts.

use std::process::Command;

use crate::failure::Failure;
use crate::{paths, process};

/// Runs `benches/run.sh`, or `first-build.sh`, `sources.sh`, `history.sh`, `postgres.sh` or `serve.sh`
/// when the first argument says so.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let (script, arguments) = match arguments {
        [first, rest @ ..] if first == "first-build" => ("benches/first-build.sh", rest),
        [first, rest @ ..] if first == "sources" => ("benches/sources.sh", rest),
        [first, rest @ ..] if first == "history" => ("benches/history.sh", rest),
        [first, rest @ ..] if first == "postgres" => ("benches/postgres.sh", rest),
        [first, rest @ ..] if first == "serve" => ("benches/serve.sh", rest),
        all => ("benches/run.sh", all),
    };
    // The first build is measured from nothing; the others measure what is built.
    if script != "benches/first-build.sh" {
        process::run(&mut process::cargo(["build", "--release", "--locked"]))?;
    }
    let mut command = Command::new("bash");
    command
        .arg(paths::root().join(script))
        .args(arguments)
        .env("SALESMART_BIN", paths::target().join("release/salesmart"))
        .current_dir(paths::root());
    process::run(&mut command)
}
