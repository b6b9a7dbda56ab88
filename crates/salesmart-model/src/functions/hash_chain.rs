//! `hash_chain(body, first_previous) over (order by …)`: seals rows into a chain.
//!
//! A row's result is the SHA-256 of
//!
//! ```text
//! salesmart-snapshot v1
//! previous <the result of the row before, or first_previous for the first row>
//! <body>
//! ```
//!
//! in lower-case hexadecimal. Nothing in a row can change, and no row can go, without every later
//! result changing.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    LimitEffect, PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;

use super::hash::hex;

/// The first line of every document that is sealed.
const VERSION: &str = "salesmart-snapshot v1\n";

/// The function.
pub(super) fn hash_chain() -> WindowUDF {
    let text = vec![DataType::Utf8, DataType::Utf8];
    WindowUDF::from(HashChain { signature: Signature::exact(text, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct HashChain {
    signature: Signature,
}

impl WindowUDFImpl for HashChain {
    fn name(&self) -> &'static str {
        "hash_chain"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        if args.input_fields().len() != 2 {
            return plan_err!("`hash_chain` takes a text and the hash that the first row follows");
        }
        Ok(Arc::new(Field::new(args.name(), DataType::Utf8, false)))
    }

    fn partition_evaluator(
        &self,
        _: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Chain { previous: None }))
    }

    /// A row's hash follows from the rows before it.
    fn limit_effect(&self, _args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        LimitEffect::None
    }
}

/// The end of the chain so far.
#[derive(Debug)]
struct Chain {
    previous: Option<String>,
}

impl Chain {
    fn next(&mut self, values: &[ArrayRef], row: usize) -> Result<String> {
        let [body, first] = values else {
            return exec_err!("`hash_chain` takes a text and the hash that the first row follows");
        };
        let (body, first) = (body.as_string::<i32>(), first.as_string::<i32>());
        if body.is_null(row) || (self.previous.is_none() && first.is_null(row)) {
            return exec_err!("`hash_chain` cannot seal null: give every row its text");
        }
        let previous = self.previous.as_deref().unwrap_or_else(|| first.value(row));
        let hash = hex([VERSION, "previous ", previous, "\n", body.value(row)]);
        self.previous = Some(hash.clone());
        Ok(hash)
    }
}

impl PartitionEvaluator for Chain {
    fn is_causal(&self) -> bool {
        true
    }

    fn supports_bounded_execution(&self) -> bool {
        true
    }

    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue> {
        Ok(ScalarValue::Utf8(Some(self.next(values, range.start)?)))
    }

    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let hashes =
            (0..num_rows).map(|row| self.next(values, row)).collect::<Result<Vec<String>>>()?;
        Ok(Arc::new(StringArray::from(hashes)))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::*;

    async fn chain(batch_size: usize, sql: &str) -> Vec<String> {
        let mut config = SessionConfig::new().with_batch_size(batch_size);
        config.options_mut().sql_parser.map_string_types_to_utf8view = false;
        let context = SessionContext::new_with_config(config);
        context.register_udwf(hash_chain());
        let mut hashes = Vec::new();
        for batch in context.sql(sql).await.unwrap().collect().await.unwrap() {
            let column = batch.column(0).as_string::<i32>().clone();
            hashes.extend(column.iter().map(|hash| hash.unwrap().to_owned()));
        }
        hashes
    }

    #[tokio::test]
    async fn each_row_seals_the_one_before_whatever_the_batches() {
        let sql = "select hash_chain(body, first) over (partition by p order by n) from (values
            ('a', 2, 'two', 'unused'), ('a', 1, 'one', '00'), ('a', 3, 'three', null),
            ('b', 1, 'one', '00')) as t (p, n, body, first) order by p, n";
        let one = hex(["salesmart-snapshot v1\nprevious 00\none"]);
        let two = hex([&*format!("salesmart-snapshot v1\nprevious {one}\ntwo")]);
        let three = hex([&*format!("salesmart-snapshot v1\nprevious {two}\nthree")]);
        for batch_size in [1, 2, 3, 8192] {
            assert_eq!(
                chain(batch_size, sql).await,
                [one.clone(), two.clone(), three.clone(), one.clone()]
            );
        }
    }
}
