//! The statements that BI tools send when they connect, sent to `salesmart serve` and to a PostgreSQL
//! into which the same release was published: both answer, with columns of the same names and types,
//! and with the same rows. Whatever differs is named here, with its reason.

use std::collections::BTreeSet;
use std::process::Command;

use salesmart_tests::said;

use super::startup::{TOOLS, statements};
use super::{Served, repository};
use crate::publish::server::{salesmart, shared};

/// Statements whose rows differ, by a part of their text, and why.
const OTHER_ROWS: [(&str, &str); 29] = [
    ("SELECT datname FROM pg_database", "the databases of other stories and the releases' own"),
    ("\"c\".\"udt_schema\"", "PostgreSQL tells only who may write of primary keys"),
    ("version()", "each says who it is"),
    ("pg_backend_pid()", "a number of the connection"),
    ("EXPLAIN SELECT", "each has its own planner"),
    ("show transaction isolation level", "a release is read: nothing changes in a transaction"),
    ("reset_val FROM pg_settings", "names without a schema are looked up in kpi"),
    ("current_schema()", "the same"),
    ("quote_ident(table_schema) IN", "the same: tables of kpi are shown without their schema"),
    ("SELECT db.oid,db.*", "owner and transaction numbers"),
    ("FROM pg_catalog.pg_roles a", "PostgreSQL's own roles are not here"),
    ("SELECT n.oid,n.*", "rights are not kept by schema; schemas have comments here only"),
    ("FROM pg_catalog.pg_collation c", "one collation"),
    ("pg_tablespace_location", "null, where PostgreSQL has an empty text"),
    ("as base_type_name", "types that only PostgreSQL's catalog uses"),
    ("as partition_expr", "there are no pages, toasts and checks"),
    ("as def_value", "there are no columns of the system"),
    ("i.indkey as keys", "classes of operators are not told apart; vectors are arrays"),
    ("pg_total_relation_size", "sizes are those of the lake's files"),
    ("DISTINCT dep.deptype", "nothing depends on anything"),
    ("\"c\".\"relkind\" WHEN 'r' THEN", "rows are known, where PostgreSQL estimates"),
    ("_PG_EXPANDARRAY(\"i\".\"indkey\")", "the target has more indexes than the grain's"),
    ("t.elemtypoid\nFROM", "domains of information_schema have no arrays here"),
    ("as \"attype\"", "types are always visible"),
    ("AS \"__timestamp\"", "date_trunc of a date is a timestamp here, with a zone there"),
    ("i.indkey, i.indisunique", "a vector is an array"),
    ("as INDEX_NAME", "the target's names begin with the schema"),
    ("FROM pg_catalog.pg_description pgd", "comments of tables go on with the metrics"),
    (
        "c.relhassubclass from",
        "attnotnull, relkind and numbers of types agree; relhasrules does not",
    ),
];

/// Statements whose columns differ, and why.
const OTHER_COLUMNS: [(&str, &str); 4] = [
    ("DISTINCT dep.deptype", "columns of a table that never has rows are text"),
    ("FROM pg_enum", "the same"),
    ("EXPLAIN SELECT", "plan_type and plan, where PostgreSQL has QUERY PLAN"),
    ("select NULL, nspname, NULL", "the second of two columns without a name has a number"),
];

fn is_named(list: &[(&str, &str)], statement: &str) -> bool {
    list.iter().any(|(part, _)| statement.contains(part))
}

/// Where a statement is sent to.
struct Side {
    port: String,
    user: String,
    password: String,
    database: String,
}

impl Side {
    /// The records of an answer, or the error.
    fn ask(&self, script: &str) -> Result<Vec<Vec<String>>, String> {
        let mut psql = Command::new("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-P", "null=∅"])
            .args(["-R", "\u{1e}", "-F", "\u{1f}", "-h", "127.0.0.1", "-p", &self.port])
            .args(["-U", &self.user, "-d", &self.database, "-c", script])
            .env("PGPASSWORD", &self.password);
        let said = said(&mut psql);
        if said.code != 0 {
            return Err(said.stderr);
        }
        let text = said.stdout.replace(&self.user, "ada").replace(&self.database, "warehouse");
        let records = text.trim_end_matches('\n').split('\u{1e}');
        Ok(records.map(|row| row.split('\u{1f}').map(str::to_owned).collect()).collect())
    }

    /// Name and type of each column.
    fn columns(&self, statement: &str) -> Result<Vec<(String, String)>, String> {
        // psql describes what is in its buffer, so the statement comes from standard input's place.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("describe.sql");
        std::fs::write(&file, format!("{statement} \\gdesc\n")).unwrap();
        let rows = self.ask(&format!("\\i {}", file.display()))?;
        Ok(rows
            .into_iter()
            .map(|row| (row[0].clone(), plain(row.get(1).map_or("", String::as_str)).to_owned()))
            .collect())
    }
}

/// Types that stand for each other here (docs/connect.md): names and letters are text, vectors are
/// text or arrays, and numbers are as wide as the engine computes them.
fn plain(kind: &str) -> &str {
    match kind {
        "name"
        | "\"char\""
        | "character varying"
        | "character varying(3)"
        | "json"
        | "pg_node_tree"
        | "anyarray"
        | "bytea"
        | "timestamp with time zone"
        | "timestamp without time zone"
        | "oid(705)"
        | "text[]"
        | "name[]"
        | "\"char\"[]"
        | "aclitem[]"
        | "int2vector"
        | "oidvector"
        | "smallint[]"
        | "integer[]"
        | "oid[]"
        | "text" => "text",
        "smallint" | "integer" | "bigint" | "numeric" | "double precision" | "real" | "oid"
        | "xid" => "number",
        other => other,
    }
}

/// The rows that are about the release, without numbers of objects.
fn comparable(rows: Vec<Vec<String>>) -> BTreeSet<String> {
    // Schemas and databases that only one of the two has.
    const OTHERS: [&str; 6] =
        ["salesmart", "salesmart_load", "public", "pg_toast", "postgres", "r000001"];
    let is_number = |text: &str| {
        text.len() >= 5 && text.len() <= 10 && text.chars().all(|letter| letter.is_ascii_digit())
    };
    rows.into_iter()
        .filter(|row| !row.iter().any(|value| OTHERS.contains(&value.as_str())))
        .map(|row| {
            let values = row.iter().map(|value| match is_number(value) {
                true => "NUMBER".to_owned(),
                // Keys of the target are named after their schema too.
                false => value.replace("mart_dim_rep_pkey", "dim_rep_pkey"),
            });
            values.collect::<Vec<_>>().join("|")
        })
        .collect()
}

#[test]
fn tools_are_told_what_postgresql_tells_them() {
    let served = Served::start();
    let server = shared();
    let database = server.database();
    let target = database.target("");
    let pipeline = served.project.path().join("demo/pipelines/salesforce.yml");
    let text = std::fs::read_to_string(&pipeline).unwrap();
    std::fs::write(&pipeline, format!("{text}{target}")).unwrap();
    let folder = served.project.path().join("demo");
    let folder = folder.to_str().unwrap();
    let publish = ["--project", folder, "publish", "salesforce", "--targets-only"];
    let _ = salesmart(&served.project, &publish).ok();

    let ours = Side {
        port: served.port.to_string(),
        user: "ada".to_owned(),
        password: super::PASSWORD.to_owned(),
        database: "warehouse".to_owned(),
    };
    let theirs = Side {
        port: server.port.to_string(),
        user: format!("{}_read", database.name),
        password: "hush-read".to_owned(),
        database: database.name.clone(),
    };
    let mut differences = Vec::new();
    let mut agreed = 0;
    for tool in TOOLS {
        let file = repository().join(format!("tests/clients/startup/{tool}.sql"));
        for statement in statements(&std::fs::read_to_string(file).unwrap()) {
            let statement = statement.trim_end_matches(';');
            let mut differ = |what: String| {
                differences.push(format!("── {tool}\n{statement}\n▶ {what}"));
            };
            let shown = (
                ours.ask(statement),
                theirs.ask(&statement.replace("'warehouse'", &format!("'{}'", theirs.database))),
            );
            let (mine, real) = match shown {
                (Ok(mine), Ok(real)) => (comparable(mine), comparable(real)),
                (mine, real) => {
                    differ(format!("ours: {:?}, PostgreSQL's: {:?}", mine.err(), real.err()));
                    continue;
                }
            };
            let columns = (ours.columns(statement), theirs.columns(statement));
            if columns.0 != columns.1 && !is_named(&OTHER_COLUMNS, statement) {
                differ(format!("columns\n  ours  {:?}\n  there {:?}", columns.0, columns.1));
            }
            if mine == real {
                agreed += 1;
            } else if !is_named(&OTHER_ROWS, statement) {
                let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
                    one.difference(other).take(3).cloned().collect::<Vec<_>>().join("\n        ")
                };
                differ(format!(
                    "rows\n  ours  {}\n  there {}",
                    only(&mine, &real),
                    only(&real, &mine)
                ));
            }
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n\n"));
    assert!(agreed >= 40, "only {agreed} statements have the same rows");
}
