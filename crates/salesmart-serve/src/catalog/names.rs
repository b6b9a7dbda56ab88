//! The numbers and type names under which the catalog knows what is described.

use std::collections::{BTreeMap, HashSet};

use arrow::datatypes::{DataType, Field};
use datafusion_postgres::arrow_pg::datatypes::into_pg_type;
use pgwire::api::Type;

use crate::engine::{COMMENT, Description, TableDescription};

/// The first number that PostgreSQL gives to objects of users.
const FIRST_OID: u32 = 16_384;
/// Numbers stay below this: clients read them as signed.
const LAST_OID: u32 = 2_000_000_000;

/// The type that the wire shows for a column.
pub(super) fn pg_type(field: &Field) -> Type {
    into_pg_type(field.data_type()).unwrap_or(Type::TEXT)
}

/// The modifier of the type: precision and scale of a decimal, -1 otherwise.
pub(super) fn modifier(field: &Field) -> i32 {
    match field.data_type() {
        DataType::Decimal128(precision, scale) => {
            ((i32::from(*precision) << 16) | i32::from(*scale)) + 4
        }
        _ => -1,
    }
}

/// What a column means.
pub(super) fn comment(field: &Field) -> Option<&str> {
    field.metadata().get(COMMENT).map(String::as_str).filter(|text| !text.is_empty())
}

/// The positions of the grain's columns, from 1; empty where the grain is not known.
pub(super) fn grain(table: &TableDescription) -> Vec<i16> {
    let position = |name: &String| {
        let at = table.columns.index_of(name).ok()?;
        i16::try_from(at + 1).ok()
    };
    table.grain.iter().map(position).collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// Whether the grain is a primary key: of a primary key no column may be null.
pub(super) fn is_primary(table: &TableDescription) -> bool {
    let required =
        |name: &String| table.columns.field_with_name(name).is_ok_and(|field| !field.is_nullable());
    !grain(table).is_empty() && table.grain.iter().all(required)
}

/// The name of the primary key or of the unique index.
pub(super) fn index_name(table: &TableDescription) -> String {
    let suffix = if is_primary(table) { "_pkey" } else { "_grain" };
    // PostgreSQL cuts names after 63 bytes.
    let length = table.name.len().min(63 - suffix.len());
    format!("{}{suffix}", table.name.get(..length).unwrap_or(&table.name))
}

/// A name as SQL has to write it.
pub(super) fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The numbers of all objects. They come from the names, so a client that keeps them finds the
/// same table under the same number in every connection and every release.
#[derive(Debug, Clone, Default)]
pub(super) struct Oids {
    numbers: BTreeMap<String, i32>,
}

impl Oids {
    /// Numbers everything that is described.
    pub(super) fn new(description: &Description) -> Self {
        let mut names: Vec<String> = Vec::new();
        for schema in &description.schemas {
            names.push(format!("schema {}", schema.name));
            for table in &schema.tables {
                for kind in ["table", "index", "constraint"] {
                    names.push(format!("{kind} {}.{}", schema.name, table.name));
                }
            }
        }
        names.push(format!("role {}", description.user));
        names.extend(description.databases.iter().map(|name| format!("database {name}")));
        names.push(format!("database {}", description.database));
        names.sort();
        names.dedup();
        let mut taken = HashSet::new();
        let mut numbers = BTreeMap::new();
        for name in names {
            let mut number = FIRST_OID + fnv(&name) % (LAST_OID - FIRST_OID);
            while !taken.insert(number) {
                number += 1;
            }
            numbers.insert(name, i32::try_from(number).unwrap_or(i32::MAX));
        }
        Self { numbers }
    }

    /// The number of an object that was described; 0, which is none, of any other.
    pub(super) fn of(&self, kind: &str, name: &str) -> i32 {
        self.numbers.get(&format!("{kind} {name}")).copied().unwrap_or(0)
    }

    /// The number of a table, an index or a constraint.
    pub(super) fn within(&self, kind: &str, schema: &str, table: &str) -> i32 {
        self.of(kind, &format!("{schema}.{table}"))
    }
}

/// FNV-1a: small, well known, the same on every machine.
fn fnv(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
