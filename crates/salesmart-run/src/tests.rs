//! Stories of whole runs against a source that does what the test says.

mod source;

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use futures::TryStreamExt;
use salesmart_config::Variables;
use salesmart_core::receipt::{LandedStream, ReconciliationStatus};
use salesmart_core::{ErrorKind, Result};
use salesmart_lake::Lake;

use crate::{Finished, RunOptions, RunStatus, Stages, Workspace, walk};
use source::{Does, KINDS, Source};

/// A project with two connections, and the models that show what runs leave behind.
struct Project {
    folder: tempfile::TempDir,
    lake: Lake,
    crm: Source,
    second: Source,
}

const MODELS: [(&str, &str); 5] = [
    // A chain of one link a run, as long as there is no second one.
    (
        "forecast/forecast_snapshot.sql",
        "/* @model\ndescription: Seals.\ngrain: [snapshot_no]\nkind: snapshot\ncolumns:\n  snapshot_no: {type: int64, doc: \"x\"}\n  hash: {type: string, doc: \"x\"}\n  period_name: {type: string, doc: \"x\"}\n  sealed_run_id: {type: string, doc: \"x\"}\n*/\nselect cast(count(*) as bigint) as snapshot_no, 'hash of ' || cast(count(*) as varchar) as hash, 'FY26Q3' as period_name, max(run_id) as sealed_run_id from system.run\n",
    ),
    (
        "ops/ops_run.sql",
        "/* @model\ndescription: Runs.\ngrain: [run_id]\nkind: table\ncolumns:\n  run_id: {type: string, doc: \"x\"}\n  status: {type: string, doc: \"x\"}\n*/\nselect run_id, status from system.run\n",
    ),
    (
        "ops/ops_stream_run.sql",
        "/* @model\ndescription: Streams.\ngrain: [run_id, connection, stream]\nkind: table\ncolumns:\n  run_id: {type: string, doc: \"x\"}\n  connection: {type: string, doc: \"x\"}\n  stream: {type: string, doc: \"x\"}\n  failure: {type: string, doc: \"x\"}\n*/\nselect run_id, connection, stream, failure from system.stream_run\n",
    ),
    (
        "ops/ops_reconciliation.sql",
        "/* @model\ndescription: Counts.\ngrain: [run_id, connection, stream]\nkind: table\ncolumns:\n  run_id: {type: string, doc: \"x\"}\n  connection: {type: string, doc: \"x\"}\n  stream: {type: string, doc: \"x\"}\n  status: {type: string, doc: \"x\"}\n*/\nselect run_id, connection, stream, status from system.reconciliation\n",
    ),
    (
        "ops/ops_schema_change.sql",
        "/* @model\ndescription: Columns.\ngrain: [run_id, connection, stream, column_name]\nkind: table\ncolumns:\n  run_id: {type: string, doc: \"x\"}\n  connection: {type: string, doc: \"x\"}\n  stream: {type: string, doc: \"x\"}\n  column_name: {type: string, doc: \"x\"}\n  action: {type: string, doc: \"x\"}\n*/\nselect run_id, connection, stream, column_name, action from system.schema_change\n",
    ),
];

impl Project {
    async fn new(rest: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (crm, second) = (Source::new(), Source::new());
        std::fs::create_dir(folder.path().join("pipelines")).unwrap();
        let pipeline = format!(
            "extract:\n  crm: {{connector: told, with: {{source: {}}}}}\n  second: {{connector: told, with: {{source: {}}}}}\n{rest}",
            crm.name(),
            second.name()
        );
        std::fs::write(folder.path().join("pipelines/nightly.yml"), pipeline).unwrap();
        let lake = Lake::open("memory:///").await.unwrap();
        Self { folder, lake, crm, second }
    }

    fn workspace(&self) -> Workspace {
        let models = MODELS.map(|(path, text)| (path.to_owned(), text.to_owned()));
        Workspace::load(self.folder.path(), &Variables::default(), &KINDS, &models).unwrap()
    }

    async fn run(&self, stages: Stages) -> Result<Finished> {
        let options = RunOptions { stages, ..RunOptions::default() };
        walk(&self.workspace(), &self.lake, "nightly", options, Arc::new(())).await
    }

    /// The record of the newest run, whether it came to its end or not.
    async fn record(&self) -> crate::RunRecord {
        crate::run_records(&self.lake).await.unwrap().pop().unwrap()
    }

    /// The rows of a released table, their columns but the first keys joined, sorted.
    async fn released(&self, table: &str) -> Vec<String> {
        let release = self.lake.current_release().await.unwrap().expect("a release");
        let table = release.table(&self.lake, table).await.unwrap();
        let mut lines = Vec::new();
        let mut batches = self.lake.read(&table, None);
        while let Some(batch) = batches.try_next().await.unwrap() {
            for row in 0..batch.num_rows() {
                let cells: Vec<&str> = batch
                    .schema_ref()
                    .fields()
                    .iter()
                    .zip(batch.columns())
                    .filter(|(field, _)| !["run_id", "connection"].contains(&&**field.name()))
                    .map(|(_, column)| column.as_string::<i32>())
                    .map(|column| if column.is_valid(row) { column.value(row) } else { "" })
                    .collect();
                lines.push(cells.join(" "));
            }
        }
        lines.sort_unstable();
        lines
    }
}

fn stream<'a>(finished: &'a crate::RunRecord, name: &str) -> &'a LandedStream {
    let streams = &finished.landed.as_ref().unwrap().streams;
    streams.iter().find(|stream| stream.stream.as_str() == name).unwrap()
}

#[tokio::test]
async fn streams_that_are_discovered_are_landed_and_known_to_models() {
    let project = Project::new("").await;
    project.crm.offers("deals", Does::Rows(3));
    project.crm.offers("leads", Does::Rows(1));
    project.second.offers("deals", Does::Rows(2));
    let finished = project.run(Stages::Line).await.unwrap();
    assert!(finished.partial.is_none());
    assert_eq!(finished.record.status, RunStatus::Succeeded);
    assert_eq!(finished.record.rows().landed, 6);
    let raw = project.workspace().raw_streams(&project.lake).await.unwrap();
    let known: Vec<String> =
        raw.iter().map(|raw| format!("{}.{} {}", raw.connection, raw.stream, raw.system)).collect();
    assert_eq!(known, ["crm.deals told", "crm.leads told", "second.deals told"]);
    let columns: Vec<&str> = raw[0].columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(columns, ["id", "name"], "without provenance");
    assert_eq!(project.released("ops.run").await, ["succeeded"]);
}

#[tokio::test]
async fn a_stream_that_the_source_withholds_makes_the_run_partial_and_not_red() {
    let project = Project::new("").await;
    project.crm.offers("deals", Does::Rows(3));
    project.crm.offers("leads", Does::Fail(ErrorKind::Permission));
    let finished = project.run(Stages::Line).await.unwrap();
    let partial = finished.partial.unwrap();
    assert_eq!(partial.kind().exit_code(), 10);
    assert_eq!(
        partial.message(),
        "stream `leads` of connection `crm` failed, the other one landed"
    );
    assert_eq!(partial.also().len(), 1, "the failure itself comes beside it");
    assert_eq!(partial.also()[0].hint(), Some("told to"));
    assert_eq!(finished.record.status, RunStatus::Partial);
    assert!(finished.record.published.is_some());
    assert_eq!(stream(&finished.record, "leads").failure.as_ref().unwrap().kind, "permission");
    assert_eq!(project.released("ops.run").await, ["partial"]);
    let streams = project.released("ops.stream_run").await;
    assert!(streams[1].starts_with("leads failed to extract stream"), "{streams:?}");

    project.crm.offers("leads", Does::Rows(1));
    let finished = project.run(Stages::Line).await.unwrap();
    assert!(finished.partial.is_none(), "the next run is whole again");
    assert_eq!(project.released("ops.run").await, ["partial", "succeeded"]);
}

#[tokio::test]
async fn a_quota_stops_the_stream_with_what_it_had_and_has_its_own_exit_code() {
    let project = Project::new("").await;
    project.crm.offers("deals", Does::RowsThenFail(3, ErrorKind::QuotaExhausted));
    project.second.offers("deals", Does::Rows(2));
    let finished = project.run(Stages::Line).await.unwrap();
    assert_eq!(finished.partial.unwrap().kind().exit_code(), 11);
    assert_eq!(finished.record.status, RunStatus::Partial);
    assert_eq!(finished.record.rows().landed, 5, "what came before the quota is landed");
    project.crm.offers("deals", Does::Rows(4));
    let finished = project.run(Stages::Line).await.unwrap();
    assert_eq!(stream(&finished.record, "deals").rows.landed, 1, "and not landed again");
}

#[tokio::test]
async fn a_connection_that_says_nothing_fails_its_own_streams_only() {
    let project = Project::new("").await;
    project.crm.offers("deals", Does::Rows(1));
    project.second.offers("invoices", Does::Rows(1));
    project.run(Stages::Line).await.unwrap();
    project.second.is_down(true);
    let finished = project.run(Stages::Line).await.unwrap();
    let partial = finished.partial.unwrap();
    assert_eq!(partial.message(), "connection `second` failed, the other one landed");
    let landed = finished.record.landed.as_ref().unwrap();
    assert_eq!(landed.failed_connections[0].connection.as_str(), "second");
    assert!(stream(&finished.record, "invoices").failure.is_some(), "known from the lake");

    project.crm.is_down(true);
    let error = project.run(Stages::Line).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SourceUnavailable, "nothing landed: the run fails");
    assert!(error.state().unwrap().contains("stays current"), "{:?}", error.state());
}

#[tokio::test]
async fn a_stream_that_is_hidden_fails_alone() {
    let project = Project::new("").await;
    project.crm.offers("deals", Does::Rows(1));
    project.crm.offers("payroll", Does::Hidden);
    let finished = project.run(Stages::Line).await.unwrap();
    assert_eq!(finished.partial.unwrap().kind(), ErrorKind::Partial);
    assert_eq!(stream(&finished.record, "payroll").failure.as_ref().unwrap().kind, "permission");
}

#[tokio::test]
async fn a_partial_run_may_be_told_to_hold_the_release() {
    let project = Project::new("publish: {on_partial: hold}\n").await;
    project.crm.offers("deals", Does::Rows(1));
    project.run(Stages::Line).await.unwrap();
    project.crm.offers("deals", Does::Rows(2));
    project.crm.offers("leads", Does::Fail(ErrorKind::SourceUnavailable));
    let finished = project.run(Stages::Line).await.unwrap();
    assert_eq!(finished.partial.unwrap().kind().exit_code(), 10);
    assert!(finished.record.modeled.is_none() && finished.record.published.is_none());
    assert_eq!(finished.record.rows().landed, 1, "what came is landed all the same");
    assert_eq!(project.released("ops.run").await, ["succeeded"]);
}

#[tokio::test]
async fn rows_that_were_lost_are_never_green() {
    let project = Project::new("").await;
    project.crm.offers("deals", Does::Lose { rows: 3, counted: 5 });
    project.crm.offers("leads", Does::Rows(1));
    let finished = project.run(Stages::Line).await.unwrap();
    assert_eq!(finished.partial.unwrap().kind().exit_code(), 10);
    let deals = stream(&finished.record, "deals");
    assert_eq!(deals.failure.as_ref().unwrap().kind, "check_failed");
    assert_eq!(deals.reconciliations[0].status, ReconciliationStatus::Mismatched);
    assert_eq!(deals.rows.landed, 3);
    assert_eq!(project.released("ops.reconciliation").await, ["deals mismatched"]);
}

#[tokio::test]
async fn what_a_person_must_look_at_still_ends_the_run() {
    let project = Project::new("").await;
    project.crm.offers("deals", Does::Rows(1));
    project.crm.offers("leads", Does::Reject);
    let error = project.run(Stages::Line).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed);
    assert!(error.state().unwrap().starts_with("1 other stream landed and keeps its rows"));
    let record = project.record().await;
    assert_eq!(record.status, RunStatus::Failed);
    assert!(record.modeled.is_none());
    assert_eq!(stream(&record, "deals").rows.landed, 1);
}

#[tokio::test]
async fn a_new_column_is_a_schema_change() {
    let project = Project::new("").await;
    project.crm.offers("deals", Does::Rows(1));
    project.run(Stages::Line).await.unwrap();
    project.crm.adds_column("stage");
    let finished = project.run(Stages::Line).await.unwrap();
    assert_eq!(stream(&finished.record, "deals").schema_changes.len(), 1);
    assert_eq!(project.released("ops.schema_change").await, ["deals stage added"]);
}

#[tokio::test]
async fn what_was_spooled_is_landed_later_without_what_failed() {
    let project = Project::new("").await;
    project.crm.offers("deals", Does::Rows(2));
    project.crm.offers("leads", Does::RowsThenFail(1, ErrorKind::SourceUnavailable));
    let finished = project.run(Stages::Extract).await.unwrap();
    assert_eq!(finished.partial.unwrap().kind(), ErrorKind::Partial);
    assert_eq!(finished.record.status, RunStatus::Partial);
    let extracted = finished.record.extracted.unwrap();
    let rows: Vec<u64> = extracted.streams.iter().map(|stream| stream.rows_read).collect();
    assert_eq!(rows, [2, 1]);

    let finished = project.run(Stages::Land).await.unwrap();
    assert_eq!(finished.record.rows().landed, 3, "what the failed stream had is complete");
    let partial = finished.partial.unwrap();
    assert_eq!(partial.kind(), ErrorKind::Partial, "and it stays a failed stream");
    assert!(stream(&finished.record, "leads").failure.is_some());
}

#[tokio::test]
async fn connections_are_read_side_by_side_and_each_within_its_limit() {
    let project = Project::new("").await;
    for number in 0..5 {
        project.crm.offers(&format!("a{number}"), Does::Rows(1));
        project.second.offers(&format!("b{number}"), Does::Rows(1));
    }
    let finished = project.run(Stages::ThroughLand).await.unwrap();
    assert_eq!(finished.record.rows().landed, 10);
    assert_eq!(project.crm.most_at_once(), 2);
    assert_eq!(project.second.most_at_once(), 2);
    let order: Vec<&str> = finished
        .record
        .landed
        .as_ref()
        .unwrap()
        .streams
        .iter()
        .map(|stream| stream.stream.as_str())
        .collect();
    let expected = ["a0", "a1", "a2", "a3", "a4", "b0", "b1", "b2", "b3", "b4"];
    assert_eq!(order, expected, "receipts have an order that does not depend on who was first");
}

#[tokio::test]
async fn a_connection_that_discovers_is_in_one_pipeline_only() {
    let project = Project::new("").await;
    let other =
        format!("extract: {{crm: {{connector: told, with: {{source: {}}}}}}}", project.crm.name());
    std::fs::write(project.folder.path().join("pipelines/other.yml"), other).unwrap();
    let error = project.workspace().declared_streams().unwrap_err();
    assert_eq!(error.message(), "connection `crm` is in two pipelines");
    assert_eq!(error.location().unwrap().to_string(), "pipelines/other.yml:1:11");
}

#[tokio::test]
async fn records_and_releases_keep_the_end_of_the_chain_of_seals() {
    let project = Project::new("").await;
    project.crm.offers("deals", Does::Rows(1));
    project.second.offers("deals", Does::Rows(1));
    let first = project.run(Stages::Line).await.unwrap().record;
    let head = first.forecast_head.clone().unwrap();
    assert_eq!((head.snapshot_no, head.hash.as_str()), (1, "hash of 1"));
    let sealed: Vec<(i64, &str)> =
        first.sealed.iter().map(|one| (one.snapshot_no, one.period.as_str())).collect();
    assert_eq!(sealed, [(1, "FY26Q3")]);
    let release = project.lake.current_release().await.unwrap().unwrap();
    assert_eq!(release.forecast_head, Some(head.clone()));
    // A run that builds nothing seals nothing, and says where the chain ends all the same; what
    // is published alone has the head of the build that it publishes.
    let built = project.run(Stages::Model).await.unwrap().record;
    assert_eq!(built.forecast_head.clone().map(|head| head.snapshot_no), Some(2));
    assert_eq!(built.sealed.len(), 1, "only what this run sealed");
    let published = project.run(Stages::Publish).await.unwrap().record;
    assert_eq!(published.forecast_head, built.forecast_head);
    let release = project.lake.current_release().await.unwrap().unwrap();
    assert_eq!(release.forecast_head, built.forecast_head);
    assert_eq!(project.record().await.forecast_head, built.forecast_head, "in the lake");
}
