//! Which keys' rows differ between two versions of a table that does not say so itself, in the
//! columns that a model reads of it.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hasher};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::row::{RowConverter, SortField};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result as EngineResult;
use datafusion::logical_expr::LogicalPlan;
use futures::StreamExt;
use salesmart_core::{Error, Result};
use salesmart_lake::{Lake, Table};

use crate::name::Relation;

/// Two hashes of a row, which together are taken for the row.
pub(super) type Print = (u64, u64);

/// The columns of a table that a plan reads.
pub(super) fn columns(plan: &LogicalPlan, relation: &Relation) -> EngineResult<BTreeSet<String>> {
    let Relation::Model(name) = relation else { return Ok(BTreeSet::new()) };
    let mut columns = BTreeSet::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && scan.table_name.table() == name.table
            && scan.table_name.schema() == Some(name.schema.as_str())
        {
            let fields = scan.projected_schema.fields().iter();
            columns.extend(fields.map(|field| field.name().clone()));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(columns)
}

/// The keys of rows of which only one of the versions has some columns' values; `None` where the
/// versions have other columns, or a row has no key.
pub(super) async fn keys(
    lake: &Lake,
    before: &Table,
    now: &Table,
    key: &str,
    columns: &BTreeSet<String>,
) -> Result<Option<BTreeSet<String>>> {
    let columns: Vec<String> =
        columns.iter().cloned().chain((!columns.contains(key)).then(|| key.to_owned())).collect();
    let columns = Some(columns.as_slice());
    if before.schema.fields().len() != now.schema.fields().len()
        || before.schema.fields().iter().zip(now.schema.fields()).any(|(before, now)| {
            before.name() != now.name() || before.data_type() != now.data_type()
        })
    {
        return Ok(None);
    }
    let key = |batch: &RecordBatch| {
        batch
            .column_by_name(key)
            .map(|column| column.as_string::<i32>().clone())
            .ok_or_else(|| Error::bug(format!("a table has no column `{key}`")))
    };
    // Rows of the old version that the new one was not seen to have, and how often.
    let mut left: HashMap<Print, i64> = HashMap::new();
    let mut changed = BTreeSet::new();
    let mut stream = lake.read(before, columns);
    while let Some(batch) = stream.next().await {
        for print in prints(&batch?)? {
            *left.entry(print).or_default() += 1;
        }
    }
    let mut stream = lake.read(now, columns);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let keys = key(&batch)?;
        for (row, print) in prints(&batch)?.into_iter().enumerate() {
            match left.get_mut(&print).filter(|count| **count > 0) {
                Some(count) => *count -= 1,
                None if keys.is_null(row) => return Ok(None),
                None => _ = changed.insert(keys.value(row).to_owned()),
            }
        }
    }
    left.retain(|_, count| *count > 0);
    if left.is_empty() {
        return Ok(Some(changed));
    }
    let mut stream = lake.read(before, columns);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let keys = key(&batch)?;
        for (row, print) in prints(&batch)?.into_iter().enumerate() {
            if left.contains_key(&print) {
                if keys.is_null(row) {
                    return Ok(None);
                }
                changed.insert(keys.value(row).to_owned());
            }
        }
    }
    Ok(Some(changed))
}

pub(super) fn prints(batch: &RecordBatch) -> Result<Vec<Print>> {
    let failed = |e| Error::bug("rows cannot be compared").with_source(e);
    let fields = batch.schema_ref().fields().iter();
    let fields = fields.map(|field| SortField::new(field.data_type().clone())).collect();
    let converter = RowConverter::new(fields).map_err(failed)?;
    let rows = converter.convert_columns(batch.columns()).map_err(failed)?;
    Ok(rows
        .iter()
        .map(|row| {
            let (mut first, mut second) = (DefaultHasher::new(), DefaultHasher::new());
            first.write(row.as_ref());
            second.write_u8(1);
            second.write(row.as_ref());
            (first.finish(), second.finish())
        })
        .collect())
}
