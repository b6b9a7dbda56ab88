//! PostgreSQL for the stories: the shared server of `cargo xtask test`, or one of a story's own that
//! can be killed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use salesmart_tests::Project;
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// A server that takes connections.
pub(crate) struct Server {
    pub(crate) port: u16,
    password: String,
    pub(crate) authority: PathBuf,
    own: Option<Own>,
}

/// A server that this process started.
struct Own {
    process: Child,
    folder: tempfile::TempDir,
    /// Where its programs are.
    programs: PathBuf,
}

/// A database of its own, with a role that loads and one that reads.
pub(crate) struct Database<'a> {
    pub(crate) server: &'a Server,
    pub(crate) name: String,
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run the tests with `cargo xtask test`, or start the servers with `cargo xtask servers`")
    })
}

/// The shared one.
pub(crate) fn shared() -> Server {
    let url = variable("SALESMART_TEST_POSTGRES");
    let (login, place) = url.strip_prefix("postgres://").unwrap().split_once('@').unwrap();
    let port = place.split_once(':').unwrap().1.split('/').next().unwrap();
    Server {
        port: port.parse().unwrap(),
        password: login.split_once(':').unwrap().1.to_owned(),
        authority: PathBuf::from(variable("SALESMART_TEST_POSTGRES_CA")),
        own: None,
    }
}

/// The versions that `cargo xtask` installs beside Debian's, each with the folder of its programs.
pub(crate) fn versions() -> Vec<(String, PathBuf)> {
    let folder = PathBuf::from(variable("SALESMART_TEST_POSTGRES_VERSIONS"));
    let mut versions: Vec<(String, PathBuf)> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .collect();
    versions.sort();
    versions
}

/// The programs of Debian's newest version.
fn installed() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap().flatten();
    let newest = versions.map(|entry| entry.path()).max().expect("PostgreSQL is installed");
    newest.join("bin")
}

/// A command of the user that PostgreSQL runs as, which must not be root.
fn as_user(program: &Path) -> Command {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]).arg(program);
    command
}

impl Server {
    /// Starts one that can be killed.
    pub(crate) fn own() -> Self {
        Self::of(installed(), tempfile::tempdir().unwrap())
    }

    /// Starts one of another version, whose programs are in `folder`.
    pub(crate) fn of_version(folder: &Path) -> Self {
        // The cache is in somebody's home, where the server's user may not look.
        let own = tempfile::tempdir().unwrap();
        let copied =
            Command::new("cp").arg("-R").arg(folder).arg(own.path().join("version")).status();
        assert!(copied.unwrap().success());
        Self::of(own.path().join("version/bin"), own)
    }

    fn of(programs: PathBuf, folder: tempfile::TempDir) -> Self {
        let password = folder.path().join("password");
        std::fs::write(&password, "test-own").unwrap();
        // Not every user is root, and then the folder is the right one's already.
        let _ = Command::new("chown").args(["-R", "postgres"]).arg(folder.path()).status();
        let init = as_user(&programs.join("initdb"))
            .arg("-D")
            .arg(folder.path().join("data"))
            .args(["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8"])
            .args(["--no-sync", "--pwfile"])
            .arg(&password)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(init.success());
        let port =
            std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let process = Self::start(&programs, folder.path(), port);
        let server = Self {
            port,
            password: "test-own".to_owned(),
            authority: PathBuf::new(),
            own: Some(Own { process, folder, programs }),
        };
        server.wait();
        server
    }

    fn start(programs: &Path, folder: &Path, port: u16) -> Child {
        let log = std::fs::File::create(folder.join("log")).unwrap();
        as_user(&programs.join("postgres"))
            .arg("-D")
            .arg(folder.join("data"))
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", &format!("unix_socket_directories={}", folder.display())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut last = String::new();
        while Instant::now() < deadline {
            match self.query_as("postgres", &self.password, "postgres", "select 1") {
                Ok(_) => return,
                Err(said) => last = said,
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the server on port {} does not answer: {last}", self.port);
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        let own = self.own.as_mut().expect("only one's own server can be killed");
        own.process.kill().unwrap();
        let _ = own.process.wait();
    }

    /// Starts it again after [`Server::kill`].
    pub(crate) fn restart(&mut self) {
        let port = self.port;
        let own = self.own.as_mut().unwrap();
        let data = own.folder.path().join("data");
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            // The processes of the killed server notice one by one that it is gone; until they all
            // have, a new one ends at once.
            let _ = std::fs::remove_file(data.join("postmaster.pid"));
            own.process = Self::start(&own.programs, own.folder.path(), port);
            std::thread::sleep(Duration::from_millis(500));
            if own.process.try_wait().unwrap().is_none() {
                break;
            }
        }
        self.wait();
    }

    fn query_as(
        &self,
        user: &str,
        password: &str,
        database: &str,
        sql: &str,
    ) -> Result<Vec<Vec<String>>, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut config = tokio_postgres::Config::new();
            config.host("127.0.0.1").port(self.port).user(user).password(password).dbname(database);
            let (client, connection) = config.connect(NoTls).await.map_err(|e| format!("{e:?}"))?;
            let connection = tokio::spawn(connection);
            let said = client.simple_query(sql).await;
            drop(client);
            let _ = connection.await;
            let mut rows = Vec::new();
            for message in said.map_err(|e| format!("{e:?}"))? {
                if let SimpleQueryMessage::Row(row) = message {
                    rows.push(
                        (0..row.len()).map(|n| row.get(n).unwrap_or("").to_owned()).collect(),
                    );
                }
            }
            Ok(rows)
        })
    }

    /// Asks as the superuser.
    #[track_caller]
    pub(crate) fn admin(&self, database: &str, sql: &str) -> Vec<Vec<String>> {
        self.query_as("postgres", &self.password, database, sql).unwrap()
    }

    /// A new database with its roles.
    pub(crate) fn database(&self) -> Database<'_> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        self.admin("postgres", &format!("create role {name}_load login password 'hush-load'"));
        self.admin("postgres", &format!("create role {name}_read login password 'hush-read'"));
        self.admin("postgres", &format!("create database {name} owner {name}_load"));
        Database { server: self, name }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(own) = &mut self.own {
            let _ = own.process.kill();
            let _ = own.process.wait();
        }
    }
}

impl Database<'_> {
    /// A target for a pipeline file, over `port` of this machine.
    pub(crate) fn target_over(&self, port: u16, more: &str) -> String {
        format!(
            "publish:\n  warehouse:\n    target: postgres\n    with:\n      host: 127.0.0.1\n      port: {port}\n      database: {name}\n      user: {name}_load\n      password: ${{WAREHOUSE_PASSWORD}}\n      sslmode: disable\n      read_role: {name}_read\n{more}",
            name = self.name
        )
    }

    /// The same, straight to the server.
    pub(crate) fn target(&self, more: &str) -> String {
        self.target_over(self.server.port, more)
    }

    /// What the reading role sees.
    #[track_caller]
    pub(crate) fn read(&self, sql: &str) -> Vec<Vec<String>> {
        self.try_read(sql).unwrap()
    }

    /// What the reading role sees, or is told.
    pub(crate) fn try_read(&self, sql: &str) -> Result<Vec<Vec<String>>, String> {
        self.server.query_as(&format!("{}_read", self.name), "hush-read", &self.name, sql)
    }

    /// Asks as the superuser.
    #[track_caller]
    pub(crate) fn admin(&self, sql: &str) -> Vec<Vec<String>> {
        self.server.admin(&self.name, sql)
    }

    /// The release that is current.
    #[track_caller]
    pub(crate) fn release(&self) -> String {
        let rows = self.read("select release from salesmart.salesmart_release where is_current");
        rows.first().map_or_else(String::new, |row| row[0].clone())
    }

    /// How often a release was loaded.
    #[track_caller]
    pub(crate) fn loads(&self) -> usize {
        self.read("select 1 from salesmart.salesmart_release").len()
    }
}

/// Runs `salesmart` with the target's password in the environment.
pub(crate) fn salesmart(project: &Project, arguments: &[&str]) -> salesmart_tests::Said {
    salesmart_tests::said(project.command(arguments).env("WAREHOUSE_PASSWORD", "hush-load"))
}
