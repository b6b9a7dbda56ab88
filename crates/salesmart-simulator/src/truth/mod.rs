//! What the KPIs must come to, worked out from the deals themselves and not by SQL.
//!
//! The rules are those of the metric contract: ratios carry their parts; nothing observed is
//! unknown and not zero; deals without a positive amount count by number and not in the win rate
//! by value, which is unknown when that leaves out every deal of one outcome; a free deal is a
//! deal of size 0. Where no lost deal at all has an amount, nobody recorded what was lost, and
//! win rate by value and yield are unknown.
//!
//! Periods are months, quarters and years of the fiscal calendar. What is said of now (stages,
//! stale share) stands in the periods that today lies in.

mod pipeline;
mod tally;
mod writing;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, Months, NaiveDate};

use crate::calendar::{first_of_month, quarter_start};
use crate::world::World;
use crate::{Cents, Fixed6, Stage};

pub use writing::write_truth;

use pipeline::Flow;
use tally::{Open, Tally};

/// Whom a figure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everybody.
    Company,
    /// A region.
    Region,
    /// A team.
    Team,
    /// A rep.
    Rep,
}

impl Scope {
    /// As tables spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Company => "company",
            Scope::Region => "region",
            Scope::Team => "team",
            Scope::Rep => "rep",
        }
    }
}

/// One true figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Which metric, such as `win_rate_count`.
    pub metric: &'static str,
    /// The length of the period: `month`, `quarter` or `year`.
    pub period_grain: &'static str,
    /// The first day of the period.
    pub period_start: NaiveDate,
    /// Whom it is about.
    pub scope: Scope,
    /// The name of that region, team or rep; empty for the company.
    pub scope_name: String,
    /// The stage, in metrics that are by stage.
    pub stage: Option<Stage>,
    /// The part above the line; medians have none.
    pub numerator: Option<Fixed6>,
    /// The part below the line; medians have none.
    pub denominator: Option<Fixed6>,
    /// The figure; nothing when nothing was observed.
    pub value: Option<Fixed6>,
    /// How many deals it is made of.
    pub n: u64,
    /// How many deals a rule leaves out of it.
    pub n_excluded: u64,
}

/// What figures need of a deal that is there.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    pub(crate) rep: usize,
    pub(crate) stage: Stage,
    pub(crate) created: NaiveDate,
    /// The day it first was in a qualified stage.
    pub(crate) qualified: Option<NaiveDate>,
    pub(crate) closed: Option<NaiveDate>,
    /// In corporate currency.
    pub(crate) amount: Option<Cents>,
    pub(crate) pushes: u32,
    pub(crate) last_activity: Option<NaiveDate>,
}

impl Fact {
    fn is_won(&self) -> bool {
        self.stage == Stage::ClosedWon
    }
}

/// The length of a period.
#[derive(Clone, Copy, Debug)]
enum Grain {
    Month,
    Quarter,
    Year,
}

impl Grain {
    const ALL: [Grain; 3] = [Grain::Month, Grain::Quarter, Grain::Year];

    fn as_str(self) -> &'static str {
        match self {
            Grain::Month => "month",
            Grain::Quarter => "quarter",
            Grain::Year => "year",
        }
    }

    fn months(self) -> Months {
        Months::new(match self {
            Grain::Month => 1,
            Grain::Quarter => 3,
            Grain::Year => 12,
        })
    }

    /// The first day of the period in which a day lies.
    fn start(self, day: NaiveDate, first_month: u32) -> NaiveDate {
        match self {
            Grain::Month => first_of_month(day),
            Grain::Quarter => quarter_start(day, first_month),
            Grain::Year => first_of_month(day) - Months::new((day.month() + 12 - first_month) % 12),
        }
    }
}

/// Whom, when, and which stage a figure is about.
struct Heading<'a> {
    scope: Scope,
    name: &'a str,
    grain: Grain,
    start: NaiveDate,
}

impl Heading<'_> {
    fn figure(
        &self,
        metric: &'static str,
        parts: Option<(Fixed6, Fixed6)>,
        value: Option<Fixed6>,
        n: u64,
        n_excluded: u64,
    ) -> Truth {
        Truth {
            metric,
            period_grain: self.grain.as_str(),
            period_start: self.start,
            scope: self.scope,
            scope_name: self.name.to_owned(),
            stage: None,
            numerator: parts.map(|(above, _)| above),
            denominator: parts.map(|(_, below)| below),
            value,
            n,
            n_excluded,
        }
    }

    /// A ratio whose parts are known when anything was observed.
    fn ratio(
        &self,
        metric: &'static str,
        above: Fixed6,
        below: Fixed6,
        n: u64,
        n_excluded: u64,
    ) -> Truth {
        let parts = (n > 0).then_some((above, below));
        self.figure(metric, parts, parts.and_then(|(a, b)| a.ratio(b)), n, n_excluded)
    }
}

/// A number of deals.
fn count(n: u64) -> Fixed6 {
    Fixed6::whole(i128::from(n))
}

/// What one rep's deals come to.
#[derive(Default)]
struct Ledger {
    months: BTreeMap<NaiveDate, Tally>,
    days: BTreeMap<NaiveDate, Flow>,
    open: Open,
}

impl Ledger {
    fn add(&mut self, fact: &Fact, today: NaiveDate) {
        self.months.entry(first_of_month(fact.created)).or_default().start(fact);
        if let Some(closed) = fact.closed {
            self.months.entry(first_of_month(closed)).or_default().end(fact, closed);
        } else {
            self.open.add(fact, today);
        }
        Flow::spread(fact, &mut self.days);
    }

    fn absorb(&mut self, other: &Ledger) {
        for (month, tally) in &other.months {
            self.months.entry(*month).or_default().absorb(tally);
        }
        for (day, flow) in &other.days {
            *self.days.entry(*day).or_default() += *flow;
        }
        self.open.absorb(&other.open);
    }
}

/// The true figures of all scopes and periods. Takes some bytes for each won or open deal.
pub(crate) fn figures(
    world: &World,
    facts: impl Iterator<Item = Fact>,
    first_month: u32,
) -> Vec<Truth> {
    let today = world.today();
    let mut reps: BTreeMap<usize, Ledger> = BTreeMap::new();
    let (mut lost, mut lost_with_amount) = (0_u64, 0_u64);
    for fact in facts {
        if fact.stage == Stage::ClosedLost {
            lost += 1;
            lost_with_amount += u64::from(fact.amount.is_some_and(|amount| amount.0 > 0));
        }
        reps.entry(fact.rep).or_default().add(&fact, today);
    }
    let loss_recorded = lost == 0 || lost_with_amount > 0;
    let mut truth = Vec::new();
    for (scope, name, members) in scopes(world, &reps) {
        let mut ledger = Ledger::default();
        for rep in members {
            ledger.absorb(&reps[&rep]);
        }
        for grain in Grain::ALL {
            about(scope, &name, grain, &ledger, today, first_month, loss_recorded, &mut truth);
        }
    }
    truth.sort_by(|a, b| key(a).cmp(&key(b)));
    truth
}

/// What figures are sorted by.
fn key(truth: &Truth) -> (&str, Scope, &str, Option<Stage>, &str, NaiveDate) {
    let Truth { metric, scope, scope_name, stage, period_grain, period_start, .. } = truth;
    (metric, *scope, scope_name, *stage, period_grain, *period_start)
}

/// Everybody to whom deals count, with the reps whose deals they are.
fn scopes(world: &World, reps: &BTreeMap<usize, Ledger>) -> Vec<(Scope, String, Vec<usize>)> {
    let mut scopes: BTreeMap<(Scope, String), Vec<usize>> = BTreeMap::new();
    for rep in reps.keys() {
        let person = &world.people()[*rep];
        let name = format!("{} {}", person.first_name, person.last_name);
        let mut names = vec![(Scope::Company, String::new()), (Scope::Rep, name)];
        if let Some(team) = person.team.map(|team| &world.teams()[team]) {
            names.push((Scope::Region, team.region.to_owned()));
            names.push((Scope::Team, team.name.clone()));
        }
        for scope in names {
            scopes.entry(scope).or_default().push(*rep);
        }
    }
    scopes.into_iter().map(|((scope, name), reps)| (scope, name, reps)).collect()
}

#[expect(clippy::too_many_arguments, reason = "one step of `figures`, apart to be read")]
fn about(
    scope: Scope,
    name: &str,
    grain: Grain,
    ledger: &Ledger,
    today: NaiveDate,
    first_month: u32,
    loss_recorded: bool,
    truth: &mut Vec<Truth>,
) {
    let mut periods: BTreeMap<NaiveDate, Tally> = BTreeMap::new();
    for (month, tally) in &ledger.months {
        periods.entry(grain.start(*month, first_month)).or_default().absorb(tally);
    }
    for (start, tally) in periods {
        truth.extend(tally.figures(&Heading { scope, name, grain, start }, loss_recorded));
    }
    let now = Heading { scope, name, grain, start: grain.start(today, first_month) };
    truth.extend(ledger.open.figures(&now));

    let Some(first) = ledger.days.keys().next() else { return };
    let totals = pipeline::Totals::new(&ledger.days, today);
    let mut start = grain.start(*first, first_month);
    while start <= today {
        let end = (start + grain.months() - Days::new(1)).min(today);
        let heading = Heading { scope, name, grain, start };
        truth.extend(totals.figures(&heading, end, loss_recorded));
        start = start + grain.months();
    }
}

impl Truth {
    /// Every metric that there is a truth of.
    #[must_use]
    pub fn metrics(truth: &[Truth]) -> BTreeSet<&'static str> {
        truth.iter().map(|figure| figure.metric).collect()
    }
}
