//! Who works here: a head of sales, teams in regions with a manager each, and reps of different
//! strength who join, move between teams, and leave.
//!
//! Everybody's whole career is drawn at once, also what lies in the future; [`Organisation`] knows
//! it up to a horizon, and who asks says as of when.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};

use crate::calendar::{Window, at, first_of_month, midnight, working_day};
use crate::chance::{self, Dice, Purpose};
use crate::words::{CURRENCIES, FIRST_NAMES, LAST_NAMES, REGIONS, SEGMENTS, TIME_ZONES};
use crate::world::Role;

/// How many reps a team has, about.
const REPS_PER_TEAM: usize = 5;

/// How many of a hundred reps' places are filled anew each year once the history is over; as many
/// leave.
const JOINERS_PER_HUNDRED: u64 = 25;

/// The second of the last day at which a leaver's login is closed; open deals change hands before.
pub(crate) const LEAVES_AT: i64 = 19 * 3600 + 45 * 60;

/// A sales team.
#[derive(Clone, Debug)]
pub(crate) struct TeamPlan {
    pub(crate) name: String,
    pub(crate) region: &'static str,
    pub(crate) region_index: usize,
    pub(crate) manager: usize,
    pub(crate) currency: &'static str,
    pub(crate) created_at: DateTime<Utc>,
    /// How large its deals are beside the company's.
    pub(crate) deal_factor: f64,
    /// Everybody who ever sold in it.
    reps: Vec<usize>,
    /// One of them who stays for good, to take over what others leave.
    steady: usize,
}

/// A person's whole career.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) first_name: &'static str,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) role: Role,
    /// The region's zones differ by office.
    pub(crate) time_zone: &'static str,
    pub(crate) start: NaiveDate,
    /// The last day, also when it is still to come.
    pub(crate) end: Option<NaiveDate>,
    /// Teams and their first days, also those still to come; the head of sales has none.
    pub(crate) teams: Vec<(usize, NaiveDate)>,
    pub(crate) skill: Skill,
}

/// What a rep is good at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Skill {
    /// Added to the logit of winning.
    pub(crate) closing: f64,
    /// Multiplies the length of a cycle.
    pub(crate) pace: f64,
    /// How many deals they take on beside the others.
    pub(crate) capacity: f64,
    /// How much more they promise than comes; below 1: less.
    pub(crate) optimism: f64,
}

impl Member {
    /// Whether they work here on `day`.
    pub(crate) fn works_on(&self, day: NaiveDate) -> bool {
        self.start <= day && self.end.is_none_or(|end| day <= end)
    }

    /// Whether they work here on `day` and the day after, so that they can take something over.
    fn stays_on(&self, day: NaiveDate) -> bool {
        self.start <= day && self.end.is_none_or(|end| day < end)
    }

    /// The team on a day; before the first one, the first.
    pub(crate) fn team_on(&self, day: NaiveDate) -> Option<usize> {
        let begun = self.teams.partition_point(|(_, from)| *from <= day);
        self.teams.get(begun.saturating_sub(1)).map(|(team, _)| *team)
    }
}

/// The whole organisation.
#[derive(Clone, Debug)]
pub(crate) struct Organisation {
    pub(crate) teams: Vec<TeamPlan>,
    pub(crate) members: Vec<Member>,
    /// For each month of the history: the reps at work, with the running sum of their capacity.
    rota: Vec<Vec<(usize, f64)>>,
    first_month: NaiveDate,
}

impl Organisation {
    /// The organisation with everybody who joins until the horizon.
    pub(crate) fn generate(seed: u64, reps: usize, currencies: bool, window: &Window) -> Self {
        let team_count = reps.div_ceil(REPS_PER_TEAM);
        let head = person(0, Role::HeadOfSales, window.start - Days::new(1_500), "Europe/London");
        let mut members = vec![head];
        let mut teams = Vec::new();
        for place in 0..team_count {
            let dice = &mut Dice::new(seed, Purpose::Team, place as u64);
            let mut team = team(place, currencies);
            let start = window.start - Days::new(300 + dice.below(1_100));
            let zone = dice.pick(TIME_ZONES[team.region_index]);
            let mut manager = person(members.len(), Role::Manager, start, zone);
            manager.teams.push((place, start));
            manager.skill.optimism = dice.between(0.92, 1.05);
            team.created_at = midnight(start);
            teams.push(team);
            members.push(manager);
        }
        let mut careers: Vec<Career> =
            (0..reps).map(|place| Career::draw(seed, place, team_count, window)).collect();
        careers.sort_by_key(|career| career.start);
        careers.extend(Career::later(seed, reps, team_count, window));
        for career in careers {
            let place = members.len();
            let team = &mut teams[career.teams[0].0];
            let zones = TIME_ZONES[team.region_index];
            let zone = zones[place % zones.len()];
            let mut rep = person(place, Role::Rep, career.start, zone);
            if career.steady {
                team.steady = place;
            }
            for (team, _) in &career.teams {
                teams[*team].reps.push(place);
            }
            (rep.end, rep.teams, rep.skill) = (career.end, career.teams, career.skill);
            members.push(rep);
        }
        let first_month = first_of_month(window.start);
        let mut rota = Vec::new();
        let mut month = first_month;
        while month <= window.horizon() {
            rota.push(rota_of(&members, month));
            month = month + Months::new(1);
        }
        Self { teams, members, rota, first_month }
    }

    /// Who takes on something that begins on `day`; `draw` is between 0 and 1.
    pub(crate) fn owner(&self, day: NaiveDate, draw: f64) -> usize {
        let rota = &self.rota[months_between(self.first_month, day).min(self.rota.len() - 1)];
        let total = rota.last().map_or(0.0, |(_, sum)| *sum);
        let place = rota.partition_point(|(_, sum)| *sum < draw * total).min(rota.len() - 1);
        let (rep, _) = rota[place];
        if self.members[rep].works_on(day) { rep } else { self.successor(rep, day) }
    }

    /// Who takes over from `rep` on `day`: a colleague of the team who is there and stays.
    pub(crate) fn successor(&self, rep: usize, day: NaiveDate) -> usize {
        let team = &self.teams[self.team_on(rep, day)];
        let place = team.reps.iter().position(|other| *other == rep).unwrap_or(0);
        (1..team.reps.len())
            .map(|step| team.reps[(place + step) % team.reps.len()])
            .find(|other| {
                let member = &self.members[*other];
                *other != rep && member.stays_on(day) && self.teams_agree(*other, rep, day)
            })
            .unwrap_or(team.steady)
    }

    fn teams_agree(&self, one: usize, other: usize, day: NaiveDate) -> bool {
        self.members[one].team_on(day) == self.members[other].team_on(day)
    }

    /// Who holds on `day` what was `rep`'s to begin with.
    pub(crate) fn holder(&self, mut rep: usize, day: NaiveDate) -> (usize, Option<NaiveDate>) {
        let mut since = None;
        while let Some(end) = self.members[rep].end.filter(|end| *end <= day) {
            rep = self.successor(rep, end);
            since = Some(end);
        }
        (rep, since)
    }

    /// The team of a rep or manager on a day.
    pub(crate) fn team_on(&self, person: usize, day: NaiveDate) -> usize {
        self.members[person].team_on(day).unwrap_or(0)
    }

    /// Who leads that team.
    pub(crate) fn manager_on(&self, person: usize, day: NaiveDate) -> usize {
        self.teams[self.team_on(person, day)].manager
    }

    /// A rep of a team who is there on `day` and stays; `draw` is between 0 and 1.
    pub(crate) fn rep_of(&self, team: usize, day: NaiveDate, draw: f64) -> usize {
        let there = |rep: &&usize| {
            let member = &self.members[**rep];
            member.stays_on(day) && member.team_on(day) == Some(team)
        };
        let count = self.teams[team].reps.iter().filter(there).count() as u64;
        let chosen = chance::index(chance::floor(draw * chance::float(count)));
        self.teams[team]
            .reps
            .iter()
            .filter(there)
            .nth(chosen)
            .copied()
            .unwrap_or_else(|| self.steady(team))
    }

    /// The reps of a team who are there on a day.
    pub(crate) fn team_members(
        &self,
        team: usize,
        day: NaiveDate,
    ) -> impl Iterator<Item = usize> + '_ {
        self.teams[team].reps.iter().copied().filter(move |rep| {
            let member = &self.members[*rep];
            member.works_on(day) && member.team_on(day) == Some(team)
        })
    }

    /// The rep of a team who has always been there and stays for good.
    pub(crate) fn steady(&self, team: usize) -> usize {
        self.teams[team].steady
    }

    /// How many people have joined by the end of `day`.
    pub(crate) fn joined(&self, day: NaiveDate) -> usize {
        1 + self.teams.len()
            + self.members[1 + self.teams.len()..].partition_point(|rep| rep.start <= day)
    }
}

/// What is drawn about a rep before they have a place.
struct Career {
    start: NaiveDate,
    end: Option<NaiveDate>,
    teams: Vec<(usize, NaiveDate)>,
    skill: Skill,
    steady: bool,
}

impl Career {
    /// A rep of the first hour, or one who joined during the history.
    fn draw(seed: u64, place: usize, teams: usize, window: &Window) -> Self {
        let dice = &mut Dice::new(seed, Purpose::Rep, place as u64);
        // Somebody of each team is there all the time.
        let steady = place < teams;
        let joins_late = dice.happens(0.25) && !steady;
        let (late, early) = (dice.below(window.days()), 60 + dice.below(1_340));
        let start = working_day(if joins_late {
            window.start + Days::new(late)
        } else {
            window.start - Days::new(early)
        });
        Self::from(dice, start, place % teams, teams, steady, window)
    }

    /// Those who join after the history, in the order in which they do.
    fn later(
        seed: u64,
        reps: usize,
        teams: usize,
        window: &Window,
    ) -> impl Iterator<Item = Self> + '_ {
        let per_century = JOINERS_PER_HUNDRED * reps as u64;
        (0..)
            .map(move |nth| {
                let day = window.as_of + Days::new((nth + 1) * 36_525 / per_century.max(1));
                // Mondays and other working days; never earlier than the one before.
                (nth, working_day(day).max(window.as_of + Days::new(1)))
            })
            .take_while(|(_, day)| *day <= window.horizon())
            .map(move |(nth, start)| {
                let dice = &mut Dice::new(seed, Purpose::Rep, reps as u64 + nth);
                let team = chance::index(dice.below(teams as u64));
                Self::from(dice, start, team, teams, false, window)
            })
    }

    fn from(
        dice: &mut Dice,
        start: NaiveDate,
        team: usize,
        teams: usize,
        steady: bool,
        window: &Window,
    ) -> Self {
        let begins = start.max(window.start);
        let stays = dice.exponential(5.5 * 365.0).max(120.0);
        let end =
            (!steady).then(|| working_day(begins + Days::new(chance::floor(stays).min(40_000))));
        let mut memberships = vec![(team, start)];
        let (moves, after) = (dice.happens(0.3), 90 + dice.below(1_800));
        let step = 1 + dice.below((teams as u64).saturating_sub(1).max(1));
        let day = first_of_month(begins + Days::new(after));
        if moves && !steady && teams > 1 && end.is_none_or(|end| day + Days::new(30) < end) {
            memberships.push(((team + chance::index(step)) % teams, day));
        }
        let skill = Skill {
            closing: 0.45 * dice.normal().clamp(-2.0, 2.0),
            pace: (0.18 * dice.normal().clamp(-2.0, 2.0)).exp(),
            capacity: dice.between(0.6, 1.5),
            optimism: dice.lognormal(1.08, 0.18),
        };
        Self { start, end, teams: memberships, skill, steady }
    }
}

/// How many months after the month of `from` that of `to` is, not below zero.
pub(crate) fn months_between(from: NaiveDate, to: NaiveDate) -> usize {
    let month = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
    usize::try_from(month(to) - month(from)).unwrap_or(0)
}

/// The reps at work in a month, with the running sum of their capacity.
fn rota_of(members: &[Member], month: NaiveDate) -> Vec<(usize, f64)> {
    let mut rota = Vec::new();
    let mut sum = 0.0;
    let month_ends = month + Months::new(1) - Days::new(1);
    for (place, rep) in members.iter().enumerate() {
        let away = rep.start > month_ends || rep.end.is_some_and(|end| end < month);
        if rep.role != Role::Rep || away {
            continue;
        }
        // New reps take a quarter to get going.
        let is_new = rep.start + Months::new(3) > month_ends;
        sum += if is_new { 0.4 * rep.skill.capacity } else { rep.skill.capacity };
        rota.push((place, sum));
    }
    rota
}

fn team(place: usize, currencies: bool) -> TeamPlan {
    let region_index = place % REGIONS.len();
    let (region, _) = REGIONS[region_index];
    let segment_index = place / REGIONS.len() % SEGMENTS.len();
    let (segment, deal_factor) = SEGMENTS[segment_index];
    let number = place / (REGIONS.len() * SEGMENTS.len());
    let name = match number {
        0 => format!("{region} {segment}"),
        n => format!("{region} {segment} {}", n + 1),
    };
    let currency = if currencies { CURRENCIES[region_index][segment_index] } else { "USD" };
    TeamPlan {
        name,
        region,
        region_index,
        manager: 1 + place,
        currency,
        created_at: at(NaiveDate::MIN, 0),
        deal_factor,
        reps: Vec::new(),
        steady: 0,
    }
}

fn person(place: usize, role: Role, start: NaiveDate, time_zone: &'static str) -> Member {
    let (first_name, last_name) = name(place);
    let email = format!("{}.{}@fernhill.example", mailbox(first_name), mailbox(&last_name));
    Member {
        first_name,
        last_name,
        email,
        role,
        time_zone,
        start,
        end: None,
        teams: Vec::new(),
        skill: Skill { optimism: 1.0, ..Skill::default() },
    }
}

/// The name of the `place`-th person; the lists' lengths share no divisor, so that all pairs come.
pub(crate) fn name(place: usize) -> (&'static str, String) {
    let first = FIRST_NAMES[place * 7 % FIRST_NAMES.len()];
    let last = LAST_NAMES[place * 11 % LAST_NAMES.len()];
    match place / (FIRST_NAMES.len() * LAST_NAMES.len()) {
        0 => (first, last.to_owned()),
        n => (first, format!("{last} {}", n + 1)),
    }
}

/// A name as the local part of a mail address.
pub(crate) fn mailbox(name: &str) -> String {
    name.chars()
        .filter_map(|c| match c {
            ' ' => Some('.'),
            'ë' | 'ï' => Some(if c == 'ë' { 'e' } else { 'i' }),
            'ø' | 'ö' => Some('o'),
            'ü' => Some('u'),
            c if c.is_ascii_alphanumeric() => Some(c.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_mailboxes_are_unique_and_plain() {
        let people: Vec<Member> = (0..5_000)
            .map(|place| person(place, Role::Rep, NaiveDate::MIN, "Europe/London"))
            .collect();
        let names: BTreeSet<String> = people
            .iter()
            .map(|person| format!("{} {}", person.first_name, person.last_name))
            .collect();
        assert_eq!(names.len(), 5_000);
        let mailboxes: BTreeSet<&String> = people.iter().map(|person| &person.email).collect();
        assert_eq!(mailboxes.len(), 5_000);
        assert!(mailboxes.iter().all(|text| text.is_ascii()));
    }

    #[test]
    fn whoever_takes_over_is_there_and_the_future_does_not_change_the_past() {
        let as_of = "2026-09-30".parse().unwrap();
        let near = Window::new(as_of, as_of + Days::new(100));
        let far = Window::new(as_of, as_of + Days::new(1_000));
        let short = Organisation::generate(5, 40, true, &near);
        let long = Organisation::generate(5, 40, true, &far);
        assert!(short.members.len() < long.members.len());
        assert_eq!(short.joined(as_of), 1 + 8 + 40);
        assert_eq!(long.joined(as_of), 1 + 8 + 40);
        for (one, other) in short.members.iter().zip(&long.members) {
            assert_eq!((&one.email, one.start, one.end), (&other.email, other.start, other.end));
            assert_eq!(one.teams, other.teams);
        }
        for (place, rep) in long.members.iter().enumerate() {
            let Some(end) = rep.end.filter(|end| *end < near.horizon()) else { continue };
            let next = long.successor(place, end);
            assert_ne!(next, place);
            assert!(long.members[next].works_on(end) && long.members[next].stays_on(end));
            assert_eq!(short.successor(place, end), next);
        }
    }
}
