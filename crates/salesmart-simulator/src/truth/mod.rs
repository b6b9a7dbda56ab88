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
//!
//! A fact belongs to the rep who held the deal at the fact's own time, and to that rep's team of
//! the time, as far as that can be known ([`Known`]): created deals to the first owner, outcomes to
//! the owner then, states to the owner of the day.

mod forecast;
mod funnel;
mod hygiene;
mod known;
mod leads;
mod pipeline;
mod quota;
mod sheet;
mod slippage;
mod story;
mod sums;
mod tally;
mod weighted;
mod writing;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, Months, NaiveDate};

use crate::calendar::{first_of_month, quarter_start};
use crate::world::World;
use crate::{Cents, Fixed6, Stage};

pub use known::Known;
pub use sheet::Sheet;
pub use writing::{write_sheet, write_truth};

pub(crate) use known::Holder;

use pipeline::Flow;
use quota::Credit;
use story::{Story, Teller};
use sums::{Book, Names};
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
    /// The length of the period: `day`, `week`, `month`, `quarter` or `year`.
    pub period_grain: &'static str,
    /// The first day of the period.
    pub period_start: NaiveDate,
    /// Whom it is about.
    pub scope: Scope,
    /// The name of that region, team or rep; empty for the company.
    pub scope_name: String,
    /// The stage, in figures that are by stage.
    pub stage: Option<Stage>,
    /// The forecast category, in figures that are by category.
    pub category: Option<&'static str>,
    /// The first day of the quarter of the planned close, in figures that are by it.
    pub close_period: Option<NaiveDate>,
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
    /// Whose it was at the outcome, or is now.
    pub(crate) holder: Holder,
    /// Whose it was to begin with.
    pub(crate) creator: Holder,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// A month, quarter or year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Period {
    grain: Grain,
    start: NaiveDate,
    /// The last day.
    end: NaiveDate,
}

impl Period {
    /// The one in which a day lies.
    fn of(grain: Grain, day: NaiveDate, first_month: u32) -> Self {
        Self::from(grain, grain.start(day, first_month))
    }

    fn from(grain: Grain, start: NaiveDate) -> Self {
        Self { grain, start, end: start + grain.months() - Days::new(1) }
    }

    fn next(self) -> Self {
        Self::from(self.grain, self.start + self.grain.months())
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
            category: None,
            close_period: None,
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

/// What the deals of a rep in a team come to.
#[derive(Default)]
struct Ledger {
    months: BTreeMap<NaiveDate, Tally>,
    days: BTreeMap<NaiveDate, Flow>,
    open: Open,
}

impl Ledger {
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

/// The ledgers of all reps in their teams.
#[derive(Default)]
struct Ledgers {
    by_holder: BTreeMap<Holder, Ledger>,
    lost: u64,
    lost_with_amount: u64,
}

impl Ledgers {
    fn of(&mut self, holder: Holder) -> &mut Ledger {
        self.by_holder.entry(holder).or_default()
    }

    /// What a deal is now.
    fn add(&mut self, fact: &Fact, today: NaiveDate) {
        if fact.stage == Stage::ClosedLost {
            self.lost += 1;
            self.lost_with_amount += u64::from(fact.amount.is_some_and(|amount| amount.0 > 0));
        }
        self.of(fact.creator).months.entry(first_of_month(fact.created)).or_default().start(fact);
        let ledger = self.of(fact.holder);
        match fact.closed {
            Some(closed) => {
                ledger.months.entry(first_of_month(closed)).or_default().end(fact, closed);
                ledger.days.entry(closed).or_default().end(fact, closed);
            }
            None => ledger.open.add(fact, today),
        }
    }

    /// What it was.
    fn add_past(&mut self, story: &Story) {
        for span in story.spans.iter().filter(|span| span.is_open()) {
            let days = &mut self.of(span.holder).days;
            days.entry(span.from).or_default().begin(span);
            if span.to != story::FOR_EVER {
                days.entry(span.to).or_default().cease(span);
            }
        }
        if let Some(first) = story.spans.first() {
            self.of(first.holder).days.entry(story.fact.created).or_default().create(first);
        }
        for visit in &story.visits {
            let month = first_of_month(visit.entered);
            self.of(visit.holder).months.entry(month).or_default().enter(visit);
        }
    }

    fn figures(&self, names: &Names, today: NaiveDate, first_month: u32) -> Vec<Truth> {
        let loss_recorded = self.lost == 0 || self.lost_with_amount > 0;
        let mut scopes: BTreeMap<(Scope, &str), Ledger> = BTreeMap::new();
        for (holder, ledger) in &self.by_holder {
            for scope in names.of(*holder) {
                scopes.entry(scope).or_default().absorb(ledger);
            }
        }
        let mut truth = Vec::new();
        for ((scope, name), ledger) in &scopes {
            for grain in Grain::ALL {
                about(*scope, name, grain, ledger, today, first_month, loss_recorded, &mut truth);
            }
        }
        truth
    }
}

/// The true figures of facts without a past, of all scopes and periods.
pub(crate) fn figures(
    world: &World,
    facts: impl Iterator<Item = Fact>,
    first_month: u32,
) -> Vec<Truth> {
    let mut ledgers = Ledgers::default();
    for fact in facts {
        ledgers.add(&fact, world.today());
    }
    let names = Names::new(world, &Known::from(world.today()));
    sorted(ledgers.figures(&names, world.today(), first_month))
}

/// All true figures of a world.
pub(crate) fn of_world(world: &World, first_month: u32, known: Known) -> Vec<Truth> {
    let teller = Teller::new(world, known);
    let stories = teller.all();
    let names = Names::new(world, &known);
    let today = world.today();
    let mut truth = of_stories(&stories, &names, today, first_month);
    let owed = quota::owed(world, &known, teller.people(), &stories);
    let credits: Vec<Credit> = stories
        .iter()
        .flat_map(|story| quota::credits(world, &known, teller.people(), story))
        .collect();
    truth.extend(quota::figures(&credits, &owed, &names, today, first_month));
    truth.extend(quota::coverage(&stories, &credits, &owed, &names, today, first_month));
    sorted(truth)
}

/// The sheets of the funnel: visits to stages, conversion of stages and leads, losses, hygiene.
pub(crate) fn funnel_of(world: &World, first_month: u32, known: Known) -> Vec<Sheet> {
    let teller = Teller::new(world, known);
    let stories = teller.all();
    let names = Names::new(world, &known);
    vec![
        funnel::visits(&stories, &names),
        funnel::conversion(&stories, &names, first_month),
        funnel::loss(world, &stories, &names, first_month),
        leads::sheet(world, &known, teller.people(), &stories, &names, first_month),
        hygiene::sheet(world, teller.people(), &stories, &names),
    ]
}

/// The sheets of forecasts: the figures of days, and actuals.
pub(crate) fn forecast_of(
    world: &World,
    first_month: u32,
    known: Known,
    days: &[NaiveDate],
    books_close_days: u64,
) -> Vec<Sheet> {
    let mut stories = Teller::new(world, known).all();
    stories.retain(|story| story.is_on_record);
    let names = Names::new(world, &known);
    let today = world.today();
    let experience = weighted::Experience::gather(&stories, today);
    vec![
        forecast::figures(&stories, &experience, &names, days, books_close_days, first_month),
        forecast::actuals(&stories, &names, today, books_close_days, first_month),
    ]
}

/// What moved the whole of a quarter from the day of one world to that of a later one.
pub(crate) fn bridge_of(
    before: &World,
    after: &World,
    first_month: u32,
    known: Known,
    quarter: NaiveDate,
) -> Sheet {
    let [earlier, later] = [before, after].map(|world| Teller::new(world, known).all());
    let names = Names::new(after, &known);
    forecast::bridge(
        (&earlier, before.today()),
        (&later, after.today()),
        &names,
        quarter,
        first_month,
    )
}

fn of_stories(stories: &[Story], names: &Names, today: NaiveDate, first_month: u32) -> Vec<Truth> {
    let mut ledgers = Ledgers::default();
    let mut slipped = Book::default();
    for story in stories.iter().filter(|story| !story.is_gone) {
        ledgers.add(&story.fact, today);
        ledgers.add_past(story);
        slippage::add(&mut slipped, story, today, first_month);
    }
    let mut truth = ledgers.figures(names, today, first_month);
    truth.extend(slipped.ratios(names));
    let experience = weighted::Experience::gather(stories, today);
    truth.extend(weighted::figures(stories, &experience, names, today, first_month));
    truth
}

fn sorted(mut truth: Vec<Truth>) -> Vec<Truth> {
    truth.sort_by(|a, b| key(a).cmp(&key(b)));
    truth
}

/// What figures are sorted by.
type Key<'a> = (
    &'a str,
    Scope,
    &'a str,
    (Option<Stage>, Option<&'static str>, Option<NaiveDate>),
    &'a str,
    NaiveDate,
);

fn key(truth: &Truth) -> Key<'_> {
    let slices = (truth.stage, truth.category, truth.close_period);
    let Truth { metric, scope, scope_name, period_grain, period_start, .. } = truth;
    (metric, *scope, scope_name, slices, period_grain, *period_start)
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
