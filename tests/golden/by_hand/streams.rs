//! Rows of a system, written as files and read as if the system had sent them: the `files`
//! connector with the system's name and every column that its staging models read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use salesmart_tests::{Project, repository};

/// A row: column to text.
pub(super) type Row = BTreeMap<&'static str, String>;

/// What a system holds on a night, by stream.
#[derive(Default)]
pub(super) struct Delivery {
    streams: BTreeMap<&'static str, (Vec<&'static str>, Vec<Row>)>,
}

impl Delivery {
    /// A stream and its key.
    pub(super) fn stream(&mut self, name: &'static str, key: &[&'static str]) {
        self.streams.insert(name, (key.to_vec(), Vec::new()));
    }

    /// A row, as pairs; empty text is null.
    pub(super) fn row<const N: usize>(&mut self, stream: &str, cells: [(&'static str, String); N]) {
        self.streams.get_mut(stream).unwrap().1.push(cells.into_iter().collect());
    }

    /// Writes the files and the pipeline that reads them.
    pub(super) fn write(&self, project: &Project, system: &str) {
        let columns = columns(system);
        let mut pipeline = format!(
            "description: A company worked out by hand.\nextract:\n  crm:\n    connector: files\n    \
             system: {system}\n    with:\n      location: data\n      streams:\n"
        );
        for (stream, (key, rows)) in &self.streams {
            let declared = columns
                .get(*stream)
                .unwrap_or_else(|| panic!("no staging model reads `raw.{system}.{stream}`"));
            let known: BTreeSet<&str> = declared.keys().map(String::as_str).collect();
            let _ = write!(
                pipeline,
                "        {stream}:\n          path: {stream}.csv\n          key: [{}]\n          columns:\n",
                key.join(", ")
            );
            for (column, column_type) in declared {
                let _ = writeln!(pipeline, "            {column}: {column_type}");
            }
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(declared.keys()).unwrap();
            for row in rows {
                for column in row.keys() {
                    assert!(known.contains(column), "nobody reads `{stream}.{column}`");
                }
                let cells = declared.keys().map(|column| row.get(column.as_str()));
                writer.write_record(cells.map(|cell| cell.map_or("", String::as_str))).unwrap();
            }
            project.write(&format!("data/{stream}.csv"), writer.into_inner().unwrap());
        }
        project.write("pipelines/crm.yml", pipeline);
    }
}

/// The columns that staging reads of each stream of a system, with their types.
fn columns(system: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let folder = repository().join("sql/staging").join(system);
    let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort_unstable();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let Some(source) = text.lines().find_map(|line| line.strip_prefix("source: {")) else {
            panic!("`{}` says not in one line what it reads", path.display());
        };
        let stream = text.split(&format!("raw.{system}.")).nth(1).unwrap();
        let stream: String =
            stream.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let columns = all.entry(stream).or_default();
        // `a: string, b: "decimal(38,18)"`: no comma outside quotes is inside a type.
        let mut rest = source.trim_end().trim_end_matches('}');
        while let Some((name, after)) = rest.split_once(':') {
            let after = after.trim_start();
            let (column_type, next) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap(),
                None => after.split_once(',').unwrap_or((after, "")),
            };
            columns.insert(name.trim().to_owned(), column_type.trim().to_owned());
            rest = next.trim_start_matches(',').trim_start();
        }
    }
    all
}
