//! How a raw table's columns follow those of its source.
//!
//! New columns are added; columns that are gone stay and are null from now on; a column of another
//! type is a decision of the pipeline file. Each commit remembers the source's columns, so that a
//! change is told once and not every night.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use salesmart_core::receipt::{SchemaChange, SchemaChangeKind};
use salesmart_core::stream::{OnRetyped, StreamSpec};
use salesmart_core::{Column, ColumnType, Error, ErrorKind};
use salesmart_lake::Table;
use serde_json::{Value, json};

use crate::conform::{Casts, Holding};
use crate::provenance::{columns as provenance, source_columns};

/// The key in a commit's metadata under which the source's columns stand.
pub(crate) const COLUMNS: &str = "columns";

/// The columns of a raw table, and how those of the source fit into them.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The raw table's columns from now on, provenance included.
    pub(crate) schema: SchemaRef,
    /// Columns that are landed as another type than the source has.
    pub(crate) casts: Casts,
    /// The source's columns, for the next time.
    pub(crate) columns: Value,
}

/// What a reading with this declaration makes of the raw table, and what has changed since the
/// last one.
pub(crate) fn shape(
    table: Option<&Table>,
    stream: &StreamSpec,
    on_retyped: OnRetyped,
) -> (Vec<SchemaChange>, Result<Shape, Error>) {
    let columns: BTreeMap<&str, ColumnType> =
        stream.columns.iter().map(|c| (c.name.as_str(), c.column_type)).collect();
    let remembered = json!(columns);
    let Some(table) = table else {
        let fields: Vec<Column> =
            stream.columns.iter().cloned().chain(provenance(stream.key.is_empty())).collect();
        let shape = Shape { schema: schema(&fields), casts: Casts::default(), columns: remembered };
        return (Vec::new(), Ok(shape));
    };
    let landed: BTreeMap<String, ColumnType> = source_columns(&table.schema)
        .into_iter()
        .map(|column| (column.name, column.column_type))
        .collect();
    let before = columns_before(table).unwrap_or_else(|| landed.clone());

    let mut changes = Vec::new();
    let mut fields: Vec<Column> = Vec::new();
    let mut casts = Casts::default();
    let mut stopped = Vec::new();
    for column in &stream.columns {
        let now = column.column_type;
        let was = before.get(&column.name).copied();
        let held = landed.get(&column.name).copied().unwrap_or(now);
        let is_news = was.is_some_and(|was| was != now);
        let target = match on_retyped {
            _ if held == now => now,
            OnRetyped::Widen => wider(held, now),
            // A type that was taken in before stays as it was decided then.
            OnRetyped::Quarantine | OnRetyped::Stop => held,
        };
        let decided = match on_retyped {
            _ if held == now => "added",
            OnRetyped::Widen => "widened",
            OnRetyped::Quarantine => "quarantined",
            OnRetyped::Stop => "stopped",
        };
        // A column that comes back with another type is as much a decision as one that changes.
        match was {
            None => {
                changes.push(change(column, SchemaChangeKind::Added, None, Some(now), decided));
            }
            Some(_) if is_news => {
                // Back to the type it was landed with: nothing is left to decide.
                let action = if held == now { "widened" } else { decided };
                changes.push(change(column, SchemaChangeKind::Retyped, was, Some(now), action));
            }
            Some(_) => {}
        }
        if on_retyped == OnRetyped::Stop && held != now && (is_news || was.is_none()) {
            stopped.push((column, held));
        }
        casts.add(&column.name, now, target);
        fields.push(Column { name: column.name.clone(), column_type: target });
    }
    for (name, was) in &before {
        if !columns.contains_key(name.as_str()) {
            let column = Column { name: name.clone(), column_type: *was };
            changes.push(change(&column, SchemaChangeKind::Removed, Some(*was), None, "nulls"));
        }
    }
    if !stopped.is_empty() {
        return (changes, Err(stop(stream, &stopped)));
    }
    fields.extend(provenance(stream.key.is_empty()));
    // Columns that are gone stay, where they were.
    for field in table.schema.fields() {
        if !fields.iter().any(|column| column.name == *field.name())
            && let Some(column_type) = ColumnType::from_arrow(field.data_type())
        {
            fields.push(Column { name: field.name().clone(), column_type });
        }
    }
    (changes, Ok(Shape { schema: schema(&fields), casts, columns: remembered }))
}

fn schema(columns: &[Column]) -> SchemaRef {
    let fields: Vec<Field> = columns.iter().map(Column::to_field).collect();
    Arc::new(Schema::new(fields))
}

/// The source's columns at the last commit; `None` where an older version made it.
fn columns_before(table: &Table) -> Option<BTreeMap<String, ColumnType>> {
    serde_json::from_value(table.metadata.get(COLUMNS)?.clone()).ok()
}

fn change(
    column: &Column,
    change: SchemaChangeKind,
    from: Option<ColumnType>,
    to: Option<ColumnType>,
    action: &str,
) -> SchemaChange {
    SchemaChange {
        column: column.name.clone(),
        change,
        from: from.map(|column_type| column_type.to_string()),
        to: to.map(|column_type| column_type.to_string()),
        action: action.to_owned(),
    }
}

/// The narrowest type that holds every value of both; text holds everything.
fn wider(a: ColumnType, b: ColumnType) -> ColumnType {
    use ColumnType::{Date, Decimal, Int64, String, Timestamp};
    /// Digits of the largest `int64`.
    const INT64_DIGITS: u8 = 19;
    let decimal = |digits: u8, scale: i8| {
        let precision = digits.saturating_add(scale.unsigned_abs());
        if precision <= 38 { Decimal(precision, scale) } else { String }
    };
    let before_point = |precision: u8, scale: i8| precision.saturating_sub(scale.unsigned_abs());
    match (a, b) {
        (a, b) if a == b => a,
        (Int64, Decimal(p, s)) | (Decimal(p, s), Int64) => {
            decimal(before_point(p, s).max(INT64_DIGITS), s)
        }
        (Decimal(p, s), Decimal(q, t)) => {
            decimal(before_point(p, s).max(before_point(q, t)), s.max(t))
        }
        (Date, Timestamp) | (Timestamp, Date) => Timestamp,
        _ => String,
    }
}

/// Nobody has decided yet.
fn stop(stream: &StreamSpec, retyped: &[(&Column, ColumnType)]) -> Error {
    let names: Vec<String> =
        retyped.iter().map(|(column, _)| format!("`{}`", column.name)).collect();
    let message = match names.as_slice() {
        [name] => format!("column {name} was landed as another type than it has now"),
        names => {
            format!("columns {} were landed as other types than they have now", names.join(", "))
        }
    };
    let mut error = Error::new(ErrorKind::SchemaChanged, message).with_state("nothing was landed");
    for (column, landed) in retyped {
        error = error
            .with("landed", format!("{} {landed}", column.name))
            .with("now", format!("{} {}", column.name, column.column_type));
    }
    let decide = "decide in the pipeline file: `land: {on_retyped: widen}` lets the raw table take a type that \
                  holds both, `quarantine` keeps the type and rejects rows that do not fit";
    match (&stream.location, retyped.first()) {
        (Some(location), Some((column, _))) => error.at(location.clone()).with_hint(format!(
            "give the column its former type, or a new name with `from: {}`, or {decide}",
            column.name
        )),
        _ => error.with_hint(decide),
    }
}

/// Whether a type holds every value of another, for those who must be sure.
impl Holding {
    /// How values of `from` come to be held as `to`.
    pub(crate) fn of(from: ColumnType, to: ColumnType) -> Self {
        if from == to {
            Holding::Same
        } else if wider(from, to) == to {
            Holding::Always
        } else {
            Holding::IfItFits
        }
    }
}

#[cfg(test)]
mod tests {
    use ColumnType::{Boolean, Date, Decimal, Float64, Int64, String, Timestamp};

    use super::*;

    #[test]
    fn the_wider_type_holds_both() {
        for (a, b, both) in [
            (Int64, Int64, Int64),
            (Int64, Decimal(18, 2), Decimal(21, 2)),
            (Int64, Decimal(38, 30), String),
            (Decimal(18, 2), Decimal(12, 4), Decimal(20, 4)),
            (Decimal(38, 0), Decimal(38, 18), String),
            (Date, Timestamp, Timestamp),
            (Int64, Float64, String),
            (Boolean, Int64, String),
            (Timestamp, Int64, String),
            (String, Date, String),
        ] {
            assert_eq!(wider(a, b), both, "{a} and {b}");
            assert_eq!(wider(b, a), both, "{b} and {a}");
        }
    }
}
