//! What the stories share: a project folder of their own, and the `salesmart` binary run in it as
//! a person would run it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "tests fail by panicking"
)]

pub mod history;
pub mod raw;
pub mod simulated;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The binary under test: `SALESMART_BIN`, or the one that was built beside this test.
#[must_use]
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("SALESMART_BIN") {
        return PathBuf::from(path);
    }
    let test = std::env::current_exe().unwrap();
    let path = test.parent().and_then(Path::parent).unwrap().join("salesmart");
    assert!(
        path.exists(),
        "`{}` is not there: build it first with `cargo build --release --workspace`, or run the tests with `cargo xtask test`",
        path.display()
    );
    path
}

/// The repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The real input, beside the checkout.
#[must_use]
pub fn real_input() -> PathBuf {
    let folder = match std::env::var_os("CRM_SALES_OPPORTUNITIES_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => repository().join("../shared/data/crm-sales-opportunities"),
    };
    assert!(
        folder.join("sales_pipeline.csv").exists(),
        "the real input is not at `{}`: set CRM_SALES_OPPORTUNITIES_DIR",
        folder.display()
    );
    folder.canonicalize().unwrap()
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Said {
    /// Fails unless the command succeeded.
    #[must_use]
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The rows of CSV output, each as column name to text; an empty field is null.
    #[must_use]
    pub fn rows(&self) -> Vec<BTreeMap<String, String>> {
        csv::Reader::from_reader(self.stdout.as_bytes())
            .deserialize()
            .collect::<Result<_, _>>()
            .unwrap()
    }
}

/// A project folder that is gone when the test ends.
pub struct Project {
    folder: tempfile::TempDir,
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

impl Project {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One with a pipeline `deals` over the CSV files `data/deals*.csv`, and one model of its own,
    /// `mart.fct_deal`, the only one its pipeline builds.
    #[must_use]
    pub fn of_deals() -> Self {
        let project = Self::new();
        project.write("pipelines/deals.yml", DEALS_PIPELINE);
        project.write("sql/staging/shop/stg_shop__deals.sql", STAGING);
        project.write("sql/intermediate/deal/int_deal.sql", INTERMEDIATE);
        project.write("sql/marts/deal/fct_deal.sql", MART);
        project.write(
            "data/deals.csv",
            "id,amount,closed\na,10.00,2026-01-31\nb,,2026-02-01\nc,2.50,\n",
        );
        project
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, making its folders.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Replaces text in a file that has it.
    #[track_caller]
    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path().join(path)).unwrap();
        assert!(text.contains(from), "`{path}` does not have `{from}`");
        self.write(path, text.replacen(from, to, 1));
    }

    /// A command line, ready to be run in the folder with a clean environment.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::null())
            .env_remove("SALESMART_LAKE")
            .env_remove("CRM_SALES_OPPORTUNITIES_DIR")
            .env_remove("RUST_BACKTRACE")
            .env_remove("RUST_LOG")
            .env("NO_COLOR", "1");
        command
    }

    /// Runs `salesmart` in the folder.
    #[must_use]
    pub fn salesmart(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }

    /// The rows that a query gives.
    #[must_use]
    #[track_caller]
    pub fn query(&self, sql: &str) -> Vec<BTreeMap<String, String>> {
        self.salesmart(&["query", sql, "--format", "csv"]).ok().rows()
    }

    /// The rows of `mart.fct_deal` as `id=amount`.
    #[must_use]
    #[track_caller]
    pub fn deals(&self) -> Vec<String> {
        self.query("select id, amount from mart.fct_deal order by id")
            .iter()
            .map(|row| format!("{}={}", row["id"], row["amount"]))
            .collect()
    }

    /// What a person reads, without what differs from run to run.
    #[must_use]
    pub fn steady(&self, text: &str) -> String {
        let folder = self.path().canonicalize().unwrap();
        text.replace(folder.to_str().unwrap(), "[project]")
            .replace(self.path().to_str().unwrap(), "[project]")
    }
}

/// Runs a command to its end.
#[must_use]
pub fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

const DEALS_PIPELINE: &str = r#"description: Deals of a shop.
extract:
  shop:
    connector: files
    with:
      location: data
      streams:
        deals:
          path: deals*.csv
          key: [id]
          columns:
            id: string
            amount: "decimal(18,2)"
            closed: date
model:
  as_of: 2026-03-01T00:00:00Z
  select: ["+fct_deal"]
"#;

const STAGING: &str = r#"/* @model
description: Deals of the shop, each in its latest version.
grain: [id]
kind: table
owner: tests
source: {id: string, amount: "decimal(18,2)", closed: date}
columns:
  id: {type: string, doc: The deal.}
  amount: {type: "decimal(18,2)", doc: What it brings.}
  closed: {type: date, doc: When it was closed.}
*/
with latest as (
    select
        id,
        last_value(amount order by _sequence) as amount,
        last_value(closed order by _sequence) as closed,
        last_value(_op order by _sequence) as op
    from raw.shop.deals
    group by id
)
select id, amount, closed from latest where op <> 'delete'
"#;

const INTERMEDIATE: &str = r#"/* @model
description: Deals.
grain: [id]
kind: table
owner: tests
columns:
  id: {type: string, doc: The deal.}
  amount: {type: "decimal(18,2)", doc: What it brings.}
  closed: {type: date, doc: When it was closed.}
*/
select id, amount, closed from staging.stg_shop__deals
"#;

const MART: &str = r#"/* @model
description: Deals, for readers.
grain: [id]
kind: table
owner: tests
columns:
  id: {type: string, doc: The deal., checks: [not_null]}
  amount: {type: "decimal(18,2)", doc: What it brings., checks: ["between 0 and 1000"]}
  closed: {type: date, doc: When it was closed.}
*/
select id, amount, closed from intermediate.int_deal
"#;
