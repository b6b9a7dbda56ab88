//! `cargo xtask bless`: every snapshot written anew. The diff is then read as code is.

use crate::failure::Failure;
use crate::test;

/// Runs the tests with insta told to accept what it sees.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    test::run_with(arguments, &[("INSTA_UPDATE", "always"), ("INSTA_FORCE_PASS", "1")])?;
    println!("snapshots are written; read `git diff` before you commit it");
    Ok(())
}
