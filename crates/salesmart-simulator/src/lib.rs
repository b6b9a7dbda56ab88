//! A company that never was, generated from a seed, with its true KPIs known.
//!
//! [`Company::generate`] makes the organisation, the products and the accounts; its deals are a
//! pure function of the seed and their number, so they are streamed and never held:
//! five million of them cost no more memory than five. [`Company::write_export`] writes what a
//! CRM's export would hold, [`Company::truth`] what the KPIs must come to, worked out from the
//! events in Rust and not in SQL. [`Company::perturbed`] is the same company a night later.
//!
//! The same seed, size and instant give the same bytes.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

mod account;
mod calendar;
mod chance;
mod deal;
mod export;
mod money;
mod organisation;
mod truth;
mod words;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

pub use account::Account;
pub use deal::{Deal, Stage};
pub use export::Exported;
pub use money::{Cents, Fixed6};
pub use organisation::{Team, User};
pub use truth::{Scope, Truth};

use calendar::Window;
use organisation::Organisation;

/// The company's name.
pub const COMPANY_NAME: &str = "Fernhill Systems";

/// How large the company is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Sales reps, joiners and leavers included. At least one.
    pub reps: usize,
    /// Deals in its CRM.
    pub deals: u64,
}

/// A made-up company over the two years up to an instant.
#[derive(Clone, Debug)]
pub struct Company {
    seed: u64,
    size: Size,
    window: Window,
    organisation: Organisation,
    changed_millionths: u64,
}

impl Company {
    /// The company that grows from `seed`. Its history begins eight whole quarters before the
    /// quarter in which the day after `as_of` lies, and ends with `as_of`.
    #[must_use]
    pub fn generate(seed: u64, size: Size, as_of: NaiveDate) -> Self {
        let size = Size { reps: size.reps.max(1), ..size };
        let window = Window::up_to(as_of);
        let organisation = Organisation::generate(seed, size.reps, &window);
        Self { seed, size, window, organisation, changed_millionths: 0 }
    }

    /// The same company after a night's work: `fraction` of its deals changed, spread evenly over
    /// the export (open ones moved on, closed ones had their amount corrected). Which ones is
    /// fixed by their number.
    #[must_use]
    pub fn perturbed(&self, fraction: f64) -> Self {
        let changed_millionths = chance::millionths(fraction.clamp(0.0, 1.0));
        Self { changed_millionths, ..self.clone() }
    }

    /// How many deals differ from the company before [`Company::perturbed`].
    #[must_use]
    pub fn changed_deals(&self) -> u64 {
        self.changed_before(self.size.deals)
    }

    /// How many of the first `deals` deals are changed ones.
    fn changed_before(&self, deals: u64) -> u64 {
        let changed = u128::from(deals) * u128::from(self.changed_millionths) / 1_000_000;
        u64::try_from(changed).expect("a share of a u64 is a u64")
    }

    /// How large it is.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The last day of its history.
    #[must_use]
    pub fn as_of(&self) -> NaiveDate {
        self.window.as_of
    }

    /// The first day of its history.
    #[must_use]
    pub fn starts(&self) -> NaiveDate {
        self.window.start
    }

    /// The last second of its history, which is what a run takes as `as_of`.
    #[must_use]
    pub fn as_of_instant(&self) -> DateTime<Utc> {
        self.window.as_of.and_time(NaiveTime::MIN).and_utc() + TimeDelta::days(1)
            - TimeDelta::seconds(1)
    }

    /// Its sales teams.
    #[must_use]
    pub fn teams(&self) -> &[Team] {
        &self.organisation.teams
    }

    /// Its people: the head of sales, the teams' managers, then the reps.
    #[must_use]
    pub fn users(&self) -> &[User] {
        &self.organisation.users
    }

    /// How many accounts it has.
    #[must_use]
    pub fn account_count(&self) -> u64 {
        (self.size.deals / 12).max(12)
    }

    /// Its accounts, one after the other.
    pub fn accounts(&self) -> impl Iterator<Item = Account> + '_ {
        (0..self.account_count()).map(|index| Account::generate(self, index))
    }

    /// Its deals in the order of their creation, one after the other.
    pub fn deals(&self) -> impl Iterator<Item = Deal> + '_ {
        (0..self.size.deals).map(|index| self.deal(index))
    }

    /// One deal; deals are numbered from 0 in the order of their creation.
    #[must_use]
    pub fn deal(&self, index: u64) -> Deal {
        let deal = Deal::generate(self, index);
        if self.changed_before(index + 1) > self.changed_before(index) {
            deal.a_night_later(self)
        } else {
            deal
        }
    }
}

#[cfg(test)]
mod tests;
