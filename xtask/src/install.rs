//! What the tests need from the system, installed only where it is missing.

use std::process::Command;

use crate::failure::Failure;
use crate::process::{run, succeeds};

/// One thing the tests need.
struct Need {
    /// What it is for.
    purpose: &'static str,
    /// A command that succeeds where it is there.
    probe: (&'static str, &'static [&'static str]),
    /// The Debian and Ubuntu packages that bring it.
    packages: &'static [&'static str],
}

const NEEDS: [Need; 8] = [
    Need {
        purpose: "a C compiler, for the compression and TLS libraries",
        probe: ("cc", &["--version"]),
        packages: &["build-essential"],
    },
    Need {
        purpose: "Python with venv, for the S3 server and the client programs of the tests",
        probe: ("python3", &["-c", "import ensurepip, venv"]),
        packages: &["python3", "python3-venv"],
    },
    Need {
        purpose: "npm, for the Azure blob server of the tests",
        probe: ("npm", &["--version"]),
        packages: &["nodejs", "npm"],
    },
    Need {
        purpose: "a PostgreSQL server and openssl for its certificate, for the target of releases",
        probe: ("sh", &["-c", "ls /usr/lib/postgresql/*/bin/initdb && command -v openssl setpriv"]),
        packages: &["postgresql", "openssl", "util-linux"],
    },
    Need {
        purpose: "psql and pgbench, which read releases that are served",
        probe: ("sh", &["-c", "command -v psql && ls /usr/lib/postgresql/*/bin/pgbench"]),
        packages: &["postgresql-client", "postgresql"],
    },
    Need {
        purpose: "PostgreSQL's JDBC driver and a Java that compiles one file, for the same",
        probe: ("sh", &["-c", "command -v javac && test -e /usr/share/java/postgresql.jar"]),
        packages: &["default-jdk-headless", "libpostgresql-jdbc-java"],
    },
    Need {
        purpose: "Chromium, for the stories of the documentation site",
        probe: ("chromium", &["--version"]),
        packages: &["chromium"],
    },
    Need {
        purpose: "shellcheck, for the scripts of the containers",
        probe: ("shellcheck", &["--version"]),
        packages: &["shellcheck"],
    },
];

/// Installs what is missing.
pub(crate) fn system_packages() -> Result<(), Failure> {
    let missing: Vec<&Need> =
        NEEDS.iter().filter(|need| !succeeds(need.probe.0, need.probe.1)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|n| n.packages.iter().copied()).collect();
    let purposes: Vec<&str> = missing.iter().map(|need| need.purpose).collect();
    let typed = format!("apt-get install -y {}", packages.join(" "));
    let failure =
        |why: &str| Failure::new(format!("the tests need {}, and {why}", purposes.join(", and ")));
    if !succeeds("apt-get", &["--version"]) {
        return Err(failure("this machine has no apt-get to install it with").hint(format!(
            "install what Debian calls {}, then type `cargo xtask test` again",
            packages.join(", ")
        )));
    }
    if !succeeds("sh", &["-c", "test \"$(id -u)\" = 0"]) {
        return Err(failure("only root may install it")
            .hint(format!("type `sudo {typed}`, then `cargo xtask test` again")));
    }
    println!("installing {}", purposes.join(", "));
    apt_get(&["update", "-qq"])?;
    apt_get(&[&["install", "-y", "-qq", "--no-install-recommends"], &packages[..]].concat())
}

fn apt_get(arguments: &[&str]) -> Result<(), Failure> {
    run(Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
}
