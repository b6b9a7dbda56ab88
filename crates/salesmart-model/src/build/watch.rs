//! What is seen of rows while they are written, so that checks need no second look at them: which
//! share their grain, and which checks of single rows all of them pass.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::DFSchema;
use datafusion::physical_plan::PhysicalExpr;
use salesmart_core::{Error, Result};
use salesmart_lake::Table;
use serde::Deserialize;

use super::table::Duplicates;
use crate::catalog::Model;
use crate::checks::{offends, row_text};
use crate::session::Workspace;
use crate::store;

/// Names of checks that every row of a table passes.
pub(crate) type Passed = BTreeSet<String>;

/// What a table's newest commit says of its rows.
pub(super) fn passed(table: &Table) -> Passed {
    let passed = table.metadata.get(store::PASSED);
    passed.and_then(|value| Passed::deserialize(value).ok()).unwrap_or_default()
}

/// Watches the rows of one table, which come in the order of its grain.
pub(super) struct Watch {
    grain: GrainWatch,
    checks: Vec<RowCheck>,
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) duplicates: Duplicates,
    pub(super) passed: Passed,
}

/// A check of single rows that no row has failed so far.
struct RowCheck {
    name: String,
    offends: Arc<dyn PhysicalExpr>,
}

impl Watch {
    pub(super) fn new(model: &Model, schema: &SchemaRef, workspace: &Workspace) -> Result<Self> {
        let failed = |e| Error::bug("a check of rows cannot be prepared").with_source(e);
        let columns = DFSchema::try_from(Arc::clone(schema)).map_err(failed)?;
        let mut checks = Vec::new();
        for check in &model.header.checks {
            let Some(offends) = offends(model, check) else { continue };
            let offends =
                workspace.context().create_physical_expr(offends, &columns).map_err(failed)?;
            checks.push(RowCheck { name: check.name(), offends });
        }
        Ok(Self { grain: GrainWatch::new(model, schema)?, checks })
    }

    pub(super) fn see(&mut self, batch: &RecordBatch) -> Result<()> {
        self.grain.see(batch)?;
        let mut problem = None;
        self.checks.retain(|check| {
            let offends = check.offends.evaluate(batch);
            match offends.and_then(|value| value.into_array(batch.num_rows())) {
                Ok(rows) => rows.as_boolean().true_count() == 0,
                Err(e) => {
                    problem = Some(e);
                    false
                }
            }
        });
        match problem {
            Some(e) => Err(Error::bug("a check of rows failed to run").with_source(e)),
            None => Ok(()),
        }
    }

    pub(super) fn finish(self) -> Seen {
        let passed = self.checks.into_iter().map(|check| check.name).collect();
        Seen { duplicates: self.grain.found, passed }
    }
}

/// Watches rows that come in the order of their grain: equal ones are neighbours, so counting
/// them costs no second look at the table.
struct GrainWatch {
    columns: Vec<usize>,
    converter: RowConverter,
    last: Option<OwnedRow>,
    last_counted: bool,
    found: Duplicates,
}

impl GrainWatch {
    fn new(model: &Model, schema: &Schema) -> Result<Self> {
        let columns: Vec<usize> =
            model.header.grain.iter().filter_map(|name| schema.index_of(name).ok()).collect();
        let fields = columns
            .iter()
            .map(|index| SortField::new(schema.field(*index).data_type().clone()))
            .collect();
        let converter = RowConverter::new(fields)
            .map_err(|e| Error::bug("the grain's columns cannot be compared").with_source(e))?;
        Ok(Self {
            columns,
            converter,
            last: None,
            last_counted: false,
            found: Duplicates::default(),
        })
    }

    fn see(&mut self, batch: &RecordBatch) -> Result<()> {
        if self.columns.is_empty() || batch.num_rows() == 0 {
            return Ok(());
        }
        let arrays: Vec<_> =
            self.columns.iter().map(|index| Arc::clone(batch.column(*index))).collect();
        let rows = self
            .converter
            .convert_columns(&arrays)
            .map_err(|e| Error::bug("the grain's columns cannot be compared").with_source(e))?;
        for index in 0..rows.num_rows() {
            let row = rows.row(index);
            let is_same = match (index, &self.last) {
                (0, None) => false,
                (0, Some(last)) => last.row() == row,
                (_, _) => rows.row(index - 1) == row,
            };
            if is_same {
                // The first of equal rows counts too, once.
                self.found.rows += if self.last_counted { 1 } else { 2 };
                if !self.last_counted && self.found.samples.len() < 5 {
                    self.found.samples.push(row_text(batch, index, &self.columns)?);
                }
            }
            self.last_counted = is_same;
        }
        self.last = Some(rows.row(rows.num_rows() - 1).owned());
        Ok(())
    }
}
