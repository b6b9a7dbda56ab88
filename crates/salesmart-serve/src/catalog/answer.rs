//! Functions that answer from what is described: their arguments are read as text, row by row.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int32Array, Int64Array, ListBuilder, StringArray, StringBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};

use super::rows::Cell;

/// What a function returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Returns {
    Text,
    Bool,
    Int4,
    Int8,
    Texts,
}

impl Returns {
    fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Bool => DataType::Boolean,
            Self::Int4 => DataType::Int32,
            Self::Int8 => DataType::Int64,
            Self::Texts => DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
        }
    }

    fn array(self, cells: Vec<Cell>) -> ArrayRef {
        let number = |cell: &Cell| match cell {
            Cell::Number(number) => Some(*number),
            _ => None,
        };
        match self {
            Self::Text => {
                let text = |cell| match cell {
                    Cell::Text(text) => Some(text),
                    _ => None,
                };
                Arc::new(cells.into_iter().map(text).collect::<StringArray>())
            }
            Self::Bool => {
                let value = |cell: &Cell| match cell {
                    Cell::Bool(value) => Some(*value),
                    _ => None,
                };
                Arc::new(cells.iter().map(value).collect::<BooleanArray>())
            }
            Self::Int4 => {
                let value = |cell: &Cell| number(cell).and_then(|n| i32::try_from(n).ok());
                Arc::new(cells.iter().map(value).collect::<Int32Array>())
            }
            Self::Int8 => Arc::new(cells.iter().map(number).collect::<Int64Array>()),
            Self::Texts => {
                let mut lists = ListBuilder::new(StringBuilder::new());
                for cell in cells {
                    match cell {
                        Cell::Texts(texts) => lists.append_value(texts.into_iter().map(Some)),
                        _ => lists.append_null(),
                    }
                }
                Arc::new(lists.finish())
            }
        }
    }
}

/// The arguments of one row.
pub(super) struct Arguments<'a>(&'a [Option<String>], &'a [bool]);

impl Arguments<'_> {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// An argument as text; `None` where it is null or was not given.
    pub(super) fn text(&self, at: usize) -> Option<&str> {
        self.0.get(at)?.as_deref()
    }

    /// An argument as a number.
    pub(super) fn number(&self, at: usize) -> Option<i64> {
        self.text(at)?.trim().parse().ok()
    }

    /// An argument as JSON writes it.
    pub(super) fn json(&self, at: usize) -> String {
        match (self.text(at), self.1.get(at)) {
            (None, _) => "null".to_owned(),
            (Some(text), Some(false)) => text.to_owned(),
            (Some(text), _) => serde_json::Value::from(text).to_string(),
        }
    }

    /// Whether any is null.
    pub(super) fn any_null(&self) -> bool {
        self.0.iter().any(Option::is_none)
    }
}

type Body = Arc<dyn Fn(&Arguments<'_>) -> Cell + Send + Sync>;

/// One function.
pub(super) struct Answer {
    name: &'static str,
    returns: Returns,
    signature: Signature,
    body: Body,
}

impl Answer {
    /// A function with any arguments.
    pub(super) fn function(
        name: &'static str,
        returns: Returns,
        body: impl Fn(&Arguments<'_>) -> Cell + Send + Sync + 'static,
    ) -> ScalarUDF {
        let any = vec![TypeSignature::Nullary, TypeSignature::VariadicAny];
        let signature = Signature::one_of(any, Volatility::Stable);
        ScalarUDF::new_from_impl(Self { name, returns, signature, body: Arc::new(body) })
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("name", &self.name).finish_non_exhaustive()
    }
}

// Within one session a name is one function; sessions do not share plans.
impl PartialEq for Answer {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.returns == other.returns
    }
}

impl Eq for Answer {}

impl Hash for Answer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Answer {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.returns.data_type())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_scalar = |value: &ColumnarValue| matches!(value, ColumnarValue::Scalar(_));
        let constant = arguments.args.iter().all(is_scalar);
        let rows = if constant { 1 } else { arguments.number_rows };
        let bare = |value: &ColumnarValue| {
            let kind = value.data_type();
            kind.is_numeric() || kind == DataType::Boolean
        };
        let are_text: Vec<bool> = arguments.args.iter().map(|value| !bare(value)).collect();
        let mut texts: Vec<StringArray> = Vec::with_capacity(arguments.args.len());
        for value in &arguments.args {
            let array = cast(&value.to_array(rows)?, &DataType::Utf8)?;
            let text: &StringArray =
                array.as_any().downcast_ref().expect("a cast to text gives text");
            texts.push(text.clone());
        }
        let mut cells = Vec::with_capacity(rows);
        for row in 0..rows {
            let given: Vec<Option<String>> = texts
                .iter()
                .map(|text| text.is_valid(row).then(|| text.value(row).to_owned()))
                .collect();
            cells.push((self.body)(&Arguments(&given, &are_text)));
        }
        let array = self.returns.array(cells);
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }
}
