//! The servers that the cloud-store tests talk to, on ports of this machine, kept in memory.
//!
//! | variable | server | what is in it |
//! | --- | --- | --- |
//! | `SALESMART_TEST_S3` | moto (PyPI) | bucket `lake`; key id and secret `test`, region `us-east-1` |
//! | `SALESMART_TEST_AZURE` | Azurite (npm) | container `lake` of account `devstoreaccount1` |
//! | `SALESMART_TEST_GCS` | [`gcs`], in this process | any bucket; no credentials |
//! | `SALESMART_TEST_POSTGRES` | Debian's `postgresql` | a superuser's URL; every test makes a database of its own |
//! | `SALESMART_TEST_POSTGRES_CA` | | the file of the authority behind its certificate |
//! | `SALESMART_TEST_POSTGRES_VERSIONS` | PostgreSQL 13 to 18 (npm) | not running: a folder of programs a version |
//!
//! The value of the first three is the server's URL, `http://127.0.0.1:PORT`. Each of them refuses a second create of
//! the same object, which is what the lake's commits stand on.

mod azure;
mod child;
mod gcs;
mod postgres;
mod s3;
mod versions;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::failure::{Doing, Failure};
use crate::{http, install, paths, process};

use child::Child;
use postgres::Postgres;

/// Running servers; dropping them stops them.
pub(crate) struct Servers {
    s3: Child,
    azure: Child,
    gcs_port: u16,
    postgres: Postgres,
    versions: PathBuf,
}

impl Servers {
    /// Installs what is not installed yet, starts all of them and waits until each answers.
    pub(crate) fn start() -> Result<Self, Failure> {
        let versions = versions::installed()?;
        let started = Instant::now();
        let s3 = s3::start()?;
        let azure = azure::start()?;
        let gcs_port = gcs::start()?;
        let postgres = postgres::start()?;
        // Started together, then waited for: they take seconds, mostly to load themselves.
        wait(&s3, "PUT", s3::CREATE_BUCKET, 200)?;
        wait(&azure, "PUT", azure::CREATE_CONTAINER, 201)?;
        postgres::wait(&postgres)?;
        println!("test servers answer after {:.1} s", started.elapsed().as_secs_f64());
        Ok(Self { s3, azure, gcs_port, postgres, versions })
    }

    /// What the tests find them by.
    pub(crate) fn environment(&self) -> [(&'static str, String); 6] {
        [
            ("SALESMART_TEST_S3", url(self.s3.port)),
            ("SALESMART_TEST_AZURE", url(self.azure.port)),
            ("SALESMART_TEST_GCS", url(self.gcs_port)),
            ("SALESMART_TEST_POSTGRES", self.postgres.url()),
            ("SALESMART_TEST_POSTGRES_CA", self.postgres.authority().display().to_string()),
            ("SALESMART_TEST_POSTGRES_VERSIONS", self.versions.display().to_string()),
        ]
    }
}

/// `cargo xtask servers`: keeps them for as long as a person wants to run tests by hand.
pub(crate) fn run() -> Result<(), Failure> {
    install::system_packages()?;
    let servers = Servers::start()?;
    for (name, value) in servers.environment() {
        println!("export {name}={value}");
    }
    println!("press Enter to stop them");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).doing("read the keyboard")?;
    Ok(())
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Waits until the server has done what the request asks, which is to make its bucket.
fn wait(server: &Child, method: &str, request: &str, wanted: u16) -> Result<(), Failure> {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut last = None;
    while Instant::now() < deadline {
        match http::status(server.port, method, request) {
            Some(status) if status == wanted => return Ok(()),
            other => last = other.or(last),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let answer = last.map_or_else(|| "nothing".to_owned(), |status| format!("status {status}"));
    Err(Failure::new(format!(
        "the {} server on port {} answered {answer} for 60 s\n{}",
        server.name,
        server.port,
        process::tail(&server.log)
    ))
    .hint(format!(
        "its log is {}; delete {} to have it installed again",
        server.log.display(),
        paths::cache().join("servers").display()
    )))
}
