//! Yield and velocity: what was in the pipeline at a moment, and what came of it.

use std::collections::BTreeMap;
use std::ops::{AddAssign, Sub};

use chrono::{Days, Months, NaiveDate};

use crate::{Fixed6, Stage};

use super::{Fact, Heading, Truth};

/// What went in and out on a day, or in all days until one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flow {
    /// Deals with an amount that started, and that ended; those without.
    started: i64,
    started_cents: i128,
    started_unvalued: i64,
    ended: i64,
    ended_cents: i128,
    ended_unvalued: i64,
    won_cents: i128,
    won_unvalued: i64,
    /// Deals that became qualified, and qualified ones that ended.
    qualified: i64,
    won: i64,
    lost: i64,
    won_sized: i64,
    won_days: i64,
}

impl Flow {
    /// Puts what a deal did on the days on which it did.
    pub(super) fn spread(fact: &Fact, days: &mut BTreeMap<NaiveDate, Flow>) {
        let (valued, cents) = match fact.amount {
            Some(amount) => (1, i128::from(amount.0)),
            None => (0, 0),
        };
        let start = days.entry(fact.created).or_default();
        start.started += valued;
        start.started_cents += cents;
        start.started_unvalued += 1 - valued;
        if let Some(closed) = fact.closed {
            let end = days.entry(closed).or_default();
            end.ended += valued;
            end.ended_cents += cents;
            end.ended_unvalued += 1 - valued;
            if fact.is_won() {
                end.won += 1;
                end.won_sized += valued;
                end.won_cents += cents;
                end.won_unvalued += 1 - valued;
                end.won_days += (closed - fact.created).num_days();
            } else {
                end.lost += 1;
            }
        }
        // Open deals count as qualified while their stage is, closed ones until the end.
        let Some(qualified) = fact.qualified else { return };
        match fact.closed {
            Some(closed) => {
                days.entry(qualified).or_default().qualified += 1;
                days.entry(closed).or_default().qualified -= 1;
            }
            None if fact.stage != Stage::Prospecting => {
                days.entry(qualified).or_default().qualified += 1;
            }
            None => {}
        }
    }
}

impl AddAssign for Flow {
    fn add_assign(&mut self, other: Flow) {
        self.started += other.started;
        self.started_cents += other.started_cents;
        self.started_unvalued += other.started_unvalued;
        self.ended += other.ended;
        self.ended_cents += other.ended_cents;
        self.ended_unvalued += other.ended_unvalued;
        self.won_cents += other.won_cents;
        self.won_unvalued += other.won_unvalued;
        self.qualified += other.qualified;
        self.won += other.won;
        self.lost += other.lost;
        self.won_sized += other.won_sized;
        self.won_days += other.won_days;
    }
}

impl Sub for Flow {
    type Output = Flow;

    fn sub(self, before: Flow) -> Flow {
        Flow {
            started: self.started - before.started,
            started_cents: self.started_cents - before.started_cents,
            started_unvalued: self.started_unvalued - before.started_unvalued,
            ended: self.ended - before.ended,
            ended_cents: self.ended_cents - before.ended_cents,
            ended_unvalued: self.ended_unvalued - before.ended_unvalued,
            won_cents: self.won_cents - before.won_cents,
            won_unvalued: self.won_unvalued - before.won_unvalued,
            qualified: self.qualified - before.qualified,
            won: self.won - before.won,
            lost: self.lost - before.lost,
            won_sized: self.won_sized - before.won_sized,
            won_days: self.won_days - before.won_days,
        }
    }
}

/// All that had happened until the end of each day.
pub(super) struct Totals(BTreeMap<NaiveDate, Flow>);

impl Totals {
    pub(super) fn new(days: &BTreeMap<NaiveDate, Flow>, today: NaiveDate) -> Self {
        let mut sum = Flow::default();
        let until = days.range(..=today).map(|(day, flow)| {
            sum += *flow;
            (*day, sum)
        });
        Self(until.collect())
    }

    fn until(&self, day: NaiveDate) -> Flow {
        self.0.range(..=day).next_back().map_or(Flow::default(), |(_, total)| *total)
    }

    /// Yield and velocity of a period that ends, or is seen, on `end`.
    pub(super) fn figures(
        &self,
        heading: &Heading,
        end: NaiveDate,
        loss_recorded: bool,
    ) -> Vec<Truth> {
        let at_end = self.until(end);
        let before = self.until(heading.start - Days::new(1));
        let year = at_end - self.until(end - Months::new(12));
        [yield_of(at_end, before, heading, loss_recorded), velocity(at_end, year, heading)]
            .into_iter()
            .filter(|figure| figure.n > 0 || figure.n_excluded > 0)
            .collect()
    }
}

fn number(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Won in the period over all that was alive in it: started by its end, not ended before it.
fn yield_of(at_end: Flow, before: Flow, heading: &Heading, loss_recorded: bool) -> Truth {
    let alive = at_end.started - before.ended;
    let unvalued = at_end.started_unvalued - before.ended_unvalued;
    if !loss_recorded {
        return heading.figure("pipeline_yield", None, None, 0, number(alive + unvalued));
    }
    let alive_cents = at_end.started_cents - before.ended_cents;
    let won_cents = at_end.won_cents - before.won_cents;
    let won_unvalued = at_end.won_unvalued - before.won_unvalued;
    let (won, all) = (Fixed6::cents(won_cents), Fixed6::cents(alive_cents));
    let mut figure = heading.ratio("pipeline_yield", won, all, number(alive), number(unvalued));
    // Never 1, or 0, only because of what is left out.
    let one_sided = (unvalued > won_unvalued && won_cents == alive_cents)
        || (won_unvalued > 0 && won_cents == 0);
    if one_sided {
        figure.value = None;
    }
    figure
}

/// What the open qualified deals bring a day at the rates of the year before.
fn velocity(at_end: Flow, year: Flow, heading: &Heading) -> Truth {
    let left_out = year.won - year.won_sized;
    let parts = (year.won + year.lost > 0 && year.won_sized > 0 && year.won > 0).then(|| {
        // The win rate is cut off after ten places, size and cycle are rounded to six, as
        // sql/DECISIONS.md has it; the product is rounded once.
        let ten = 10_i128.pow(10);
        let rate = i128::from(year.won) * ten / i128::from(year.won + year.lost);
        let whole = |n: i64| Fixed6::whole(i128::from(n));
        let size = Fixed6::cents(year.won_cents).ratio(whole(year.won_sized));
        let cycle = whole(year.won_days).ratio(whole(year.won));
        let product = i128::from(at_end.qualified) * rate * size.unwrap_or_default().0;
        (Fixed6(product).ratio(Fixed6(ten * 1_000_000)).unwrap_or_default(), cycle)
    });
    let numerator = parts.map(|(above, _)| above);
    let denominator = parts.and_then(|(_, below)| below);
    let value = numerator.zip(denominator).and_then(|(above, below)| above.ratio(below));
    Truth {
        numerator,
        denominator,
        ..heading.figure(
            "pipeline_velocity",
            None,
            value,
            number(at_end.qualified),
            number(left_out),
        )
    }
}
