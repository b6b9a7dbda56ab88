//! `cargo xtask bench`: builds the binary as users run it and hands it to the benchmark scripts.

use std::process::Command;

use crate::failure::Failure;
use crate::{paths, process};

/// Runs `benches/run.sh`, or `benches/first-build.sh` when the first argument says so.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let first_build = arguments.first().is_some_and(|argument| argument == "first-build");
    let (script, arguments) = match arguments {
        [_, rest @ ..] if first_build => ("benches/first-build.sh", rest),
        all => ("benches/run.sh", all),
    };
    if !first_build {
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
