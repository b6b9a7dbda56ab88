//! A deal's whole life as it is meant to go: when somebody saves what. What a save really changes
//! depends on the state it finds; [`super::saves`] works that out.

use chrono::{Days, NaiveDate, TimeDelta};

use crate::calendar::{at, closing_day, first_of_month, office_hours, working_day};
use crate::chance::{self, Dice, Purpose};
use crate::world::Instant;
use crate::world::core::Core;
use crate::{Cents, Stage};

use super::nature::Nature;
use super::office_after;

/// What somebody enters and saves at once.
#[derive(Clone, Debug)]
pub(super) struct Save {
    pub(super) at: Instant,
    pub(super) stage: Option<Stage>,
    pub(super) amount: Option<Cents>,
    pub(super) close: Option<NaiveDate>,
    /// How the rep sees the chances: 4 is as the stage says.
    pub(super) opinion: Option<u32>,
    /// Given to a colleague.
    pub(super) hand_over: bool,
    pub(super) bin: Option<Bin>,
}

/// In and out of the bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bin {
    Delete,
    Restore,
    Merge(u64),
}

/// The life that is meant for a deal.
pub(in crate::world) struct Life {
    /// The first stage, plan and amount.
    pub(super) stage: Stage,
    pub(super) close: NaiveDate,
    pub(super) amount: Option<Cents>,
    /// What follows, in order.
    pub(super) saves: Vec<Save>,
    /// When anybody works on it: from creation until quiet or the outcome, and once more when it
    /// is reopened.
    pub(in crate::world) busy: [Option<(Instant, Instant)>; 2],
    /// When it is deleted for good or merged away.
    pub(in crate::world) gone: Option<Instant>,
}

impl Save {
    fn at(at: Instant) -> Self {
        Self {
            at,
            stage: None,
            amount: None,
            close: None,
            opinion: None,
            hand_over: false,
            bin: None,
        }
    }

    fn stage(at: Instant, stage: Stage, dice: &mut Dice) -> Self {
        let opinion = u32::try_from(dice.below(9)).unwrap_or(4);
        Self { stage: Some(stage), opinion: Some(opinion), ..Self::at(at) }
    }
}

/// Draws a life step by step.
struct Draft<'a> {
    nature: &'a Nature,
    dice: Dice,
    saves: Vec<Save>,
    created: NaiveDate,
    /// The last save of the way through the stages.
    last: Instant,
}

impl Core {
    /// The life meant for a deal.
    pub(in crate::world) fn life(&self, deal: u64, nature: &Nature) -> Life {
        let mut dice = self.dice(Purpose::Life, deal);
        let created = nature.created_at.date_naive();
        let begins_qualified = dice.happens(0.1) && nature.qualified;
        let stage = if begins_qualified { Stage::Qualified } else { Stage::Prospecting };
        let saves = Vec::with_capacity(12);
        let mut draft = Draft { nature, dice, saves, created, last: nature.created_at };
        draft.walk(stage);
        let first_amount = draft.amounts(stage);
        let close = draft.planned_close();
        let (ends, to_nothing) = draft.end();
        draft.pushes(close, ends.date_naive());
        draft.opinions_and_colleagues(ends);
        draft.saves.sort_by_key(|save| save.at);
        draft.saves.retain(|save| save.at < ends);
        draft.close(ends, to_nothing);
        let quiet = if nature.neglected {
            let days = chance::floor(nature.active * draft.dice.between(0.3, 0.9));
            at(working_day(created + Days::new(days)), 0).max(nature.created_at)
        } else {
            ends
        };
        let again = draft.reopen(ends);
        draft.space_out();
        self.bin(deal, &mut draft);
        let gone = draft.saves.last().filter(|save| save.bin.is_some()).map(|save| save.at);
        Life {
            stage,
            close,
            gone,
            amount: first_amount,
            busy: [Some((nature.created_at, quiet.min(ends))), again],
            saves: draft.saves,
        }
    }

    /// Some are deleted, few of these restored, and second entries merged away.
    fn bin(&self, deal: u64, draft: &mut Draft) {
        if self.tidy {
            return;
        }
        if let Some(twin) = self.twin(deal) {
            if let Some(at) = twin.merged_at {
                draft.saves.retain(|save| save.at < at);
                draft.saves.push(Save { bin: Some(Bin::Merge(twin.of)), ..Save::at(at) });
            }
            return;
        }
        let mut dice = self.dice(Purpose::Bin, deal);
        if !dice.happens(0.02) || self.absorbs(deal).is_some() {
            return;
        }
        let days = 1 + dice.below(chance::floor(draft.nature.cycle) + 30);
        let deleted = office_after(&mut dice, draft.created, days);
        let delete = Save { bin: Some(Bin::Delete), ..Save::at(deleted) };
        if dice.happens(0.45) {
            let days = 1 + dice.below(6);
            let restored = office_after(&mut dice, deleted.date_naive(), days);
            let restore = Save { bin: Some(Bin::Restore), ..Save::at(restored) };
            // What would have happened while it was in the bin happens after.
            let mut next = restored;
            for save in draft.saves.iter_mut().filter(|save| save.at >= deleted) {
                next += TimeDelta::minutes(2);
                save.at = save.at.max(next);
                next = save.at;
            }
            let place = draft.saves.partition_point(|save| save.at < deleted);
            draft.saves.splice(place..place, [delete, restore]);
        } else {
            draft.saves.retain(|save| save.at < deleted);
            draft.saves.push(delete);
        }
    }
}

impl Draft<'_> {
    /// The moment `share` of the active days have passed, after everything before it.
    fn moment(&mut self, share: f64) -> Instant {
        let days = Days::new(chance::floor(self.nature.active * share));
        let day = working_day(self.created + days);
        office_hours(&mut self.dice, day).max(self.last + TimeDelta::minutes(4))
    }

    fn step(&mut self, share: f64, stage: Stage) {
        let at = self.moment(share);
        self.last = at;
        self.saves.push(Save::stage(at, stage, &mut self.dice));
    }

    /// The way through the open stages: on, over one, and back.
    fn walk(&mut self, first: Stage) {
        if !self.nature.qualified {
            return;
        }
        if first == Stage::Prospecting {
            let share = (self.dice.lognormal(6.0, 0.9) / self.nature.active).min(0.4);
            self.step(share, Stage::Qualified);
        }
        let reach = if self.nature.won { 1.0 } else { self.dice.unit() };
        let skips = self.dice.unit();
        if reach > 0.35 && skips > 0.12 {
            let share = self.dice.between(0.38, 0.5);
            self.step(share, Stage::Proposal);
            if self.dice.happens(0.05) {
                self.step(share + 0.06, Stage::Qualified);
                self.step(share + 0.12, Stage::Proposal);
            }
        }
        if reach > 0.7 && skips < 0.9 {
            let share = self.dice.between(0.66, 0.84);
            self.step(share, Stage::Negotiation);
            if self.dice.happens(0.09) {
                self.step(share + 0.05, Stage::Proposal);
                if reach > 0.8 {
                    self.step(share + 0.11, Stage::Negotiation);
                }
            }
        }
        if !self.nature.won && reach < 0.2 && self.dice.happens(0.1) {
            self.step(0.7, Stage::Prospecting);
        }
    }

    /// The first amount, and when it changes to what it will be.
    fn amounts(&mut self, first: Stage) -> Option<Cents> {
        let amount = self.nature.amount;
        let unknown = if first == Stage::Prospecting { 0.12 } else { 0.01 };
        let is_unknown = self.dice.happens(unknown);
        let changes = self.dice.happens(0.3);
        let factor = self.dice.lognormal(1.0, 0.25);
        if is_unknown {
            if let Some(save) = self.saves.first_mut() {
                save.amount = Some(amount);
            }
            return None;
        }
        if !changes {
            return Some(amount);
        }
        let before =
            Cents((chance::round(chance::money(amount.0) * factor) / 5_000 * 5_000).max(5_000));
        let place = chance::index(self.dice.below(self.saves.len().max(1) as u64));
        match self.saves.get_mut(place) {
            Some(save) => {
                save.amount = Some(amount);
                Some(before)
            }
            None => Some(amount),
        }
    }

    /// What the rep plans with at creation. Plans like month ends.
    fn planned_close(&mut self) -> NaiveDate {
        let due = self.created + Days::new(chance::floor(self.nature.planned).max(3));
        let likes_ends = self.dice.happens(0.6);
        if likes_ends { month_end(due) } else { working_day(due) }.max(self.created)
    }

    /// When it is won or lost, and whether its amount is set to nothing then: of some lost deals,
    /// and of some pilots, which are free.
    fn end(&mut self) -> (Instant, bool) {
        let due = self.created + Days::new(chance::floor(self.nature.cycle));
        let day = closing_day(&mut self.dice, due).max(self.created);
        let after = self.last + TimeDelta::minutes(15);
        let end = office_hours(&mut self.dice, day).max(after);
        let free = self.dice.unit();
        let to_nothing = match (self.nature.won, self.nature.occasion) {
            (true, "pilot") => free < 0.04,
            (true, _) => false,
            (false, _) => free < 0.01,
        };
        (end, to_nothing)
    }

    fn close(&mut self, at: Instant, to_nothing: bool) {
        let stage = if self.nature.won { Stage::ClosedWon } else { Stage::ClosedLost };
        let amount = if to_nothing { Cents(0) } else { self.nature.amount };
        self.saves.push(Save { stage: Some(stage), amount: Some(amount), ..Save::at(at) });
    }

    /// When the plan has come near and the deal has not, it is pushed; a few are pulled in.
    fn pushes(&mut self, mut close: NaiveDate, ends: NaiveDate) {
        let pulled_in = self.dice.happens(0.08);
        let negotiates = self.saves.iter().rposition(|save| save.stage == Some(Stage::Negotiation));
        let until = match negotiates {
            Some(place) if pulled_in && self.saves[place].at.date_naive() < ends => {
                self.saves[place].close = Some(ends);
                self.saves[place].at.date_naive()
            }
            _ => ends,
        };
        let works_until = self.created + Days::new(chance::floor(self.nature.active));
        for _ in 0..9 {
            let (near, months, odd) =
                (self.dice.below(10), 20 + self.dice.below(30), self.dice.happens(0.35));
            let day = working_day(close + Days::new(4) - Days::new(near));
            if day >= until || day > works_until {
                break;
            }
            if day <= self.created {
                close = close + Days::new(7);
                continue;
            }
            let next = close + Days::new(months);
            close = if odd { working_day(next) } else { month_end(next) };
            let at = office_hours(&mut self.dice, day);
            self.saves.push(Save { close: Some(close), ..Save::at(at) });
        }
    }

    /// Reps think again, and a few deals are given to a colleague.
    fn opinions_and_colleagues(&mut self, ends: Instant) {
        for (probability, hand_over) in [(0.2, false), (0.04, true)] {
            let (happens, share) = (self.dice.happens(probability), self.dice.between(0.15, 0.9));
            let opinion = u32::try_from(self.dice.below(9)).unwrap_or(4);
            let days = Days::new(chance::floor(self.nature.active * share));
            let at = office_hours(&mut self.dice, working_day(self.created + days));
            if happens && at > self.nature.created_at + TimeDelta::minutes(30) && at < ends {
                let opinion = Some(opinion).filter(|_| !hand_over);
                self.saves.push(Save { opinion, hand_over, ..Save::at(at) });
            }
        }
    }

    /// Some are reopened after the outcome and close again.
    fn reopen(&mut self, ended: Instant) -> Option<(Instant, Instant)> {
        let (happens, pause, takes) =
            (self.dice.happens(0.035), 2 + self.dice.below(40), 8 + self.dice.below(45));
        if !happens {
            return None;
        }
        let won = self.nature.won;
        let again = office_after(&mut self.dice, ended.date_naive(), pause);
        let stage = if won { Stage::Negotiation } else { Stage::Proposal };
        let plan = month_end(again.date_naive() + Days::new(20));
        let amount = Some(self.nature.amount);
        let reopened = Save::stage(again, stage, &mut self.dice);
        self.saves.push(Save { close: Some(plan), amount, ..reopened });
        let ends = office_after(&mut self.dice, again.date_naive(), takes);
        let stays = self.dice.happens(if won { 0.6 } else { 0.3 });
        let stage = if stays { Stage::ClosedWon } else { Stage::ClosedLost };
        self.saves.push(Save { stage: Some(stage), amount, ..Save::at(ends) });
        Some((again, ends))
    }

    /// No two saves at once.
    fn space_out(&mut self) {
        let mut last = self.nature.created_at;
        for save in &mut self.saves {
            save.at = save.at.max(last + TimeDelta::seconds(47));
            last = save.at;
        }
    }
}

/// The last day of a day's month.
fn month_end(day: NaiveDate) -> NaiveDate {
    first_of_month(day) + chrono::Months::new(1) - Days::new(1)
}
