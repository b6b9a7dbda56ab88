//! Cursors that SQL declares: a result of which some rows are fetched at a time.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::sql::sqlparser::ast::{FetchDirection, ValueWithSpan};

use crate::engine::{Failure, Rows, code};

/// An open cursor.
pub(super) struct Cursor {
    rows: Rows,
    schema: SchemaRef,
    /// What was read from the engine and not fetched yet.
    rest: Option<RecordBatch>,
    /// Whether it outlives its transaction.
    pub(super) hold: bool,
}

impl Cursor {
    pub(super) fn new(rows: Rows, hold: bool) -> Self {
        Self { schema: Arc::clone(rows.schema()), rows, rest: None, hold }
    }

    /// The next rows, at most so many; all that are left for `None`.
    pub(super) async fn fetch(&mut self, most: Option<usize>) -> Result<RecordBatch, Failure> {
        let mut batches = Vec::new();
        let mut wanted = most.unwrap_or(usize::MAX);
        while wanted > 0 {
            let batch = match self.rest.take() {
                Some(rest) => rest,
                None => match self.rows.next().await {
                    Some(batch) => batch?,
                    None => break,
                },
            };
            if batch.num_rows() > wanted {
                self.rest = Some(batch.slice(wanted, batch.num_rows() - wanted));
                batches.push(batch.slice(0, wanted));
                break;
            }
            wanted -= batch.num_rows();
            batches.push(batch);
        }
        let schema = batches.first().map_or_else(|| Arc::clone(&self.schema), RecordBatch::schema);
        concat_batches(&schema, &batches).map_err(|e| Failure::new(code::INTERNAL, e.to_string()))
    }
}

/// How many rows a `FETCH` asks for; `None` is all.
pub(super) fn wanted(direction: &FetchDirection) -> Result<Option<usize>, Failure> {
    let number = |value: &ValueWithSpan| {
        value.to_string().parse().map_err(|_| {
            Failure::new("55000", "cursor can only scan forward")
                .with_hint("FETCH takes a number of rows, NEXT, FORWARD or ALL.")
        })
    };
    match direction {
        FetchDirection::Count { limit } | FetchDirection::Forward { limit: Some(limit) } => {
            number(limit).map(Some)
        }
        FetchDirection::Next | FetchDirection::Forward { limit: None } => Ok(Some(1)),
        FetchDirection::All | FetchDirection::ForwardAll => Ok(None),
        _ => Err(Failure::new("55000", "cursor can only scan forward")),
    }
}
