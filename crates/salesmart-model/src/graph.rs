//! The order in which models are built, from what they read.

use std::collections::{BTreeMap, BTreeSet};

use salesmart_core::Error;

use crate::catalog::{Catalog, Model};
use crate::header::Kind;
use crate::name::{Relation, TableName};

/// System tables that exist only after the checks of everything else have run.
pub(crate) const AFTER_CHECKS: [&str; 2] = ["run", "check_result"];

/// The models a model reads, in the order of their names. The rows that a snapshot has so far are
/// no other model.
pub(crate) fn upstream(model: &Model) -> impl Iterator<Item = &TableName> {
    model.reads.iter().filter_map(|read| match &read.relation {
        Relation::Model(_) if model.reads_itself(&read.relation) => None,
        Relation::Model(name) => Some(name),
        _ => None,
    })
}

/// What a model is made of: the views between, each after what it reads, and the stored and given
/// tables below them.
pub(crate) struct Closure<'a> {
    pub(crate) views: Vec<&'a Model>,
    pub(crate) bases: BTreeSet<&'a Relation>,
}

/// Follows what a model reads through views. Its own rows are no input.
pub(crate) fn closure<'a>(catalog: &'a Catalog, model: &'a Model) -> Closure<'a> {
    let mut names: BTreeSet<&TableName> = BTreeSet::new();
    let mut bases: BTreeSet<&Relation> = BTreeSet::new();
    let mut waiting: Vec<&Model> = vec![model];
    while let Some(next) = waiting.pop() {
        for read in next.reads.iter().filter(|read| !next.reads_itself(&read.relation)) {
            match &read.relation {
                Relation::Model(name) => match catalog.model(name) {
                    Some(view) if view.kind() == Kind::View => {
                        if names.insert(name) {
                            waiting.push(view);
                        }
                    }
                    _ => _ = bases.insert(&read.relation),
                },
                _ => _ = bases.insert(&read.relation),
            }
        }
    }
    let views = catalog.order().iter().filter(|name| names.contains(name));
    Closure { views: views.filter_map(|name| catalog.model(name)).collect(), bases }
}

/// Models in dependency order, and by name where the order is free. References to models that do
/// not exist are passed over; they are reported elsewhere.
pub(crate) fn order(models: &BTreeMap<TableName, Model>) -> Result<Vec<TableName>, Vec<Error>> {
    let mut visit = Visit {
        models,
        state: BTreeMap::new(),
        path: Vec::new(),
        order: Vec::new(),
        cycles: Vec::new(),
    };
    for name in models.keys() {
        visit.model(name);
    }
    if visit.cycles.is_empty() { Ok(visit.order) } else { Err(visit.cycles) }
}

struct Visit<'a> {
    models: &'a BTreeMap<TableName, Model>,
    /// `false` while below it, `true` when done.
    state: BTreeMap<&'a TableName, bool>,
    path: Vec<&'a TableName>,
    order: Vec<TableName>,
    cycles: Vec<Error>,
}

impl<'a> Visit<'a> {
    fn model(&mut self, name: &'a TableName) {
        let Some(model) = self.models.get(name) else { return };
        match self.state.get(name) {
            Some(true) => return,
            Some(false) => {
                let start = self.path.iter().position(|on_path| *on_path == name).unwrap_or(0);
                self.cycles.push(cycle(self.models, &self.path[start..]));
                return;
            }
            None => {}
        }
        self.state.insert(name, false);
        self.path.push(name);
        for read in upstream(model) {
            self.model(read);
        }
        self.path.pop();
        self.state.insert(name, true);
        self.order.push(name.clone());
    }
}

fn cycle(models: &BTreeMap<TableName, Model>, path: &[&TableName]) -> Error {
    let first = path[0];
    let last = path[path.len() - 1];
    let shown: Vec<String> = path.iter().chain([&first]).map(ToString::to_string).collect();
    let error =
        Error::configuration(format!("models read each other in a circle: {}", shown.join(" → ")));
    let place = models.get(last).and_then(|model| {
        model.reads.iter().find(|read| read.relation == Relation::Model(first.clone()))
    });
    let error = match place {
        Some(read) => error.at(read.location.clone()),
        None => error,
    };
    error.with_hint("move what they share into a model that both read")
}

/// The models that can only be built after the checks, because they read, themselves or through
/// others, what the checks found. Snapshots too: what they have once, they have for ever, so only
/// figures that passed their checks go in.
pub(crate) fn after_checks(
    models: &BTreeMap<TableName, Model>,
    order: &[TableName],
) -> BTreeSet<TableName> {
    let mut late: BTreeSet<TableName> = BTreeSet::new();
    for name in order {
        let Some(model) = models.get(name) else { continue };
        let is_late = model.kind() == Kind::Snapshot
            || model.reads.iter().any(|read| match &read.relation {
                Relation::System(table) => AFTER_CHECKS.contains(&table.as_str()),
                Relation::Model(name) => late.contains(name),
                Relation::Raw { .. } => false,
            });
        if is_late {
            late.insert(name.clone());
        }
    }
    late
}
