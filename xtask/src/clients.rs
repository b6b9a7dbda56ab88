//! The programs of others that the tests drive against our servers: Python packages in an
//! environment of their own in the cache folder.

use std::path::PathBuf;
use std::process::Command;

use crate::failure::{Doing, Failure};
use crate::{paths, process};

/// What is installed. A change makes a new folder.
const PACKAGES: [&str; 17] = [
    // The CRMs' own clients read the simulated systems.
    "simple-salesforce==1.12.10",
    "hubspot-api-client==12.0.0",
    // PostgreSQL's clients read `salesmart serve`, and what was published into PostgreSQL.
    "psycopg[binary]==3.3.9",
    "asyncpg==0.32.0",
    "SQLAlchemy==2.1.9",
    "pandas==3.1.1",
    "adbc-driver-manager==1.13.0",
    "adbc-driver-flightsql==1.13.0",
    "adbc-driver-postgresql==1.13.0",
    // Others read the lake and the files of the file target.
    "pyarrow==26.0.1",
    "duckdb==2.0.0",
    "deltalake==1.6.6",
    "openpyxl==3.1.5",
    // The site and the containers are read by programs of others too.
    "playwright==1.65.2",
    "dockerfile-parse==2.0.1",
    "jsonschema==4.26.0",
    "PyYAML==6.0.3",
];

/// The folder of this set of packages.
const FOLDER: &str = "clients/2026-11-24";

/// Installs the packages where they are missing, and returns the Python that has them.
pub(crate) fn python() -> Result<PathBuf, Failure> {
    let folder = paths::cache().join(FOLDER);
    let program = folder.join("bin/python");
    // Written last: a folder without it is a half-finished installation, and made again.
    let complete = folder.join("complete");
    if complete.exists() {
        return Ok(program);
    }
    println!("installing {} into {}", PACKAGES.join(", "), folder.display());
    let venv = ["-m", "venv", "--clear"];
    process::run_quietly(Command::new("python3").args(venv).arg(&folder))?;
    let pip = ["install", "--quiet", "--disable-pip-version-check"];
    process::run_quietly(Command::new(folder.join("bin/pip")).args(pip).args(PACKAGES))?;
    std::fs::write(&complete, "").doing(format_args!("write `{}`", complete.display()))?;
    Ok(program)
}
