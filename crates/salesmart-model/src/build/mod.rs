//! Building models in dependency order, as of one instant.
//!
//! Phase one builds and checks everything that does not read what checks found; then the caller
//! provides `system.run` and `system.check_result`, and phase two builds the rest. A table whose
//! fingerprint is that of its newest commit is not built again, and one that came out as it was
//! before does not make its readers build again. A failing check does not fail the
//! build: it is in the receipt, and publishing refuses. Snapshots are added to in phase two, and
//! only if no check of severity `error` failed in phase one.

mod fingerprint;
mod incremental;
mod inputs;
mod snapshot;
mod table;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant as Clock;

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};
use datafusion::datasource::ViewTable;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use futures::future::BoxFuture;
use salesmart_core::receipt::{CheckResult, Modeled, ModeledTable, Severity};
use salesmart_core::{Error, Result};
use salesmart_lake::Lake;
use tokio::task::JoinSet;

use self::fingerprint::Fingerprint;
use self::incremental::{Increment, Part};
pub(crate) use self::table::{Built, Duplicates};
use crate::catalog::{Catalog, Model};
use crate::header::Kind;
use crate::incremental::{AsOf, Incremental};
use crate::name::{Relation, TableName};
use crate::raw::RawStream;
use crate::session::{Workspace, config};
use crate::settings::BusinessSettings;
use crate::sql::Instant;
use crate::{checks, diagnostics, graph, plan, store};

/// Tables that are built at the same time. More would not be faster on two cores, and each one
/// takes its share of the memory.
const AT_ONCE: usize = 2;

/// What was built and found before the late system tables are made.
#[derive(Clone, Debug)]
pub struct SoFar {
    /// The tables of phase one.
    pub tables: Vec<ModeledTable>,
    /// The results of all checks so far.
    pub checks: Vec<CheckResult>,
}

/// Makes `system.run` and `system.check_result` from what was found; a table that is not among
/// them is empty.
pub type LateSystem =
    Box<dyn FnOnce(SoFar) -> BoxFuture<'static, Result<BTreeMap<String, Vec<RecordBatch>>>> + Send>;

/// What a build tells while it runs.
#[derive(Clone, Debug)]
pub enum Progress {
    /// So many tables will be looked at.
    Planned {
        /// The number.
        tables: usize,
    },
    /// A table is being built.
    Started(TableName),
    /// A table was built.
    Built {
        /// Which.
        table: TableName,
        /// Its rows.
        rows: u64,
        /// How long it took.
        seconds: f64,
    },
    /// A table's inputs had not changed.
    Unchanged(TableName),
    /// A check was run.
    Checked(CheckResult),
}

/// Everything a build needs.
pub struct BuildRequest {
    /// Where tables are read and written.
    pub lake: Lake,
    /// The models.
    pub catalog: Arc<Catalog>,
    /// Which of them to build, see [`Catalog::select`].
    pub selection: BTreeSet<TableName>,
    /// The streams of all pipelines' connections.
    pub raw: Vec<RawStream>,
    /// System tables known at the start (`stream_run`, `repair`); what is not given is empty, or
    /// follows from the catalog and the settings.
    pub system: BTreeMap<String, Vec<RecordBatch>>,
    /// Makes the system tables that need the check results.
    pub late_system: LateSystem,
    /// The company's settings.
    pub business: BusinessSettings,
    /// The instant that `$as_of` means.
    pub as_of: DateTime<Utc>,
    /// The table versions of the last release, by `schema.table`.
    pub last_release: Option<BTreeMap<String, u64>>,
    /// Builds tables even where nothing changed.
    pub rebuild: bool,
    /// Bytes that queries may hold before they spill to disk.
    pub memory_limit: usize,
    /// Is told how the build goes.
    pub on_progress: Arc<dyn Fn(Progress) + Send + Sync>,
}

/// Builds the selected models and runs their checks.
///
/// # Errors
/// When a model does not plan, an input is not there, a query or the store fails. Nothing is
/// published then; tables that were built before the failure keep their new versions, which no
/// release names.
pub async fn build(request: BuildRequest) -> Result<Modeled> {
    run(request).await.map_err(|e| {
        if e.state().is_some() {
            e
        } else {
            e.with_state("nothing was published, the last release is still current")
        }
    })
}

async fn run(mut request: BuildRequest) -> Result<Modeled> {
    plan::plan_all(&request.catalog, &request.raw, &request.business).await?;
    let late_system = std::mem::replace(
        &mut request.late_system,
        Box::new(|_| Box::pin(async { Ok(BTreeMap::new()) })),
    );
    let mut build = Build::new(request)?;
    build.resolve().await?;

    let (early, late): (Vec<TableName>, Vec<TableName>) =
        build.run.iter().cloned().partition(|name| !build.request.catalog.is_after_checks(name));
    build.models(&early.iter().cloned().collect()).await?;
    let mut results = build.check(false).await?;
    build.may_append =
        !results.iter().any(|check| !check.passed && check.severity == Severity::Error);

    let mut system =
        late_system(SoFar { tables: build.receipt(), checks: results.clone() }).await?;
    for table in graph::AFTER_CHECKS {
        let batches = system.remove(table).unwrap_or_default();
        build.system_table(table, batches)?;
    }
    build.models(&late.iter().cloned().collect()).await?;
    results.extend(build.check(true).await?);
    build.unselected().await?;
    results.sort_by(|a, b| a.table.cmp(&b.table));
    Ok(Modeled { as_of: build.request.as_of, tables: build.receipt(), checks: results })
}

/// A build under way.
struct Build {
    request: BuildRequest,
    workspace: Workspace,
    instant: Instant,
    /// What is built or planned: the selected models, and the views they read.
    run: BTreeSet<TableName>,
    /// What was built or found.
    built: BTreeMap<TableName, Built>,
    /// What each readable relation was made of.
    fingerprints: BTreeMap<Relation, String>,
    /// The stored tables that each of them consists of.
    parts: BTreeMap<Relation, Vec<Part>>,
    /// Whether snapshots may be added to: no check found an error so far.
    may_append: bool,
}

impl Build {
    fn new(request: BuildRequest) -> Result<Self> {
        let pool = TrackConsumersPool::new(
            FairSpillPool::new(request.memory_limit),
            NonZeroUsize::new(3).expect("three is not zero"),
        );
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .build_arc()
            .map_err(|e| Error::bug("the engine cannot be started").with_source(e))?;
        let workspace = Workspace::new(&request.business, runtime, config());
        store::attach(workspace.context(), &request.lake);
        let instant = Instant::new(request.as_of, &request.business);
        let run = run_set(&request.catalog, &request.selection);
        Ok(Self {
            request,
            workspace,
            instant,
            run,
            built: BTreeMap::new(),
            fingerprints: BTreeMap::new(),
            parts: BTreeMap::new(),
            may_append: false,
        })
    }

    /// Builds a set of models, each after what it reads, several at once.
    async fn models(&mut self, set: &BTreeSet<TableName>) -> Result<()> {
        let catalog = Arc::clone(&self.request.catalog);
        let mut waiting: Vec<&Model> = catalog
            .order()
            .iter()
            .filter(|name| set.contains(name))
            .filter_map(|name| catalog.model(name))
            .collect();
        let tables = waiting.iter().filter(|model| model.kind().is_stored()).count();
        (self.request.on_progress)(Progress::Planned { tables });
        let mut running: JoinSet<(TableName, Result<Built>)> = JoinSet::new();
        // What ran out of memory beside another table, and is built again with all of it.
        let mut alone: BTreeSet<&TableName> = BTreeSet::new();
        loop {
            let mut index = 0;
            while index < waiting.len() {
                let model = waiting[index];
                let at_once = if alone.is_empty() { AT_ONCE } else { 1 };
                if !self.is_ready(model) {
                    index += 1;
                } else if model.kind() == Kind::View {
                    self.view(model).await?;
                    waiting.remove(index);
                    // What reads the view may come before it in the list only by mistake.
                } else if running.len() < at_once {
                    let job = self.job(model);
                    let runtime = tokio::runtime::Handle::current();
                    // Encoding Parquet is work for a thread of its own: the runtime's workers
                    // stay free for the query's partitions.
                    running.spawn_blocking(move || runtime.block_on(job.run()));
                    waiting.remove(index);
                } else {
                    index += 1;
                }
            }
            match running.join_next().await {
                Some(Ok((name, Ok(built)))) => {
                    alone.remove(&name);
                    self.finished(&name, built)?;
                }
                Some(Ok((name, Err(e)))) => match catalog.model(&name) {
                    Some(model) if diagnostics::is_out_of_memory(&e) && !alone.contains(&name) => {
                        tracing::info!(table = %name, "not enough memory: is built again, alone");
                        alone.insert(&model.name);
                        waiting.insert(0, model);
                    }
                    _ => return Err(e),
                },
                Some(Err(e)) => return Err(Error::bug("building a table broke off").with_source(e)),
                None if waiting.is_empty() => return Ok(()),
                None => {
                    let names: Vec<String> =
                        waiting.iter().map(|model| model.name.to_string()).collect();
                    return Err(Error::bug(format!("inputs of {} never came", names.join(", "))));
                }
            }
        }
    }

    /// Whether everything that a model reads is there.
    fn is_ready(&self, model: &Model) -> bool {
        model.reads.iter().all(|read| {
            model.reads_itself(&read.relation) || self.fingerprints.contains_key(&read.relation)
        })
    }

    /// Plans a view so that its readers can be planned over it.
    async fn view(&mut self, model: &Model) -> Result<()> {
        let plan = plan::plan_model(&self.workspace, model, self.instant).await?;
        let relation = Relation::Model(model.name.clone());
        self.workspace.register(&relation, Arc::new(ViewTable::new(plan, None))).map_err(|e| {
            Error::bug(format!("view `{}` cannot be registered", model.name)).with_source(e)
        })?;
        let fingerprint = self.fingerprint(model);
        self.fingerprints.insert(relation, fingerprint);
        Ok(())
    }

    fn job(&self, model: &Model) -> table::Job {
        table::Job {
            workspace: self.workspace.clone(),
            lake: self.request.lake.clone(),
            catalog: Arc::clone(&self.request.catalog),
            name: model.name.clone(),
            instant: self.instant,
            fingerprint: self.fingerprint(model),
            rebuild: self.request.rebuild,
            may_append: self.may_append,
            business: self.request.business.clone(),
            increment: model.header.incremental.as_ref().map(|declared| Increment {
                basis: self.basis(model, declared),
                inputs: incremental::inputs(&self.request.catalog, declared, &self.parts),
                others: incremental::others(&self.request.catalog, model, declared, &self.parts),
            }),
            on_progress: Arc::clone(&self.request.on_progress),
            started: Clock::now(),
        }
    }

    fn fingerprint(&self, model: &Model) -> String {
        let mut fingerprint = Fingerprint::new();
        fingerprint.add("model", model.text.as_bytes());
        fingerprint.add("business", format!("{:?}", self.request.business).as_bytes());
        if model.uses_as_of {
            fingerprint.add("as_of", self.request.as_of.to_rfc3339().as_bytes());
        }
        for read in &model.reads {
            fingerprint.add("reads", read.relation.to_string().as_bytes());
            let input = self.fingerprints.get(&read.relation).map_or("", String::as_str);
            fingerprint.add("input", input.as_bytes());
        }
        fingerprint.finish()
    }

    /// A fingerprint of everything that a table is made of but the rows of the inputs that change
    /// keys, and of those of which it says what matters.
    fn basis(&self, model: &Model, declared: &Incremental) -> String {
        let closure = graph::closure(&self.request.catalog, model);
        let mut basis = Fingerprint::new();
        basis.add("model", model.text.as_bytes());
        basis.add("business", format!("{:?}", self.request.business).as_bytes());
        for view in &closure.views {
            basis.add("view", view.text.as_bytes());
        }
        let mut clock = std::iter::once(model).chain(closure.views.iter().copied());
        if declared.as_of == AsOf::Unknown && clock.any(|model| model.uses_as_of) {
            basis.add("as_of", self.request.as_of.to_rfc3339().as_bytes());
        }
        for relation in closure.bases {
            let moves_keys = declared.changed_by.iter().any(|input| input.relation == *relation);
            let is_looked_at = declared.matters.iter().any(|input| input.relation == *relation);
            if moves_keys || is_looked_at {
                continue;
            }
            basis.add("reads", relation.to_string().as_bytes());
            let input = self.fingerprints.get(relation).map_or("", String::as_str);
            basis.add("input", input.as_bytes());
        }
        basis.finish()
    }

    /// Makes a table that is there readable.
    fn finished(&mut self, name: &TableName, built: Built) -> Result<()> {
        let relation = Relation::Model(name.clone());
        let schema = plan::relation_schema(&self.request.catalog, &relation)
            .ok_or_else(|| Error::bug(format!("`{name}` has no contract")))?;
        let provider = store::provider(&self.request.lake, &built.files, schema)?;
        self.workspace
            .register(&relation, provider)
            .map_err(|e| Error::bug(format!("`{name}` cannot be registered")).with_source(e))?;
        let part = Part {
            path: store::path(name),
            version: built.version,
            files: built.files.clone(),
            ranges: built.ranges.clone(),
        };
        self.parts.insert(relation.clone(), vec![part]);
        self.fingerprints.insert(relation, built.content.clone());
        self.built.insert(name.clone(), built);
        Ok(())
    }

    /// Runs the checks of what was built in a phase.
    async fn check(&self, late: bool) -> Result<Vec<CheckResult>> {
        let checker = checks::Checker {
            workspace: &self.workspace,
            catalog: &self.request.catalog,
            lake: &self.request.lake,
            instant: self.instant,
            last_release: self.request.last_release.as_ref(),
            built: &self.built,
            readable: &self.fingerprints,
            on_progress: self.request.on_progress.as_ref(),
        };
        let run: BTreeSet<TableName> = self
            .run
            .iter()
            .filter(|name| self.request.catalog.is_after_checks(name) == late)
            .cloned()
            .collect();
        checker.run(&run, late).await
    }

    fn receipt(&self) -> Vec<ModeledTable> {
        self.built
            .iter()
            .map(|(name, built)| ModeledTable {
                schema: name.schema.clone(),
                table: name.table.clone(),
                version: built.version,
                rows: built.rows,
                built: built.is_new,
                published: self
                    .request
                    .catalog
                    .model(name)
                    .is_some_and(|model| model.layer.is_published()),
                seconds: built.seconds,
            })
            .collect()
    }
}

/// The selected models, and the views they read through.
fn run_set(catalog: &Catalog, selection: &BTreeSet<TableName>) -> BTreeSet<TableName> {
    let mut run = selection.clone();
    for name in catalog.order().iter().rev() {
        let Some(model) = catalog.model(name) else { continue };
        if !run.contains(name) {
            continue;
        }
        for read in graph::upstream(model) {
            if catalog.model(read).is_some_and(|model| model.kind() == Kind::View) {
                run.insert(read.clone());
            }
        }
    }
    run
}
