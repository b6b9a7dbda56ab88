//! The contract of a target: how a release gets to where people read it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use salesmart_core::receipt::TableLoad;
use salesmart_core::suggest::nearest;
use salesmart_core::yaml::Node;
use salesmart_core::{Error, Finding, ReleaseId, Result, TableContract, TargetName};
use salesmart_lake::{Lake, Release, Table};

/// A release with everything that a target may ask of it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The lake that holds the rows.
    pub lake: Lake,
    /// The release.
    pub release: Release,
    /// What models promise of the tables, `schema.table` to contract. A table without one is
    /// loaded by its columns alone.
    pub contracts: BTreeMap<String, TableContract>,
}

impl Snapshot {
    /// One table of the release: its columns and its exact files.
    ///
    /// # Errors
    /// When the release has no such table, or the lake cannot be read.
    pub async fn table(&self, name: &str) -> Result<Table> {
        self.release.table(&self.lake, name).await
    }

    /// What is promised of a table.
    #[must_use]
    pub fn contract(&self, name: &str) -> TableContract {
        self.contracts.get(name).cloned().unwrap_or_default()
    }
}

/// What a load did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// The release the target held before.
    pub before: Option<ReleaseId>,
    /// One entry a table that the target takes, and one for each it took away.
    pub tables: Vec<TableLoad>,
    /// How often a lost connection was made anew.
    pub reconnects: u32,
    /// What a person should know although nothing failed.
    pub notes: Vec<String>,
}

/// Where releases are loaded into.
///
/// # Contract
/// - [`load`](Target::load) makes the release visible all together, at one moment. Before it,
///   and for ever if it fails, readers see the release before, whole.
/// - It is idempotent: with the release that the target holds already, it changes nothing.
/// - It may be dropped at any await, its process may be killed, and the other side may go away:
///   calling it again ends with the release loaded, without rows lost or doubled. What was
///   complete before is not sent again where the target can keep it.
/// - Any release may follow any other, older ones too: rolling back in the lake rolls back here.
/// - Columns may be added, dropped and retyped from one release to the next. What would break
///   something that others built on the target stops the load before anything is changed.
/// - Memory is bounded by batches, not by tables.
/// - What models promise is kept where the target can keep it: keys, checks, comments, formats.
/// - No secret in any error, log or receipt.
#[async_trait]
pub trait Target: Send + Sync {
    /// Looks at the target without changing it: reachable, authorised, there.
    async fn check(&self) -> Vec<Finding>;

    /// The release that readers see there; `None` before the first.
    ///
    /// # Errors
    /// When the target does not answer.
    async fn holds(&self) -> Result<Option<ReleaseId>>;

    /// Brings the target to a release.
    ///
    /// # Errors
    /// When it cannot; what readers see then is the release before, whole.
    async fn load(&self, snapshot: &Snapshot) -> Result<Loaded>;
}

/// One kind of target; [`all`](crate::all) lists them.
#[derive(Clone, Copy)]
pub struct TargetKind {
    /// The name in pipeline files, such as `postgres`.
    pub name: &'static str,
    /// One sentence for `--help` and docs.
    pub summary: &'static str,
    /// A pipeline section that works, parsed by a test.
    pub example: &'static str,
    /// Builds a target from its section of the pipeline file, in which `${…}` is already replaced.
    /// Relative paths are taken from the project folder. Nothing is contacted.
    pub configure: fn(&TargetName, &Node, &Path) -> Result<Arc<dyn Target>>,
    /// The JSON Schema of that section.
    pub schema: fn() -> serde_json::Value,
}

/// The kind with that name.
///
/// # Errors
/// Names the known kinds.
pub fn find<'a>(kinds: &'a [TargetKind], name: &str) -> Result<&'a TargetKind> {
    kinds.iter().find(|kind| kind.name == name).ok_or_else(|| {
        let known: Vec<String> = kinds.iter().map(|kind| format!("`{}`", kind.name)).collect();
        let error = Error::configuration(format!("`{name}` is not a target"))
            .with("expected", known.join(", "));
        match nearest(name, kinds.iter().map(|kind| kind.name)) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error,
        }
    })
}
