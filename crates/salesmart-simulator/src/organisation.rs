//! Who works here: a head of sales, teams in regions with a manager each, and reps of different
//! strength who join and leave.

use chrono::{Datelike, Days, Months, NaiveDate};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::calendar::{Window, first_of_month};
use crate::chance::{self, Purpose};
use crate::words::{FIRST_NAMES, LAST_NAMES, REGIONS, SEGMENTS};

/// How many reps a team has, about.
const REPS_PER_TEAM: usize = 5;

/// A sales team.
#[derive(Clone, Debug)]
pub struct Team {
    /// Its id, such as `T01`.
    pub team_id: String,
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: &'static str,
    /// The user who leads it.
    pub manager_id: String,
    pub(crate) region_index: usize,
    /// How large its deals are beside the company's.
    pub(crate) deal_factor: f64,
    /// The places of its reps among the users.
    pub(crate) reps: Vec<usize>,
}

/// A person with a login.
#[derive(Clone, Debug)]
pub struct User {
    /// Their id, such as `U0007`.
    pub user_id: String,
    /// Their name.
    pub name: String,
    /// Their e-mail address.
    pub email: String,
    /// The place of their team; the head of sales has none.
    pub team: Option<usize>,
    /// The user they report to.
    pub manager_id: Option<String>,
    /// The first day.
    pub start_date: NaiveDate,
    /// The last day, of those who left.
    pub end_date: Option<NaiveDate>,
    pub(crate) skill: Skill,
}

impl User {
    /// Whether they work here on `day`.
    #[must_use]
    pub fn works_on(&self, day: NaiveDate) -> bool {
        self.start_date <= day && self.end_date.is_none_or(|end| day <= end)
    }
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
}

/// The whole organisation.
#[derive(Clone, Debug)]
pub(crate) struct Organisation {
    pub(crate) teams: Vec<Team>,
    pub(crate) users: Vec<User>,
    /// For each month of the history: the reps at work, with the running sum of their capacity.
    rota: Vec<Vec<(usize, f64)>>,
    first_month: NaiveDate,
}

impl Organisation {
    pub(crate) fn generate(seed: u64, reps: usize, window: &Window) -> Self {
        let mut rng = chance::stream(seed, Purpose::Organisation, 0);
        let mut users = vec![user(0, None, None, window.start - Days::new(1_500))];
        let mut teams = Vec::new();
        for place in 0..reps.div_ceil(REPS_PER_TEAM) {
            let head = users[0].user_id.clone();
            let started = window.start - Days::new(rng.random_range(300..1_400));
            let manager = user(users.len(), Some(place), Some(head), started);
            teams.push(team(place, manager.user_id.clone()));
            users.push(manager);
        }
        for place in 0..reps {
            let team = place % teams.len();
            let manager = teams[team].manager_id.clone();
            // Somebody of each team is there all the time, to take over what others leave.
            let steady = place < teams.len();
            let rep = rep(&mut rng, users.len(), team, manager, steady, window);
            teams[team].reps.push(users.len());
            users.push(rep);
        }
        let first_month = first_of_month(window.start);
        let mut rota = Vec::new();
        let mut month = first_month;
        while month <= window.as_of {
            rota.push(rota_of(&users, &teams, month));
            month = month + Months::new(1);
        }
        Self { teams, users, rota, first_month }
    }

    /// Who takes on a deal created on `day`; `draw` is between 0 and 1.
    pub(crate) fn owner(&self, day: NaiveDate, draw: f64) -> usize {
        let rota = &self.rota[months_between(self.first_month, day).min(self.rota.len() - 1)];
        let total = rota.last().map_or(0.0, |(_, sum)| *sum);
        let place = rota.partition_point(|(_, sum)| *sum < draw * total).min(rota.len() - 1);
        let (rep, _) = rota[place];
        self.holder(rep, day)
    }

    /// Who holds a deal of `rep` on `day`: the rep, or who took over when the rep had left.
    pub(crate) fn holder(&self, rep: usize, day: NaiveDate) -> usize {
        if self.users[rep].works_on(day) {
            return rep;
        }
        let team = &self.teams[self.users[rep].team.expect("a rep has a team")];
        let place = team.reps.iter().position(|other| *other == rep).unwrap_or(0);
        (1..team.reps.len())
            .map(|step| team.reps[(place + step) % team.reps.len()])
            .find(|other| self.users[*other].works_on(day))
            .unwrap_or(team.reps[0])
    }
}

/// How many months after the month of `from` that of `to` is, not below zero.
fn months_between(from: NaiveDate, to: NaiveDate) -> usize {
    let month = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
    usize::try_from(month(to) - month(from)).unwrap_or(0)
}

/// The reps at work in a month, with the running sum of their capacity.
fn rota_of(users: &[User], teams: &[Team], month: NaiveDate) -> Vec<(usize, f64)> {
    let mut rota = Vec::new();
    let mut sum = 0.0;
    for place in teams.iter().flat_map(|team| &team.reps) {
        let rep = &users[*place];
        let month_ends = month + Months::new(1) - Days::new(1);
        if rep.start_date > month_ends || rep.end_date.is_some_and(|end| end < month) {
            continue;
        }
        // New reps take a quarter to get going.
        let is_new = rep.start_date + Months::new(3) > month_ends;
        sum += if is_new { 0.4 * rep.skill.capacity } else { rep.skill.capacity };
        rota.push((*place, sum));
    }
    rota
}

fn team(place: usize, manager_id: String) -> Team {
    let region_index = place % REGIONS.len();
    let (region, _) = REGIONS[region_index];
    let (segment, deal_factor) = SEGMENTS[place / REGIONS.len() % SEGMENTS.len()];
    let number = place / (REGIONS.len() * SEGMENTS.len());
    let name = match number {
        0 => format!("{region} {segment}"),
        n => format!("{region} {segment} {}", n + 1),
    };
    let team_id = format!("T{:02}", place + 1);
    Team { team_id, name, region, manager_id, region_index, deal_factor, reps: Vec::new() }
}

fn user(
    place: usize,
    team: Option<usize>,
    manager_id: Option<String>,
    start_date: NaiveDate,
) -> User {
    let name = person(place);
    let email = format!("{}@fernhill.example", mailbox(&name));
    let user_id = format!("U{:04}", place + 1);
    User {
        user_id,
        name,
        email,
        team,
        manager_id,
        start_date,
        end_date: None,
        skill: Skill::default(),
    }
}

fn rep(
    rng: &mut ChaCha8Rng,
    place: usize,
    team: usize,
    manager: String,
    steady: bool,
    window: &Window,
) -> User {
    let fate = rng.random::<f64>();
    let some_day =
        |rng: &mut ChaCha8Rng| window.start + Days::new(rng.random_range(0..window.days()));
    let joins_late = !steady && fate < 0.25;
    let leaves = !steady && (0.15..0.35).contains(&fate);
    let start_date = if joins_late {
        some_day(rng)
    } else {
        window.start - Days::new(rng.random_range(60..1_400))
    };
    let end_date = leaves
        .then(|| some_day(rng).max(start_date + Days::new(120)))
        .filter(|end| *end < window.as_of);
    let skill = Skill {
        closing: 0.45 * chance::normal(rng).clamp(-2.0, 2.0),
        pace: (0.18 * chance::normal(rng).clamp(-2.0, 2.0)).exp(),
        capacity: rng.random_range(0.6..1.5),
    };
    let mut rep = user(place, Some(team), Some(manager), start_date);
    rep.end_date = end_date;
    rep.skill = skill;
    rep
}

/// The name of the `place`-th person; the lists' lengths share no divisor, so that all pairs come.
fn person(place: usize) -> String {
    let first = FIRST_NAMES[place * 7 % FIRST_NAMES.len()];
    let last = LAST_NAMES[place * 11 % LAST_NAMES.len()];
    match place / (FIRST_NAMES.len() * LAST_NAMES.len()) {
        0 => format!("{first} {last}"),
        n => format!("{first} {last} {}", n + 1),
    }
}

/// A name as the local part of a mail address.
fn mailbox(name: &str) -> String {
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
        let names: BTreeSet<String> = (0..5_000).map(person).collect();
        assert_eq!(names.len(), 5_000);
        let mailboxes: BTreeSet<String> = names.iter().map(|name| mailbox(name)).collect();
        assert_eq!(mailboxes.len(), 5_000);
        assert!(mailboxes.iter().all(|text| text.is_ascii()));
    }
}
