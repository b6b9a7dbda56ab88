//! Expected rows against actual ones.

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use salesmart_core::{Error, Location};

use super::Row;
use super::rows::value;
use crate::nearest::did_you_mean;

/// Why a case does not hold.
pub(super) enum Difference {
    /// The case itself is wrong.
    Case(Error),
    /// The rows are other ones; both sides as text.
    Rows(String),
}

impl From<Error> for Difference {
    fn from(error: Error) -> Self {
        Difference::Case(error)
    }
}

const NULL: &str = "null";

fn shown(array: &dyn Array, row: usize) -> Result<String, Error> {
    let options = FormatOptions::default().with_null(NULL);
    let formatter = ArrayFormatter::try_new(array, &options)
        .map_err(|e| Error::bug("a value cannot be shown").with_source(e))?;
    Ok(formatter.value(row).to_string())
}

/// Compares, and shows what is missing (`-`) and what is there instead (`+`).
pub(super) fn compare(
    batches: &[RecordBatch],
    expect: &[Row],
    ordered: bool,
    location: &Location,
) -> Result<(), Difference> {
    let columns: Vec<String> = match expect.first() {
        Some(first) => first.into_iter().map(|(column, _)| column.value.clone()).collect(),
        None => Vec::new(),
    };
    let mut actual: Vec<Vec<String>> = Vec::new();
    for batch in batches {
        let arrays = columns
            .iter()
            .map(|column| {
                batch.column_by_name(column).ok_or_else(|| {
                    let error =
                        Error::configuration(format!("the result has no column `{column}`"))
                            .at(location.clone());
                    let schema = batch.schema();
                    let known = schema.fields().iter().map(|field| field.name().as_str());
                    match did_you_mean(column, known, "columns there are") {
                        Some(hint) => error.with_hint(hint),
                        None => error,
                    }
                })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        for row in 0..batch.num_rows() {
            let values =
                arrays.iter().map(|array| shown(array, row)).collect::<Result<_, Error>>()?;
            actual.push(values);
        }
    }
    let mut expected: Vec<Vec<String>> = Vec::new();
    for row in expect {
        if let Some((extra, _)) =
            row.into_iter().find(|(column, _)| !columns.contains(&column.value))
        {
            return Err(Error::configuration(format!(
                "only some expected rows name `{}`",
                extra.value
            ))
            .at(extra.location.clone())
            .with_hint("name the same columns in every expected row")
            .into());
        }
        let mut values = Vec::with_capacity(columns.len());
        for column in &columns {
            let Some((_, node)) = row.into_iter().find(|(name, _)| name.value == *column) else {
                return Err(Error::configuration(format!(
                    "an expected row does not name `{column}`"
                ))
                .at(row
                    .0
                    .first()
                    .map_or_else(|| location.clone(), |(name, _)| name.location.clone()))
                .with_hint("name the same columns in every expected row")
                .into());
            };
            // The value goes through the result's type, so that `12` and `12.00` are the same.
            let data_type = batches.first().and_then(|batch| {
                batch.schema().field_with_name(column).ok().map(|field| field.data_type().clone())
            });
            values.push(match data_type {
                Some(data_type) => shown(&value(&data_type, node)?, 0)?,
                None => super::rows::text(node)?.unwrap_or(NULL).to_owned(),
            });
        }
        expected.push(values);
    }
    if !ordered {
        actual.sort();
        expected.sort();
    }
    if actual == expected || (columns.is_empty() && actual.is_empty()) {
        return Ok(());
    }
    Err(Difference::Rows(if columns.is_empty() {
        format!("expected no rows, found {}", actual.len())
    } else {
        difference(&columns, &expected, &actual)
    }))
}

/// The longest common rows stay unmarked; around them, what is missing and what is there instead.
fn difference(columns: &[String], expected: &[Vec<String>], actual: &[Vec<String>]) -> String {
    let (n, m) = (expected.len(), actual.len());
    let mut common = vec![vec![0usize; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            common[i][j] = if expected[i] == actual[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let mut lines: Vec<(char, &[String])> = vec![(' ', columns)];
    let (mut i, mut j) = (0, 0);
    while i < n || j < m {
        if i < n && j < m && expected[i] == actual[j] {
            lines.push((' ', &expected[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < n && (j == m || common[i + 1][j] >= common[i][j + 1]) {
            lines.push(('-', &expected[i]));
            i += 1;
        } else {
            lines.push(('+', &actual[j]));
            j += 1;
        }
    }
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| lines.iter().map(|(_, row)| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = vec!["(- expected and missing, + there instead)".to_owned()];
    for (mark, row) in lines {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push(format!("{mark} {}", cells.join("  ")).trim_end().to_owned());
    }
    text.join("\n")
}
