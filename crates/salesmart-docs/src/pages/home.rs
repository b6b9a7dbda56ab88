//! The front page, and the list of runs and releases.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{MetricPage, TablePage};
use crate::facts::{Facts, Run, StreamRun};
use crate::{Request, wording};

/// Figures that the front page leads with, where they are.
const LEADING: [&str; 6] = [
    "quota_attainment",
    "win_rate_count",
    "deal_size_won_average",
    "sales_cycle_median",
    "pipeline_coverage",
    "pipeline_stale_share",
];

/// The front page.
#[derive(Debug, Serialize)]
pub(crate) struct Home {
    leading: Vec<MetricPage>,
    sources: Vec<SourceRow>,
    run: Option<RunRow>,
    checks: Checks,
    failing: Vec<FailingCheck>,
    tables: usize,
    metrics: usize,
    columns: usize,
    rows: String,
}

/// How the checks of the release ended.
#[derive(Debug, Serialize)]
struct Checks {
    all: usize,
    passed: usize,
    warned: usize,
    failed: usize,
}

/// A check that did not pass.
#[derive(Debug, Serialize)]
struct FailingCheck {
    text: String,
    table: String,
    href: String,
    severity: String,
    offending: String,
    samples: Vec<String>,
    location: Option<String>,
}

/// A source and how fresh its rows are.
#[derive(Debug, Serialize)]
struct SourceRow {
    connection: String,
    pipeline: String,
    streams: usize,
    last_run: String,
    last_landed: Option<String>,
    read: u64,
    landed: u64,
    quarantined: u64,
    state: &'static str,
    words: String,
}

/// A run in a list.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RunRow {
    id: String,
    anchor: String,
    pipeline: String,
    started_at: String,
    took: Option<String>,
    status: String,
    as_of: Option<String>,
    read: Option<String>,
    landed: Option<String>,
    quarantined: Option<String>,
    release: Option<String>,
    failure: Option<String>,
}

impl RunRow {
    fn new(run: &Run) -> Self {
        let finished = run.finished_at.as_deref();
        Self {
            id: run.id.clone(),
            anchor: format!("run-{}", wording::slug(&run.id)),
            pipeline: run.pipeline.clone(),
            started_at: run.started_at.clone(),
            took: finished.and_then(|end| wording::seconds_between(&run.started_at, end)),
            status: run.status.clone(),
            as_of: run.as_of.clone(),
            read: run.read.clone(),
            landed: run.landed.clone(),
            quarantined: run.quarantined.clone(),
            release: run.release.clone(),
            failure: run.failure.clone(),
        }
    }
}

/// The runs and releases.
#[derive(Debug, Serialize)]
pub(crate) struct RunsPage {
    runs: Vec<RunRow>,
    releases: Vec<ReleaseRow>,
    older_releases: usize,
    streams: Vec<StreamRow>,
}

#[derive(Debug, Serialize)]
struct ReleaseRow {
    id: String,
    created_at: String,
    as_of: String,
    pipeline: String,
    tables: usize,
    rows: u64,
    run: String,
    run_anchor: Option<String>,
    sealed: Option<String>,
}

/// A stream of the release's own run.
#[derive(Debug, Serialize)]
struct StreamRow {
    connection: String,
    stream: String,
    read: u64,
    landed: u64,
    quarantined: u64,
    reconciliation: Option<String>,
    failure: Option<String>,
}

impl Home {
    pub(crate) fn new(
        request: Request<'_>,
        facts: &Facts,
        tables: &[TablePage],
        metrics: &[MetricPage],
    ) -> Self {
        let passed = facts.checks.iter().filter(|check| check.passed).count();
        let warned =
            facts.checks.iter().filter(|check| !check.passed && check.severity == "warn").count();
        let all = facts.checks.len();
        let failing = facts
            .checks
            .iter()
            .filter(|check| !check.passed)
            .map(|check| FailingCheck {
                text: check.check.clone(),
                table: match &check.column {
                    Some(column) => format!("{}.{column}", check.table),
                    None => check.table.clone(),
                },
                href: wording::table_href(&check.table),
                severity: check.severity.clone(),
                offending: check.offending.clone(),
                samples: check.samples.clone(),
                location: check.location.clone(),
            })
            .collect();
        let own = facts.runs.iter().find(|run| run.id == request.release.run_id.as_str());
        let rows: u64 = request.release.tables.values().map(|table| table.rows).sum();
        Self {
            leading: LEADING
                .into_iter()
                .filter_map(|id| metrics.iter().find(|metric| metric.id == id))
                .filter(|metric| metric.newest.is_some())
                .cloned()
                .collect(),
            sources: sources(facts),
            run: own.map(RunRow::new),
            checks: Checks { all, passed, warned, failed: all - passed - warned },
            failing,
            tables: tables.iter().filter(|table| table.is_released).count(),
            metrics: metrics.len(),
            columns: tables
                .iter()
                .filter(|table| table.is_released)
                .map(|table| table.columns.len())
                .sum(),
            rows: wording::thousands(&rows.to_string()),
        }
    }
}

impl RunsPage {
    pub(crate) fn new(request: Request<'_>, facts: &Facts) -> Self {
        let own = request.release.run_id.as_str();
        Self {
            runs: facts.runs.iter().map(RunRow::new).collect(),
            releases: facts
                .releases
                .iter()
                .map(|release| ReleaseRow {
                    id: release.id.to_string(),
                    created_at: wording::instant(release.created_at),
                    as_of: wording::instant(release.as_of),
                    pipeline: release.pipeline.clone(),
                    tables: release.tables.len(),
                    rows: release.tables.values().map(|table| table.rows).sum(),
                    run: release.run_id.to_string(),
                    run_anchor: facts
                        .runs
                        .iter()
                        .any(|run| run.id == release.run_id.as_str())
                        .then(|| format!("run-{}", wording::slug(release.run_id.as_str()))),
                    sealed: release
                        .forecast_head
                        .as_ref()
                        .map(|head| format!("no {} {}", head.snapshot_no, head.hash)),
                })
                .collect(),
            older_releases: facts.older_releases,
            streams: facts
                .streams
                .iter()
                .filter(|stream| stream.run_id == own)
                .map(|stream| StreamRow {
                    connection: stream.connection.clone(),
                    stream: stream.stream.clone(),
                    read: stream.read,
                    landed: stream.landed,
                    quarantined: stream.quarantined,
                    reconciliation: stream.reconciliation.clone(),
                    failure: stream.failure.clone(),
                })
                .collect(),
        }
    }
}

/// Every source, by name: when it was last read, and when rows last came.
fn sources(facts: &Facts) -> Vec<SourceRow> {
    let started: BTreeMap<&str, &str> =
        facts.runs.iter().map(|run| (run.id.as_str(), run.started_at.as_str())).collect();
    let mut connections: BTreeMap<&str, Vec<&StreamRun>> = BTreeMap::new();
    for stream in &facts.streams {
        connections.entry(&stream.connection).or_default().push(stream);
    }
    connections
        .into_iter()
        .filter_map(|(connection, streams)| {
            let when = |stream: &&&StreamRun| started.get(stream.run_id.as_str()).copied();
            let last_run = streams.iter().filter_map(|stream| when(&stream)).max()?;
            let last_landed =
                streams.iter().filter(|stream| stream.landed > 0).filter_map(|s| when(&s)).max();
            let last: Vec<&&StreamRun> =
                streams.iter().filter(|stream| when(stream) == Some(last_run)).collect();
            let broken = last.iter().filter(|stream| stream.failure.is_some()).count();
            let apart = last
                .iter()
                .filter(|stream| stream.reconciliation.as_deref() == Some("mismatched"))
                .count();
            let (state, words) = match (broken, apart) {
                (0, 0) => ("passed", "all streams came in whole".to_owned()),
                (0, n) => ("failed", format!("{n} of {} streams lack rows", last.len())),
                (n, _) => ("failed", format!("{n} of {} streams failed", last.len())),
            };
            Some(SourceRow {
                connection: connection.to_owned(),
                pipeline: last.first().map(|stream| stream.pipeline.clone()).unwrap_or_default(),
                streams: last.len(),
                last_run: last_run.to_owned(),
                last_landed: last_landed.map(str::to_owned),
                read: last.iter().map(|stream| stream.read).sum(),
                landed: last.iter().map(|stream| stream.landed).sum(),
                quarantined: last.iter().map(|stream| stream.quarantined).sum(),
                state,
                words,
            })
        })
        .collect()
}
