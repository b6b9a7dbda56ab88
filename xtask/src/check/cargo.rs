//! The checks that cargo does.

use crate::failure::Failure;
use crate::process::{cargo, run, succeeds};

/// `cargo fmt --check`.
pub(super) fn fmt() -> Result<(), Failure> {
    run(&mut cargo(["fmt", "--all", "--", "--check"]))
}

/// Clippy over everything, in the profile of the tests: what it compiles of the dependencies is
/// then kept beside their build and made once.
pub(super) fn clippy() -> Result<(), Failure> {
    run(&mut cargo([
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "--deny",
        "warnings",
    ]))
}

/// The API docs of our crates, broken links being errors.
pub(super) fn docs() -> Result<(), Failure> {
    let mut command = cargo(["doc", "--release", "--workspace", "--no-deps", "--locked"]);
    run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Licences, sources and duplicates by deny.toml. Offline: the advisory database is asked for by
/// a person (`cargo deny check advisories`), not by every run.
pub(super) fn deny() -> Result<(), Failure> {
    if !succeeds("cargo", &["deny", "--version"]) {
        println!(
            "       not checked: there is no cargo-deny (`cargo install --locked cargo-deny`)"
        );
        return Ok(());
    }
    run(&mut cargo(["deny", "--offline", "--locked", "check", "bans", "licenses", "sources"]))
}
