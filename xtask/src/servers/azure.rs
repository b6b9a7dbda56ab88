//! Azure blobs: Azurite, installed by npm into the cache folder.

use std::path::PathBuf;
use std::process::Command;

use super::child::Child;
use crate::failure::{Doing, Failure};
use crate::{http, paths, process};

/// The last release line that runs on the Node of Debian 12 and Ubuntu 24.04 (3.37 wants Node 22).
const PACKAGE: &str = "azurite@3.34.0";

/// The request that makes the container of the tests. The signature allows creating containers
/// and nothing else; it is made with the key of Azurite's well-known account, which is public.
pub(crate) const CREATE_CONTAINER: &str = "/devstoreaccount1/lake?restype=container\
    &sv=2019-12-12&ss=b&srt=c&sp=c&se=2099-12-31T00%3A00%3A00Z\
    &sig=ZQQl3oZLBTsEh7m3QhbPr%2Bh%2FEnUxbVc9lqFsdFrGxLE%3D";

/// Starts it on a free port.
pub(crate) fn start() -> Result<Child, Failure> {
    let program = installed()?;
    let port = http::free_port()?;
    let mut server = Command::new(program);
    server.args(["--inMemoryPersistence", "--silent", "--disableTelemetry"]);
    server.args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]);
    Child::start("azure", port, &server)
}

fn installed() -> Result<PathBuf, Failure> {
    let folder = paths::cache().join("servers/azurite-3.34.0");
    let program = folder.join("node_modules/.bin/azurite-blob");
    // Written last: a folder without it is a half-finished installation, and made again.
    let complete = folder.join("complete");
    if complete.exists() {
        return Ok(program);
    }
    println!("installing Azurite, the Azure server of the tests, into {}", folder.display());
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).doing(format_args!("create `{}`", folder.display()))?;
    process::run_quietly(
        Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
            .args(["--omit=dev", "--omit=optional", "--prefix"])
            .arg(&folder)
            .arg(PACKAGE),
    )?;
    std::fs::write(&complete, "").doing(format_args!("write `{}`", complete.display()))?;
    Ok(program)
}
