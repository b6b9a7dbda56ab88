//! What matters of inputs that change no keys: the rows of a query over them must be as they were.

use arrow::array::RecordBatch;
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::prelude::DataFrame;
use salesmart_core::{Error, Result};

use crate::build::fingerprint::Fingerprint;
use crate::build::table::Job;
use crate::catalog::Model;
use crate::diagnostics::Source;
use crate::{plan, sql};

impl Job {
    /// Adds the rows of these queries to what must be as it was.
    pub(in crate::build) async fn look_at_what_matters(&mut self, model: &Model) -> Result<()> {
        let (Some(declared), Some(increment)) = (&model.header.incremental, &mut self.increment)
        else {
            return Ok(());
        };
        let mut basis = Fingerprint::empty();
        basis.add("basis", increment.basis.as_bytes());
        for matters in &declared.matters {
            let Some(query) = &matters.query else { continue };
            let source = Source { file: &model.file, text: &matters.text };
            let query = sql::bind(query, self.instant);
            let plan = plan::analysed(&self.workspace, query, source).await?;
            let frame = DataFrame::new(self.workspace.context().state(), plan);
            let batches = frame.collect().await.map_err(|e| source.running(&e))?;
            basis.add("input", matters.relation.to_string().as_bytes());
            for row in rows(&batches)? {
                basis.add("row", row.as_ref().as_ref());
            }
        }
        increment.basis = basis.finish();
        Ok(())
    }
}

/// The rows in an order of their own: that of a query is any.
fn rows(batches: &[RecordBatch]) -> Result<Vec<OwnedRow>> {
    let failed = |e| Error::bug("rows cannot be put in order").with_source(e);
    let Some(first) = batches.first() else { return Ok(Vec::new()) };
    let schema = first.schema();
    let fields = schema.fields().iter();
    let fields = fields.map(|field| SortField::new(field.data_type().clone())).collect();
    let converter = RowConverter::new(fields).map_err(failed)?;
    let mut all: Vec<OwnedRow> = Vec::new();
    for batch in batches {
        let rows = converter.convert_columns(batch.columns()).map_err(failed)?;
        all.extend(rows.iter().map(|row| row.owned()));
    }
    all.sort_unstable();
    Ok(all)
}
