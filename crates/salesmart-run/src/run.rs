//! One run of one pipeline, from the lease to the release.

#![expect(clippy::disallowed_methods, reason = "a run begins and ends at present moments")]

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use salesmart_config::pipeline::{Land, OnPartial};
use salesmart_core::receipt::{
    CheckResult, Extracted, FailedConnection, Failure, Landed, LandedStream, Modeled, Published,
    Severity,
};
use salesmart_core::{Error, ErrorKind, Result, RunId};
use salesmart_lake::{Lake, Lease};
use salesmart_model::{BuildRequest, Catalog, SoFar, build};
use salesmart_publish::{PublishRequest, publish};
use tokio::signal;

use crate::discovery::{NotDiscovered, discover};
use crate::leases::{WAREHOUSE_LEASE, acquire, give_back};
use crate::memory::default_memory_limit;
use crate::observe::{Observer, Progress, Stage, tell};
use crate::partial::{StreamFailure, Verdict, judge};
use crate::record::{RunRecord, RunStatus, lease_name, run_records};
use crate::stages::{StreamStage, Taken, untouched};
use crate::targets::Loading;
use crate::workspace::{Connection, PipelineTarget, Workspace};
use crate::{forecast, spool, system, targets};

/// Which part of the line to walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stages {
    /// All of it.
    Line,
    /// Reading and landing, without models: for what is landed more often than it is modelled.
    ThroughLand,
    /// Reading alone: what comes is kept in a spool.
    Extract,
    /// Landing what the last `extract` spooled.
    Land,
    /// Building from what has landed.
    Model,
    /// Releasing what was built last.
    Publish,
    /// Bringing the targets to the release that is current in the lake, and nothing else.
    Targets,
}

impl Stages {
    fn list(self) -> Vec<Stage> {
        match self {
            Stages::Line => vec![Stage::Extract, Stage::Land, Stage::Model, Stage::Publish],
            Stages::ThroughLand => vec![Stage::Extract, Stage::Land],
            Stages::Extract => vec![Stage::Extract],
            Stages::Land => vec![Stage::Land],
            Stages::Model => vec![Stage::Model],
            Stages::Publish | Stages::Targets => vec![Stage::Publish],
        }
    }
}

/// How to run.
#[derive(Clone)]
pub struct RunOptions {
    /// Which part of the line.
    pub stages: Stages,
    /// The instant the models are built as of; otherwise the pipeline's, otherwise the start.
    pub as_of: Option<DateTime<Utc>>,
    /// Reads every stream from the start.
    pub full_refresh: bool,
    /// Builds tables even where nothing changed.
    pub rebuild: bool,
    /// Selectors of models; empty takes the pipeline's, which by default are all.
    pub select: Vec<String>,
    /// Bytes that models may hold before they spill to disk.
    pub memory_limit: usize,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            stages: Stages::Line,
            as_of: None,
            full_refresh: false,
            rebuild: false,
            select: Vec::new(),
            memory_limit: default_memory_limit(),
        }
    }
}

/// A run that came to its end.
#[derive(Debug)]
pub struct Finished {
    /// What it did.
    pub record: RunRecord,
    /// The streams that it is without, each with its failure, in a run that is partial. Its kind
    /// is [`ErrorKind::Partial`] or [`ErrorKind::QuotaExhausted`].
    pub partial: Option<Error>,
}

/// Runs a pipeline, for those to whom a partial run is a failure. See [`walk`].
///
/// # Errors
/// As [`walk`]; also when a stream failed and the others went down the line.
pub async fn run(
    workspace: &Workspace,
    lake: &Lake,
    pipeline: &str,
    options: RunOptions,
    observer: Arc<dyn Observer>,
) -> Result<RunRecord> {
    let finished = walk(workspace, lake, pipeline, options, observer).await?;
    match finished.partial {
        Some(error) => Err(error),
        None => Ok(finished.record),
    }
}

/// Runs a pipeline. The record of the run is in the lake, whether it succeeds or fails.
///
/// # Errors
/// The first thing that kept the run from its end. What had been committed until then stays and is
/// not done again by the next run; the last release stays current.
pub async fn walk(
    workspace: &Workspace,
    lake: &Lake,
    pipeline: &str,
    options: RunOptions,
    observer: Arc<dyn Observer>,
) -> Result<Finished> {
    let pipeline = workspace.project().pipeline(pipeline)?;
    let connections = workspace.connections(&pipeline)?;
    let targets = workspace.targets(&pipeline)?;
    let select = if options.select.is_empty() {
        pipeline.model.select.iter().map(|selector| selector.value.clone()).collect()
    } else {
        options.select.clone()
    };
    let selection = workspace.catalog().select(&select)?;
    // Other pipelines are looked at before anything is read, not when it is too late.
    workspace.declared_streams()?;

    let started_at = Utc::now();
    let run_id = RunId::new(started_at);
    let as_of = options
        .as_of
        .or(pipeline.model.as_of.as_ref().map(|as_of| as_of.value))
        .unwrap_or(started_at);
    let lease = Arc::new(lake.acquire_lease(&lease_name(&pipeline.name), &run_id).await?);
    let record = RunRecord {
        run_id,
        pipeline: pipeline.name.clone(),
        salesmart_version: env!("CARGO_PKG_VERSION").to_owned(),
        stages: options.stages.list(),
        started_at,
        finished_at: None,
        status: RunStatus::Running,
        as_of,
        complete: select.is_empty(),
        extracted: None,
        landed: None,
        modeled: None,
        sealed: Vec::new(),
        forecast_head: None,
        published: None,
        failure: None,
    };
    record.save(lake).await?;
    tracing::info!(target: "run", run_id = %record.run_id, pipeline = %record.pipeline, as_of = %as_of, "run begins");

    let mut line = Line {
        workspace,
        lake,
        connections,
        targets,
        selection,
        land: pipeline.land,
        on_partial: pipeline.publish.on_partial,
        options,
        observer,
        lease: Arc::clone(&lease),
        record,
        partial: None,
    };
    let outcome = tokio::select! {
        outcome = line.walk() => outcome,
        () = asked_to_stop() => Err(Error::new(ErrorKind::Interrupted, "the run was asked to stop")
            .with_state("what was committed stays, the last release is still current")
            .with_hint("run it again: it goes on from what was committed")),
    };
    let mut record = line.record.clone();
    let partial = line.partial.take();
    drop(line);
    record.finished_at = Some(Utc::now());
    match (&outcome, &partial) {
        (Ok(()), None) => record.status = RunStatus::Succeeded,
        (Ok(()), Some(partial)) => {
            record.status = RunStatus::Partial;
            record.failure = Some(Failure::from(partial));
        }
        (Err(error), _) => {
            record.status = RunStatus::Failed;
            record.failure = Some(Failure::from(error));
        }
    }
    record.save(lake).await?;
    if let Some(lease) = Arc::into_inner(lease) {
        lease.release().await?;
    }
    tracing::info!(target: "run", run_id = %record.run_id, status = record.status.as_str(), "run ends");
    outcome.map(|()| Finished { record, partial })
}

/// Ends when the person or the system asks the process to stop.
async fn asked_to_stop() {
    let interrupt = signal::ctrl_c();
    #[cfg(unix)]
    {
        if let Ok(mut terminate) = signal::unix::signal(signal::unix::SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}

/// A run under way.
struct Line<'a> {
    workspace: &'a Workspace,
    lake: &'a Lake,
    connections: Vec<Connection>,
    targets: Vec<PipelineTarget>,
    selection: std::collections::BTreeSet<salesmart_model::TableName>,
    land: Land,
    on_partial: OnPartial,
    options: RunOptions,
    observer: Arc<dyn Observer>,
    lease: Arc<Lease>,
    record: RunRecord,
    /// What the run is without.
    partial: Option<Error>,
}

impl Line<'_> {
    async fn walk(&mut self) -> Result<()> {
        match self.options.stages {
            Stages::Line => {
                self.extract_and_land().await?;
                if self.partial.is_some() && self.on_partial == OnPartial::Hold {
                    tracing::warn!(target: "run", "streams failed: nothing is built, the last release stays current");
                    return Ok(());
                }
                self.model_and_publish(true).await?;
                self.load_targets().await
            }
            Stages::ThroughLand => self.extract_and_land().await,
            Stages::Extract => self.extract().await,
            Stages::Land => self.land().await,
            Stages::Model => self.model_and_publish(false).await,
            Stages::Publish => {
                self.publish_last().await?;
                self.load_targets().await
            }
            Stages::Targets => self.load_targets().await,
        }
    }

    /// Brings the targets to the current release, whether this run made it or not.
    async fn load_targets(&mut self) -> Result<()> {
        if self.targets.is_empty() {
            return Ok(());
        }
        let loading = Loading {
            lake: self.lake,
            catalog: self.workspace.catalog(),
            targets: &self.targets,
            run_id: &self.record.run_id,
            observer: &self.observer,
        };
        let Some(outcome) = targets::load(loading).await? else { return Ok(()) };
        let release = outcome.release.id;
        let published = self.record.published.get_or_insert(Published {
            release,
            new: false,
            targets: Vec::new(),
        });
        published.targets = outcome.loads;
        self.record.save(self.lake).await?;
        match outcome.error {
            None => Ok(()),
            // What the run is without is told beside it.
            Some(error) => {
                Err(Error::many([Some(error), self.partial.take()].into_iter().flatten().collect())
                    .unwrap_or_else(|| Error::bug("an error became none")))
            }
        }
    }

    fn stream_stage(&self) -> StreamStage {
        StreamStage {
            lake: self.lake.clone(),
            run_id: self.record.run_id.clone(),
            started_at: self.record.started_at,
            full_refresh: self.options.full_refresh,
            max_rejected: self.land.max_rejected(),
            on_retyped: self.land.on_retyped,
            lease: Arc::clone(&self.lease),
            observer: Arc::clone(&self.observer),
        }
    }

    async fn extract_and_land(&mut self) -> Result<()> {
        let discovered = discover(self.lake, &self.connections).await?;
        self.observer
            .observe(Progress::StageBegins { stage: Stage::Land, items: discovered.streams.len() });
        let taken = self.stream_stage().extract_and_land(discovered.streams).await;
        self.landed(taken, discovered.failed).await
    }

    async fn extract(&mut self) -> Result<()> {
        let discovered = discover(self.lake, &self.connections).await?;
        self.observer.observe(Progress::StageBegins {
            stage: Stage::Extract,
            items: discovered.streams.len(),
        });
        let taken = self.stream_stage().extract(discovered.streams).await;
        let mut extracted = Extracted::default();
        let mut failures = Vec::new();
        for not in discovered.failed {
            if not.whole {
                extracted.failed_connections.push(failed_connection(&not));
            }
            failures.push(not.into_failure());
        }
        let mut succeeded = 0;
        for stream in taken {
            match stream.error {
                None => succeeded += 1,
                Some(error) => failures.push(StreamFailure {
                    connection: stream.receipt.connection.clone(),
                    stream: Some(stream.receipt.stream.clone()),
                    error,
                    lost_rows: stream.lost_rows,
                }),
            }
            extracted.streams.push(stream.receipt);
        }
        self.record.extracted = Some(extracted);
        self.judge(failures, succeeded, "is in the spool").await
    }

    /// Lands the newest spool that has not been landed.
    async fn land(&mut self) -> Result<()> {
        let Some((run_id, extracted)) = self.last_spool().await? else {
            return Err(Error::configuration(format!(
                "pipeline `{}` has nothing to land",
                self.record.pipeline
            ))
            .with_state("nothing was changed")
            .with_hint(format!("run `salesmart extract {}` first", self.record.pipeline)));
        };
        let items = extracted.streams.len();
        self.observer.observe(Progress::StageBegins { stage: Stage::Land, items });
        let taken = self.stream_stage().land_spooled(&extracted, &self.connections).await;
        self.landed(taken, Vec::new()).await?;
        self.lake.remove_folder(&spool::folder(&run_id)).await
    }

    async fn last_spool(&self) -> Result<Option<(RunId, Extracted)>> {
        for record in run_records(self.lake).await?.into_iter().rev() {
            if record.pipeline != self.record.pipeline || record.run_id == self.record.run_id {
                continue;
            }
            if let (RunStatus::Succeeded | RunStatus::Partial, Some(extracted)) =
                (record.status, record.extracted)
            {
                return Ok(Some((record.run_id, extracted)));
            }
            if record.landed.is_some() {
                // What was spooled before this is older than what has landed.
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Keeps the receipts, and decides whether the run goes on without the streams that failed.
    async fn landed(
        &mut self,
        taken: Vec<Taken<LandedStream>>,
        not_discovered: Vec<NotDiscovered>,
    ) -> Result<()> {
        let mut landed = Landed::default();
        let mut failures = Vec::new();
        let mut succeeded = 0;
        for stream in taken {
            match stream.error {
                None => succeeded += 1,
                Some(error) => failures.push(StreamFailure {
                    connection: stream.receipt.connection.clone(),
                    stream: Some(stream.receipt.stream.clone()),
                    error,
                    lost_rows: stream.lost_rows,
                }),
            }
            landed.streams.push(stream.receipt);
        }
        for not in not_discovered {
            if not.whole {
                landed.failed_connections.push(failed_connection(&not));
            }
            for stream in &not.streams {
                landed.streams.push(untouched(&not.connection, stream, &not.error));
            }
            failures.push(not.into_failure());
        }
        let rows = landed.total();
        self.record.landed = Some(landed);
        self.record.save(self.lake).await?;
        self.judge(failures, succeeded, "landed").await?;
        if !rows.adds_up() {
            return Err(Error::bug(format!(
                "the rows of this run do not add up: {} read, but {} landed + {} quarantined + {} unchanged",
                rows.read, rows.landed, rows.quarantined, rows.unchanged
            ))
            .with_state(self.state().await?));
        }
        Ok(())
    }

    async fn judge(
        &mut self,
        failures: Vec<StreamFailure>,
        succeeded: usize,
        verb: &str,
    ) -> Result<()> {
        if failures.is_empty() {
            return Ok(());
        }
        match judge(failures, succeeded, verb, &self.state().await?) {
            Verdict::Whole => Ok(()),
            Verdict::Partial(error) => {
                self.partial = Some(error);
                Ok(())
            }
            Verdict::Failed(error) => Err(error),
        }
    }

    /// What readers see if the run ends here.
    async fn state(&self) -> Result<String> {
        Ok(salesmart_publish::state(self.lake.current_release().await?.as_ref()))
    }

    async fn model_and_publish(&mut self, release: bool) -> Result<()> {
        let warehouse = acquire(self.lake, WAREHOUSE_LEASE, &self.record.run_id).await?;
        let outcome = self.build_and_release(&warehouse, release).await;
        give_back(warehouse, outcome).await
    }

    async fn build_and_release(&mut self, warehouse: &Lease, release: bool) -> Result<()> {
        let modeled = self.model().await?;
        self.record.modeled = Some(modeled.clone());
        let chain = forecast::chain(self.lake, &self.record.run_id).await?;
        (self.record.forecast_head, self.record.sealed) = (chain.head, chain.sealed);
        self.record.save(self.lake).await?;
        if release {
            self.lease.check().await?;
            warehouse.check().await?;
            return self.publish(&modeled).await;
        }
        let failed = |check: &&CheckResult| !check.passed && check.severity == Severity::Error;
        if let Some(failed) = modeled.checks.iter().find(failed) {
            tracing::warn!(target: "run", table = %failed.table, check = %failed.check, "a check failed: publishing this build would be refused");
        }
        Ok(())
    }

    async fn model(&mut self) -> Result<Modeled> {
        self.observer
            .observe(Progress::StageBegins { stage: Stage::Model, items: self.selection.len() });
        let mut records = run_records(self.lake).await?;
        records.retain(|record| record.run_id != self.record.run_id);
        records.push(self.record.clone());
        let early = system::early(&records)?;
        let this = self.record.clone();
        let late = move |so_far: SoFar| -> BoxFuture<'static, Result<_>> {
            Box::pin(async move {
                Ok(std::collections::BTreeMap::from([
                    ("run".to_owned(), vec![system::runs(&records, &this)?]),
                    (
                        "check_result".to_owned(),
                        vec![salesmart_model::system::check_result(&this.run_id, &so_far.checks)?],
                    ),
                ]))
            })
        };
        let observer = Arc::clone(&self.observer);
        let last_release = self.lake.current_release().await?.map(|release| {
            release.tables.into_iter().map(|(name, table)| (name, table.version)).collect()
        });
        let catalog: Arc<Catalog> = self.workspace.shared_catalog();
        // Only now: what has just landed may be a table that was not there before.
        let raw = self.workspace.raw_streams(self.lake).await?;
        build(BuildRequest {
            lake: self.lake.clone(),
            catalog,
            selection: self.selection.clone(),
            raw,
            system: early,
            late_system: Box::new(late),
            business: self.workspace.business(),
            as_of: self.record.as_of,
            last_release,
            rebuild: self.options.rebuild,
            memory_limit: self.options.memory_limit,
            on_progress: Arc::new(move |progress| tell(&*observer, progress)),
        })
        .await
    }

    async fn publish(&mut self, modeled: &Modeled) -> Result<()> {
        self.observer.observe(Progress::StageBegins { stage: Stage::Publish, items: 0 });
        let published = publish(PublishRequest {
            lake: self.lake,
            modeled,
            forecast_head: self.record.forecast_head.as_ref(),
            complete: self.record.complete,
            pipeline: &self.record.pipeline,
            run_id: &self.record.run_id,
            now: Utc::now(),
        })
        .await?;
        self.observer.observe(Progress::Published(&published));
        self.record.published = Some(published);
        Ok(())
    }

    /// Releases what the newest build of this pipeline made.
    async fn publish_last(&mut self) -> Result<()> {
        let records = run_records(self.lake).await?;
        let last = records
            .into_iter()
            .rev()
            .find(|record| record.pipeline == self.record.pipeline && record.modeled.is_some());
        let Some((record, modeled)) =
            last.and_then(|record| Some((record.clone(), record.modeled?)))
        else {
            return Err(Error::configuration(format!(
                "pipeline `{}` has nothing to publish",
                self.record.pipeline
            ))
            .with_state("nothing was changed")
            .with_hint(format!("run `salesmart model {}` first", self.record.pipeline)));
        };
        self.record.as_of = record.as_of;
        self.record.complete = record.complete;
        self.record.forecast_head = record.forecast_head;
        let warehouse = acquire(self.lake, WAREHOUSE_LEASE, &self.record.run_id).await?;
        let outcome = self.publish(&modeled).await;
        give_back(warehouse, outcome).await
    }
}

fn failed_connection(not: &NotDiscovered) -> FailedConnection {
    FailedConnection { connection: not.connection.clone(), failure: Failure::from(&not.error) }
}

impl NotDiscovered {
    fn into_failure(self) -> StreamFailure {
        StreamFailure {
            connection: self.connection,
            stream: if self.whole { None } else { self.streams.into_iter().next() },
            error: self.error,
            lost_rows: false,
        }
    }
}
