//! The pages of tables: those that models build, those they read, and those of the release that
//! nothing builds any more.

use std::collections::{BTreeMap, BTreeSet};

use salesmart_core::receipt::Severity;
use salesmart_model::{
    Catalog, ColumnLineage, Influences, Layer, Model, ModelLineage, Relation, Rule, SourceColumn,
    TableName, system,
};
use serde::Serialize;

use super::TableLink;
use crate::facts::{CheckOutcome, Facts};
use crate::{Request, highlight, wording};

/// A table's page.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TablePage {
    pub(crate) name: String,
    pub(crate) href: String,
    /// The schema, `raw` and `system` included.
    pub(crate) schema: String,
    /// The source system of what is raw or staged.
    pub(crate) system: Option<String>,
    pub(crate) kind: &'static str,
    pub(crate) description: String,
    owner: Option<String>,
    tags: Vec<String>,
    grain: Vec<String>,
    /// Rows in the release.
    rows: Option<u64>,
    version: Option<u64>,
    /// Whether readers of the release see it.
    pub(crate) is_released: bool,
    path: Option<String>,
    origin: Option<String>,
    pub(crate) columns: Vec<ColumnRow>,
    checks: Vec<CheckRow>,
    pub(crate) failing: usize,
    checked: usize,
    reads: Vec<TableLink>,
    readers: Vec<TableLink>,
    rows_by: Vec<Source>,
    sql: Option<String>,
    metrics: Vec<MetricLink>,
}

#[derive(Clone, Debug, Serialize)]
struct MetricLink {
    id: String,
    title: String,
    href: String,
}

/// A column on its table's page.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ColumnRow {
    pub(crate) name: String,
    anchor: String,
    #[serde(rename = "type")]
    column_type: String,
    /// Whether a check says that every row has a value.
    is_required: bool,
    pub(crate) doc: String,
    checks: Vec<CheckRow>,
    /// Whether anything can be said of where it comes from.
    is_traced: bool,
    is_literal: bool,
    values: Vec<Source>,
    by: Vec<Source>,
    counts: Vec<TableLink>,
    feeds: Vec<Source>,
}

/// A column of another table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Source {
    table: String,
    column: String,
    href: String,
    how: String,
}

impl Source {
    fn new(relation: &str, column: &str, how: String) -> Self {
        let href = format!("{}#{}", wording::table_href(relation), wording::column_anchor(column));
        Self { table: relation.to_owned(), column: column.to_owned(), href, how }
    }
}

/// A check and how it ended.
#[derive(Clone, Debug, Serialize)]
struct CheckRow {
    text: String,
    /// What a SQL check demands, in words.
    description: Option<String>,
    severity: &'static str,
    /// `passed`, `warned`, `failed` or `not run`.
    state: &'static str,
    offending: String,
    samples: Vec<String>,
    location: Option<String>,
}

/// Tables by schema, for the list and the graph.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct List<'a> {
    groups: Vec<Group<'a>>,
    all: usize,
}

#[derive(Clone, Debug, Serialize)]
struct Group<'a> {
    schema: &'a str,
    words: &'static str,
    tables: Vec<&'a TablePage>,
}

impl<'a> List<'a> {
    pub(crate) fn new(tables: &'a [TablePage]) -> Self {
        let mut groups: Vec<Group<'a>> = Vec::new();
        for table in tables {
            match groups.iter_mut().find(|group| group.schema == table.schema) {
                Some(group) => group.tables.push(table),
                None => groups.push(Group {
                    schema: &table.schema,
                    words: words(&table.schema),
                    tables: vec![table],
                }),
            }
        }
        groups.sort_by_key(|group| rank(group.schema));
        Self { groups, all: tables.len() }
    }
}

/// Where a schema stands in lists: what people ask for comes first.
fn rank(schema: &str) -> usize {
    let order =
        ["kpi", "funnel", "forecast", "mart", "ops", "intermediate", "staging", "raw", "system"];
    order.iter().position(|known| *known == schema).unwrap_or(order.len())
}

fn words(schema: &str) -> &'static str {
    match schema {
        "kpi" => "One KPI a table: figures by period and scope.",
        "funnel" => "How deals and leads move through stages, and where they are lost.",
        "forecast" => "What was forecast, night by night, and how good it was.",
        "mart" => "Facts and dimensions.",
        "ops" => "Runs, checks, exclusions: what the people who run this want to know.",
        "intermediate" => "Sources united, free of any CRM's names. Not in releases.",
        "staging" => "One table a landed stream: latest version, renamed, typed. Not in releases.",
        "raw" => "What sources delivered, as it came. Not in releases.",
        "system" => "What Salesmart itself provides to models. Not in releases.",
        _ => "Tables of this project.",
    }
}

/// The pages of all tables, by name.
pub(crate) fn pages(
    request: Request<'_>,
    lineage: &BTreeMap<TableName, ModelLineage>,
    facts: &Facts,
) -> Vec<TablePage> {
    let known = Known::new(request, lineage, facts);
    let mut pages: Vec<TablePage> =
        request.catalog.models().map(|model| known.model(model)).collect();
    pages.extend(known.given.iter().map(|(relation, columns)| known.given(relation, columns)));
    pages.extend(facts.orphans.iter().map(|(name, columns)| known.orphan(name, columns)));
    pages.sort_by(|a, b| a.name.cmp(&b.name));
    pages
}

/// What is looked up while pages are made.
struct Known<'a> {
    request: Request<'a>,
    lineage: &'a BTreeMap<TableName, ModelLineage>,
    facts: &'a Facts,
    /// Raw and system tables that models read, and the columns that are known of them.
    given: BTreeMap<Relation, BTreeMap<String, Option<String>>>,
    /// What each column's values are passed on to.
    feeds: BTreeMap<SourceColumn, Vec<Source>>,
    /// Names that have a page.
    names: BTreeSet<String>,
}

impl<'a> Known<'a> {
    fn new(
        request: Request<'a>,
        lineage: &'a BTreeMap<TableName, ModelLineage>,
        facts: &'a Facts,
    ) -> Self {
        let given = given(request.catalog, lineage);
        let mut feeds: BTreeMap<SourceColumn, Vec<Source>> = BTreeMap::new();
        for (name, model) in lineage {
            for (column, found) in &model.columns {
                for (source, way) in &found.values {
                    let to = Source::new(&name.to_string(), column, way.as_str().to_owned());
                    feeds.entry(source.clone()).or_default().push(to);
                }
            }
        }
        let names = request
            .catalog
            .models()
            .map(|model| model.name.to_string())
            .chain(given.keys().map(ToString::to_string))
            .collect();
        Self { request, lineage, facts, given, feeds, names }
    }

    fn model(&self, model: &Model) -> TablePage {
        let name = model.name.to_string();
        let header = &model.header;
        let found = self.lineage.get(&model.name);
        let columns: Vec<ColumnRow> = header
            .columns
            .iter()
            .map(|column| {
                let traced = found.and_then(|found| found.column(&column.name));
                let mut row = self.column(
                    &Relation::Model(model.name.clone()),
                    &column.name,
                    column.column_type.to_string(),
                    traced,
                );
                row.doc.clone_from(&column.doc);
                row.checks = self.checks(model, Some(&column.name));
                row.is_required = header.checks.iter().any(|check| {
                    check.rule == Rule::NotNull && check.column.as_deref() == Some(&column.name)
                });
                row
            })
            .collect();
        let mut checks = self.checks(model, None);
        checks.extend(self.sql_checks(&model.name));
        let all = || checks.iter().chain(columns.iter().flat_map(|column| &column.checks));
        let failing = all().filter(|check| matches!(check.state, "failed" | "warned")).count();
        let checked = all().count();
        let released = self.request.release.tables.get(&name);
        let href = |other: &str| {
            self.names.contains(other).then(|| format!("../{}", wording::table_href(other)))
        };
        TablePage {
            href: wording::table_href(&name),
            schema: model.name.schema.clone(),
            system: model.system.clone(),
            kind: model.kind().name(),
            description: header.description.clone(),
            owner: header.owner.clone(),
            tags: header.tags.clone(),
            grain: header.grain.clone(),
            rows: released.map(|table| table.rows),
            version: released.map(|table| table.version),
            is_released: released.is_some(),
            path: Some(model.path.clone()),
            origin: Some(model.origin.to_string()),
            columns,
            checks,
            failing,
            checked,
            reads: model
                .reads
                .iter()
                .map(|read| TableLink::new(&read.relation.to_string()))
                .collect(),
            readers: self.readers(&Relation::Model(model.name.clone())),
            rows_by: found.map(|found| influences(&found.rows)).unwrap_or_default(),
            sql: Some(highlight::html(query(&model.text), href)),
            metrics: header
                .metrics
                .iter()
                .map(|metric| MetricLink {
                    id: metric.id.clone(),
                    title: metric.title.clone(),
                    href: wording::metric_href(&metric.id),
                })
                .collect(),
            name,
        }
    }

    /// A table that is given to models.
    fn given(&self, relation: &Relation, columns: &BTreeMap<String, Option<String>>) -> TablePage {
        let name = relation.to_string();
        let (schema, system, description) = match relation {
            Relation::Raw { system, stream } => (
                "raw",
                Some(system.clone()),
                format!("Every version of every row of `{stream}`, as {system} delivered it."),
            ),
            _ => ("system", None, "Rows that Salesmart itself provides to models.".to_owned()),
        };
        let rows = columns.iter().map(|(column, column_type)| {
            let shown = column_type.clone().unwrap_or_default();
            self.column(relation, column, shown, None)
        });
        TablePage {
            href: wording::table_href(&name),
            schema: schema.to_owned(),
            system,
            kind: if schema == "raw" { "raw" } else { "given" },
            columns: rows.collect(),
            readers: self.readers(relation),
            ..bare(name, description)
        }
    }

    /// A table of the release without a model.
    fn orphan(&self, name: &str, columns: &[(String, String)]) -> TablePage {
        let (schema, table) = name.split_once('.').unwrap_or(("", name));
        let relation = Relation::Model(TableName::new(schema, table));
        let released = self.request.release.tables.get(name);
        TablePage {
            href: wording::table_href(name),
            schema: schema.to_owned(),
            kind: "table",
            rows: released.map(|table| table.rows),
            version: released.map(|table| table.version),
            is_released: true,
            columns: columns
                .iter()
                .map(|(column, shown)| self.column(&relation, column, shown.clone(), None))
                .collect(),
            ..bare(
                name.to_owned(),
                "No model builds this table any more; it is in the release as it was.".to_owned(),
            )
        }
    }

    fn column(
        &self,
        relation: &Relation,
        column: &str,
        column_type: String,
        lineage: Option<&ColumnLineage>,
    ) -> ColumnRow {
        let source = SourceColumn { relation: relation.clone(), column: column.to_owned() };
        let values = lineage.map(|lineage| {
            lineage.values.iter().map(|(source, way)| {
                let table = source.relation.to_string();
                Source::new(&table, &source.column, way.as_str().to_owned())
            })
        });
        ColumnRow {
            name: column.to_owned(),
            anchor: wording::column_anchor(column),
            column_type,
            is_required: false,
            doc: String::new(),
            checks: Vec::new(),
            is_traced: lineage.is_some(),
            is_literal: lineage.is_some_and(ColumnLineage::is_literal),
            values: values.map(Iterator::collect).unwrap_or_default(),
            by: lineage.map(|lineage| influences(&lineage.decided_by)).unwrap_or_default(),
            counts: lineage
                .map(|lineage| &lineage.counts)
                .into_iter()
                .flatten()
                .map(|relation| TableLink::new(&relation.to_string()))
                .collect(),
            feeds: self.feeds.get(&source).cloned().unwrap_or_default(),
        }
    }

    fn readers(&self, relation: &Relation) -> Vec<TableLink> {
        self.request
            .catalog
            .models()
            .filter(|model| model.reads.iter().any(|read| read.relation == *relation))
            .map(|model| TableLink::new(&model.name.to_string()))
            .collect()
    }

    /// The checks of a model's header that are about a column, or about none.
    fn checks(&self, model: &Model, column: Option<&str>) -> Vec<CheckRow> {
        let name = model.name.to_string();
        model
            .header
            .checks
            .iter()
            .filter(|check| check.column.as_deref() == column)
            .map(|check| {
                let location = check.location.to_string();
                let outcome = self.facts.checks.iter().find(|outcome| {
                    outcome.table == name
                        && outcome.column.as_deref() == column
                        && outcome.check == check.text
                });
                CheckRow::new(&check.text, None, check.severity, location, outcome)
            })
            .collect()
    }

    /// The SQL checks that are about a table.
    fn sql_checks(&self, name: &TableName) -> Vec<CheckRow> {
        let table = name.to_string();
        self.request
            .catalog
            .checks()
            .filter(|check| check.table == *name)
            .map(|check| {
                let outcome = self.facts.checks.iter().find(|outcome| {
                    outcome.table == table
                        && outcome.column.is_none()
                        && outcome.check == check.name
                });
                let words = Some(check.description.clone());
                CheckRow::new(&check.name, words, check.severity, check.path.clone(), outcome)
            })
            .collect()
    }
}

impl CheckRow {
    fn new(
        text: &str,
        description: Option<String>,
        severity: Severity,
        location: String,
        outcome: Option<&CheckOutcome>,
    ) -> Self {
        let severity = match severity {
            Severity::Error => "error",
            Severity::Warn => "warn",
        };
        let state = match outcome {
            None => "not run",
            Some(outcome) if outcome.passed => "passed",
            Some(outcome) if outcome.severity == "warn" => "warned",
            Some(_) => "failed",
        };
        let offending = outcome.filter(|outcome| !outcome.passed);
        Self {
            text: text.to_owned(),
            description,
            severity,
            state,
            offending: offending.map(|one| one.offending.clone()).unwrap_or_default(),
            samples: offending.map(|one| one.samples.clone()).unwrap_or_default(),
            location: Some(location),
        }
    }
}

fn bare(name: String, description: String) -> TablePage {
    TablePage {
        name,
        href: String::new(),
        schema: String::new(),
        system: None,
        kind: "table",
        description,
        owner: None,
        tags: Vec::new(),
        grain: Vec::new(),
        rows: None,
        version: None,
        is_released: false,
        path: None,
        origin: None,
        columns: Vec::new(),
        checks: Vec::new(),
        failing: 0,
        checked: 0,
        reads: Vec::new(),
        readers: Vec::new(),
        rows_by: Vec::new(),
        sql: None,
        metrics: Vec::new(),
    }
}

fn influences(found: &Influences) -> Vec<Source> {
    found
        .iter()
        .map(|(source, how)| {
            let how: Vec<&str> = how.iter().map(|one| one.as_str()).collect();
            Source::new(&source.relation.to_string(), &source.column, how.join(", "))
        })
        .collect()
}

/// The raw and system tables that models read, with the columns that are declared or read.
fn given(
    catalog: &Catalog,
    lineage: &BTreeMap<TableName, ModelLineage>,
) -> BTreeMap<Relation, BTreeMap<String, Option<String>>> {
    let mut given: BTreeMap<Relation, BTreeMap<String, Option<String>>> = BTreeMap::new();
    for model in catalog.models() {
        for read in &model.reads {
            let columns = match &read.relation {
                Relation::Model(_) => continue,
                relation => given.entry(relation.clone()).or_default(),
            };
            if let Relation::System(table) = &read.relation {
                for field in system::schema(table).iter().flat_map(|schema| schema.fields()) {
                    let known = salesmart_core::ColumnType::from_arrow(field.data_type());
                    columns.insert(field.name().clone(), known.map(|known| known.to_string()));
                }
            }
            if model.layer == Layer::Staging {
                for (column, _) in &model.header.source {
                    columns.insert(column.name.clone(), Some(column.column_type.to_string()));
                }
            }
        }
    }
    // Provenance is declared nowhere, and read.
    for found in lineage.values() {
        let of_columns = found
            .columns
            .iter()
            .flat_map(|(_, column)| column.values.keys().chain(column.decided_by.keys()));
        for source in of_columns.chain(found.rows.keys()) {
            if let Some(columns) = given.get_mut(&source.relation) {
                columns.entry(source.column.clone()).or_insert(None);
            }
        }
    }
    given
}

/// A model's SQL without its header.
fn query(text: &str) -> &str {
    text.split_once("*/").map_or(text, |(_, query)| query).trim()
}

impl TablePage {
    /// The names of the tables it reads.
    pub(crate) fn reads(&self) -> impl Iterator<Item = &str> {
        self.reads.iter().map(|link| link.name.as_str())
    }
}
