//! What is known of a value, and of the rows of a node, on the way through a plan.

use std::collections::{BTreeMap, BTreeSet};

use super::{ColumnLineage, Influence, Influences, SourceColumn, Way};
use crate::name::Relation;

/// Where a value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) values: BTreeMap<SourceColumn, Way>,
    pub(super) by: Influences,
    pub(super) counts: BTreeSet<Relation>,
}

impl Flow {
    /// A column of a table, as it is.
    pub(super) fn of(source: SourceColumn) -> Self {
        Self { values: BTreeMap::from([(source, Way::Copied)]), ..Self::default() }
    }

    /// Takes in another value that is part of this one.
    pub(super) fn join(&mut self, other: Flow) {
        for (source, way) in other.values {
            let known = self.values.entry(source).or_insert(way);
            *known = (*known).max(way);
        }
        add(&mut self.by, other.by);
        self.counts.extend(other.counts);
    }

    /// The same value after something was done to it.
    pub(super) fn after(mut self, way: Way) -> Self {
        for known in self.values.values_mut() {
            *known = (*known).max(way);
        }
        self
    }

    /// What is left of a value that only decides.
    pub(super) fn influence(self, influence: Influence) -> Influences {
        let mut all = self.by;
        for source in self.values.into_keys() {
            all.entry(source).or_default().insert(influence);
        }
        all
    }

    /// Takes in a value that decides which value this is.
    pub(super) fn decide(&mut self, other: Flow, influence: Influence) {
        add(&mut self.by, other.influence(influence));
    }

    /// For readers: a column whose values are passed on need not be told as deciding as well, but
    /// it may be both.
    pub(super) fn lineage(self) -> ColumnLineage {
        ColumnLineage { values: self.values, decided_by: self.by, counts: self.counts }
    }
}

/// What is known of a node of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    /// One entry an output column.
    pub(super) columns: Vec<Flow>,
    /// What decides which rows there are.
    pub(super) rows: Influences,
    /// The tables the rows come from.
    pub(super) relations: BTreeSet<Relation>,
}

impl Frame {
    /// Takes in the rows of another node, not its columns.
    pub(super) fn meet(&mut self, rows: Influences, relations: BTreeSet<Relation>) {
        add(&mut self.rows, rows);
        self.relations.extend(relations);
    }

    /// Says that a value decides which rows there are.
    pub(super) fn restrict(&mut self, by: Flow, influence: Influence) {
        add(&mut self.rows, by.influence(influence));
    }

    /// Takes in a node whose rows stand below this one's.
    pub(super) fn stack(&mut self, other: Frame) {
        for (column, more) in self.columns.iter_mut().zip(other.columns) {
            column.join(more);
        }
        self.meet(other.rows, other.relations);
    }
}

/// Adds influences to others.
pub(super) fn add(known: &mut Influences, more: Influences) {
    for (source, how) in more {
        known.entry(source).or_default().extend(how);
    }
}
