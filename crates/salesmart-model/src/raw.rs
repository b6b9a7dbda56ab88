//! Raw tables as SQL sees them: `raw.<system>.<stream>`, the union over every connection of that
//! system, with the columns that the staging models declare under `source:`.
//!
//! A stream that a pipeline declares must have exactly these columns: a mistake in the file is
//! worth an error. What a source's schema brings is not ours to fix: a column that it lacks is
//! null, and one of another type is cast where nothing can get lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use salesmart_core::{
    Column, ColumnType, ConnectionName, Error, ErrorKind, Location, StreamName, SystemName,
};

use crate::catalog::Model;
use crate::name::{Relation, TableName};
use crate::nearest::nearest;

/// One stream of one connection: as a pipeline declares it, or as its raw table was discovered.
#[derive(Clone, Debug)]
pub struct RawStream {
    /// The system whose staging models read it.
    pub system: SystemName,
    /// The stream.
    pub stream: StreamName,
    /// The connection that delivers it.
    pub connection: ConnectionName,
    /// Its columns, without provenance.
    pub columns: Vec<Column>,
    /// Where it is declared. Nowhere: it was discovered, and its columns are those of the raw
    /// table.
    pub location: Option<Location>,
}

impl RawStream {
    /// Whether its columns are the source's and not a pipeline file's.
    #[must_use]
    pub fn is_discovered(&self) -> bool {
        self.location.is_none()
    }
}

/// Whether every value of one type can be read as another without losing anything. A number that
/// is too large for the other type is an error of the query, never a null.
fn is_lossless(from: ColumnType, to: ColumnType) -> bool {
    match (from, to) {
        (from, to) if from == to => true,
        (_, ColumnType::String)
        | (ColumnType::Int64, ColumnType::Decimal(..))
        | (ColumnType::Date, ColumnType::Timestamp) => true,
        (ColumnType::Decimal(_, from), ColumnType::Decimal(_, to)) => from <= to,
        _ => false,
    }
}

/// What land adds to every row.
pub(crate) const PROVENANCE: [(&str, ColumnType); 9] = [
    ("_connection", ColumnType::String),
    ("_stream", ColumnType::String),
    ("_run_id", ColumnType::String),
    ("_extracted_at", ColumnType::Timestamp),
    ("_op", ColumnType::String),
    ("_source_position", ColumnType::String),
    ("_sequence", ColumnType::Int64),
    ("_row_hash", ColumnType::Int64),
    // Only in streams without a key; null in the others.
    ("_row_key", ColumnType::String),
];

#[derive(Debug)]
struct Declared {
    column: Column,
    location: Location,
}

/// The raw tables that models read, with their columns.
#[derive(Debug, Default)]
pub(crate) struct RawTables {
    tables: BTreeMap<(String, String), Vec<Declared>>,
}

/// Collects `source:` of all staging models. Two models may read the same raw table; they must
/// agree on the columns both name.
pub(crate) fn tables(models: &BTreeMap<TableName, Model>, problems: &mut Vec<Error>) -> RawTables {
    let mut tables = RawTables::default();
    for model in models.values() {
        let raw = model.reads.iter().find_map(|read| match &read.relation {
            Relation::Raw { system, stream } => Some((system.clone(), stream.clone())),
            _ => None,
        });
        let (Some(key), false) = (raw, model.header.source.is_empty()) else { continue };
        let declared = tables.tables.entry(key).or_default();
        for (column, location) in &model.header.source {
            match declared.iter().find(|other| other.column.name == column.name) {
                None => {
                    declared.push(Declared { column: column.clone(), location: location.clone() });
                }
                Some(other) if other.column.column_type == column.column_type => {}
                Some(other) => problems.push(
                    Error::configuration(format!("raw column `{}` has two types", column.name))
                        .at(location.clone())
                        .with("here", column.column_type)
                        .with("there", format!("{} ({})", other.column.column_type, other.location))
                        .with_hint("declare the same type in both staging models"),
                ),
            }
        }
    }
    tables
}

impl RawTables {
    pub(crate) fn contains(&self, system: &str, stream: &str) -> bool {
        self.tables.contains_key(&(system.to_owned(), stream.to_owned()))
    }

    /// Every raw table that a model reads.
    pub(crate) fn relations(&self) -> impl Iterator<Item = Relation> {
        self.tables.keys().map(|(system, stream)| Relation::Raw {
            system: system.clone(),
            stream: stream.clone(),
        })
    }

    /// The schema SQL sees: declared columns, then provenance.
    pub(crate) fn schema(&self, system: &str, stream: &str) -> Option<SchemaRef> {
        let declared = self.tables.get(&(system.to_owned(), stream.to_owned()))?;
        let mut fields: Vec<Field> =
            declared.iter().map(|declared| declared.column.to_field()).collect();
        for (name, column_type) in PROVENANCE {
            fields.push(Field::new(name, column_type.to_arrow(), true));
        }
        Some(Arc::new(Schema::new(fields)))
    }

    /// Whether the pipelines deliver what the staging models read.
    pub(crate) fn check(&self, streams: &[RawStream], problems: &mut Vec<Error>) {
        for stream in streams {
            let key = (stream.system.to_string(), stream.stream.to_string());
            let Some(declared) = self.tables.get(&key) else { continue };
            let at = |error: Error| match &stream.location {
                Some(location) => error.at(location.clone()),
                None => error,
            };
            if stream.is_discovered() {
                let found =
                    stream.columns.iter().map(|column| (column.name.as_str(), column.column_type));
                problems.extend(discovered(stream, &found.collect(), declared).problems);
                continue;
            }
            for Declared { column, location } in declared {
                match stream.columns.iter().find(|delivered| delivered.name == column.name) {
                    Some(delivered) if delivered.column_type == column.column_type => {}
                    Some(delivered) => problems.push(at(Error::configuration(format!(
                        "column `{}` of stream `{}` of connection `{}` has another type than its staging model reads",
                        column.name, stream.stream, stream.connection
                    ))
                    .with("expected", format!("{} ({location})", column.column_type))
                    .with("found", delivered.column_type)
                    .with_hint(format!("declare `{}: {}` in the stream, or change `source:` in the staging model", column.name, quoted(column.column_type))))),
                    None => {
                        let names = stream.columns.iter().map(|delivered| delivered.name.as_str());
                        let hint = match nearest(&column.name, names) {
                            Some(near) => format!("is `{near}` this column under another name? rename it: `{}: {{type: {}, from: …}}`", column.name, quoted(column.column_type)),
                            None => format!("declare `{}: {}` in the stream", column.name, quoted(column.column_type)),
                        };
                        problems.push(at(Error::configuration(format!(
                            "stream `{}` of connection `{}` has no column `{}`, which its staging model reads",
                            stream.stream, stream.connection, column.name
                        ))
                        .with("expected", format!("`{}` {} ({location})", column.name, column.column_type))
                        .with_hint(hint)));
                    }
                }
            }
        }
    }
}

/// What a discovered stream's raw table means for the columns that staging models read.
#[derive(Debug, Default)]
pub(crate) struct Discovered {
    /// Columns it lacks, which read as null.
    pub(crate) missing: Vec<String>,
    /// Columns whose values do not go into the type that is read.
    pub(crate) problems: Vec<Error>,
}

fn discovered(
    stream: &RawStream,
    found: &BTreeMap<&str, ColumnType>,
    declared: &[Declared],
) -> Discovered {
    let mut outcome = Discovered::default();
    for Declared { column, location } in declared {
        match found.get(column.name.as_str()) {
            None => outcome.missing.push(column.name.clone()),
            Some(delivered) if is_lossless(*delivered, column.column_type) => {}
            Some(delivered) => outcome.problems.push(
                Error::new(
                    ErrorKind::SchemaChanged,
                    format!(
                        "column `{}` of stream `{}` of connection `{}` has a type that its staging model cannot read",
                        column.name, stream.stream, stream.connection
                    ),
                )
                .with("expected", format!("{} ({location})", column.column_type))
                .with("found", delivered)
                .with_hint(format!(
                    "put a copy of the staging model under `sql/` of the project and write `{}: {}` under its `source:`",
                    column.name,
                    quoted(*delivered)
                )),
            ),
        }
    }
    outcome
}

impl RawTables {
    /// The same for a raw table as it is in the lake.
    pub(crate) fn discovered(&self, stream: &RawStream, table: &Schema) -> Discovered {
        let key = (stream.system.to_string(), stream.stream.to_string());
        let Some(declared) = self.tables.get(&key) else { return Discovered::default() };
        let found = table
            .fields()
            .iter()
            .filter_map(|field| {
                Some((field.name().as_str(), ColumnType::from_arrow(field.data_type())?))
            })
            .collect();
        discovered(stream, &found, declared)
    }
}

/// A type as YAML needs it written.
pub(crate) fn quoted(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Decimal(..) => format!("\"{column_type}\""),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_loses_nothing_is_cast() {
        let lossless =
            |from: &str, to: &str| is_lossless(from.parse().unwrap(), to.parse().unwrap());
        for (from, to) in [
            ("decimal(18,0)", "decimal(38,18)"),
            ("decimal(18,2)", "decimal(18,2)"),
            ("int64", "decimal(18,2)"),
            ("boolean", "string"),
            ("decimal(18,2)", "string"),
            ("date", "timestamp"),
        ] {
            assert!(lossless(from, to), "{from} to {to}");
        }
        for (from, to) in [
            ("decimal(18,4)", "decimal(18,2)"),
            ("string", "decimal(18,2)"),
            ("timestamp", "date"),
            ("decimal(18,0)", "int64"),
            ("int64", "boolean"),
            ("float64", "decimal(38,18)"),
        ] {
            assert!(!lossless(from, to), "{from} to {to}");
        }
    }
}
