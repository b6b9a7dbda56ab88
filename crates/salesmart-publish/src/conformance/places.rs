//! The places of the suite: where the targets are, and what readers see there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use salesmart_core::yaml::parse;
use salesmart_core::{ReleaseId, TargetName};
use tokio_postgres::{NoTls, SimpleQueryMessage};

use crate::{Target, find};

/// What a target's test brings.
#[async_trait]
pub(super) trait Place: Send + Sync {
    /// The target.
    fn target(&self) -> Arc<dyn Target>;
    /// A target that is refused, with a secret in its configuration where it takes one.
    fn refused(&self) -> Arc<dyn Target>;
    /// Makes the load of a release fail after it has begun.
    async fn break_it(&self, release: ReleaseId);
    /// Takes that back.
    async fn mend(&self, release: ReleaseId);
    /// The rows of `mart.<table>` that readers see: the values of some columns with `|` between, in
    /// the order of the texts. `None` where there is no such table or column.
    async fn rows(&self, table: &str, columns: &[&str]) -> Option<Vec<String>>;
}

/// What stands for a secret in every configuration.
pub(super) const SECRET: &str = "hush-hush-hush";

fn configured(kind: &str, text: &str, root: &Path) -> Arc<dyn Target> {
    let node = parse("p.yml", text, 1).unwrap();
    let node = node.expand(&|_| Some(SECRET.to_owned())).unwrap();
    let kind = find(crate::all(), kind).unwrap();
    (kind.configure)(&TargetName::new("place").unwrap(), &node, root).unwrap()
}

/// Every kind of target has a place here; the suite fails for one that has none.
pub(super) async fn all() -> Vec<Box<dyn Place>> {
    let places: Vec<Box<dyn Place>> =
        vec![Box::new(Database::new().await), Box::new(Folder::new())];
    assert_eq!(places.len(), crate::all().len(), "every kind of target has a place in the suite");
    places
}

/// A database of the test server.
struct Database {
    port: String,
    name: String,
    superuser: String,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Database {
    async fn new() -> Self {
        let url = std::env::var("SALESMART_TEST_POSTGRES")
            .expect("SALESMART_TEST_POSTGRES is not set: run the tests with `cargo xtask test`");
        let (_, place) = url.split_once('@').unwrap();
        let port = place.split_once(':').unwrap().1.split('/').next().unwrap().to_owned();
        let name = format!("c{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let place = Self { port, name, superuser: url };
        place
            .ask("postgres", &format!("create role {} login password '{SECRET}'", place.name))
            .await
            .unwrap();
        place.ask("postgres", &format!("create database {0} owner {0}", place.name)).await.unwrap();
        place
    }

    async fn ask(&self, database: &str, sql: &str) -> Result<Vec<String>, String> {
        let mut config: tokio_postgres::Config = self.superuser.parse().unwrap();
        config.dbname(database);
        let (client, connection) = config.connect(NoTls).await.unwrap();
        let task = tokio::spawn(connection);
        let said = client.simple_query(sql).await;
        drop(client);
        let _ = task.await;
        let mut rows = Vec::new();
        for message in said.map_err(|e| format!("{e:?}"))? {
            if let SimpleQueryMessage::Row(row) = message {
                let values: Vec<&str> = (0..row.len()).map(|n| row.get(n).unwrap_or("")).collect();
                rows.push(values.join("|"));
            }
        }
        rows.sort();
        Ok(rows)
    }

    fn section(&self, user: &str) -> String {
        format!(
            "host: 127.0.0.1\nport: {}\ndatabase: {}\nuser: {user}\npassword: ${{SECRET}}\nsslmode: disable\ngive_up_after_seconds: 0\n",
            self.port, self.name
        )
    }
}

#[async_trait]
impl Place for Database {
    fn target(&self) -> Arc<dyn Target> {
        configured("postgres", &self.section(&self.name), Path::new("."))
    }

    fn refused(&self) -> Arc<dyn Target> {
        configured("postgres", &self.section("nobody_of_this_name"), Path::new("."))
    }

    async fn break_it(&self, _: ReleaseId) {
        // The connection that plans is let in, those that send rows are not.
        let limit = format!("alter role {} connection limit 1", self.name);
        self.ask("postgres", &limit).await.unwrap();
    }

    async fn mend(&self, _: ReleaseId) {
        let limit = format!("alter role {} connection limit -1", self.name);
        self.ask("postgres", &limit).await.unwrap();
    }

    async fn rows(&self, table: &str, columns: &[&str]) -> Option<Vec<String>> {
        let sql = format!("select {} from mart.{table}", columns.join(", "));
        self.ask(&self.name, &sql).await.ok()
    }
}

/// A folder.
struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn blocked(&self, release: ReleaseId) -> std::path::PathBuf {
        self.folder.path().join(format!("out/{release}/mart.total.csv"))
    }
}

#[async_trait]
impl Place for Folder {
    fn target(&self) -> Arc<dyn Target> {
        configured("files", "location: out\nformats: [parquet, csv, xlsx]\n", self.folder.path())
    }

    fn refused(&self) -> Arc<dyn Target> {
        std::fs::write(self.folder.path().join("file"), "").unwrap();
        configured("files", "location: file/below\n", self.folder.path())
    }

    async fn break_it(&self, release: ReleaseId) {
        // A folder where a file is to be.
        std::fs::create_dir_all(self.blocked(release).join("inside")).unwrap();
    }

    async fn mend(&self, release: ReleaseId) {
        std::fs::remove_dir_all(self.blocked(release)).unwrap();
    }

    async fn rows(&self, table: &str, columns: &[&str]) -> Option<Vec<String>> {
        let out = self.folder.path().join("out");
        let current = std::fs::read(out.join("current.json")).ok()?;
        let current: serde_json::Value = serde_json::from_slice(&current).unwrap();
        let file = out.join(current["folder"].as_str().unwrap()).join(format!("mart.{table}.csv"));
        let text = std::fs::read_to_string(file).ok()?;
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = lines.next().unwrap();
        let places: Option<Vec<usize>> =
            columns.iter().map(|c| header.iter().position(|name| name == c)).collect();
        let places = places?;
        let mut rows: Vec<String> = lines
            .map(|line| places.iter().map(|at| line[*at]).collect::<Vec<_>>().join("|"))
            .collect();
        rows.sort();
        Some(rows)
    }
}
