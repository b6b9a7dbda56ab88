//! `_pg_expandarray`, by which clients read the columns of a key in their order.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Builder, ListBuilder, StructBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Int32Type};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// Turns `{5,7}` into `{(x: 5, n: 1), (x: 7, n: 2)}`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ExpandArray {
    signature: Signature,
}

impl Default for ExpandArray {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

fn fields() -> Fields {
    let number = |name| Field::new(name, DataType::Int32, true);
    Fields::from(vec![number("x"), number("n")])
}

impl ScalarUDFImpl for ExpandArray {
    fn name(&self) -> &'static str {
        "_pg_expandarray"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new("item", DataType::Struct(fields()), true))))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let given = arguments.args[0].to_array(arguments.number_rows)?;
        let numbers = DataType::List(Arc::new(Field::new("item", DataType::Int32, true)));
        let given = cast(&given, &numbers)?;
        let lists = given.as_list::<i32>();
        let item = StructBuilder::from_fields(fields(), lists.values().len());
        let mut builder = ListBuilder::new(item);
        for row in 0..lists.len() {
            if lists.is_null(row) {
                builder.append_null();
                continue;
            }
            let values = lists.value(row);
            let values = values.as_primitive::<Int32Type>();
            for (place, value) in (1..).zip(values.iter()) {
                let pair = builder.values();
                for (at, number) in [(0, value), (1, Some(place))] {
                    if let Some(field) = pair.field_builder::<Int32Builder>(at) {
                        field.append_option(number);
                    }
                }
                pair.append(true);
            }
            builder.append(true);
        }
        Ok(ColumnarValue::Array(Arc::new(builder.finish()) as ArrayRef))
    }
}
