//! `fill_forward(value, key) over (order by key, …)`: the newest value that is not null among the
//! rows so far that have the same key.
//!
//! It is `last_value(value) ignore nulls over (partition by key …)`, for histories: millions of
//! keys with a handful of rows each. The engine sets up every partition on its own, which for so
//! small ones costs many times what the rows do; here they are all one stream, and the key only
//! says where to forget.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    LimitEffect, PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
};
use datafusion::physical_expr::PhysicalExpr;
use std::sync::Arc;

/// The function.
pub(crate) fn fill_forward() -> WindowUDF {
    WindowUDF::from(FillForward { signature: Signature::any(2, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FillForward {
    signature: Signature,
}

impl WindowUDFImpl for FillForward {
    fn name(&self) -> &'static str {
        "fill_forward"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let (Some(value), Some(key)) = (args.get_input_field(0), args.get_input_field(1)) else {
            return plan_err!("`fill_forward` takes a value and the key it belongs to");
        };
        if *key.data_type() != DataType::Utf8 {
            return plan_err!("the key of `fill_forward` is text, not {}", key.data_type());
        }
        Ok(Arc::new(Field::new(args.name(), value.data_type().clone(), true)))
    }

    fn partition_evaluator(
        &self,
        args: PartitionEvaluatorArgs,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        let Some(value) = args.input_fields().first() else {
            return plan_err!("`fill_forward` takes a value and the key it belongs to");
        };
        let unknown = ScalarValue::try_from(value.data_type())?;
        Ok(Box::new(Newest { newest: unknown.clone(), unknown, key: None }))
    }

    /// A row's value follows from the rows before it.
    fn limit_effect(&self, _args: &[Arc<dyn PhysicalExpr>]) -> LimitEffect {
        LimitEffect::None
    }
}

/// What is known of the key that is being read.
#[derive(Debug)]
struct Newest {
    unknown: ScalarValue,
    newest: ScalarValue,
    key: Option<String>,
}

impl PartitionEvaluator for Newest {
    fn is_causal(&self) -> bool {
        true
    }

    fn supports_bounded_execution(&self) -> bool {
        true
    }

    fn evaluate(&mut self, values: &[ArrayRef], range: &Range<usize>) -> Result<ScalarValue> {
        let [value, key] = values else {
            return exec_err!("`fill_forward` takes a value and the key it belongs to");
        };
        let keys = key.as_string::<i32>();
        let key = keys.is_valid(range.start).then(|| keys.value(range.start));
        if self.key.as_deref() != key {
            self.key = key.map(str::to_owned);
            self.newest = self.unknown.clone();
        }
        if value.is_valid(range.start) {
            self.newest = ScalarValue::try_from_array(value, range.start)?;
        }
        Ok(self.newest.clone())
    }

    fn evaluate_all(&mut self, values: &[ArrayRef], num_rows: usize) -> Result<ArrayRef> {
        let filled = (0..num_rows)
            .map(|row| self.evaluate(values, &(row..row + 1)))
            .collect::<Result<Vec<_>>>()?;
        if filled.is_empty() {
            return self.unknown.to_array_of_size(0);
        }
        ScalarValue::iter_to_array(filled)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::*;

    async fn filled(batch_size: usize) -> String {
        let mut config = SessionConfig::new().with_batch_size(batch_size);
        config.options_mut().sql_parser.map_string_types_to_utf8view = false;
        let context = SessionContext::new_with_config(config);
        context.register_udwf(fill_forward());
        let frame = context
            .sql(
                "select key, n, fill_forward(value, key) over (order by key, n) as value
                from (values
                    ('a', 2, null), ('a', 3, 'x'), ('a', 4, null), ('a', 5, 'y'),
                    ('b', 1, null), ('b', 2, 'z'), ('b', 3, null), ('c', 1, null)
                ) as t (key, n, value)
                order by key, n",
            )
            .await
            .unwrap();
        let batches = frame.collect().await.unwrap();
        arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string()
    }

    #[tokio::test]
    async fn nothing_leaks_from_one_key_to_the_next_and_batches_do_not_matter() {
        let whole = filled(8192).await;
        insta::assert_snapshot!(whole, @r"
        +-----+---+-------+
        | key | n | value |
        +-----+---+-------+
        | a   | 2 |       |
        | a   | 3 | x     |
        | a   | 4 | x     |
        | a   | 5 | y     |
        | b   | 1 |       |
        | b   | 2 | z     |
        | b   | 3 | z     |
        | c   | 1 |       |
        +-----+---+-------+
        ");
        for batch_size in 1..5 {
            assert_eq!(filled(batch_size).await, whole);
        }
    }
}
