//! The `system.*` tables that come from run records.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use chrono::{DateTime, Utc};
use salesmart_core::Result;
use salesmart_core::receipt::{Landed, LandedStream};
use salesmart_model::system;

use crate::record::{RunRecord, RunStatus};

fn text<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn number(values: impl Iterator<Item = u64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(
        values.map(|value| i64::try_from(value).unwrap_or(i64::MAX)),
    ))
}

fn instant(values: impl Iterator<Item = Option<DateTime<Utc>>>) -> ArrayRef {
    let micros = values.map(|value| value.map(|value| value.timestamp_micros()));
    Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// `system.stream_run`, `system.repair`, `system.reconciliation` and `system.schema_change`: every
/// stream of every run, oldest run first.
pub(crate) fn early(records: &[RunRecord]) -> Result<BTreeMap<String, Vec<RecordBatch>>> {
    let streams: Vec<_> = records
        .iter()
        .flat_map(|record| {
            record
                .landed
                .iter()
                .flat_map(|landed| &landed.streams)
                .map(move |stream| (record, stream))
        })
        .collect();
    let each = || streams.iter();
    let stream_run = system::batch(
        "stream_run",
        vec![
            text(each().map(|(record, _)| Some(record.run_id.as_str()))),
            text(each().map(|(record, _)| Some(record.pipeline.as_str()))),
            text(each().map(|(_, stream)| Some(stream.connection.as_str()))),
            text(each().map(|(_, stream)| Some(stream.stream.as_str()))),
            number(each().map(|(_, stream)| stream.rows.read)),
            number(each().map(|(_, stream)| stream.rows.landed)),
            number(each().map(|(_, stream)| stream.rows.quarantined)),
            number(each().map(|(_, stream)| stream.rows.unchanged)),
            number(each().map(|(_, stream)| stream.rows.deleted)),
            Arc::new(BooleanArray::from_iter(
                each().map(|(_, stream)| Some(stream.rows.adds_up())),
            )),
            number(each().map(|(_, stream)| stream.version)),
            text(each().map(|(_, stream)| {
                stream.failure.as_ref().map(|failure| failure.message.as_str())
            })),
        ],
    )?;
    let repairs: Vec<_> = streams
        .iter()
        .flat_map(|(record, stream)| {
            stream.repairs.iter().map(move |repair| (record, stream, repair))
        })
        .collect();
    let each = || repairs.iter();
    let repair = system::batch(
        "repair",
        vec![
            text(each().map(|(record, ..)| Some(record.run_id.as_str()))),
            text(each().map(|(_, stream, _)| Some(stream.connection.as_str()))),
            text(each().map(|(_, stream, _)| Some(stream.stream.as_str()))),
            text(each().map(|(.., repair)| Some(repair.column.as_str()))),
            text(each().map(|(.., repair)| Some(repair.from.as_str()))),
            text(each().map(|(.., repair)| repair.to.as_deref())),
            number(each().map(|(.., repair)| repair.rows)),
        ],
    )?;
    Ok(BTreeMap::from([
        ("stream_run".to_owned(), vec![stream_run]),
        ("repair".to_owned(), vec![repair]),
        ("reconciliation".to_owned(), vec![reconciliations(&streams)?]),
        ("schema_change".to_owned(), vec![schema_changes(&streams)?]),
    ]))
}

/// What sources counted beside what came.
fn reconciliations(streams: &[(&RunRecord, &LandedStream)]) -> Result<RecordBatch> {
    let all: Vec<_> = streams
        .iter()
        .flat_map(|(record, stream)| {
            stream.reconciliations.iter().map(move |one| (record, stream, one))
        })
        .collect();
    let each = || all.iter();
    system::batch(
        "reconciliation",
        vec![
            text(each().map(|(record, ..)| Some(record.run_id.as_str()))),
            text(each().map(|(_, stream, _)| Some(stream.connection.as_str()))),
            text(each().map(|(_, stream, _)| Some(stream.stream.as_str()))),
            text(each().map(|(.., one)| Some(one.check.as_str()))),
            text(each().map(|(.., one)| one.from.as_deref())),
            text(each().map(|(.., one)| one.to.as_deref())),
            number(each().map(|(.., one)| one.source_rows)),
            number(each().map(|(.., one)| one.landed_rows)),
            text(each().map(|(.., one)| Some(one.status.as_str()))),
            text(each().map(|(.., one)| one.note.as_deref())),
        ],
    )
}

/// How the columns of sources changed. They were noticed when the run began to read.
fn schema_changes(streams: &[(&RunRecord, &LandedStream)]) -> Result<RecordBatch> {
    let all: Vec<_> = streams
        .iter()
        .flat_map(|(record, stream)| {
            stream.schema_changes.iter().map(move |change| (record, stream, change))
        })
        .collect();
    let each = || all.iter();
    system::batch(
        "schema_change",
        vec![
            text(each().map(|(record, ..)| Some(record.run_id.as_str()))),
            text(each().map(|(_, stream, _)| Some(stream.connection.as_str()))),
            text(each().map(|(_, stream, _)| Some(stream.stream.as_str()))),
            text(each().map(|(.., change)| Some(change.column.as_str()))),
            text(each().map(|(.., change)| Some(change.change.as_str()))),
            text(each().map(|(.., change)| change.from.as_deref())),
            text(each().map(|(.., change)| change.to.as_deref())),
            text(each().map(|(.., change)| Some(change.action.as_str()))),
            instant(each().map(|(record, ..)| Some(record.started_at))),
        ],
    )
}

/// `system.run`: every run, oldest first. The run under way is the last one and counts as
/// succeeded, or as partial: its row is seen only if its release becomes current. When it ends and which release
/// it makes is not known while the table is built, so both are null there; the next run fills
/// them in.
pub(crate) fn runs(records: &[RunRecord], this: &RunRecord) -> Result<RecordBatch> {
    let all: Vec<&RunRecord> =
        records.iter().filter(|record| record.run_id != this.run_id).chain([this]).collect();
    let release_ids: Vec<Option<String>> = all
        .iter()
        .map(|record| record.published.as_ref().map(|published| published.release.to_string()))
        .collect();
    let each = || all.iter();
    system::batch(
        "run",
        vec![
            text(each().map(|record| Some(record.run_id.as_str()))),
            text(each().map(|record| Some(record.pipeline.as_str()))),
            instant(each().map(|record| Some(record.started_at))),
            instant(each().map(|record| record.finished_at)),
            text(each().map(|record| {
                let is_this = record.run_id == this.run_id;
                Some(if is_this { going_on(record) } else { record.status }.as_str())
            })),
            instant(each().map(|record| Some(record.as_of))),
            text(each().map(|record| Some(record.salesmart_version.as_str()))),
            number(each().map(|record| record.rows().read)),
            number(each().map(|record| record.rows().landed)),
            number(each().map(|record| record.rows().quarantined)),
            number(each().map(|record| record.rows().unchanged)),
            number(each().map(|record| record.rows().deleted)),
            text(release_ids.iter().map(Option::as_deref)),
            text(
                each()
                    .map(|record| record.failure.as_ref().map(|failure| failure.message.as_str())),
            ),
        ],
    )
}

/// What a run under way will have been, if it comes to its end.
fn going_on(record: &RunRecord) -> RunStatus {
    if record.landed.as_ref().is_some_and(Landed::has_failures) {
        RunStatus::Partial
    } else {
        RunStatus::Succeeded
    }
}
