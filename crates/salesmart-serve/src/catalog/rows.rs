//! Small tables written out by hand: columns declared in one line, rows as cells.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Int16Array, Int16Builder, Int32Array, Int32Builder,
    Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::common::DataFusionError;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::oid_field::{kind, oid_field};

/// A value of a catalog table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Bool(bool),
    Number(i64),
    Text(String),
    Numbers(Vec<i64>),
    Texts(Vec<String>),
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i32> for Cell {
    fn from(value: i32) -> Self {
        Self::Number(value.into())
    }
}

impl From<usize> for Cell {
    fn from(value: usize) -> Self {
        Self::Number(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Number(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A table whose columns are declared as `name type, …`, with the types `oid`, `bool`, `int2`,
/// `int4`, `int8`, `float4`, `text`, `int2[]`, `oid[]` and `text[]`. A row gives cells by name; what
/// it does not name has the default after `=`, and is null without one.
pub(super) struct Rows {
    names: Vec<String>,
    kinds: Vec<String>,
    defaults: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
}

impl Rows {
    /// A table without rows.
    pub(super) fn new(columns: &str) -> Self {
        let mut table =
            Self { names: Vec::new(), kinds: Vec::new(), defaults: Vec::new(), rows: Vec::new() };
        for column in columns.split(',') {
            let (declared, default) = match column.split_once('=') {
                Some((declared, default)) => (declared, Some(default.trim())),
                None => (column, None),
            };
            let mut words = declared.split_whitespace();
            let name = words.next().unwrap_or_default().to_owned();
            let kind = words.next().unwrap_or("text").to_owned();
            let default = match (kind.as_str(), default) {
                (_, None) => Cell::Null,
                ("bool", Some(text)) => Cell::Bool(text == "t"),
                ("text", Some(text)) => Cell::Text(text.trim_matches('\'').to_owned()),
                (_, Some(text)) => text.parse().map_or(Cell::Null, Cell::Number),
            };
            table.names.push(name);
            table.kinds.push(kind);
            table.defaults.push(default);
        }
        table
    }

    /// Adds a row.
    pub(super) fn add<const N: usize>(&mut self, cells: [(&str, Cell); N]) {
        let mut row = self.defaults.clone();
        for (name, cell) in cells {
            let at = self.names.iter().position(|known| known == name);
            row[at.expect("a row names columns of its table")] = cell;
        }
        self.rows.push(row);
    }

    fn column(&self, at: usize) -> (Field, ArrayRef) {
        let cells = || self.rows.iter().map(|row| &row[at]);
        let number = |cell: &Cell| match cell {
            Cell::Number(number) => Some(*number),
            _ => None,
        };
        let (name, kind_name) = (&self.names[at], self.kinds[at].as_str());
        let plain = |kind: DataType, array: ArrayRef| (Field::new(name, kind, true), array);
        let small = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
        let tiny = |number: i64| i16::try_from(number).unwrap_or(i16::MAX);
        let list = |item: DataType| DataType::List(Arc::new(Field::new("item", item, true)));
        match kind_name {
            "oid" => {
                let values: Int32Array = cells().map(|cell| number(cell).map(small)).collect();
                (oid_field(name, kind::OID, true), Arc::new(values))
            }
            "int4" => {
                let values: Int32Array = cells().map(|cell| number(cell).map(small)).collect();
                plain(DataType::Int32, Arc::new(values))
            }
            "int2" => {
                let values: Int16Array = cells().map(|cell| number(cell).map(tiny)).collect();
                plain(DataType::Int16, Arc::new(values))
            }
            "int8" => {
                let values: Int64Array = cells().map(number).collect();
                plain(DataType::Int64, Arc::new(values))
            }
            "float4" => {
                let value = |cell| number(cell).map(|n| f32::from(tiny(n)).max(small(n) as f32));
                let values: Float32Array = cells().map(value).collect();
                plain(DataType::Float32, Arc::new(values))
            }
            "bool" => {
                let value = |cell: &Cell| match cell {
                    Cell::Bool(value) => Some(*value),
                    _ => None,
                };
                let values: BooleanArray = cells().map(value).collect();
                plain(DataType::Boolean, Arc::new(values))
            }
            "int2[]" => {
                let mut values = ListBuilder::new(Int16Builder::new());
                for cell in cells() {
                    match cell {
                        Cell::Numbers(numbers) => {
                            values.append_value(numbers.iter().map(|n| Some(tiny(*n))));
                        }
                        _ => values.append_null(),
                    }
                }
                plain(list(DataType::Int16), Arc::new(values.finish()))
            }
            "oid[]" => {
                let mut values = ListBuilder::new(Int32Builder::new());
                for cell in cells() {
                    match cell {
                        Cell::Numbers(numbers) => {
                            values.append_value(numbers.iter().map(|n| Some(small(*n))));
                        }
                        _ => values.append_null(),
                    }
                }
                plain(list(DataType::Int32), Arc::new(values.finish()))
            }
            "text[]" => {
                let mut values = ListBuilder::new(StringBuilder::new());
                for cell in cells() {
                    match cell {
                        Cell::Texts(texts) => values.append_value(texts.iter().map(Some)),
                        _ => values.append_null(),
                    }
                }
                plain(list(DataType::Utf8), Arc::new(values.finish()))
            }
            _ => {
                let value = |cell: &Cell| match cell {
                    Cell::Text(text) => Some(text.clone()),
                    _ => None,
                };
                let values: StringArray = cells().map(value).collect();
                plain(DataType::Utf8, Arc::new(values))
            }
        }
    }

    /// The table as one batch.
    pub(super) fn batch(&self) -> Result<RecordBatch, DataFusionError> {
        let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) =
            (0..self.names.len()).map(|at| self.column(at)).unzip();
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
    }

    /// The table as the engine reads it.
    pub(super) fn provider(&self) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        let batch = self.batch()?;
        Ok(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))
    }
}
