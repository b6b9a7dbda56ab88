//! Rows that share values that should be theirs alone.

use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::{DataFrame, ident};

use super::Checker;
use super::rows::{number, samples};
use crate::build::Duplicates;
use crate::catalog::Model;
use crate::rule::{CheckSpec, Rule};

impl Checker<'_> {
    /// Duplicates for a `unique` or `grain` check.
    pub(super) async fn duplicates(
        &self,
        model: &Model,
        check: &CheckSpec,
        frame: &DataFrame,
    ) -> Result<Duplicates, DataFusionError> {
        let columns: Vec<&str> = match (&check.rule, &check.column) {
            (Rule::UniqueTogether(columns), _) => columns.iter().map(String::as_str).collect(),
            (_, Some(column)) => vec![column],
            (_, None) => return Ok(Duplicates::default()),
        };
        // Stored rows are in the order of their grain and were counted when they were written.
        let is_grain = model.header.grain == columns;
        let seen = self.built.get(&model.name).and_then(|built| built.duplicates.as_ref());
        if let (true, Some(seen)) = (is_grain, seen)
            && (seen.rows == 0 || matches!(check.rule, Rule::UniqueTogether(_)))
        {
            return Ok(seen.clone());
        }
        let mut frame = frame.clone();
        if check.rule == Rule::Unique {
            for name in &columns {
                frame = frame.filter(ident(*name).is_not_null())?;
            }
        }
        shared(frame, &columns).await
    }
}

/// Rows of a frame that share their values of some columns with another row; null is a value.
pub(crate) async fn shared(
    frame: DataFrame,
    columns: &[&str],
) -> Result<Duplicates, DataFusionError> {
    let keys: Vec<Expr> = columns.iter().map(|name| ident(*name)).collect();
    // In two steps, without `count(distinct …)`: that is what the engine is fast at.
    let shared = frame
        .aggregate(keys, vec![count(lit(1)).alias("rows_with_it")])?
        .filter(ident("rows_with_it").gt(lit(1)))?;
    let total = shared
        .clone()
        .aggregate(vec![], vec![sum(ident("rows_with_it")).alias("n")])?
        .collect()
        .await?;
    let rows = total
        .iter()
        .find(|batch| batch.num_rows() > 0)
        .map(|batch| ScalarValue::try_from_array(batch.column(0), 0))
        .transpose()?
        .map_or(0, |value| number(&value));
    let samples = if rows == 0 { Vec::new() } else { samples(shared, columns).await? };
    Ok(Duplicates { rows, samples })
}
