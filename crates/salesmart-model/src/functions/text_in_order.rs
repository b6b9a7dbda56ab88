//! `text_in_order(line, key)`: the lines of a group one after the other, in the byte order of
//! their keys; null where there are none. Lines with a null key or that are null are left out.
//!
//! The engine's `string_agg(… order by …)` counts the memory of its lists again for each list it
//! merges: a hundred thousand lines of a snapshot are said to take gigabytes, and the run stops.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};

/// The function.
pub(super) fn text_in_order() -> AggregateUDF {
    let text = vec![DataType::Utf8, DataType::Utf8];
    AggregateUDF::from(TextInOrder { signature: Signature::exact(text, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TextInOrder {
    signature: Signature,
}

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Utf8, true))
}

impl AggregateUDFImpl for TextInOrder {
    fn name(&self) -> &'static str {
        "text_in_order"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let list = |what: &str| {
            let name = format!("{}[{what}]", args.name);
            Arc::new(Field::new(name, DataType::List(item()), true))
        };
        Ok(vec![list("lines"), list("keys")])
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Lines::default()))
    }
}

/// The lines of a group so far.
#[derive(Debug, Default)]
struct Lines {
    /// Key and line.
    lines: Vec<(Box<str>, Box<str>)>,
    bytes: usize,
}

impl Lines {
    fn add(&mut self, lines: &StringArray, keys: &StringArray) {
        for (line, key) in lines.iter().zip(keys).filter_map(|(line, key)| line.zip(key)) {
            self.bytes += line.len() + key.len();
            self.lines.push((key.into(), line.into()));
        }
    }
}

impl Accumulator for Lines {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [lines, keys] = values else {
            return exec_err!("`text_in_order` takes a line and a key");
        };
        self.add(lines.as_string(), keys.as_string());
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [lines, keys] = states else {
            return exec_err!("the state of `text_in_order` is lines and keys");
        };
        let (lines, keys) = (lines.as_list::<i32>(), keys.as_list::<i32>());
        for row in (0..lines.len()).filter(|row| lines.is_valid(*row)) {
            self.add(lines.value(row).as_string(), keys.value(row).as_string());
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let list = |values: StringArray| {
            let ends = OffsetBuffer::from_lengths([values.len()]);
            ScalarValue::List(Arc::new(ListArray::new(item(), ends, Arc::new(values), None)))
        };
        let lines = StringArray::from_iter_values(self.lines.iter().map(|(_, line)| line));
        let keys = StringArray::from_iter_values(self.lines.iter().map(|(key, _)| key));
        Ok(vec![list(lines), list(keys)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if self.lines.is_empty() {
            return Ok(ScalarValue::Utf8(None));
        }
        self.lines.sort_unstable();
        let mut text = String::with_capacity(self.bytes);
        self.lines.iter().for_each(|(_, line)| text.push_str(line));
        Ok(ScalarValue::Utf8(Some(text)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.lines.capacity() * size_of::<(Box<str>, Box<str>)>() + self.bytes
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::*;

    #[tokio::test]
    async fn lines_come_in_the_order_of_their_keys_however_they_are_divided() {
        for (partitions, batch_size) in [(1, 8192), (2, 1), (4, 3)] {
            let mut config =
                SessionConfig::new().with_target_partitions(partitions).with_batch_size(batch_size);
            config.options_mut().sql_parser.map_string_types_to_utf8view = false;
            let context = SessionContext::new_with_config(config);
            context.register_udaf(text_in_order());
            let sql = "select g, text_in_order(line, key) as text from (values
                ('a', 'three.', 'k10'), ('a', 'one.', 'K'), ('b', 'x', 'x'), ('a', 'four.', 'é'),
                ('a', 'two.', 'k1'), ('a', null, 'k'), ('c', null, 'k'), ('b', 'y', null))
                as t (g, line, key) group by g order by g";
            let mut texts = Vec::new();
            for batch in context.sql(sql).await.unwrap().collect().await.unwrap() {
                let column = batch.column(1).as_string::<i32>().clone();
                texts.extend(column.iter().map(|text| text.map(str::to_owned)));
            }
            let expected = [Some("one.two.three.four."), Some("x"), None];
            assert_eq!(texts, expected.map(|text| text.map(str::to_owned)));
        }
    }
}
