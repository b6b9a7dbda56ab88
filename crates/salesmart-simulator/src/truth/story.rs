//! One deal's past, folded anew from what happened to it: how it stood at the end of each day, and
//! which stages it came through.

use chrono::NaiveDate;

use crate::world::{Change, DealEvent, ForecastCategory, Instant, Opportunity, World};
use crate::{Cents, Stage};

use super::Fact;
use super::known::{Holder, Known, People};

/// The day after all others.
pub(crate) const FOR_EVER: NaiveDate = NaiveDate::MAX;

/// Days at whose ends a deal stood the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: NaiveDate,
    /// The first day on which it no longer did.
    pub(crate) to: NaiveDate,
    pub(crate) holder: Holder,
    pub(crate) stage: Stage,
    /// In corporate currency.
    pub(crate) amount: Option<Cents>,
    /// In its own currency.
    pub(crate) price: Option<Cents>,
    pub(crate) close: NaiveDate,
    pub(crate) category: ForecastCategory,
    pub(crate) probability: u32,
    /// It was in the bin, or merged away.
    pub(crate) in_bin: bool,
}

impl Span {
    /// Whether it was open and there.
    pub(crate) fn is_open(&self) -> bool {
        self.stage.outcome() == "open" && !self.in_bin
    }
}

/// A stay in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Visit {
    pub(crate) stage: Stage,
    /// The stage before; none: it was created in this one.
    pub(crate) from: Option<Stage>,
    pub(crate) entered: NaiveDate,
    /// None: it is there.
    pub(crate) left: Option<NaiveDate>,
    /// Who had it when it came.
    pub(crate) holder: Holder,
    /// Its amount then, in corporate currency.
    pub(crate) amount: Option<Cents>,
}

/// All that figures need of a deal.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) index: u64,
    /// It is deleted or merged away now.
    pub(crate) is_gone: bool,
    /// It is on record: what was gone for good before anybody looked is not.
    pub(crate) is_on_record: bool,
    pub(crate) fact: Fact,
    pub(crate) spans: Vec<Span>,
    pub(crate) visits: Vec<Visit>,
}

impl Story {
    /// How it stood at the end of a day; nothing before it was there.
    pub(crate) fn on(&self, day: NaiveDate) -> Option<&Span> {
        let begun = self.spans.partition_point(|span| span.from <= day);
        self.spans.get(begun.checked_sub(1)?)
    }
}

/// A deal between two saves.
#[derive(Clone, Copy)]
struct Now {
    stage: Stage,
    amount: Option<Cents>,
    close: NaiveDate,
    owner: usize,
    probability: u32,
    category: ForecastCategory,
    in_bin: bool,
}

/// Tells the stories of deals.
pub(crate) struct Teller<'a> {
    world: &'a World,
    known: Known,
    people: People<'a>,
}

impl<'a> Teller<'a> {
    pub(crate) fn new(world: &'a World, known: Known) -> Self {
        Self { world, known, people: People::new(world, &known) }
    }

    /// Who was in which team.
    pub(crate) fn people(&self) -> &People<'a> {
        &self.people
    }

    /// The stories of all deals, those that are gone too.
    pub(crate) fn all(&self) -> Vec<Story> {
        let deals = self.world.deal_count();
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
        let part = deals.div_ceil(threads).max(1);
        std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads)
                .map(|nth| nth * part..((nth + 1) * part).min(deals))
                .map(|range| {
                    scope.spawn(move || {
                        range.map(|index| self.tell(&self.world.deal(index))).collect::<Vec<_>>()
                    })
                })
                .collect();
            let told = running.into_iter().map(|thread| match thread.join() {
                Ok(stories) => stories,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            told.flatten().collect()
        })
    }

    /// The story of a deal.
    pub(crate) fn tell(&self, deal: &Opportunity) -> Story {
        let moments = self.moments(deal);
        let today = self.world.today();
        let created = deal.created_at.date_naive();
        let first_owner = moments[0].1.owner;
        let closed = deal.closed_at.map(|at| (at, at.date_naive()));
        let holder = match closed {
            Some((at, day)) => {
                let begun = moments.partition_point(|(moment, _)| *moment <= at);
                self.people.holder(moments[begun - 1].1.owner, day)
            }
            None => self.people.holder(deal.owner, today),
        };
        let fact = Fact {
            holder,
            creator: self.people.holder(first_owner, created),
            stage: deal.stage,
            created,
            qualified: deal.qualified_at.map(|at| at.date_naive()),
            closed: closed.map(|(_, day)| day),
            amount: deal.amount.map(|amount| self.dollars(deal, amount, deal.expected_close)),
            pushes: deal.push_count,
            last_activity: deal.last_activity_at.map(|at| at.date_naive()),
        };
        Story {
            index: deal.index,
            is_gone: deal.deleted_at.is_some(),
            is_on_record: self.is_on_record(deal),
            fact,
            spans: self.spans(deal, &moments),
            visits: self.visits(deal, &moments),
        }
    }

    /// An amount in the corporate currency, when the deal was planned to close on `close`.
    fn dollars(&self, deal: &Opportunity, amount: Cents, close: NaiveDate) -> Cents {
        if self.known.has_dated_rates || deal.amount == Some(amount) {
            let day = if self.known.has_dated_rates { close } else { deal.expected_close };
            return self.world.corporate(amount, deal.currency, day);
        }
        // The source tells its rate with twelve digits, as units of its own for one of the deal's.
        let rate = i128::from(self.world.rate(deal.currency, deal.expected_close));
        let factor = 1_000_000 * 1_000_000_000_000 / rate;
        let doubled = i128::from(amount.0) * factor * 2 / 1_000_000_000_000;
        Cents(i64::try_from((doubled + doubled.signum()) / 2).unwrap_or(i64::MAX))
    }

    /// How it stood after each save.
    fn moments(&self, deal: &Opportunity) -> Vec<(Instant, Now)> {
        let first = &deal.history[0];
        let DealEvent::Created { stage, amount, close, owner } = first.what else {
            return Vec::new();
        };
        let mut now = Now {
            stage,
            amount,
            close,
            owner: self.first_owner(deal, owner),
            probability: stage.probability(),
            category: usual(stage),
            in_bin: false,
        };
        let mut moments = vec![(first.at, now)];
        for change in &deal.history[1..] {
            match change.what {
                DealEvent::Created { .. } | DealEvent::NextStep { .. } => {}
                DealEvent::Stage { to, .. } => now.stage = to,
                DealEvent::Amount { to, .. } => now.amount = to,
                DealEvent::Close { to, .. } => now.close = to,
                DealEvent::Owner { to, .. } if self.is_recorded(change) => now.owner = to,
                DealEvent::Owner { .. } => {}
                DealEvent::Probability { to, .. } => now.probability = to,
                DealEvent::Category { to, .. } => now.category = to,
                DealEvent::Deleted => now.in_bin = !self.is_hushed_up(deal, change),
                DealEvent::Restored => now.in_bin = false,
                DealEvent::Merged { .. } => now.in_bin = true,
            }
            match moments.last_mut() {
                Some(last) if last.0 == change.at => last.1 = now,
                _ => moments.push((change.at, now)),
            }
        }
        moments
    }

    fn is_recorded(&self, change: &Change) -> bool {
        self.known.owners_since.is_none_or(|since| change.at >= since)
    }

    fn is_on_record(&self, deal: &Opportunity) -> bool {
        deal.deleted_at.is_none_or(|gone| {
            let merged = deal.merged_into.is_some() && !self.known.keeps_merged;
            let since = if merged { Some(self.known.since_end()) } else { self.known.gone_since };
            since.is_none_or(|since| gone >= since)
        })
    }

    /// The first owner that is on record.
    fn first_owner(&self, deal: &Opportunity, first: usize) -> usize {
        let changes = deal.history.iter().filter(|change| !self.is_recorded(change));
        changes.fold(first, |owner, change| match change.what {
            DealEvent::Owner { to, .. } => to,
            _ => owner,
        })
    }

    /// Whether nobody can tell of a deletion, because the deal came back.
    fn is_hushed_up(&self, deal: &Opportunity, deletion: &Change) -> bool {
        let back = deal
            .history
            .iter()
            .find(|change| change.at >= deletion.at && matches!(change.what, DealEvent::Restored));
        back.is_some_and(|change| {
            !self.known.tells_restores || change.at.date_naive() <= self.known.since
        })
    }

    fn spans(&self, deal: &Opportunity, moments: &[(Instant, Now)]) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::with_capacity(moments.len());
        for (place, (at, now)) in moments.iter().enumerate() {
            let from = at.date_naive();
            let to = moments.get(place + 1).map_or(FOR_EVER, |(next, _)| next.date_naive());
            // What did not last until the day's end has no day.
            if from == to {
                continue;
            }
            let span = |from, to| Span {
                from,
                to,
                holder: self.people.holder(now.owner, from),
                stage: now.stage,
                amount: now.amount.map(|amount| self.dollars(deal, amount, now.close)),
                price: now.amount,
                close: now.close,
                category: now.category,
                probability: now.probability,
                in_bin: now.in_bin,
            };
            let mut start = from;
            for moved in self.people.moves(now.owner, from, to) {
                spans.push(span(start, moved));
                start = moved;
            }
            spans.push(span(start, to));
        }
        spans
    }

    fn visits(&self, deal: &Opportunity, moments: &[(Instant, Now)]) -> Vec<Visit> {
        let mut visits: Vec<Visit> = Vec::new();
        for (at, now) in moments {
            let day = at.date_naive();
            let from = visits.last().map(|last| last.stage);
            if from == Some(now.stage) {
                continue;
            }
            if let Some(last) = visits.last_mut() {
                last.left = Some(day);
            }
            visits.push(Visit {
                stage: now.stage,
                from,
                entered: day,
                left: None,
                holder: self.people.holder(now.owner, day),
                amount: now.amount.map(|amount| self.dollars(deal, amount, now.close)),
            });
        }
        visits
    }
}

/// The category of a deal that was just entered.
fn usual(stage: Stage) -> ForecastCategory {
    match stage {
        Stage::Prospecting | Stage::Qualified => ForecastCategory::Pipeline,
        Stage::Proposal => ForecastCategory::BestCase,
        Stage::Negotiation => ForecastCategory::MostLikely,
        Stage::ClosedWon => ForecastCategory::Closed,
        Stage::ClosedLost => ForecastCategory::Omitted,
    }
}
