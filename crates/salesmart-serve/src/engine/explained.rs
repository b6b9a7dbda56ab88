//! What `explain` tells, without the files of the lake: they are nobody's business who only asks.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use datafusion::logical_expr::LogicalPlan;

/// How the engine begins a list of files.
const FILES: &str = "file_groups={";

/// Whether a plan answers with a plan.
pub(super) fn explains(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Explain(_) | LogicalPlan::Analyze(_))
}

/// The rows of a plan that is told, with how many groups of files are read and not which.
pub(super) fn without_files(batch: &RecordBatch) -> arrow::error::Result<RecordBatch> {
    let columns: Vec<ArrayRef> = batch
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            DataType::Utf8 => {
                let texts = column.as_string::<i32>().iter();
                Arc::new(texts.map(|text| text.map(hidden)).collect::<StringArray>()) as ArrayRef
            }
            _ => Arc::clone(column),
        })
        .collect();
    RecordBatch::try_new(batch.schema(), columns)
}

fn hidden(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(FILES) {
        let (before, list) = rest.split_at(at + FILES.len());
        told.push_str(before);
        // `{2 groups: [[a, b], [c]]}`; a list that does not end so is cut off.
        let (list, after) = list.split_once("]}").unwrap_or((list, ""));
        told.push_str(list.split(':').next().unwrap_or_default());
        told.push('}');
        rest = after;
    }
    told.push_str(rest);
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_and_not_named() {
        for (told, wanted) in [
            (
                "A: file_groups={1 group: [[warehouse/kpi/a.parquet]]}, projection=[n]\n  B: x",
                "A: file_groups={1 group}, projection=[n]\n  B: x",
            ),
            (
                "A: file_groups={2 groups: [[a, b:0..9], [c, ...]]}, y\nB: file_groups={1 group: [[d]]}",
                "A: file_groups={2 groups}, y\nB: file_groups={1 group}",
            ),
            ("A: file_groups={1 group: [[secret", "A: file_groups={1 group}"),
            ("Projection: n", "Projection: n"),
        ] {
            assert_eq!(hidden(told), wanted);
        }
    }
}
