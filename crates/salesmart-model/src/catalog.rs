//! All models and checks there are: the built-in ones, and a project's own over them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use datafusion::sql::sqlparser::ast::Query;
use salesmart_core::receipt::Severity;
use salesmart_core::{Error, Location, Result};

use crate::graph;
use crate::header::{self, Kind, ModelHeader};
use crate::name::{Layer, Place, Relation, TableName, place};
use crate::nearest::did_you_mean;
use crate::raw::{self, RawTables};
use crate::refs::{self, Reference};
use crate::rule::Rule;
use crate::{incremental, sql, system};

/// Where a model comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It ships with Salesmart.
    BuiltIn,
    /// The project adds it.
    Project,
    /// The project's file replaces the built-in one of the same path.
    Replaces,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::BuiltIn => "built in",
            Origin::Project => "project",
            Origin::Replaces => "project, replaces the built-in",
        })
    }
}

/// One model file.
#[derive(Debug)]
pub struct Model {
    /// The table it builds.
    pub name: TableName,
    /// Its layer.
    pub layer: Layer,
    /// The source system a staging model belongs to.
    pub system: Option<String>,
    /// Its path, `sql/…`, the same in the binary and in a project.
    pub path: String,
    /// The file as messages name it.
    pub file: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The whole file.
    pub text: String,
    /// Its contract.
    pub header: ModelHeader,
    /// What it reads, each once.
    pub reads: Vec<Reference>,
    /// Whether it reads `$as_of` or `$as_of_date` itself.
    pub uses_as_of: bool,
    pub(crate) query: Query,
}

impl Model {
    /// Whether it is stored.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.header.kind.unwrap_or(if self.layer.is_published() { Kind::Table } else { Kind::View })
    }

    /// The file's name without `.sql`.
    #[must_use]
    pub fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.strip_suffix(".sql").unwrap_or(name)
    }

    /// Whether a relation it reads is its own rows so far, which only snapshots have.
    pub(crate) fn reads_itself(&self, relation: &Relation) -> bool {
        self.kind() == Kind::Snapshot && *relation == Relation::Model(self.name.clone())
    }

    /// Whether it is planned into what reads it, also where a release is explained: a view over
    /// published tables.
    #[must_use]
    pub fn is_published_view(&self) -> bool {
        self.layer == Layer::Mart && self.kind() == Kind::View
    }

    /// Whether releases show its table to readers.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.layer.is_published() && self.kind().is_stored()
    }

    /// The columns that order the stored rows: the grain, or all where none is declared.
    pub(crate) fn sort_columns(&self) -> Vec<&str> {
        if self.header.grain.is_empty() {
            self.header.columns.iter().map(|column| column.name.as_str()).collect()
        } else {
            self.header.grain.iter().map(String::as_str).collect()
        }
    }
}

/// One SQL check: a query that returns the rows that offend.
#[derive(Debug)]
pub struct SqlCheck {
    /// The sentence its file's name says.
    pub name: String,
    /// Its path, `sql/checks/…`.
    pub path: String,
    /// The file as messages name it.
    pub file: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What it demands.
    pub description: String,
    /// What a failure means.
    pub severity: Severity,
    /// The table it is about.
    pub table: TableName,
    /// What it reads, each once.
    pub reads: Vec<Reference>,
    /// The whole file.
    pub text: String,
    pub(crate) location: Location,
    pub(crate) query: Query,
}

/// All models and checks, parsed, with their order.
#[derive(Debug, Default)]
pub struct Catalog {
    models: BTreeMap<TableName, Model>,
    checks: BTreeMap<String, SqlCheck>,
    order: Vec<TableName>,
    after_checks: BTreeSet<TableName>,
    raw: RawTables,
}

struct File {
    path: String,
    shown: String,
    origin: Origin,
    text: String,
}

impl Catalog {
    /// Reads the built-in files (path and text; paths may begin with `sql/` or below it) and the
    /// project's `sql/` folder over them.
    ///
    /// # Errors
    /// With every problem found in any file: headers, syntax, names, references, cycles, layers,
    /// forbidden functions.
    pub fn load(builtin: &[(String, String)], project_sql: Option<&Path>) -> Result<Self> {
        let mut problems = Vec::new();
        let mut files: BTreeMap<String, File> = BTreeMap::new();
        for (path, text) in builtin {
            if path.ends_with(".sql") {
                let path = format!("sql/{}", path.strip_prefix("sql/").unwrap_or(path));
                let file = File {
                    path: path.clone(),
                    shown: path.clone(),
                    origin: Origin::BuiltIn,
                    text: text.clone(),
                };
                files.insert(path, file);
            }
        }
        if let Some(folder) = project_sql {
            read_folder(folder, &mut files, &mut problems);
        }

        let mut catalog = Self::default();
        for file in files.into_values() {
            if let Err(error) = catalog.add(file) {
                problems.push(error);
            }
        }
        catalog.raw = raw::tables(&catalog.models, &mut problems);
        catalog.check_references(&mut problems);
        match graph::order(&catalog.models) {
            Ok(order) => catalog.order = order,
            Err(cycles) => problems.extend(cycles),
        }
        for model in catalog.models.values() {
            incremental::check_inputs(&catalog, model, &mut problems);
        }
        catalog.after_checks = graph::after_checks(&catalog.models, &catalog.order);
        match Error::many(problems) {
            Some(error) => Err(error),
            None => Ok(catalog),
        }
    }

    /// The models, by name.
    pub fn models(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }

    /// A model.
    #[must_use]
    pub fn model(&self, name: &TableName) -> Option<&Model> {
        self.models.get(name)
    }

    /// The SQL checks, by name.
    pub fn checks(&self) -> impl Iterator<Item = &SqlCheck> {
        self.checks.values()
    }

    /// Every model's name, each after what it reads.
    #[must_use]
    pub fn order(&self) -> &[TableName] {
        &self.order
    }

    /// Whether a model is built after the checks, because it reads what they found.
    #[must_use]
    pub fn is_after_checks(&self, name: &TableName) -> bool {
        self.after_checks.contains(name)
    }

    /// The models that read a model directly, by name.
    pub fn readers(&self, name: &TableName) -> impl Iterator<Item = &Model> {
        let relation = Relation::Model(name.clone());
        self.models().filter(move |model| model.reads.iter().any(|read| read.relation == relation))
    }

    pub(crate) fn raw(&self) -> &RawTables {
        &self.raw
    }

    fn add(&mut self, file: File) -> Result<()> {
        let File { path, shown, origin, text } = file;
        let place = place(&path).map_err(|e| e.at(Location::line(&shown, 0)))?;
        match place {
            Place::Model { layer, name, system } => {
                if let Some(other) = self.models.get(&name) {
                    return Err(Error::configuration(format!("`{path}` and `{}` both build `{name}`", other.path))
                        .at(Location::line(&shown, 1))
                        .with_hint("rename or remove one of them; to replace a built-in model use its very path"));
                }
                // Header and SQL are read independently, so that both report their mistakes.
                let (header, query) =
                    both(header::model(&shown, &text), sql::parse(&shown, &text))?;
                let found = refs::find(&shown, &query);
                let model = Model {
                    name: name.clone(),
                    layer,
                    system,
                    path,
                    file: shown,
                    origin,
                    text,
                    header,
                    reads: found.reads,
                    uses_as_of: found.uses_as_of,
                    query,
                };
                let mut problems = found.problems;
                model.check_header(&mut problems);
                self.models.insert(name, model);
                Error::many(problems).map_or(Ok(()), Err)
            }
            Place::Check(name) => {
                let (header, query) =
                    both(header::check(&shown, &text), sql::parse(&shown, &text))?;
                let found = refs::find(&shown, &query);
                let first = found.reads.iter().find_map(|read| match &read.relation {
                    Relation::Model(name) => Some(name.clone()),
                    _ => None,
                });
                if let Some(error) = Error::many(found.problems) {
                    return Err(error);
                }
                let Some(table) = header.table.or(first) else {
                    return Err(Error::configuration("the check reads no model")
                        .at(header.location)
                        .with_hint("name the table it is about: `table: mart.fct_opportunity`"));
                };
                self.checks.insert(
                    name.clone(),
                    SqlCheck {
                        name,
                        path,
                        file: shown,
                        origin,
                        description: header.description,
                        severity: header.severity,
                        table,
                        reads: found.reads,
                        text,
                        location: header.location,
                        query,
                    },
                );
                Ok(())
            }
        }
    }

    /// Whether everything that is read exists and may be read.
    fn check_references(&self, problems: &mut Vec<Error>) {
        for model in self.models.values() {
            for read in &model.reads {
                if let Some(error) = self.unknown(&read.relation) {
                    problems.push(error.at(read.location.clone()));
                } else if model.is_published_view() {
                    problems.extend(self.not_published(model, read));
                } else if !model.layer.may_read(model.system.as_deref(), &read.relation) {
                    problems.push(
                        Error::configuration(format!(
                            "`{}` may not read `{}`: {} reads {}",
                            model.name,
                            read.relation,
                            model.layer,
                            model.layer.reads()
                        ))
                        .at(read.location.clone())
                        .with_hint("read it through the layer between, or move the model"),
                    );
                }
            }
            for check in &model.header.checks {
                if let Rule::Relationships { table, column } = &check.rule {
                    let error = match self.models.get(table) {
                        None => self.unknown(&Relation::Model(table.clone())),
                        Some(target) => missing_column(target, column),
                    };
                    if let Some(error) = error {
                        problems.push(error.at(check.location.clone()));
                    }
                }
            }
        }
        for check in self.checks.values() {
            for read in &check.reads {
                if let Some(error) = self.unknown(&read.relation) {
                    problems.push(error.at(read.location.clone()));
                }
            }
            if let Some(error) = self.unknown(&Relation::Model(check.table.clone())) {
                problems.push(error.at(check.location.clone()));
            }
        }
    }

    /// A view of the marts must be readable over a release alone.
    fn not_published(&self, model: &Model, read: &Reference) -> Option<Error> {
        let is_there = match &read.relation {
            Relation::Model(name) => self.models.get(name).is_some_and(|target| {
                (target.is_published() || target.is_published_view())
                    && matches!(target.layer, Layer::Mart | Layer::Funnel)
            }),
            Relation::System(table) => system::FROM_SETTINGS.contains(&table.as_str()),
            Relation::Raw { .. } => false,
        };
        let error = Error::configuration(format!(
            "the view `{}` may not read `{}`, which a release does not have",
            model.name, read.relation
        ))
        .at(read.location.clone())
        .with("expected", "stored tables and views of mart, tables of funnel, `system.business`")
        .with_hint("store what it needs in a mart, or write `kind: table`");
        (!is_there).then_some(error)
    }

    fn unknown(&self, relation: &Relation) -> Option<Error> {
        let exists = match relation {
            Relation::Model(name) => self.models.contains_key(name),
            Relation::System(table) => system::schema(table).is_some(),
            Relation::Raw { system, stream } => self.raw.contains(system, stream),
        };
        if exists {
            return None;
        }
        let typed = relation.to_string();
        let error = Error::configuration(format!("table `{typed}` does not exist"));
        if let Relation::Raw { system, stream } = relation {
            return Some(error.with_hint(format!(
                "declare its columns under `source:` in the staging model that reads `{stream}` of `{system}`"
            )));
        }
        let known: Vec<String> = self
            .models
            .keys()
            .map(ToString::to_string)
            .chain(system::TABLES.iter().map(|table| format!("system.{table}")))
            .collect();
        // Tables of the schema that was written come first to mind, if there is such a schema.
        let schema = format!("{}.", typed.split('.').next().unwrap_or_default());
        let near = crate::nearest::nearest(&typed, known.iter().map(String::as_str));
        Some(match near {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => {
                let same: Vec<&str> = known
                    .iter()
                    .filter(|name| name.starts_with(&schema))
                    .map(String::as_str)
                    .collect();
                match did_you_mean(&typed, same, "tables there are") {
                    Some(hint) => error.with_hint(hint),
                    None => error.with_hint("`salesmart models` lists them"),
                }
            }
        })
    }
}

pub(crate) fn missing_column(model: &Model, column: &str) -> Option<Error> {
    if model.header.column(column).is_some() {
        return None;
    }
    let error = Error::configuration(format!("`{}` has no column `{column}`", model.name));
    let known = model.header.columns.iter().map(|column| column.name.as_str());
    Some(match did_you_mean(column, known, "columns there are") {
        Some(hint) => error.with_hint(hint),
        None => error,
    })
}

impl Model {
    /// What the header says beside its decoding.
    fn check_header(&self, problems: &mut Vec<Error>) {
        let at = || self.header.location.clone();
        if self.layer.is_published() && !self.kind().is_stored() && !self.is_published_view() {
            problems.push(
                Error::configuration(format!("`{}` is published and cannot be a view", self.name))
                    .at(at())
                    .with_hint(
                        "write `kind: table`: a release consists of versions of stored tables",
                    ),
            );
        }
        incremental::check_header(self, problems);
        if self.kind() == Kind::Snapshot && !self.layer.is_published() {
            problems.push(
                Error::configuration(format!(
                    "`{}` is not published and cannot be a snapshot",
                    self.name
                ))
                .at(at())
                .with("expected", "a snapshot in mart, kpi, funnel, forecast or ops")
                .with_hint("what is kept for ever is for readers: move it, or write `kind: table`"),
            );
        }
        if self.kind() == Kind::Snapshot && self.header.grain.is_empty() {
            problems.push(
                Error::configuration(format!("the snapshot `{}` has no grain", self.name))
                    .at(at())
                    .with_hint("declare what identifies a row: `grain: [snapshot_date, …]`"),
            );
        }
        let raw: Vec<&Reference> = self
            .reads
            .iter()
            .filter(|read| matches!(read.relation, Relation::Raw { .. }))
            .collect();
        if self.layer == Layer::Staging {
            match (raw.as_slice(), self.header.source.is_empty()) {
                ([_], false) => {}
                ([_], true) => problems.push(
                    Error::configuration("the staging model does not declare the raw columns it reads")
                        .at(at())
                        .with_hint("list them: `source: {opportunity_id: string, …}`"),
                ),
                (reads, _) => problems.push(
                    Error::configuration(format!("a staging model reads one raw table, this one {}", reads.len()))
                        .at(at())
                        .with_hint("read the other one in a staging model of its own, and join in intermediate"),
                ),
            }
        } else if !self.header.source.is_empty() {
            problems.push(
                Error::configuration("only staging models have a `source:`")
                    .at(at())
                    .with_hint("remove it; what a model reads is seen from its SQL"),
            );
        }
        if !self.header.metrics.is_empty()
            && !matches!(self.layer, Layer::Kpi | Layer::Funnel | Layer::Forecast)
        {
            problems.push(
                Error::configuration("only kpi, funnel and forecast models define metrics")
                    .at(at())
                    .with_hint("move `metrics:` to the model that publishes them"),
            );
        }
        for check in &self.header.checks {
            for column in check.rule.columns() {
                if let Some(error) = missing_column(self, column) {
                    problems.push(error.at(check.location.clone()));
                }
            }
        }
    }
}

/// Both values, or the errors of both.
fn both<A, B>(a: Result<A>, b: Result<B>) -> Result<(A, B)> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(a), Err(b)) => Err(Error::many(vec![a, b]).expect("two errors are some")),
        (Err(e), _) | (_, Err(e)) => Err(e),
    }
}

fn read_folder(folder: &Path, files: &mut BTreeMap<String, File>, problems: &mut Vec<Error>) {
    let failed = |path: &Path, e: std::io::Error| {
        Error::configuration(format!("failed to read `{}`", path.display())).with_source(e)
    };
    let mut folders = vec![folder.to_path_buf()];
    let mut found: Vec<PathBuf> = Vec::new();
    while let Some(next) = folders.pop() {
        let entries = match std::fs::read_dir(&next) {
            Ok(entries) => entries,
            Err(e) => {
                problems.push(failed(&next, e));
                continue;
            }
        };
        for entry in entries {
            match entry {
                Ok(entry) if entry.path().is_dir() => folders.push(entry.path()),
                Ok(entry) => found.push(entry.path()),
                Err(e) => problems.push(failed(&next, e)),
            }
        }
    }
    found.sort();
    for path in found {
        if path.extension().is_none_or(|extension| extension != "sql") {
            continue;
        }
        let Ok(below) = path.strip_prefix(folder) else { continue };
        let below: Vec<String> = below
            .components()
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect();
        let key = format!("sql/{}", below.join("/"));
        // As pipelines are shown: relative to the project.
        let shown = key.clone();
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let origin =
                    if files.contains_key(&key) { Origin::Replaces } else { Origin::Project };
                files.insert(key.clone(), File { path: key, shown, origin, text });
            }
            Err(e) => problems.push(failed(&path, e)),
        }
    }
}
