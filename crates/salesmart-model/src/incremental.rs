//! What a model declares so that only a part of its table must be built: `incremental:`.
//!
//! ```yaml
//! kind: incremental
//! grain: [opportunity_id, valid_from]
//! incremental:
//!   key: opportunity_id
//!   changed_by:
//!     raw.salesforce.opportunity: "_connection || ':' || id"
//!     intermediate.int_opportunity_version: opportunity_id
//!   as_of: harmless
//! ```
//!
//! It promises that the rows of a key follow from the rows of the same key in the inputs that
//! `changed_by` names (themselves or through views), each with its key's SQL over the input's
//! columns. Whatever else changes, an input that is not named, the model, the settings or the
//! engine, builds the whole table. `as_of` says what the instant alone does: `harmless` moves no
//! row of a key whose inputs are as they were; a query names the keys that time moves, and may
//! read what the model reads, `$as_of`, `$as_of_date`, and, of the last build, `$last_as_of` and
//! `$last_as_of_date`. Where nothing is said, another instant builds the whole table.
//!
//! `matters` says what of an input that changes no keys matters: `nothing` (a list of runs of which
//! only the one under way is looked up), or a query over it whose rows must be as they were.
//!
//! With `sums: COLUMN` the model adds up: its columns are those of its grain, and sums over the rows
//! of keys, among them `COLUMN`, which counts the rows. The key is then one of the inputs and no
//! column. What the changed keys brought before is taken away, what they bring now is added, and
//! sums of no row go.
//!
//! With `periods: QUERY` the model's rows are figures of periods (`period_grain`, `period_start`),
//! and the query gives, of the keys that changed, what figures are made of, with its day as
//! `date_day`. Where that differs from what it was, the periods of that day are computed again, and
//! those of the last instant's day and of this one's; the model then sees only these in
//! `mart.dim_period` and `mart.bridge_date_period`. Other figures stay; only their `as_of` is new.
//!
//! A snapshot may declare it too: then its query sees only the keys that changed since it was last
//! added to, its own rows of them included, and gives the rows to add. An instant that is not later
//! than the last one asks for all keys.

use datafusion::sql::sqlparser::ast::Query;
use salesmart_core::yaml::{At, Pairs};
use salesmart_core::{ColumnType, Error, Location, Result};
use serde::Deserialize;

use crate::catalog::{Catalog, Model, missing_column};
use crate::graph;
use crate::header::{Kind, ModelHeader};
use crate::name::Relation;
use crate::nearest::did_you_mean;
use crate::refs;
use crate::rule::Rule;
use crate::sql::{self, Instant};

/// How a table is brought up to date without building all of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Incremental {
    /// The column whose values' rows are replaced: the first of the grain. Of sums: the name of
    /// what they are summed over.
    pub key: String,
    /// The column that counts the rows that are summed, where the model adds up.
    pub sums: Option<String>,
    /// What figures are made of, by day, where the model's rows are figures of periods.
    pub periods: Option<Periods>,
    /// The inputs that change keys.
    pub changed_by: Vec<ChangedBy>,
    /// What matters of inputs that change no keys.
    pub matters: Vec<Matters>,
    /// What the instant alone does.
    pub as_of: AsOf,
    /// Where it is declared.
    pub location: Location,
}

/// An input whose rows belong to keys.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedBy {
    /// The input: a raw table, or a stored model.
    pub relation: Relation,
    /// SQL over its columns: the key that a row belongs to.
    pub key: String,
    /// Where it is declared.
    pub location: Location,
}

impl Incremental {
    /// Whether rows belong to keys; else they are sums or figures over many.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.sums.is_none() && self.periods.is_none()
    }
}

/// What figures are made of, by day.
#[derive(Clone, Debug, PartialEq)]
pub struct Periods {
    /// A query with a column `date_day`.
    pub query: Box<Query>,
    /// The query as it is written.
    pub text: String,
    /// Where it is declared.
    pub location: Location,
}

/// What matters of an input that changes no keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Matters {
    /// The input.
    pub relation: Relation,
    /// A query over it whose rows must be as they were; none: nothing matters.
    pub query: Option<Box<Query>>,
    /// The query as it is written.
    pub text: String,
    /// Where it is declared.
    pub location: Location,
}

/// What another instant does to keys whose inputs are as they were.
#[derive(Clone, Debug, PartialEq)]
pub enum AsOf {
    /// Nobody says: everything is built.
    Unknown,
    /// Nothing.
    Harmless,
    /// It moves the rows of the keys that this query gives in its only column.
    Moves(Box<Query>, String, Location),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Raw {
    key: At<String>,
    changed_by: Pairs<At<String>, At<String>>,
    #[serde(default)]
    sums: Option<At<String>>,
    #[serde(default)]
    periods: Option<At<String>>,
    #[serde(default)]
    matters: Option<Pairs<At<String>, At<String>>>,
    #[serde(default)]
    as_of: Option<At<String>>,
}

/// Reads the block.
pub(crate) fn declared(file: &str, raw: At<Raw>) -> Result<Incremental> {
    let At { value: raw, location } = raw;
    let mut problems = Vec::new();
    let mut changed_by = Vec::new();
    for (name, key) in raw.changed_by {
        match name.value.parse::<Relation>() {
            Ok(relation) => {
                changed_by.push(ChangedBy { relation, key: key.value, location: name.location });
            }
            Err(e) => problems.push(e.at(name.location)),
        }
    }
    let mut matters = Vec::new();
    for (name, At { value: text, location }) in raw.matters.into_iter().flatten() {
        let relation: Relation = match name.value.parse() {
            Ok(relation) => relation,
            Err(e) => {
                problems.push(e.at(name.location));
                continue;
            }
        };
        if changed_by.iter().any(|input| input.relation == relation) {
            let message = format!("all that changes in `{relation}` matters: it changes keys");
            problems.push(
                Error::configuration(message)
                    .at(name.location)
                    .with_hint("name it in `changed_by:` or in `matters:`"),
            );
        } else if text == "nothing" {
            matters.push(Matters { relation, query: None, text, location });
        } else {
            match sql::parse(file, &text) {
                Ok(query) => {
                    matters.push(Matters {
                        relation,
                        query: Some(Box::new(query)),
                        text,
                        location,
                    });
                }
                Err(e) => problems.push(
                    Error::configuration("what matters is neither `nothing` nor a query")
                        .at(location)
                        .with_source(e),
                ),
            }
        }
    }
    let periods = match raw.periods {
        None => None,
        Some(At { value: text, location }) => match sql::parse(file, &text) {
            Ok(query) => Some(Periods { query: Box::new(query), text, location }),
            Err(e) => {
                problems.push(
                    Error::configuration("`periods:` is no query").at(location).with_source(e),
                );
                None
            }
        },
    };
    let as_of = match raw.as_of {
        None => AsOf::Unknown,
        Some(text) if text.value == "harmless" => AsOf::Harmless,
        Some(text) => match sql::parse(file, &text.value) {
            Ok(query) => AsOf::Moves(Box::new(query), text.value, text.location),
            Err(e) => {
                problems.push(
                    Error::configuration("`as_of:` is neither `harmless` nor a query")
                        .at(text.location)
                        .with_source(e),
                );
                AsOf::Unknown
            }
        },
    };
    match Error::many(problems) {
        Some(error) => Err(error),
        None => Ok(Incremental {
            key: raw.key.value,
            sums: raw.sums.map(|sums| sums.value),
            periods,
            changed_by,
            matters,
            as_of,
            location,
        }),
    }
}

/// What the block says beside its decoding: kind, key and grain.
pub(crate) fn check_header(model: &Model, problems: &mut Vec<Error>) {
    let header: &ModelHeader = &model.header;
    let wrong = |message: String, hint: &str| {
        Error::configuration(message).at(header.location.clone()).with_hint(hint)
    };
    let Some(incremental) = &header.incremental else {
        if model.kind() == Kind::Incremental {
            problems.push(wrong(
                format!("`{}` does not say how it is built in parts", model.name),
                "declare `incremental: {key: …, changed_by: {…}}`, or write `kind: table`",
            ));
        }
        return;
    };
    let at = || incremental.location.clone();
    if !matches!(model.kind(), Kind::Incremental | Kind::Snapshot) {
        problems.push(
            wrong(
                format!("`{}` is no incremental model", model.name),
                "write `kind: incremental`, or remove `incremental:`",
            )
            .at(at()),
        );
    }
    if let Some(rows) = &incremental.sums {
        check_sums(model, rows, problems);
    }
    if incremental.periods.is_some() {
        check_periods(model, problems);
    }
    if !incremental.has_keys() {
        // Its key is no column.
    } else if let Some(error) = missing_column(model, &incremental.key) {
        problems.push(error.at(at()));
    } else if model.kind() == Kind::Incremental && header.grain.first() != Some(&incremental.key) {
        problems.push(
            Error::configuration(format!("the key of `{}` does not begin its grain", model.name))
                .at(at())
                .with("expected", format!("`grain: [{}, …]`", incremental.key))
                .with_hint("rows are stored in the order of the grain: a key's must be neighbours"),
        );
    } else if header.column(&incremental.key).map(|column| column.column_type)
        != Some(ColumnType::String)
    {
        problems.push(
            Error::configuration(format!("the key of `{}` is no text", model.name))
                .at(at())
                .with("expected", format!("`{}: {{type: string, …}}`", incremental.key)),
        );
    }
    for matters in &incremental.matters {
        let Some(query) = &matters.query else { continue };
        let instant = Instant::of_no_meaning();
        let found = refs::find(&model.file, &sql::bind(query, instant));
        problems.extend(found.problems.into_iter().map(|e| e.at(matters.location.clone())));
        for read in found.reads.iter().filter(|read| read.relation != matters.relation) {
            problems.push(
                Error::configuration(format!(
                    "what matters of `{}` reads `{}`",
                    matters.relation, read.relation
                ))
                .at(matters.location.clone()),
            );
        }
    }
}

/// Whether a model of periods has their columns.
fn check_periods(model: &Model, problems: &mut Vec<Error>) {
    let header = &model.header;
    let Some(incremental) = &header.incremental else { return };
    let at = || incremental.location.clone();
    if model.kind() != Kind::Incremental || incremental.sums.is_some() {
        let message = format!("`{}` cannot be kept by periods", model.name);
        problems.push(
            Error::configuration(message)
                .at(at())
                .with("expected", "`kind: incremental`, and `periods:` or `sums:`"),
        );
    }
    for name in ["period_grain", "period_start"] {
        problems.extend(missing_column(model, name).map(|error| error.at(at())));
    }
}

/// Whether the queries of `as_of:` and `periods:` read what the model reads, itself or through views.
fn check_queries(catalog: &Catalog, model: &Model, problems: &mut Vec<Error>) {
    let Some(incremental) = &model.header.incremental else { return };
    if catalog.order().is_empty() {
        // Models in a circle have no order, and views between are found by it. The circle is said.
        return;
    }
    let closure = graph::closure(catalog, model);
    let is_read = |relation: &Relation| {
        closure.bases.contains(relation)
            || closure.views.iter().any(|view| Relation::Model(view.name.clone()) == *relation)
    };
    let instant = Instant::of_no_meaning();
    let mut queries = Vec::new();
    if let AsOf::Moves(query, _, location) = &incremental.as_of {
        queries.push(("as_of", sql::bind_since(query, instant, instant), location));
    }
    if let Some(periods) = &incremental.periods {
        queries.push(("periods", sql::bind(&periods.query, instant), &periods.location));
    }
    for (name, query, location) in queries {
        let found = refs::find(&model.file, &query);
        problems.extend(found.problems.into_iter().map(|e| e.at(location.clone())));
        for read in found.reads.iter().filter(|read| !is_read(&read.relation)) {
            problems.push(
                Error::configuration(format!(
                    "`{name}:` reads `{}`, which `{}` does not",
                    read.relation, model.name
                ))
                .at(location.clone())
                .with_hint("read only what the model's SQL reads, itself or through views"),
            );
        }
    }
}

/// Whether a model that adds up has sums, and a number of rows among them.
fn check_sums(model: &Model, rows: &str, problems: &mut Vec<Error>) {
    let header = &model.header;
    let Some(incremental) = &header.incremental else { return };
    let wrong = |message: String| Error::configuration(message).at(incremental.location.clone());
    if model.kind() != Kind::Incremental {
        problems.push(wrong(format!("`{}` cannot be kept by sums", model.name)));
    }
    if let Some(error) = missing_column(model, rows) {
        problems.push(error.at(incremental.location.clone()));
    }
    for column in &header.columns {
        if header.grain.contains(&column.name) {
            continue;
        }
        let is_number = matches!(column.column_type, ColumnType::Int64 | ColumnType::Decimal(..));
        let is_kept = header.checks.iter().any(|check| {
            check.rule == Rule::NotNull && check.column.as_ref() == Some(&column.name)
        });
        if !is_number || !is_kept {
            problems.push(
                wrong(format!("`{}` of `{}` is no sum", column.name, model.name))
                    .with("expected", "int64 or decimal, `checks: [not_null]`")
                    .with_hint("columns outside of the grain are sums, and no sum is null"),
            );
        }
        if column.name == rows && column.column_type != ColumnType::Int64 {
            problems.push(wrong(format!("`{rows}` of `{}` is no number of rows", model.name)));
        }
    }
}

/// Whether the inputs it names are inputs, and their keys can be followed.
pub(crate) fn check_inputs(catalog: &Catalog, model: &Model, problems: &mut Vec<Error>) {
    let Some(incremental) = &model.header.incremental else { return };
    check_queries(catalog, model, problems);
    let closure = graph::closure(catalog, model);
    let unread = |relation: &Relation, location: &Location| {
        if closure.bases.contains(relation) {
            return None;
        }
        let error = Error::configuration(format!("`{}` does not read `{relation}`", model.name))
            .at(location.clone());
        let names: Vec<String> = closure.bases.iter().map(ToString::to_string).collect();
        let names = names.iter().map(String::as_str);
        Some(match did_you_mean(&relation.to_string(), names, "it reads") {
            Some(hint) => error.with_hint(hint),
            None => error,
        })
    };
    problems.extend(
        incremental.matters.iter().filter_map(|input| unread(&input.relation, &input.location)),
    );
    for input in &incremental.changed_by {
        if let Some(error) = unread(&input.relation, &input.location) {
            problems.push(error);
            continue;
        }
        let own_key = |name| {
            let other = catalog.model(name).and_then(|input| input.header.incremental.as_ref());
            other.filter(|other| other.has_keys()).map(|other| other.key.as_str())
        };
        let error = match &input.relation {
            Relation::System(_) => Some("a system table has no keys".to_owned()),
            Relation::Raw { .. } => None,
            Relation::Model(name) => match (own_key(name), catalog.model(name)) {
                (Some(own), _) if own != input.key => {
                    Some(format!("`{name}` knows what changed by its own key, `{own}`"))
                }
                // Its versions are compared column by column.
                (None, Some(other)) if matches!(other.kind(), Kind::Table | Kind::Incremental) => {
                    if let Some(error) = missing_column(other, &input.key) {
                        problems.push(error.at(input.location.clone()));
                    }
                    None
                }
                _ => None,
            },
        };
        if let Some(why) = error {
            problems.push(Error::configuration(why).at(input.location.clone()));
        }
    }
}
