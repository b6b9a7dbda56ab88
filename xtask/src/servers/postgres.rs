//! PostgreSQL from Debian's own package, with TLS, in a folder of its own that is gone afterwards.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::{Doing, Failure};
use crate::process::{run_quietly, succeeds, tail};
use crate::{http, paths};

use super::child::Child;

/// Where Debian and Ubuntu put the servers, a folder a version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The system's user for it: the server refuses to run as root.
const USER: &str = "postgres";
/// The password of the superuser `postgres`, on this machine's loopback only.
const PASSWORD: &str = "test-superuser";

/// A running server and the folder it works in.
pub(crate) struct Postgres {
    /// The server; stopped before the folder is removed, so it stands first.
    child: Child,
    folder: PathBuf,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.child.stop();
        // What is left of a temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Postgres {
    /// How tests reach it: a URL of the superuser.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:{}/postgres", self.child.port)
    }

    /// The certificate that vouches for it.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }
}

/// The programs of the newest version that is installed.
pub(crate) fn programs() -> Result<PathBuf, Failure> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(VERSIONS)
        .doing(format_args!("look for PostgreSQL in `{VERSIONS}`"))?
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_string_lossy().parse().ok()?;
            let programs = entry.path().join("bin");
            programs.join("initdb").exists().then_some((version, programs))
        })
        .collect();
    versions.sort();
    versions.pop().map(|(_, programs)| programs).ok_or_else(|| {
        Failure::new(format!("there is no PostgreSQL server in `{VERSIONS}`"))
            .hint("apt-get install postgresql")
    })
}

/// Starts it on a free port.
pub(crate) fn start() -> Result<Postgres, Failure> {
    let programs = programs()?;
    let port = http::free_port()?;
    let folder = std::env::temp_dir().join(format!("salesmart-postgres-{port}"));
    std::fs::create_dir_all(&folder).doing(format_args!("create `{}`", folder.display()))?;
    certificates(&folder)?;
    let password = folder.join("password");
    std::fs::write(&password, PASSWORD).doing("write the password of the test database")?;
    let is_root = succeeds("sh", &["-c", "test \"$(id -u)\" = 0"]);
    if is_root {
        run_quietly(Command::new("chown").args(["-R", USER]).arg(&folder))?;
    }
    let data = folder.join("data");
    let mut init = as_user(is_root, &programs.join("initdb"));
    init.arg("-D").arg(&data).args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8"]);
    init.args(["--locale=C.UTF-8", "--no-sync", "--pwfile"]).arg(&password);
    run_quietly(&mut init)?;
    let mut server = as_user(is_root, &programs.join("postgres"));
    server.arg("-D").arg(&data).args(["-p", &port.to_string()]);
    let key = format!("ssl_key_file={}", folder.join("server.key").display());
    let certificate = format!("ssl_cert_file={}", folder.join("server.pem").display());
    let sockets = format!("unix_socket_directories={}", folder.display());
    for setting in [
        "listen_addresses=127.0.0.1",
        "ssl=on",
        "max_connections=200",
        &key,
        &certificate,
        &sockets,
    ] {
        server.args(["-c", setting]);
    }
    let child = Child::start("postgres", port, &server)?;
    Ok(Postgres { child, folder })
}

/// Waits until it takes connections.
pub(crate) fn wait(server: &Postgres) -> Result<(), Failure> {
    let deadline = Instant::now() + Duration::from_secs(60);
    let ready = programs()?.join("pg_isready");
    let port = server.child.port.to_string();
    while Instant::now() < deadline {
        if succeeds(&ready.to_string_lossy(), &["-q", "-h", "127.0.0.1", "-p", &port]) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(Failure::new(format!("PostgreSQL did not answer for 60 s\n{}", tail(&server.child.log))))
}

/// A command of the server's user. `setpriv` becomes the program, so that its process id is the
/// server's own.
fn as_user(is_root: bool, program: &Path) -> Command {
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).arg(program);
    command.current_dir(paths::root());
    command
}

/// A certificate authority of one certificate, for `localhost` and 127.0.0.1.
fn certificates(folder: &Path) -> Result<(), Failure> {
    let script = "set -e; umask 077
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=Salesmart tests' -keyout ca.key -out ca.pem -addext basicConstraints=critical,CA:TRUE
openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\nbasicConstraints=CA:FALSE\\n' > extensions
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile extensions -out server.pem
chmod 644 ca.pem; chmod 755 .";
    run_quietly(Command::new("sh").args(["-c", script]).current_dir(folder))
}
