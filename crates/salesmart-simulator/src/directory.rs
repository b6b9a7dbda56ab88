//! Teams and people as an export shows them.

use chrono::NaiveDate;

use crate::world::{Person, SalesTeam};

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
}

impl User {
    /// Whether they work here on `day`.
    #[must_use]
    pub fn works_on(&self, day: NaiveDate) -> bool {
        self.start_date <= day && self.end_date.is_none_or(|end| day <= end)
    }
}

fn user_id(place: usize) -> String {
    format!("U{:04}", place + 1)
}

impl From<&SalesTeam> for Team {
    fn from(team: &SalesTeam) -> Self {
        Self {
            team_id: format!("T{:02}", team.index + 1),
            name: team.name.clone(),
            region: team.region,
            manager_id: user_id(team.manager),
        }
    }
}

impl From<&Person> for User {
    fn from(person: &Person) -> Self {
        Self {
            user_id: user_id(person.index),
            name: format!("{} {}", person.first_name, person.last_name),
            email: person.email.clone(),
            team: person.team,
            manager_id: person.manager.map(user_id),
            start_date: person.start,
            end_date: person.end,
        }
    }
}
