//! S3: moto, in a Python environment of its own in the cache folder.

use std::path::PathBuf;
use std::process::Command;

use super::child::Child;
use crate::failure::{Doing, Failure};
use crate::{http, paths, process};

/// Three packages and what they need, instead of `moto[server]` with everything of AWS: 140 MB
/// and 11 s against 317 MB and 56 s. A change makes a new folder.
const PACKAGES: [&str; 3] = ["moto[s3]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5"];

/// The request that makes the bucket of the tests.
pub(crate) const CREATE_BUCKET: &str = "/lake";

/// Starts it on a free port.
pub(crate) fn start() -> Result<Child, Failure> {
    let program = installed()?;
    let port = http::free_port()?;
    let mut server = Command::new(program);
    server.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    Child::start("s3", port, &server)
}

fn installed() -> Result<PathBuf, Failure> {
    let folder = paths::cache().join("servers/moto-5.2.5");
    let program = folder.join("bin/moto_server");
    // Written last: a folder without it is a half-finished installation, and made again.
    let complete = folder.join("complete");
    if complete.exists() {
        return Ok(program);
    }
    println!("installing moto, the S3 server of the tests, into {}", folder.display());
    let venv = ["-m", "venv", "--clear"];
    process::run_quietly(Command::new("python3").args(venv).arg(&folder))?;
    let pip = ["install", "--quiet", "--disable-pip-version-check"];
    process::run_quietly(Command::new(folder.join("bin/pip")).args(pip).args(PACKAGES))?;
    std::fs::write(&complete, "").doing(format_args!("write `{}`", complete.display()))?;
    Ok(program)
}
