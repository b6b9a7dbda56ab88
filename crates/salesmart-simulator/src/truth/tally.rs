//! What the deals that ended or started in a period leave behind, and those that are open now.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::{Fixed6, Stage};

use super::story::Visit;
use super::{Fact, Heading, Truth, count};

/// Days without activity after which an open deal is stale.
pub(super) const STALE_AFTER: i64 = 14;

/// Won and lost deals by number and by value.
#[derive(Clone, Copy, Default)]
struct Outcomes {
    won: u64,
    lost: u64,
    won_cents: i128,
    lost_cents: i128,
    /// Won and lost deals that have a positive amount.
    won_valued: u64,
    lost_valued: u64,
}

impl Outcomes {
    fn add(&mut self, fact: &Fact) {
        let cents = fact.amount.map_or(0, |amount| amount.0).max(0);
        let valued = u64::from(cents > 0);
        if fact.is_won() {
            self.won += 1;
            self.won_valued += valued;
            self.won_cents += i128::from(cents);
        } else {
            self.lost += 1;
            self.lost_valued += valued;
            self.lost_cents += i128::from(cents);
        }
    }

    fn absorb(&mut self, other: &Outcomes) {
        self.won += other.won;
        self.lost += other.lost;
        self.won_cents += other.won_cents;
        self.lost_cents += other.lost_cents;
        self.won_valued += other.won_valued;
        self.lost_valued += other.lost_valued;
    }

    fn closed(&self) -> u64 {
        self.won + self.lost
    }

    fn by_value(&self, metric: &'static str, heading: &Heading, loss_recorded: bool) -> Truth {
        let closed = self.closed();
        let valued = if loss_recorded { self.won_valued + self.lost_valued } else { 0 };
        // Never 0 or 1 only because one side is not known.
        let one_sided =
            (self.won > 0 && self.won_valued == 0) || (self.lost > 0 && self.lost_valued == 0);
        let won = Fixed6::cents(self.won_cents);
        let all = Fixed6::cents(self.won_cents + self.lost_cents);
        let mut figure = heading.ratio(metric, won, all, valued, closed - valued);
        if one_sided {
            figure.value = None;
        }
        figure
    }
}

/// What a month leaves behind, or a longer period.
#[derive(Clone, Default)]
pub(super) struct Tally {
    ended: Outcomes,
    /// Of the deals that started in it: how they ended, and how many have not.
    cohort: Outcomes,
    still_open: u64,
    pushes: u64,
    cycles: Vec<i64>,
    qualified_cycles: Vec<i64>,
    sizes: Vec<i64>,
    /// By stage: how many deals came into it, and the amounts that were known then.
    entries: BTreeMap<Stage, (u64, Vec<i64>)>,
}

impl Tally {
    pub(super) fn enter(&mut self, visit: &Visit) {
        let (deals, sizes) = self.entries.entry(visit.stage).or_default();
        *deals += 1;
        sizes.extend(visit.amount.map(|amount| amount.0));
    }

    pub(super) fn start(&mut self, fact: &Fact) {
        match fact.closed {
            Some(_) => self.cohort.add(fact),
            None => self.still_open += 1,
        }
    }

    pub(super) fn end(&mut self, fact: &Fact, closed: NaiveDate) {
        self.ended.add(fact);
        self.pushes += u64::from(fact.pushes);
        if fact.is_won() {
            self.cycles.push((closed - fact.created).num_days());
            self.qualified_cycles.extend(fact.qualified.map(|day| (closed - day).num_days()));
            self.sizes.extend(fact.amount.map(|amount| amount.0));
        }
    }

    pub(super) fn absorb(&mut self, other: &Tally) {
        self.ended.absorb(&other.ended);
        self.cohort.absorb(&other.cohort);
        self.still_open += other.still_open;
        self.pushes += other.pushes;
        self.cycles.extend(&other.cycles);
        self.qualified_cycles.extend(&other.qualified_cycles);
        self.sizes.extend(&other.sizes);
        for (stage, (deals, sizes)) in &other.entries {
            let mine = self.entries.entry(*stage).or_default();
            mine.0 += deals;
            mine.1.extend(sizes);
        }
    }

    pub(super) fn figures(mut self, heading: &Heading, loss_recorded: bool) -> Vec<Truth> {
        let mut figures = Vec::new();
        let closed = self.ended.closed();
        if closed > 0 {
            let won = count(self.ended.won);
            figures.push(heading.ratio("win_rate_count", won, count(closed), closed, 0));
            figures.push(self.ended.by_value("win_rate_value", heading, loss_recorded));
            let pushes = count(self.pushes);
            let metric = "pipeline_pushes_per_deal";
            figures.push(heading.ratio(metric, pushes, count(closed), closed, 0));
        }
        let decided = self.cohort.closed();
        let started = decided + self.still_open;
        if decided > 0 {
            let won = count(self.cohort.won);
            figures.push(heading.ratio("win_rate_cohort_count", won, count(decided), decided, 0));
            figures.push(self.cohort.by_value("win_rate_cohort_value", heading, loss_recorded));
        }
        if started > 0 {
            let metric = "win_rate_cohort_open_share";
            let open = count(self.still_open);
            figures.push(heading.ratio(metric, open, count(started), started, 0));
        }
        let won = self.ended.won;
        if won > 0 {
            let names = ["sales_cycle_mean", "sales_cycle_median", "sales_cycle_p90"];
            figures.extend(cycle_figures(names, heading, &mut self.cycles, won));
            let names = [
                "sales_cycle_qualified_mean",
                "sales_cycle_qualified_median",
                "sales_cycle_qualified_p90",
            ];
            figures.extend(cycle_figures(names, heading, &mut self.qualified_cycles, won));
            let names = ["deal_size_won_average", "deal_size_won_median"];
            figures.extend(size_figures(names, heading, &mut self.sizes, won));
        }
        for (stage, (deals, sizes)) in &mut self.entries {
            let names = ["deal_size_stage_entry_average", "deal_size_stage_entry_median"];
            for figure in size_figures(names, heading, sizes, *deals) {
                figures.push(Truth { stage: Some(*stage), ..figure });
            }
        }
        figures
    }
}

fn cycle_figures(
    [mean, median, p90]: [&'static str; 3],
    heading: &Heading,
    days: &mut [i64],
    won: u64,
) -> [Truth; 3] {
    let n = days.len() as u64;
    let total = Fixed6::whole(days.iter().copied().map(i128::from).sum());
    days.sort_unstable();
    let at = |tenths| percentile(days, tenths, Fixed6::whole);
    [
        heading.ratio(mean, total, count(n), n, won - n),
        heading.figure(median, None, at(5), n, won - n),
        heading.figure(p90, None, at(9), n, won - n),
    ]
}

fn size_figures(
    [average, median]: [&'static str; 2],
    heading: &Heading,
    cents: &mut [i64],
    deals: u64,
) -> [Truth; 2] {
    let n = cents.len() as u64;
    let total = Fixed6::cents(cents.iter().copied().map(i128::from).sum());
    cents.sort_unstable();
    let middle = percentile(cents, 5, Fixed6::cents);
    [
        heading.ratio(average, total, count(n), n, deals - n),
        heading.figure(median, None, middle, n, deals - n),
    ]
}

/// The value at `tenths` of the way through sorted values, between its neighbours where it falls
/// between two (as PostgreSQL's `percentile_cont`).
pub(super) fn percentile(
    sorted: &[i64],
    tenths: usize,
    scale: impl Fn(i128) -> Fixed6,
) -> Option<Fixed6> {
    let place = tenths * sorted.len().checked_sub(1)?;
    let low = i128::from(sorted[place / 10]);
    let high = i128::from(sorted[place.div_ceil(10)]);
    let between = i128::try_from(place % 10).unwrap_or(0);
    scale(10 * low + between * (high - low)).ratio(Fixed6::whole(10))
}

/// What is open now.
#[derive(Clone, Default)]
pub(super) struct Open {
    /// By stage: how many deals, and the amounts that are known.
    stages: BTreeMap<Stage, (u64, Vec<i64>)>,
    cents: i128,
    stale_cents: i128,
    /// Deals with an amount and a known last activity, and the others.
    known: u64,
    unknown: u64,
}

impl Open {
    pub(super) fn add(&mut self, fact: &Fact, today: NaiveDate) {
        let (deals, sizes) = self.stages.entry(fact.stage).or_default();
        *deals += 1;
        sizes.extend(fact.amount.map(|amount| amount.0));
        match (fact.amount, fact.last_activity) {
            (Some(amount), Some(last)) => {
                self.known += 1;
                self.cents += i128::from(amount.0);
                if (today - last).num_days() >= STALE_AFTER {
                    self.stale_cents += i128::from(amount.0);
                }
            }
            _ => self.unknown += 1,
        }
    }

    pub(super) fn absorb(&mut self, other: &Open) {
        for (stage, (deals, sizes)) in &other.stages {
            let mine = self.stages.entry(*stage).or_default();
            mine.0 += deals;
            mine.1.extend(sizes);
        }
        self.cents += other.cents;
        self.stale_cents += other.stale_cents;
        self.known += other.known;
        self.unknown += other.unknown;
    }

    pub(super) fn figures(&self, heading: &Heading) -> Vec<Truth> {
        let mut figures = Vec::new();
        for (stage, (deals, sizes)) in &self.stages {
            let names = ["deal_size_stage_average", "deal_size_stage_median"];
            for figure in size_figures(names, heading, &mut sizes.clone(), *deals) {
                figures.push(Truth { stage: Some(*stage), ..figure });
            }
        }
        if self.known + self.unknown > 0 {
            let (stale, all) = (Fixed6::cents(self.stale_cents), Fixed6::cents(self.cents));
            let metric = "pipeline_stale_share";
            figures.push(heading.ratio(metric, stale, all, self.known, self.unknown));
        }
        figures
    }
}
