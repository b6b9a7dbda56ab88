//! Why landing refuses to commit.

use salesmart_core::receipt::RowCounts;
use salesmart_core::stream::RejectedRow;
use salesmart_core::{Error, ErrorKind};

use crate::lander::LandRequest;

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
