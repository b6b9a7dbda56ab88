//! Figures that add up, put together under the rep and team they belong to.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use crate::world::World;
use crate::{Fixed6, Stage};

use super::known::{Holder, Known};
use super::{Scope, Truth};

/// What a sum is about, beside whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Slot {
    pub(super) metric: &'static str,
    pub(super) grain: &'static str,
    pub(super) start: NaiveDate,
    pub(super) stage: Option<Stage>,
    pub(super) category: Option<&'static str>,
    pub(super) close_period: Option<NaiveDate>,
}

impl Slot {
    /// Without slices.
    pub(super) fn new(metric: &'static str, grain: &'static str, start: NaiveDate) -> Self {
        Self { metric, grain, start, stage: None, category: None, close_period: None }
    }

    pub(super) fn figure(
        &self,
        scope: Scope,
        name: &str,
        parts: [Option<Fixed6>; 3],
        n: u64,
        n_excluded: u64,
    ) -> Truth {
        let [numerator, denominator, value] = parts;
        Truth {
            metric: self.metric,
            period_grain: self.grain,
            period_start: self.start,
            scope,
            scope_name: name.to_owned(),
            stage: self.stage,
            category: self.category,
            close_period: self.close_period,
            numerator,
            denominator,
            value,
            n,
            n_excluded,
        }
    }
}

/// Cents, and how many deals they are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) above: i128,
    pub(super) below: i128,
    pub(super) n: u64,
    pub(super) n_excluded: u64,
}

impl std::ops::AddAssign for Sum {
    fn add_assign(&mut self, other: Sum) {
        self.above += other.above;
        self.below += other.below;
        self.n += other.n;
        self.n_excluded += other.n_excluded;
    }
}

/// Sums by whom and what.
#[derive(Debug, Default)]
pub(super) struct Book(HashMap<(Holder, Slot), Sum>);

impl Book {
    pub(super) fn add(&mut self, holder: Holder, slot: Slot, sum: Sum) {
        *self.0.entry((holder, slot)).or_default() += sum;
    }

    /// The same for the company, regions, teams and reps.
    pub(super) fn roll_up(&self, names: &Names) -> BTreeMap<(Scope, String, Slot), Sum> {
        let mut rolled: BTreeMap<(Scope, String, Slot), Sum> = BTreeMap::new();
        for ((holder, slot), sum) in &self.0 {
            for (scope, name) in names.of(*holder) {
                *rolled.entry((scope, name.to_owned(), *slot)).or_default() += *sum;
            }
        }
        rolled
    }

    /// Ratios whose parts are known when anything was counted.
    pub(super) fn ratios(&self, names: &Names) -> Vec<Truth> {
        let figures = self.roll_up(names).into_iter().map(|((scope, name, slot), sum)| {
            let known = |cents| (sum.n > 0).then_some(Fixed6::cents(cents));
            let (above, below) = (known(sum.above), known(sum.below));
            let value = above.zip(below).and_then(|(above, below)| above.ratio(below));
            slot.figure(scope, &name, [above, below, value], sum.n, sum.n_excluded)
        });
        figures.collect()
    }

    /// Plain amounts; unknown where nothing was counted.
    pub(super) fn amounts(&self, names: &Names) -> Vec<Truth> {
        let figures = self.roll_up(names).into_iter().map(|((scope, name, slot), sum)| {
            let value = (sum.n > 0).then_some(Fixed6::cents(sum.above));
            slot.figure(scope, &name, [None, None, value], sum.n, sum.n_excluded)
        });
        figures.collect()
    }
}

/// The names of those to whom things belong.
pub(crate) struct Names {
    people: Vec<String>,
    /// Of each team: its name, and its region's where regions are known.
    teams: Vec<(String, Option<&'static str>)>,
}

impl Names {
    pub(crate) fn new(world: &World, known: &Known) -> Self {
        let people = world.people().iter();
        let teams = world.teams().iter();
        Self {
            people: people.map(|one| format!("{} {}", one.first_name, one.last_name)).collect(),
            teams: teams
                .map(|team| (team.name.clone(), known.has_regions.then_some(team.region)))
                .collect(),
        }
    }

    /// Everybody to whom something counts that belongs to a rep in a team.
    pub(crate) fn of(&self, holder: Holder) -> impl Iterator<Item = (Scope, &str)> {
        let team = holder.team.map(|team| &self.teams[team]);
        let rep = Some((Scope::Rep, self.people[holder.rep].as_str()));
        let region = team.and_then(|(_, region)| *region).map(|region| (Scope::Region, region));
        let team = team.map(|(name, _)| (Scope::Team, name.as_str()));
        [Some((Scope::Company, "")), region, team, rep].into_iter().flatten()
    }
}
