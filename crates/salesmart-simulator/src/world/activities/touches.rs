//! When people are in touch: the bare times of calls, mails, meetings and tasks, from which the
//! last activity is read off. [`super::about_deals`] and [`super::about_leads`] put words to them.

use chrono::{Datelike, Days, SubsecRound, TimeDelta, Timelike, Weekday};

use crate::calendar::{at, working_day};
use crate::chance::{self, Dice, Purpose};
use crate::world::core::Core;
use crate::world::deals::{DealNature, Life};
use crate::world::{ActivityKind, Instant, Nature};

/// The most touches of a deal; each may leave three activities, and a deal has room for 64.
const MOST: u64 = 20;

/// Office hours of the regions, in seconds of the UTC day; nothing happens after 20 o'clock.
const HOURS: [(u64, u64); 3] = [(13 * 3600, 19 * 3600), (7 * 3600, 17 * 3600), (30 * 60, 9 * 3600)];

/// One time of being in touch, with what came of it.
#[derive(Clone, Debug)]
pub(super) struct Touch {
    /// Its place; its activities are at three times this and the two after.
    pub(super) place: u64,
    /// Call, mail out, meeting or task.
    pub(super) kind: ActivityKind,
    /// When it is, at last.
    pub(super) at: Instant,
    /// Of meetings: when they were to be at first.
    pub(super) planned_at: Instant,
    pub(super) created_at: Instant,
    /// How it turns out, and when that is known.
    pub(super) outcome: Nature,
    pub(super) changed_at: Option<Instant>,
    /// Of mails: what came back.
    pub(super) reply: Option<(Nature, Instant)>,
    /// Of mails: when the reply was answered.
    pub(super) answer: Option<Instant>,
    pub(super) minutes: u32,
}

impl Touch {
    /// Times at which this was real contact, and when the system knew of it.
    fn contacts(&self) -> impl Iterator<Item = (Instant, Instant)> {
        let held = matches!(self.outcome, Nature::Human | Nature::Moved);
        let itself = (self.kind != ActivityKind::Task && held)
            .then(|| (self.at, self.at.max(self.created_at)));
        let reply = self.reply.filter(|(nature, _)| *nature == Nature::Human);
        let known = |at: Instant| (at, at + TimeDelta::minutes(2));
        itself.into_iter().chain(reply.map(|(_, at)| known(at))).chain(self.answer.map(known))
    }
}

impl Core {
    /// When anybody was last in touch about a deal until `now`, and when that was entered.
    pub(in crate::world) fn last_activity(
        &self,
        deal: u64,
        nature: &DealNature,
        life: &Life,
        now: Instant,
    ) -> Option<(Instant, Instant)> {
        let mut last: Option<(Instant, Instant)> = None;
        self.touches(deal, nature, life, |touch| {
            for (at, known) in touch.contacts().filter(|(at, known)| *at <= now && *known <= now) {
                let (before, when) = last.unwrap_or((at, known));
                last = Some((before.max(at), when.max(known)));
            }
            touch.at <= now
        });
        last
    }

    /// Goes through the touches of a deal, day by day, as long as `each` says.
    pub(super) fn touches(
        &self,
        deal: u64,
        nature: &DealNature,
        life: &Life,
        mut each: impl FnMut(&Touch) -> bool,
    ) {
        let mut dice = self.dice(Purpose::Touches, deal);
        let can_write = nature.account.is_some_and(|account| self.has_domain(account));
        let hours = HOURS[nature.region];
        let mut place = 0;
        for (from, until) in life.busy.into_iter().flatten() {
            let until = life.gone.map_or(until, |gone| gone.min(until));
            let days = chance::float((until - from).num_days().unsigned_abs());
            let gap = (days / 14.0).max(4.5);
            let mut passed = dice.exponential(2.0) + 0.5;
            while place < MOST {
                let day = from.date_naive() + Days::new(chance::floor(passed));
                let when = within(&mut dice, working_day(day), hours);
                passed += dice.exponential(gap) + 0.6;
                if when >= until {
                    break;
                }
                if when <= from + TimeDelta::minutes(30) {
                    continue;
                }
                let touch = touch(&mut dice, place, from, when, hours, can_write);
                place += 1;
                if !each(&touch) {
                    return;
                }
            }
        }
    }
}

/// A touch at a time.
fn touch(
    dice: &mut Dice,
    place: u64,
    from: Instant,
    when: Instant,
    hours: (u64, u64),
    can_write: bool,
) -> Touch {
    let kind = match dice.unit() {
        ..0.18 => ActivityKind::Call,
        ..0.32 => ActivityKind::Task,
        ..0.58 if can_write => ActivityKind::Meeting,
        _ if can_write => ActivityKind::EmailOut,
        _ => ActivityKind::Call,
    };
    let mut touch = Touch {
        place,
        kind,
        at: when,
        planned_at: when,
        created_at: when + TimeDelta::minutes(3),
        outcome: Nature::Human,
        changed_at: None,
        reply: None,
        answer: None,
        minutes: 0,
    };
    match kind {
        ActivityKind::Call => {
            touch.minutes = 2 + u32::try_from(dice.below(38)).unwrap_or(0);
            touch.created_at = when + TimeDelta::minutes(i64::from(touch.minutes));
        }
        ActivityKind::EmailOut => touch.mail(dice, 0.55, 0.06, 0.02),
        ActivityKind::Meeting => touch.meeting(dice, from, hours),
        _ => {
            let ahead = Days::new(dice.below(4));
            let made = within(dice, working_day(when.date_naive() - ahead), hours);
            touch.created_at = made.max(from + TimeDelta::minutes(5)).min(when);
        }
    }
    touch
}

impl Touch {
    /// A mail to a lead.
    pub(super) fn outreach(dice: &mut Dice, place: u64, when: Instant, kind: ActivityKind) -> Self {
        let mut touch = Touch {
            place,
            kind,
            at: when,
            planned_at: when,
            created_at: when + TimeDelta::minutes(3),
            outcome: Nature::Human,
            changed_at: None,
            reply: None,
            answer: None,
            minutes: 0,
        };
        if kind == ActivityKind::EmailOut {
            touch.mail(dice, 0.3, 0.08, 0.05);
        } else {
            touch.minutes = 1 + u32::try_from(dice.below(20)).unwrap_or(0);
            touch.created_at = when + TimeDelta::minutes(i64::from(touch.minutes));
        }
        touch
    }

    fn mail(&mut self, dice: &mut Dice, replies: f64, machines: f64, bounces: f64) {
        let (draw, hours, thanks) = (dice.unit(), dice.exponential(16.0), dice.happens(0.4));
        let wait = TimeDelta::minutes(chance::round(hours * 60.0) + 4);
        if draw < replies {
            let at = awake(self.at + wait);
            self.reply = Some((Nature::Human, at));
            let answered = awake(at + TimeDelta::minutes(20 + chance::round(hours * 11.0)));
            self.answer = thanks.then_some(answered);
        } else if draw < replies + machines {
            self.reply = Some((Nature::AutoReply, self.at + TimeDelta::minutes(1)));
        } else if draw < replies + machines + bounces {
            self.reply = Some((Nature::Bounce, self.at + TimeDelta::minutes(2)));
        }
    }

    fn meeting(&mut self, dice: &mut Dice, from: Instant, hours: (u64, u64)) {
        self.minutes = [30, 30, 45, 60, 90][chance::index(dice.below(5))];
        // Meetings begin at full quarters of an hour.
        let quarter = i64::from(self.at.num_seconds_from_midnight() / 900 * 900);
        self.at = at(self.at.date_naive(), quarter);
        self.planned_at = self.at;
        let ahead = 1 + dice.below(9);
        let booked = within(dice, working_day(self.at.date_naive() - Days::new(ahead)), hours);
        self.created_at = booked.max(from + TimeDelta::minutes(5)).min(self.at);
        let end = self.at + TimeDelta::minutes(i64::from(self.minutes));
        let (draw, share) = (dice.unit(), dice.between(0.2, 0.8));
        let room = self.at - self.created_at;
        let seconds = chance::round(chance::float(room.num_seconds().unsigned_abs()) * share);
        let between = awake(self.created_at + TimeDelta::seconds(seconds));
        if draw < 0.1 && between < self.at {
            (self.outcome, self.changed_at) = (Nature::Cancelled, Some(between));
        } else if draw < 0.15 && end < at(end.date_naive(), 20 * 3600) {
            (self.outcome, self.changed_at) = (Nature::NoShow, Some(end));
        } else if draw < 0.24 {
            // Moved to here from an earlier time.
            let second = i64::from(self.at.num_seconds_from_midnight());
            let days = Days::new(1 + dice.below(4));
            let planned = at(working_day(self.at.date_naive() - days), second);
            let moved = (self.created_at + (planned - self.created_at) / 2).trunc_subsecs(0);
            if planned > self.created_at + TimeDelta::hours(1) && moved == awake(moved) {
                self.planned_at = planned;
                (self.outcome, self.changed_at) = (Nature::Moved, Some(moved));
            }
        }
    }
}

/// Some second of a region's office hours.
fn within(dice: &mut Dice, day: chrono::NaiveDate, (opens, closes): (u64, u64)) -> Instant {
    let second = opens + dice.below(closes - opens);
    at(day, i64::try_from(second).unwrap_or(0))
}

/// The time itself, or the next morning when everybody sleeps or has the weekend.
pub(in crate::world) fn awake(when: Instant) -> Instant {
    let when = when.trunc_subsecs(0);
    let second = i64::from(when.num_seconds_from_midnight());
    let day = when.date_naive();
    let late = second > 19 * 3600 + 30 * 60;
    let day = if late { day + Days::new(1) } else { day };
    let ahead = match day.weekday() {
        Weekday::Sat => 2,
        Weekday::Sun => 1,
        _ => 0,
    };
    if !late && ahead == 0 {
        return when;
    }
    at(day + Days::new(ahead), 8 * 3600 + second % 3_600)
}
