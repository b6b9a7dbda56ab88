//! The programs of others that the tests drive against our servers: Python packages in an
//! environment of their own in the cache folder.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Doing, Failure};
use crate::{paths, process};

/// What is installed. A change makes a new folder.
const PACKAGES: [&str; 2] = ["simple-salesforce==1.12.10", "hubspot-api-client==12.0.0"];

/// The folder of this set of packages.
const FOLDER: &str = "clients/simple-salesforce-1.12.10-hubspot-12.0.0";

/// Installs the packages where they are missing, and returns the Python that has them.
pub(crate) fn python() -> Result<PathBuf, Failure> {
    let folder = paths::cache().join(FOLDER);
    let program = folder.join("bin/python");
    // Written last: a folder without it is a half-finished installation, and made again.
    let complete = folder.join("complete");
    if complete.exists() {
        return Ok(program);
    }
    println!("installing {} into {}", PACKAGES.join(" and "), folder.display());
    let venv = ["-m", "venv", "--clear"];
    process::run_quietly(Command::new("python3").args(venv).arg(&folder))?;
    let pip = ["install", "--quiet", "--disable-pip-version-check"];
    process::run_quietly(Command::new(folder.join("bin/pip")).args(pip).args(PACKAGES))?;
    std::fs::write(&complete, "").doing(format_args!("write `{}`", complete.display()))?;
    Ok(program)
}
