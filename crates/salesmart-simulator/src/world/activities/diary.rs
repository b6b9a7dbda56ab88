//! What people do among themselves: weekly team meetings, talks with the manager, training,
//! paperwork, holidays and leave. Each is in the diary of who arranged it, with everybody invited.

use chrono::{Datelike, Days, NaiveDate, TimeDelta};

use crate::calendar::{at, midnight, working_day};
use crate::chance::{Dice, Purpose};
use crate::words::HOLIDAYS;
use crate::world::core::Core;
use crate::world::{About, Activity, ActivityKind, Answer, Instant, Nature, Participant, Role};

use super::{DIARY, known};

/// Diary entries of a person are numbered within this.
const ROOM: u64 = 1 << 22;

/// Occurrences are entered so many days ahead.
const AHEAD: Days = Days::new(28);

/// A series of meetings.
struct Series {
    /// Its place in its owner's diary.
    place: u64,
    subject: String,
    /// How many weeks lie between two occurrences.
    every: u64,
    weekday: u64,
    /// The second of the UTC day.
    second: i64,
    minutes: u32,
    /// Somebody else who is meant, instead of the whole team.
    with: Option<usize>,
}

impl Core {
    /// What a person has arranged without customers, as far as it is known at `now`.
    pub(in crate::world) fn diary(&self, person: usize, now: Instant) -> Vec<Activity> {
        let mut diary = Vec::new();
        let member = &self.organisation.members[person];
        let second = 3600
            * match member.time_zone.split('/').next() {
                Some("America") => 14,
                Some("Europe") => 9,
                _ => 2,
            };
        match member.role {
            Role::HeadOfSales => {
                let every = Series {
                    place: 0,
                    subject: "Managers' round".to_owned(),
                    every: 2,
                    weekday: 1,
                    second: 14 * 3600,
                    minutes: 60,
                    with: None,
                };
                self.series(person, &every, now, &mut diary);
            }
            Role::Manager => {
                let team = &self.organisation.teams
                    [self.organisation.team_on(person, now.date_naive())]
                .name;
                let weekly = Series {
                    place: 0,
                    subject: format!("{team}: pipeline review"),
                    every: 1,
                    weekday: 0,
                    second,
                    minutes: 45,
                    with: None,
                };
                self.series(person, &weekly, now, &mut diary);
                for (rep, other) in self.organisation.members.iter().enumerate() {
                    let ours = other.role == Role::Rep
                        && other
                            .teams
                            .iter()
                            .any(|(team, _)| self.organisation.teams[*team].manager == person);
                    if ours {
                        let talk = Series {
                            place: 1 + rep as u64,
                            subject: format!("1:1 {}", other.first_name),
                            every: 2,
                            weekday: 1 + rep as u64 % 4,
                            second: second + 1_800 * (rep as i64 % 5),
                            minutes: 30,
                            with: Some(rep),
                        };
                        self.series(person, &talk, now, &mut diary);
                    }
                }
            }
            Role::Rep => {}
        }
        self.own_time(person, second, now, &mut diary);
        known(diary, now)
    }

    /// The occurrences of a series while its owner is here.
    fn series(&self, owner: usize, series: &Series, now: Instant, diary: &mut Vec<Activity>) {
        let member = &self.organisation.members[owner];
        let first = self.window.start.max(member.start);
        let monday = first + Days::new(u64::from(7 - first.weekday().num_days_from_monday()));
        let until = now.date_naive() + AHEAD + AHEAD;
        // Room for 500 occurrences of 2,000 series.
        let base = DIARY + owner as u64 * ROOM * 2 + series.place * 512;
        for (nth, week) in (0..512).zip((0..).step_by(usize::try_from(series.every).unwrap_or(1))) {
            let day = monday + Days::new(week * 7 + series.weekday);
            if day > until || member.end.is_some_and(|end| day > end) {
                break;
            }
            if let Some(activity) = self.occurrence(owner, series, base + nth, day, now) {
                diary.push(activity);
            }
        }
    }

    fn occurrence(
        &self,
        owner: usize,
        series: &Series,
        index: u64,
        day: NaiveDate,
        now: Instant,
    ) -> Option<Activity> {
        let mut dice = self.dice(Purpose::Diary, index);
        let others = self.invited(owner, series, day);
        if others.is_empty() {
            return None;
        }
        let planned = at(day, series.second);
        let joined = midnight(self.organisation.members[owner].start);
        let created = at(working_day(day - AHEAD), 9 * 3600).max(joined);
        let decided = at(working_day(day - Days::new(1 + dice.below(3))), 11 * 3600);
        let known = decided <= now && decided > created && decided < planned;
        let (draw, shift) = (dice.unit(), 1 + dice.below(2));
        let holiday = holiday(day).is_some();
        let (nature, when) = match draw {
            _ if !known => (Nature::Human, planned),
            _ if holiday => (Nature::Cancelled, planned),
            ..0.06 => (Nature::Cancelled, planned),
            ..0.12 if day.weekday().num_days_from_monday() + 2 < 5 => {
                (Nature::Moved, planned + TimeDelta::days(i64::try_from(shift).unwrap_or(1)))
            }
            _ => (Nature::Human, planned),
        };
        let answered = decided <= now;
        let mut participants = vec![self.colleague(owner, Answer::Accepted)];
        for other in others {
            let draw = dice.unit();
            let answer = match draw {
                _ if !answered => Answer::None,
                ..0.8 => Answer::Accepted,
                ..0.88 => Answer::Tentative,
                ..0.95 => Answer::Declined,
                _ => Answer::None,
            };
            participants.push(self.colleague(other, answer));
        }
        let modified_at = if answered && decided > created { decided } else { created };
        Some(Activity {
            index,
            kind: ActivityKind::Meeting,
            nature,
            owner,
            about: About::Internal,
            subject: series.subject.clone(),
            at: when,
            minutes: series.minutes,
            is_all_day: false,
            series: Some((DIARY + owner as u64 * ROOM * 2 + series.place * 512, planned)),
            answers: None,
            thread: None,
            participants,
            created_at: created,
            modified_at,
            deleted_at: None,
        })
    }

    /// Who is invited on a day: those who are there then.
    fn invited(&self, owner: usize, series: &Series, day: NaiveDate) -> Vec<usize> {
        let organisation = &self.organisation;
        let entered = day - AHEAD;
        // Invited when the occurrence is entered: whoever is in the team by then.
        let there = |person: &usize| {
            let member = &organisation.members[*person];
            member.start <= entered && member.works_on(day)
        };
        if let Some(rep) = series.with {
            let theirs = organisation.manager_on(rep, entered) == owner;
            return Some(rep).filter(|rep| there(rep) && theirs).into_iter().collect();
        }
        match organisation.members[owner].role {
            Role::HeadOfSales => (1..=organisation.teams.len()).filter(there).collect(),
            _ => organisation
                .team_members(organisation.team_on(owner, day), entered)
                .filter(there)
                .collect(),
        }
    }

    /// Training, paperwork, leave and public holidays.
    fn own_time(&self, person: usize, second: i64, now: Instant, diary: &mut Vec<Activity>) {
        let member = &self.organisation.members[person];
        let first = self.window.start.max(member.start);
        let base = DIARY + person as u64 * ROOM * 2 + ROOM;
        let until = now.date_naive() + Days::new(120);
        let months = crate::organisation::months_between(first, until);
        let start = crate::calendar::first_of_month(first);
        for month in 0..=u32::try_from(months).unwrap_or(0) {
            let begins = start + chrono::Months::new(month);
            let mut dice = self.dice(Purpose::Diary, base + u64::from(month));
            let mut entry = |place: u64,
                             day: NaiveDate,
                             second,
                             minutes,
                             ahead: u64,
                             subject: &str| {
                let day = working_day(day);
                let on = day > first && member.end.is_none_or(|end| day <= end);
                if on && holiday(day).is_none() {
                    let created = at(working_day(day - Days::new(ahead)), 16 * 3600);
                    let created = created.max(midnight(member.start)).max(midnight(first));
                    let index = base + u64::from(month) * 16 + place;
                    diary.push(self.own(person, index, subject, at(day, second), minutes, created));
                }
            };
            let day = |dice: &mut Dice| begins + Days::new(dice.below(28));
            entry(0, day(&mut dice), second + 7_200, 120, 20, "Training");
            entry(1, begins + Days::new(27), second + 3_600, 60, 10, "Expenses and reports");
            let blocks = dice.below(3);
            for place in 0..blocks {
                entry(2 + place, day(&mut dice), second + 10_800, 90, 3, "CRM housekeeping");
            }
            if dice.happens(0.3) {
                let from = day(&mut dice);
                for place in 0..1 + dice.below(4) {
                    entry(6 + place, from + Days::new(place), 0, 1_440, 60, "Out of office: leave");
                }
            }
            // Public holidays are in everybody's calendar a quarter ahead.
            for (place, (holiday_month, holiday_day, name)) in (11..).zip(HOLIDAYS) {
                let Some(day) = NaiveDate::from_ymd_opt(begins.year(), holiday_month, holiday_day)
                else {
                    continue;
                };
                let on = day > first && member.end.is_none_or(|end| day <= end);
                if holiday_month == begins.month() && on {
                    let created =
                        at(working_day(day - Days::new(90)), 6 * 3600).max(midnight(first));
                    let index = base + u64::from(month) * 16 + place;
                    let subject = format!("Public holiday: {name}");
                    diary.push(self.own(person, index, &subject, midnight(day), 1_440, created));
                }
            }
        }
        let _ = now;
    }

    fn own(
        &self,
        person: usize,
        index: u64,
        subject: &str,
        when: Instant,
        minutes: u32,
        created: Instant,
    ) -> Activity {
        Activity {
            index,
            kind: ActivityKind::Meeting,
            nature: Nature::Human,
            owner: person,
            about: About::Internal,
            subject: subject.to_owned(),
            at: when,
            minutes,
            is_all_day: minutes == 1_440,
            series: None,
            answers: None,
            thread: None,
            participants: vec![self.alone(person)],
            created_at: created,
            modified_at: created,
            deleted_at: None,
        }
    }

    fn alone(&self, person: usize) -> Participant {
        self.colleague(person, Answer::Accepted)
    }
}

/// The name of a public holiday, if the day is one.
fn holiday(day: NaiveDate) -> Option<&'static str> {
    HOLIDAYS
        .iter()
        .find(|(month, on, _)| (day.month(), day.day()) == (*month, *on))
        .map(|(_, _, name)| *name)
}
