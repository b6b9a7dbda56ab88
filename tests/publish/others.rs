//! Others read: files of a release, and the lake itself, by programs that nobody here wrote.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use salesmart_tests::{Project, repository, said};

use super::server::{salesmart, shared};

fn python() -> PathBuf {
    std::env::var_os("SALESMART_TEST_PYTHON")
        .map(PathBuf::from)
        .expect("SALESMART_TEST_PYTHON is not set: run the tests with `cargo xtask test`")
}

/// Runs one of the programs beside this file and reads the JSON that it prints.
#[track_caller]
fn told(script: &str, arguments: &[&Path]) -> serde_json::Value {
    let mut command = Command::new(python());
    command.arg(repository().join("tests/publish").join(script)).args(arguments);
    let said = said(&mut command).ok();
    serde_json::from_str(&said.stdout).unwrap()
}

/// The project that `salesmart demo` makes: the whole line, small.
fn company() -> Project {
    let project = Project::new();
    let folder = project.path().join("company");
    let arguments = ["demo", folder.to_str().unwrap(), "--deals", "150", "-q"];
    let _ = said(&mut project.command(&arguments)).ok();
    project
}

fn in_company(project: &Project, arguments: &[&str]) -> salesmart_tests::Said {
    let folder = project.path().join("company");
    let arguments = [&["--project", folder.to_str().unwrap()], arguments].concat();
    salesmart(project, &arguments)
}

fn publish_to(project: &Project, section: &str) {
    let path = "company/pipelines/salesforce.yml";
    let pipeline = std::fs::read_to_string(project.path().join(path)).unwrap();
    project.write(path, format!("{pipeline}\n{section}"));
}

/// What is the same value, however it is written.
fn canonical(text: &str) -> String {
    let text = text.trim();
    if text == "t" || text == "f" {
        return if text == "t" { "true" } else { "false" }.to_owned();
    }
    if let Ok(instant) = chrono::DateTime::parse_from_rfc3339(text) {
        return instant.to_utc().to_rfc3339();
    }
    text.to_owned()
}

#[test]
fn every_row_of_the_whole_line_is_in_postgres() {
    let server = shared();
    let database = server.database();
    let project = company();
    publish_to(&project, &database.target(""));
    let _ = in_company(&project, &["publish", "salesforce"]).ok();
    let tables = database
        .admin("select table_name, rows from salesmart.salesmart_table order by table_name");
    assert!(tables.len() > 60, "{} tables", tables.len());
    let mut rows_in_all = 0;
    for table in tables {
        let name = &table[0];
        let sql = format!("select * from {name}");
        let lake = in_company(&project, &["query", &sql, "--format", "csv"]).ok();
        let columns: Vec<String> = csv::Reader::from_reader(lake.stdout.as_bytes())
            .headers()
            .unwrap()
            .iter()
            .map(str::to_owned)
            .collect();
        let mut expected: Vec<String> = csv::Reader::from_reader(lake.stdout.as_bytes())
            .records()
            .map(|record| record.unwrap().iter().map(canonical).collect::<Vec<_>>().join("|"))
            .collect();
        let (schema, plain) = name.split_once('.').unwrap();
        let types: BTreeMap<String, String> = database
            .admin(&format!("select column_name, data_type from information_schema.columns where table_schema = '{schema}' and table_name = '{plain}'"))
            .into_iter()
            .map(|row| (row[0].clone(), row[1].clone()))
            .collect();
        let selected: Vec<String> = columns
            .iter()
            .map(|column| match types[column].as_str() {
                "timestamp with time zone" => format!(
                    "to_char(\"{column}\" at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
                ),
                _ => format!("\"{column}\""),
            })
            .collect();
        let mut found: Vec<String> = database
            .read(&format!("select {} from {name}", selected.join(", ")))
            .iter()
            .map(|row| row.iter().map(|v| canonical(v)).collect::<Vec<_>>().join("|"))
            .collect();
        expected.sort_unstable();
        found.sort_unstable();
        rows_in_all += expected.len();
        assert_eq!(expected.len(), found.len(), "{name}");
        for (expected, found) in expected.iter().zip(&found) {
            assert_eq!(expected, found, "{name}");
        }
        assert_eq!(table[1], found.len().to_string(), "{name}");
    }
    assert!(rows_in_all > 10_000, "{rows_in_all}");
}

#[test]
fn deltalake_and_duckdb_read_the_lake_as_query_does() {
    let project = company();
    let release = in_company(&project, &["releases", "show", "current", "--format", "json"]).ok();
    project.write("release.json", &release.stdout);
    let told = told(
        "read_lake.py",
        &[&project.path().join("company"), &project.path().join("release.json")],
    );
    let tables = told.as_object().unwrap();
    assert!(tables.len() > 60);
    for (table, read) in tables {
        let rows = in_company(
            &project,
            &["query", &format!("select count(*) as n from {table}"), "--format", "csv"],
        )
        .ok();
        let rows = rows.rows()[0]["n"].parse::<u64>().unwrap();
        assert_eq!(read["deltalake"].as_u64(), Some(rows), "{table}");
        assert_eq!(read["duckdb"].as_u64(), Some(rows), "{table}");
        for (column, sum) in read["sums"].as_object().unwrap() {
            let sql =
                format!("select coalesce(cast(sum({column}) as varchar), '') as s from {table}");
            let own = in_company(&project, &["query", &sql, "--format", "csv"]).ok();
            let own = own.rows()[0]["s"].clone();
            assert_eq!(sum.as_str().unwrap(), own, "{table}.{column}");
        }
    }
}

#[test]
fn files_of_a_release_are_what_the_tables_are() {
    let project = company();
    publish_to(
        &project,
        "publish:\n  files:\n    target: files\n    with:\n      location: out\n      formats: [parquet, csv, xlsx]\n      tables: [kpi.win_rate, mart.dim_rep, mart.fct_opportunity]\n",
    );
    let _ = in_company(&project, &["publish", "salesforce"]).ok();
    let out = project.path().join("company/out");
    let current: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("current.json")).unwrap()).unwrap();
    assert_eq!(current["release"], "r000001");
    let folder = out.join(current["folder"].as_str().unwrap());
    let told = told("read_files.py", &[&folder]);
    for table in ["kpi.win_rate", "mart.dim_rep", "mart.fct_opportunity"] {
        let sql = format!("select count(*) as n from {table}");
        let rows =
            in_company(&project, &["query", &sql, "--format", "csv"]).ok().rows()[0]["n"].clone();
        for way in ["parquet", "csv", "xlsx"] {
            assert_eq!(told[table][way]["rows"].to_string(), rows, "{table} as {way}");
        }
    }
    let sums = &told["mart.fct_opportunity"];
    assert_eq!(sums["parquet"]["amount"], sums["csv"]["amount"]);
    let (exact, float): (f64, f64) = (
        sums["csv"]["amount"].as_str().unwrap().parse().unwrap(),
        sums["xlsx"]["amount"].as_str().unwrap().parse().unwrap(),
    );
    assert!((exact - float).abs() < 0.01, "{exact} {float}");
    let sheet = &told["workbook"];
    assert_eq!(sheet["frozen"], "A2", "{sheet}");
    assert_eq!(sheet["dates"], "datetime", "{sheet}");
    assert!(sheet["filter"].as_str().unwrap().starts_with("A1:"), "{sheet}");
    assert!(!sheet["note"].as_str().unwrap().is_empty(), "{sheet}");
    // Once more: nothing. A file that is missing and the manifest that is older: only that file.
    let before = std::fs::metadata(folder.join("mart.dim_rep.csv")).unwrap().modified().unwrap();
    let again = in_company(&project, &["publish", "salesforce"]).ok();
    assert!(again.stdout.contains("files: holds r000001, nothing had changed"), "{}", again.stdout);
    std::fs::remove_file(out.join("current.json")).unwrap();
    std::fs::remove_file(folder.join("kpi.win_rate.csv")).unwrap();
    let _ = in_company(&project, &["publish", "salesforce"]).ok();
    assert!(folder.join("kpi.win_rate.csv").exists() && out.join("current.json").exists());
    let after = std::fs::metadata(folder.join("mart.dim_rep.csv")).unwrap().modified().unwrap();
    assert_eq!(before, after, "it was complete");
}
