//! Why landing refuses to commit.

use salesmart_core::receipt::{Reconciliation, ReconciliationStatus, RowCounts};
use salesmart_core::stream::RejectedRow;
use salesmart_core::{Error, ErrorKind};

use crate::request::LandRequest;

/// Rows that were read and are nowhere.
pub(crate) fn rows_do_not_add_up(counts: &RowCounts) -> Error {
    Error::bug(format!(
        "the rows do not add up: {} read, but {} landed + {} quarantined + {} unchanged",
        counts.read, counts.landed, counts.quarantined, counts.unchanged
    ))
    .with_state("nothing was committed")
}

/// More rows in quarantine than the stream allows.
pub(crate) fn too_many_rejected(
    request: &LandRequest,
    total: &RowCounts,
    samples: &[RejectedRow],
) -> Error {
    let mut error = Error::new(
        ErrorKind::CheckFailed,
        format!("{} of {} rows do not fit the stream's declaration", total.quarantined, total.read),
    )
    .with("allowed", format!("max_rejected: {}", request.max_rejected));
    for sample in samples {
        let column =
            sample.column.as_ref().map(|column| format!(", column `{column}`")).unwrap_or_default();
        let value =
            sample.value.as_ref().map(|value| format!(", value `{value}`")).unwrap_or_default();
        error = error.with("row", format!("{}{column}{value}: {}", sample.position, sample.reason));
    }
    if let Some(location) = &request.stream.location {
        error = error.at(location.clone());
    }
    error
        .with_state("nothing of this stream was landed, its cursor stays")
        .with_hint(format!(
            "see all of them with `salesmart query \"select * from quarantine.{}.{}\"`, then correct the source, \
             the stream's columns, or `max_rejected`",
            request.connection, request.stream.name
        ))
}

/// The source has rows that were not landed; `None` where it has none.
pub(crate) fn lost_rows(told: &[Reconciliation], request: &LandRequest) -> Option<Error> {
    let lost: Vec<&Reconciliation> =
        told.iter().filter(|one| one.status == ReconciliationStatus::Mismatched).collect();
    let first = lost.first()?;
    let what = if first.check == "keys" { "keys" } else { "rows" };
    let mut error = Error::new(
        ErrorKind::CheckFailed,
        format!(
            "the source has {} {what}, and {} of them were landed",
            first.source_rows, first.landed_rows
        ),
    );
    for one in lost {
        let window = match (&one.from, &one.to) {
            (None, None) => String::new(),
            (from, to) => format!(
                " from {} to {}",
                from.as_deref().unwrap_or("the beginning"),
                to.as_deref().unwrap_or("now")
            ),
        };
        let note = one.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        error = error.with("reconciliation", format!("{}{window}{note}", one.check));
    }
    Some(
        error
            .with_state("what came is landed; figures that depend on this stream are partial")
            .with_hint(format!(
                "run again; if it stays, read connection `{}` from the start with `--full-refresh`, and look \
                 whether a sharing rule or a permission hides rows from the connection's user",
                request.connection
            )),
    )
}
