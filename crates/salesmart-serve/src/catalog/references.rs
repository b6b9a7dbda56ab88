//! PostgreSQL's types that are numbers and names at once: `regclass`, `regtype`, `regproc`,
//! `regnamespace`, `regrole`. A cast to one is the number, a cast of one to text is the name; the
//! rewriting of statements calls these functions in the places of such casts.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int32Type;
use datafusion::prelude::SessionContext;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::{
    ArrowTable, PG_CATALOG_TABLES, PgCatalogStaticTables,
};

use super::answer::{Answer, Returns};
use super::cluster::OWNER;
use super::names::{Oids, index_name, quoted};
use super::relations::{known, system_table};
use super::rows::Cell;
use crate::engine::Description;

/// The types, with the names of the function that reads and of the one that writes them.
pub(super) const KINDS: [(&str, &str, &str); 6] = [
    ("regclass", "_regclass_in", "_regclass_out"),
    ("regtype", "_regtype_in", "_regtype_out"),
    ("regproc", "_regproc_in", "_regproc_out"),
    ("regprocedure", "_regproc_in", "_regproc_out"),
    ("regnamespace", "_regnamespace_in", "_regnamespace_out"),
    ("regrole", "_regrole_in", "_regrole_out"),
];

/// One kind's numbers by name, and names by number.
#[derive(Default)]
struct Known {
    numbers: HashMap<String, i64>,
    names: HashMap<i64, String>,
}

impl Known {
    /// A thing with the name it is shown under, which is also the first one it is found by.
    fn add(&mut self, number: i32, shown: String) {
        self.numbers.entry(shown.clone()).or_insert_with(|| number.into());
        self.names.entry(number.into()).or_insert(shown);
    }

    /// Another name to find it by.
    fn alias(&mut self, number: i32, name: String) {
        self.numbers.entry(name).or_insert_with(|| number.into());
    }
}

/// Registers the functions.
pub(super) fn register(
    context: &SessionContext,
    description: &Description,
    oids: &Oids,
    static_tables: &PgCatalogStaticTables,
) {
    function_pair(context, "_regclass_in", "_regclass_out", classes(description, oids));
    function_pair(context, "_regtype_in", "_regtype_out", types(static_tables));
    let functions = named(&static_tables.pg_proc, "proname");
    function_pair(context, "_regproc_in", "_regproc_out", functions);
    let mut schemas = Known::default();
    schemas.add(known::PG_CATALOG, "pg_catalog".to_owned());
    schemas.add(known::INFORMATION_SCHEMA, "information_schema".to_owned());
    for schema in &description.schemas {
        schemas.add(oids.of("schema", &schema.name), quoted(&schema.name));
    }
    function_pair(context, "_regnamespace_in", "_regnamespace_out", schemas);
    let mut roles = Known::default();
    roles.add(known::OWNER, OWNER.to_owned());
    roles.add(oids.of("role", &description.user), quoted(&description.user));
    function_pair(context, "_regrole_in", "_regrole_out", roles);
}

fn function_pair(
    context: &SessionContext,
    reads: &'static str,
    writes: &'static str,
    known: Known,
) {
    let Known { numbers, names } = known;
    let numbers = Arc::new(numbers);
    let public = match reads {
        "_regclass_in" => Some("to_regclass"),
        "_regtype_in" => Some("to_regtype"),
        "_regproc_in" => Some("to_regproc"),
        "_regnamespace_in" => Some("to_regnamespace"),
        _ => Some("to_regrole"),
    };
    for name in [Some(reads), public].into_iter().flatten() {
        let numbers = Arc::clone(&numbers);
        context.register_udf(Answer::function(name, Returns::Int4, move |given| {
            let Some(text) = given.text(0) else { return Cell::Null };
            if let Some(number) = given.number(0) {
                return number.into();
            }
            let text = text.trim();
            // `"kpi"."win_rate"` and `kpi.win_rate` are one name; `schema.function(int)` is found
            // without its arguments.
            let bare = text.split('(').next().unwrap_or(text);
            let unquoted = unquote(bare);
            let found = numbers.get(bare).or_else(|| numbers.get(&unquoted));
            found.copied().into()
        }));
    }
    context.register_udf(Answer::function(writes, Returns::Text, move |given| {
        let Some(number) = given.number(0) else { return given.text(0).into() };
        match names.get(&number) {
            Some(name) => name.as_str().into(),
            None if number == 0 => "-".into(),
            None => number.to_string().into(),
        }
    }));
}

/// A name without the quotes that it does not need.
fn unquote(name: &str) -> String {
    let parts: Vec<String> = split_name(name).into_iter().map(|part| quoted(&part)).collect();
    parts.join(".")
}

/// The parts of a dotted name; quoted parts keep their case, others are lower case.
fn split_name(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        let last = parts.last_mut().expect("there is one from the start");
        match letter {
            '"' if inside && letters.peek() == Some(&'"') => {
                letters.next();
                last.push('"');
            }
            '"' => inside = !inside,
            '.' if !inside => parts.push(String::new()),
            _ if inside => last.push(letter),
            _ => last.extend(letter.to_lowercase()),
        }
    }
    parts
}

fn classes(description: &Description, oids: &Oids) -> Known {
    let mut known = Known::default();
    for name in PG_CATALOG_TABLES {
        known.add(system_table(name), (*name).to_owned());
        known.alias(system_table(name), format!("pg_catalog.{name}"));
    }
    for schema in &description.schemas {
        for table in &schema.tables {
            for (kind, name) in [("table", table.name.clone()), ("index", index_name(table))] {
                let number = oids.within(kind, &schema.name, &table.name);
                let whole = format!("{}.{}", quoted(&schema.name), quoted(&name));
                // What the search path finds is shown without its schema.
                if schema.name == description.default_schema {
                    known.add(number, quoted(&name));
                }
                known.add(number, whole);
            }
        }
    }
    known
}

/// The spellings of SQL beside PostgreSQL's names of its types.
const SPELLINGS: [(&str, &str); 14] = [
    ("bool", "boolean"),
    ("int2", "smallint"),
    ("int4", "integer"),
    ("int4", "int"),
    ("int8", "bigint"),
    ("float4", "real"),
    ("float8", "double precision"),
    ("varchar", "character varying"),
    ("bpchar", "character"),
    ("timestamp", "timestamp without time zone"),
    ("timestamptz", "timestamp with time zone"),
    ("time", "time without time zone"),
    ("timetz", "time with time zone"),
    ("numeric", "decimal"),
];

fn types(static_tables: &PgCatalogStaticTables) -> Known {
    let plain = named(&static_tables.pg_type, "typname");
    let mut known = Known::default();
    for (name, number) in &plain.numbers {
        let Ok(number) = i32::try_from(*number) else { continue };
        let element = name.strip_prefix('_').filter(|element| plain.numbers.contains_key(*element));
        let spelt = |name: &str| {
            let found = SPELLINGS.iter().find(|(short, _)| *short == name);
            found.map_or_else(|| quoted(name), |(_, long)| (*long).to_owned())
        };
        known.add(number, element.map_or_else(|| spelt(name), |element| spelt(element) + "[]"));
        known.alias(number, name.clone());
        known.alias(number, format!("pg_catalog.{name}"));
    }
    for (short, long) in SPELLINGS {
        if let Some(number) = plain.numbers.get(short).and_then(|n| i32::try_from(*n).ok()) {
            known.alias(number, long.to_owned());
        }
    }
    known
}

/// The objects of one of the tables that are the same on every server.
fn named(table: &ArrowTable, column: &str) -> Known {
    let mut known = Known::default();
    for batch in table.data() {
        let (Some(numbers), Some(names)) =
            (batch.column_by_name("oid"), batch.column_by_name(column))
        else {
            continue;
        };
        let (numbers, names) = (numbers.as_primitive::<Int32Type>(), names.as_string::<i32>());
        for row in 0..batch.num_rows() {
            if names.is_valid(row) {
                known.add(numbers.value(row), names.value(row).to_owned());
            }
        }
    }
    known
}
