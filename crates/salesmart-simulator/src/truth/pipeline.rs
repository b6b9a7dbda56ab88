//! Yield and velocity: what was in the pipeline at a moment, and what came of it.

use std::collections::BTreeMap;
use std::ops::{AddAssign, Sub};

use chrono::{Days, Months, NaiveDate};

use crate::{Cents, Fixed6};

use super::story::Span;
use super::{Fact, Heading, Truth};

/// What went in and out on a day, or in all days until one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flow {
    /// Deals that are open: with an amount, the amounts, and those without.
    open: i64,
    open_cents: i128,
    open_unvalued: i64,
    /// Deals that were created, by what they were at the end of their first day.
    created: i64,
    created_cents: i128,
    created_unvalued: i64,
    won_cents: i128,
    won_unvalued: i64,
    /// Open deals in a qualified stage.
    qualified: i64,
    won: i64,
    lost: i64,
    won_sized: i64,
    won_days: i64,
}

/// One or none with an amount, the amount, and one or none without.
fn valued(amount: Option<Cents>) -> (i64, i128, i64) {
    amount.map_or((0, 0, 1), |amount| (1, i128::from(amount.0), 0))
}

impl Flow {
    /// A deal begins to be open so.
    pub(super) fn begin(&mut self, span: &Span) {
        let (valued, cents, unvalued) = valued(span.amount);
        self.open += valued;
        self.open_cents += cents;
        self.open_unvalued += unvalued;
        self.qualified += i64::from(span.stage.is_qualified());
    }

    /// And no longer is.
    pub(super) fn cease(&mut self, span: &Span) {
        let (valued, cents, unvalued) = valued(span.amount);
        self.open -= valued;
        self.open_cents -= cents;
        self.open_unvalued -= unvalued;
        self.qualified -= i64::from(span.stage.is_qualified());
    }

    /// A deal is created and stands so at the end of the day.
    pub(super) fn create(&mut self, span: &Span) {
        let (valued, cents, unvalued) = valued(span.amount);
        self.created += valued;
        self.created_cents += cents;
        self.created_unvalued += unvalued;
    }

    /// A deal is won or lost.
    pub(super) fn end(&mut self, fact: &Fact, closed: NaiveDate) {
        let (valued, cents, unvalued) = valued(fact.amount);
        if fact.is_won() {
            self.won += 1;
            self.won_sized += valued;
            self.won_cents += cents;
            self.won_unvalued += unvalued;
            self.won_days += (closed - fact.created).num_days();
        } else {
            self.lost += 1;
        }
    }
}

impl AddAssign for Flow {
    fn add_assign(&mut self, other: Flow) {
        self.open += other.open;
        self.open_cents += other.open_cents;
        self.open_unvalued += other.open_unvalued;
        self.created += other.created;
        self.created_cents += other.created_cents;
        self.created_unvalued += other.created_unvalued;
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
            open: self.open - before.open,
            open_cents: self.open_cents - before.open_cents,
            open_unvalued: self.open_unvalued - before.open_unvalued,
            created: self.created - before.created,
            created_cents: self.created_cents - before.created_cents,
            created_unvalued: self.created_unvalued - before.created_unvalued,
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

/// Won in the period over what was open when it began and what was created in it.
fn yield_of(at_end: Flow, before: Flow, heading: &Heading, loss_recorded: bool) -> Truth {
    let within = at_end - before;
    let counted = within.won_sized + before.open + within.created;
    let unvalued = within.won_unvalued + before.open_unvalued + within.created_unvalued;
    if !loss_recorded {
        return heading.figure("pipeline_yield", None, None, 0, number(counted + unvalued));
    }
    let (won, all) = (within.won_cents, before.open_cents + within.created_cents);
    let (above, below) = (Fixed6::cents(won), Fixed6::cents(all));
    let mut figure =
        heading.ratio("pipeline_yield", above, below, number(counted), number(unvalued));
    if counted == within.won_sized {
        figure.denominator = None;
    }
    // Never 1, or 0, only because of what is left out.
    let unvalued_open = before.open_unvalued + within.created_unvalued;
    if (unvalued_open > within.won_unvalued && won == all) || (within.won_unvalued > 0 && won == 0)
    {
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
