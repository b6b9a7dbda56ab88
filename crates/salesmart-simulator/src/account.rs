//! Whom the company sells to.

use chrono::{DateTime, Days, Utc};
use rand::Rng;

use crate::chance::{self, Purpose};
use crate::words::{FORMS, REGIONS, STEMS, TRADES};
use crate::{Cents, Company, calendar};

/// A customer or one that may become one.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its number, from 0; accounts are numbered in the order of their creation.
    pub index: u64,
    /// Its name.
    pub name: String,
    /// Its industry.
    pub industry: &'static str,
    /// Its country.
    pub country: &'static str,
    /// Its revenue of a year.
    pub annual_revenue: Cents,
    /// How many people work there.
    pub employees: i64,
    /// The account it belongs to.
    pub parent: Option<u64>,
    /// When it was entered.
    pub created_at: DateTime<Utc>,
}

impl Account {
    pub(crate) fn generate(company: &Company, index: u64) -> Self {
        let mut rng = chance::stream(company.seed, Purpose::Account, index);
        let (name, industry) = name(index);
        let regions = company.regions();
        let (_, countries) = REGIONS[chance::index(index % regions)];
        let employees = chance::round(chance::lognormal(&mut rng, 320.0, 1.3)).max(3);
        let revenue_each = chance::round(chance::lognormal(&mut rng, 190_000.0, 0.4));
        let parent = (index >= 12 && rng.random_bool(0.07))
            .then(|| rng.random_range(0..index / regions) * regions + index % regions);
        Self {
            index,
            name,
            industry,
            country: chance::pick(&mut rng, countries),
            annual_revenue: Cents(employees * revenue_each * 100),
            employees,
            parent,
            created_at: created_at(company, index, &mut rng),
        }
    }
}

/// The id of the account with that number.
pub(crate) fn write_id(out: &mut Vec<u8>, index: u64) {
    use std::io::Write;
    write!(out, "A{:06}", index + 1).expect("writing to memory cannot fail");
}

/// Half of the accounts are older than the history; the others came one after the other.
fn created_at(company: &Company, index: u64, rng: &mut impl Rng) -> DateTime<Utc> {
    let place = 2.0 * chance::float(index) / chance::float(company.account_count()) - 1.0;
    let window = &company.window;
    if place < 0.0 {
        let days = 30 + chance::floor(-place * 1_000.0);
        return calendar::office_hours(rng, window.start - Days::new(days));
    }
    // A day early, so that no deal is older than its account.
    let days = chance::floor(place * chance::float(window.days()));
    calendar::office_hours(rng, window.start + Days::new(days) - Days::new(1))
}

impl Company {
    /// How many regions have a team.
    pub(crate) fn regions(&self) -> u64 {
        self.organisation.teams.len().min(REGIONS.len()) as u64
    }

    /// An account of a region that exists when `progress` of the history has passed. `draw` is
    /// between 0 and 1; some accounts buy much more often than others.
    pub(crate) fn buyer(&self, region: usize, progress: f64, draw: f64) -> u64 {
        let regions = self.regions();
        let known = chance::float(self.account_count()) * (0.5 + 0.5 * progress);
        let place = chance::floor(known * draw.powf(1.6));
        let rounded = place - place % regions + region as u64;
        if chance::float(rounded) >= known { region as u64 } else { rounded }
    }
}

/// A name that no other account has, and the industry it tells.
pub(crate) fn name(index: u64) -> (String, &'static str) {
    let (stems, trades, forms) = (STEMS.len() as u64, TRADES.len() as u64, FORMS.len() as u64);
    // Steps that share no divisor with the number of names, so that each comes once, in no order.
    let all = stems * trades * forms;
    let place = (index % all) * 7_919 % all;
    let stem = STEMS[chance::index(place % stems)];
    let (trade, industry) = TRADES[chance::index(place / stems % trades)];
    let form = FORMS[chance::index(place / stems / trades)];
    let name = match index / all {
        0 => format!("{stem} {trade}{form}"),
        n => format!("{stem} {trade}{form} {}", n + 1),
    };
    (name, industry)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn account_names_are_unique() {
        let names: BTreeSet<String> = (0..40_000).map(|index| name(index).0).collect();
        assert_eq!(names.len(), 40_000);
    }
}
