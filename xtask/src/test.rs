//! `cargo xtask test`: everything that has to hold, on a machine that had only Rust a moment ago.

use crate::failure::Failure;
use crate::servers::Servers;
use crate::{clients, install, paths, process};

/// Installs, builds, starts the servers, runs every test and stops the servers.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    run_with(arguments, &[])
}

/// The same with more environment variables for the tests.
pub(crate) fn run_with(arguments: &[String], more: &[(&str, &str)]) -> Result<(), Failure> {
    install::system_packages()?;
    println!("building in {}", paths::target().display());
    // The stories run the binary itself, which `cargo test` alone would not build. Same profile,
    // same packages, so every dependency is compiled once.
    process::run(&mut process::cargo(["build", "--release", "--workspace", "--locked"]))?;
    let python = clients::python()?;
    let servers = Servers::start()?;
    let mut command = process::cargo(["test", "--release", "--locked", "--no-fail-fast"]);
    // The whole workspace unless packages are named. Cargo chooses the features of dependencies by
    // what it builds, so a package alone may compile some of them again; a name as a filter does not.
    if !arguments.iter().any(|a| a.starts_with("-p") || a.starts_with("--package")) {
        command.arg("--workspace");
    }
    command.args(arguments);
    command.env("SALESMART_BIN", paths::target().join("release/salesmart"));
    command.env("SALESMART_TEST_PYTHON", python);
    command.envs(servers.environment()).envs(more.iter().copied());
    // Dropping `servers` stops them, whatever the tests said.
    process::run(&mut command)
}
