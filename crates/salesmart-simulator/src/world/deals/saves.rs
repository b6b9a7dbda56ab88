//! From what is meant to what happens: each save changes the state it finds, who does it is there
//! that day, and what leavers held goes to a colleague on their last evening.

use chrono::{NaiveDate, TimeDelta};

use crate::calendar::at;
use crate::chance::{Dice, Purpose};
use crate::words::NEXT_STEPS;
use crate::world::core::Core;
use crate::world::customers::HANDED_OVER_AT;
use crate::world::{Change, DealEvent, ForecastCategory, Instant};
use crate::{Cents, Stage};

use super::life::{Bin, Life, Save};
use super::nature::Nature;

/// A deal as its history leaves it: what [`State::fold`] makes of the events one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::world) struct State {
    pub(in crate::world) stage: Stage,
    pub(in crate::world) amount: Option<Cents>,
    pub(in crate::world) close: NaiveDate,
    pub(in crate::world) owner: usize,
    pub(in crate::world) probability: u32,
    pub(in crate::world) category: ForecastCategory,
    pub(in crate::world) next_step: Option<&'static str>,
    pub(in crate::world) deleted_at: Option<Instant>,
    pub(in crate::world) merged_into: Option<u64>,
    pub(in crate::world) qualified_at: Option<Instant>,
    pub(in crate::world) closed_at: Option<Instant>,
    pub(in crate::world) push_count: u32,
    pub(in crate::world) modified_at: Instant,
}

impl State {
    /// A deal as it is entered; its chances are those of its stage.
    pub(in crate::world) fn created(
        at: Instant,
        stage: Stage,
        amount: Option<Cents>,
        close: NaiveDate,
        owner: usize,
    ) -> Self {
        Self {
            stage,
            amount,
            close,
            owner,
            probability: stage.probability(),
            category: usual_category(stage),
            next_step: None,
            deleted_at: None,
            merged_into: None,
            qualified_at: stage.is_qualified().then_some(at),
            closed_at: None,
            push_count: 0,
            modified_at: at,
        }
    }

    /// What one event makes of it.
    pub(in crate::world) fn fold(&mut self, at: Instant, event: &DealEvent) {
        self.modified_at = at;
        match *event {
            DealEvent::Created { stage, amount, close, owner } => {
                *self = Self::created(at, stage, amount, close, owner);
            }
            DealEvent::Stage { to, .. } => {
                self.stage = to;
                self.closed_at = is_closed(to).then_some(at);
                if to.is_qualified() && self.qualified_at.is_none() {
                    self.qualified_at = Some(at);
                }
            }
            DealEvent::Amount { to, .. } => self.amount = to,
            DealEvent::Close { from, to } => {
                self.close = to;
                self.push_count += u32::from(month_of(to) > month_of(from));
            }
            DealEvent::Owner { to, .. } => self.owner = to,
            DealEvent::Probability { to, .. } => self.probability = to,
            DealEvent::Category { to, .. } => self.category = to,
            DealEvent::NextStep { to, .. } => self.next_step = to,
            DealEvent::Deleted => self.deleted_at = Some(at),
            DealEvent::Restored => self.deleted_at = None,
            DealEvent::Merged { into } => {
                self.deleted_at = Some(at);
                self.merged_into = Some(into);
            }
        }
    }
}

/// Whether a stage is won or lost.
pub(in crate::world) fn is_closed(stage: Stage) -> bool {
    matches!(stage, Stage::ClosedWon | Stage::ClosedLost)
}

fn month_of(day: NaiveDate) -> (i32, u32) {
    use chrono::Datelike;
    (day.year(), day.month())
}

/// The forecast category that a stage brings with it.
pub(in crate::world) fn usual_category(stage: Stage) -> ForecastCategory {
    match stage {
        Stage::Prospecting | Stage::Qualified => ForecastCategory::Pipeline,
        Stage::Proposal => ForecastCategory::BestCase,
        Stage::Negotiation => ForecastCategory::MostLikely,
        Stage::ClosedWon => ForecastCategory::Closed,
        Stage::ClosedLost => ForecastCategory::Omitted,
    }
}

/// The category of a rep who sees the chances so.
fn category(stage: Stage, opinion: u32) -> ForecastCategory {
    match (stage, opinion) {
        (Stage::Qualified, 7..) => ForecastCategory::BestCase,
        (Stage::Proposal, 7..) => ForecastCategory::MostLikely,
        (Stage::Proposal, 0) => ForecastCategory::Omitted,
        (Stage::Negotiation, 4..) => ForecastCategory::Commit,
        _ => usual_category(stage),
    }
}

/// Reps add or take away some of what the stage says.
fn probability(stage: Stage, opinion: u32) -> u32 {
    (stage.probability() + opinion * 12_500).saturating_sub(50_000)
}

/// The making of a history.
struct Recorder<'a> {
    core: &'a Core,
    state: State,
    history: Vec<Change>,
    /// Chooses next steps, and minutes of the evening.
    dice: Dice,
}

impl Core {
    /// What happened to a deal until `now`, and how it stands.
    pub(in crate::world) fn record(
        &self,
        deal: u64,
        nature: &Nature,
        life: &Life,
        now: Instant,
    ) -> (State, Vec<Change>) {
        let (stage, amount, close, owner) = (life.stage, life.amount, life.close, nature.owner);
        let created = DealEvent::Created { stage, amount, close, owner };
        let mut history = Vec::with_capacity(16);
        history.push(Change { at: nature.created_at, by: owner, what: created });
        let state = State::created(nature.created_at, stage, amount, close, owner);
        let dice = self.dice(Purpose::HandOver, 1 << 40 | deal);
        let mut recorder = Recorder { core: self, state, history, dice };
        for save in &life.saves {
            recorder.leavers(save.at.min(now));
            if save.at > now {
                break;
            }
            recorder.apply(save);
        }
        (recorder.state, recorder.history)
    }
}

impl Recorder<'_> {
    fn push(&mut self, at: Instant, by: usize, what: DealEvent) {
        self.state.fold(at, &what);
        self.history.push(Change { at, by, what });
    }

    /// Gives what leavers held to a colleague, until an instant.
    fn leavers(&mut self, until: Instant) {
        let organisation = &self.core.organisation;
        // What is in the bin, or closed, stays with whom it was.
        while self.state.deleted_at.is_none() && self.state.closed_at.is_none() {
            let from = self.state.owner;
            let Some(end) = organisation.members[from].end else { return };
            let minute = i64::from(u32::try_from(self.dice.clone().below(1_200)).unwrap_or(0));
            let evening = at(end, HANDED_OVER_AT + minute);
            let handed_over = evening.max(self.state.modified_at + TimeDelta::seconds(61));
            if handed_over > until {
                return;
            }
            let _ = self.dice.bits();
            let to = organisation.successor(from, end.max(handed_over.date_naive()));
            let by = organisation.manager_on(from, end);
            self.push(handed_over, by, DealEvent::Owner { from, to });
        }
    }

    fn apply(&mut self, save: &Save) {
        let (organisation, day) = (&self.core.organisation, save.at.date_naive());
        let owner = self.state.owner;
        let manager = organisation.manager_on(owner, day);
        let mut by = owner;
        // Who closed it has left: it is reopened by the manager, for a colleague.
        let orphaned = !organisation.members[owner].works_on(day);
        if save.hand_over || orphaned {
            by = manager;
        }
        if (save.hand_over || orphaned && save.stage.is_some()) && save.bin.is_none() {
            let to = if orphaned {
                organisation.holder(owner, day).0
            } else {
                organisation.successor(owner, day)
            };
            if to != owner {
                self.push(save.at, by, DealEvent::Owner { from: owner, to });
            }
        }
        match save.bin {
            Some(Bin::Delete) => return self.push(save.at, by, DealEvent::Deleted),
            Some(Bin::Restore) => return self.push(save.at, manager, DealEvent::Restored),
            Some(Bin::Merge(into)) => {
                return self.push(save.at, manager, DealEvent::Merged { into });
            }
            None => {}
        }
        self.fields(save, by, day);
    }

    fn fields(&mut self, save: &Save, by: usize, day: NaiveDate) {
        let at = save.at;
        let moved = save.stage.filter(|stage| *stage != self.state.stage);
        if let Some(to) = moved {
            let from = self.state.stage;
            self.push(at, by, DealEvent::Stage { from, to });
        }
        let stage = self.state.stage;
        let closes = moved.is_some_and(is_closed);
        if let Some(to) = save.amount.filter(|amount| self.state.amount != Some(*amount)) {
            let from = self.state.amount;
            self.push(at, by, DealEvent::Amount { from, to: Some(to) });
        }
        let close = if closes { Some(day) } else { save.close };
        if let Some(to) = close.filter(|close| *close != self.state.close) {
            let from = self.state.close;
            self.push(at, by, DealEvent::Close { from, to });
        }
        let (to, sure) = match save.opinion {
            _ if closes => (stage.probability(), usual_category(stage)),
            Some(opinion) => (probability(stage, opinion), category(stage, opinion)),
            None => return,
        };
        if to != self.state.probability {
            let from = self.state.probability;
            self.push(at, by, DealEvent::Probability { from, to });
        }
        if sure != self.state.category {
            let from = self.state.category;
            self.push(at, by, DealEvent::Category { from, to: sure });
        }
        let to = NEXT_STEPS.get(stage as usize).map(|steps| self.dice.pick(steps));
        if to != self.state.next_step {
            let from = self.state.next_step;
            self.push(at, by, DealEvent::NextStep { from, to });
        }
    }
}
