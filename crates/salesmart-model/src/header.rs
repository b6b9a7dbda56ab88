//! The contract at the head of a model or check file: `/* @model … */`, `/* @check … */`.
//!
//! The YAML is decoded with its place in the SQL file, so a mistake in a header is reported by the
//! file and line a person sees in the editor.

use salesmart_core::receipt::Severity;
use salesmart_core::yaml::{self, At, Node, Pairs, Value};
use salesmart_core::{Column, ColumnType, Error, Location, Result};
use serde::{Deserialize, Serialize};

use crate::incremental::{self, Incremental};
use crate::name::TableName;
use crate::rule::{CheckSpec, Rule};

/// Whether a model is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Planned into whatever reads it; nothing is stored.
    View,
    /// Built and stored.
    Table,
    /// Built and stored as a table is; where its header says how, only in part.
    Incremental,
    /// Stored, and only ever added to: the query gives the rows that are not there yet. It may
    /// read its own name, which is its rows so far.
    Snapshot,
}

impl Kind {
    /// Its name, as headers write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::View => "view",
            Kind::Table => "table",
            Kind::Incremental => "incremental",
            Kind::Snapshot => "snapshot",
        }
    }

    /// Whether there is a table in the lake.
    #[must_use]
    pub fn is_stored(self) -> bool {
        self != Kind::View
    }
}

/// A column as its model promises it.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnContract {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// What it means.
    pub doc: String,
    /// Where it is declared.
    pub location: Location,
}

/// A metric's definition card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its name in the column `metric`.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// What it is, in one sentence.
    pub definition: String,
    /// How it is computed.
    pub formula: String,
    /// `ratio`, `days`, `currency`, `count` …
    pub unit: String,
    /// What one row is about.
    pub grain: String,
    /// The timestamp that puts a row into a period.
    pub time_anchor: String,
    /// Whether values may be added up over periods and scopes.
    pub additive: bool,
    /// What is counted above the line, for ratios.
    #[serde(default)]
    pub numerator: Option<String>,
    /// What is counted below the line, for ratios.
    #[serde(default)]
    pub denominator: Option<String>,
    /// When the value is null.
    #[serde(default)]
    pub null_rule: Option<String>,
}

/// A model's contract.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelHeader {
    /// What the table is, in one or two sentences.
    pub description: String,
    /// The columns that together identify a row, and the order of the stored rows.
    pub grain: Vec<String>,
    /// Whether it is stored; by default what is published is, and what is not is not.
    pub kind: Option<Kind>,
    /// How it is brought up to date in part.
    pub incremental: Option<Incremental>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Words to select it by.
    pub tags: Vec<String>,
    /// The raw columns a staging model reads.
    pub source: Vec<(Column, Location)>,
    /// Every output column, in order.
    pub columns: Vec<ColumnContract>,
    /// Every check, the grain's first.
    pub checks: Vec<CheckSpec>,
    /// Definition cards of the metrics in the table.
    pub metrics: Vec<Metric>,
    /// Where the header stands.
    pub location: Location,
}

impl ModelHeader {
    /// The contract of a column.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnContract> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// A SQL check's header.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CheckHeader {
    pub(crate) description: String,
    pub(crate) severity: Severity,
    pub(crate) table: Option<TableName>,
    pub(crate) location: Location,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModel {
    description: String,
    #[serde(default)]
    grain: Option<At<Vec<String>>>,
    #[serde(default)]
    kind: Option<Kind>,
    #[serde(default)]
    incremental: Option<At<incremental::Raw>>,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    source: Pairs<At<String>, ColumnType>,
    columns: Pairs<At<String>, RawColumn>,
    #[serde(default)]
    checks: Vec<Node>,
    #[serde(default)]
    metrics: Vec<Metric>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawColumn {
    #[serde(rename = "type")]
    column_type: ColumnType,
    #[serde(default)]
    doc: String,
    #[serde(default)]
    checks: Vec<Node>,
    #[serde(default)]
    severity: Option<Severity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCheckEntry {
    check: String,
    #[serde(default)]
    severity: Option<Severity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCheck {
    description: String,
    #[serde(default)]
    severity: Option<Severity>,
    #[serde(default)]
    table: Option<TableName>,
}

/// Finds `/* @<marker> … */` at the head of a file: the YAML and the line it starts on.
fn find<'a>(file: &str, text: &'a str, marker: &str) -> Result<(&'a str, usize)> {
    let missing = |line| {
        Err(Error::configuration(format!("the file has no `/* @{marker} … */` header"))
            .at(Location::line(file, line))
            .with_hint(format!("begin the file with `/* @{marker}`, a `description:`, and `*/`")))
    };
    let head = text.trim_start_matches('\u{feff}').trim_start();
    let line = 1 + text[..text.len() - head.len()].matches('\n').count();
    let Some(inside) = head.strip_prefix("/*") else { return missing(line) };
    let Some(yaml) =
        inside.trim_start().strip_prefix('@').and_then(|rest| rest.strip_prefix(marker))
    else {
        return missing(line);
    };
    let Some(end) = yaml.find("*/") else {
        return Err(Error::configuration("the header does not end")
            .at(Location::line(file, line))
            .with_hint("close it with `*/`"));
    };
    let yaml = &yaml[..end];
    // What follows the marker on its own line is usually nothing; the YAML begins below.
    match yaml.split_once('\n') {
        Some((first, rest)) if first.trim().is_empty() => {
            let above = head[..head.len() - inside.len()].matches('\n').count()
                + inside[..inside.len() - inside.trim_start().len()].matches('\n').count();
            Ok((rest, line + above + 1))
        }
        _ => Ok((yaml.trim_start(), line)),
    }
}

/// One entry of a `checks:` list: `not_null`, `{check: …, severity: warn}`, or
/// `accepted_values: [a, b]` without quotes, which YAML reads as a mapping.
fn check_entry(node: &Node) -> Result<(String, Option<Severity>)> {
    match &node.value {
        Value::Scalar(text, _) => Ok((text.clone(), None)),
        Value::Mapping(entries) => match entries.as_slice() {
            [entry] if entry.key != "check" => {
                Ok((format!("{}: {}", entry.key, flow(&entry.node)), None))
            }
            _ => {
                let entry: RawCheckEntry = node.decode()?;
                Ok((entry.check, entry.severity))
            }
        },
        _ => Err(Error::configuration("this is not a check")
            .at(node.location.clone())
            .with("expected", "`not_null`, or `{check: \"between 0 and 1\", severity: warn}`")),
    }
}

fn flow(node: &Node) -> String {
    match &node.value {
        Value::Null => String::new(),
        Value::Scalar(text, true) => format!("\"{text}\""),
        Value::Scalar(text, false) => text.clone(),
        Value::Sequence(items) => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Value::Mapping(entries) => entries
            .iter()
            .map(|entry| format!("{}: {}", entry.key, flow(&entry.node)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn checks(
    nodes: &[Node],
    column: Option<&str>,
    severity: Option<Severity>,
    problems: &mut Vec<Error>,
) -> Vec<CheckSpec> {
    let mut checks = Vec::new();
    for node in nodes {
        let spec = check_entry(node).and_then(|(text, own)| {
            let rule =
                Rule::parse(&text, column.is_some()).map_err(|e| e.at(node.location.clone()))?;
            Ok(CheckSpec {
                column: column.map(str::to_owned),
                text,
                rule,
                severity: own.or(severity).unwrap_or(Severity::Error),
                location: node.location.clone(),
            })
        });
        match spec {
            Ok(spec) => checks.push(spec),
            Err(e) => problems.push(e),
        }
    }
    checks
}

/// Reads a model's header. Every mistake in it is reported.
pub(crate) fn model(file: &str, text: &str) -> Result<ModelHeader> {
    let (yaml, line) = find(file, text, "model")?;
    let node = yaml::parse(file, yaml, line)?;
    let raw: RawModel = node.decode()?;
    let mut problems = Vec::new();

    let grain = raw.grain.unwrap_or_else(|| At::new(Vec::new(), Location::line(file, line)));
    let mut all_checks = Vec::new();
    if !grain.value.is_empty() {
        all_checks.push(CheckSpec {
            column: None,
            text: format!("grain: [{}]", grain.value.join(", ")),
            rule: Rule::UniqueTogether(grain.value.clone()),
            severity: Severity::Error,
            location: grain.location,
        });
    }
    let mut columns = Vec::new();
    for (name, column) in raw.columns {
        all_checks.extend(checks(
            &column.checks,
            Some(&name.value),
            column.severity,
            &mut problems,
        ));
        columns.push(ColumnContract {
            name: name.value,
            column_type: column.column_type,
            doc: column.doc,
            location: name.location,
        });
    }
    all_checks.extend(checks(&raw.checks, None, None, &mut problems));
    if columns.is_empty() {
        problems.push(
            Error::configuration("the header declares no columns")
                .at(Location::line(file, line))
                .with_hint(
                    "list every output column under `columns:`, as `name: {type: string, doc: …}`",
                ),
        );
    }
    let source = raw
        .source
        .into_iter()
        .map(|(name, column_type)| (Column { name: name.value, column_type }, name.location))
        .collect();

    let incremental = match raw.incremental.map(|raw| incremental::declared(file, raw)) {
        None => None,
        Some(Ok(incremental)) => Some(incremental),
        Some(Err(e)) => {
            problems.push(e);
            None
        }
    };

    if let Some(error) = Error::many(problems) {
        return Err(error);
    }
    Ok(ModelHeader {
        description: raw.description.trim().to_owned(),
        grain: grain.value,
        kind: raw.kind,
        incremental,
        owner: raw.owner,
        tags: raw.tags,
        source,
        columns,
        checks: all_checks,
        metrics: raw.metrics,
        location: Location::line(file, line),
    })
}

/// Reads a SQL check's header.
pub(crate) fn check(file: &str, text: &str) -> Result<CheckHeader> {
    let (yaml, line) = find(file, text, "check")?;
    let node = yaml::parse(file, yaml, line)?;
    let raw: RawCheck = node.decode()?;
    Ok(CheckHeader {
        description: raw.description.trim().to_owned(),
        severity: raw.severity.unwrap_or(Severity::Error),
        table: raw.table,
        location: Location::line(file, line),
    })
}
