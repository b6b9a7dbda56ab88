//! A company that never was, generated from a seed, with its true KPIs known.
//!
//! [`World`] is the company with everything that happens in it, at an instant that moves on; the
//! wire servers show it. Its deals are a pure function of the seed and their number, so they are
//! streamed and never held: five million of them cost no more memory than five.
//! [`World::truth`] is what the KPIs must come to, worked out from the events in Rust and not in
//! SQL. [`Company`] is the same company as files: [`Company::write_export`] writes what a CRM's
//! export would hold, and [`Company::perturbed`] is that a night later.
//!
//! The same seed, size and instant give the same bytes.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking"))]

mod account;
mod calendar;
mod chance;
mod deal;
mod directory;
mod export;
pub mod hubspot;
mod money;
mod organisation;
pub mod salesforce;
mod truth;
pub mod wire;
mod words;
pub mod world;

use chrono::{DateTime, NaiveDate, Utc};

pub use account::Account;
pub use deal::{Deal, Stage};
pub use directory::{Team, User};
pub use export::Exported;
pub use money::{Cents, Fixed6};
pub use truth::{Known, Scope, Sheet, Truth, write_sheet, write_truth};

use truth::{Fact, Holder};
use world::{Settings, World};

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

/// A made-up company over the two years up to an instant, as its exports show it: the [`World`]
/// of that seed, all in US dollars and with nothing deleted or merged.
#[derive(Clone, Debug)]
pub struct Company {
    world: World,
    teams: Vec<Team>,
    users: Vec<User>,
    changed_millionths: u64,
}

impl Company {
    /// The company that grows from `seed`. Its history begins eight whole quarters before the
    /// quarter in which the day after `as_of` lies, and ends with `as_of`.
    #[must_use]
    pub fn generate(seed: u64, size: Size, as_of: NaiveDate) -> Self {
        let size = Size { reps: size.reps.max(1), ..size };
        let world = World::tidy(Settings { seed, size, as_of, currencies: false });
        let teams = world.teams().iter().map(Team::from).collect();
        let users = world.people().iter().map(User::from).collect();
        Self { world, teams, users, changed_millionths: 0 }
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
        self.changed_before(self.size().deals)
    }

    /// How many of the first `deals` deals are changed ones.
    fn changed_before(&self, deals: u64) -> u64 {
        let changed = u128::from(deals) * u128::from(self.changed_millionths) / 1_000_000;
        u64::try_from(changed).expect("a share of a u64 is a u64")
    }

    /// How large it is.
    #[must_use]
    pub fn size(&self) -> Size {
        self.world.settings().size
    }

    /// The last day of its history.
    #[must_use]
    pub fn as_of(&self) -> NaiveDate {
        self.world.today()
    }

    /// The first day of its history.
    #[must_use]
    pub fn starts(&self) -> NaiveDate {
        self.world.first_day()
    }

    /// The last second of its history, which is what a run takes as `as_of`.
    #[must_use]
    pub fn as_of_instant(&self) -> DateTime<Utc> {
        self.world.now()
    }

    /// Its sales teams.
    #[must_use]
    pub fn teams(&self) -> &[Team] {
        &self.teams
    }

    /// Its people: the head of sales, the teams' managers, then the reps.
    #[must_use]
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// How many accounts it has.
    #[must_use]
    pub fn account_count(&self) -> u64 {
        self.world.account_count()
    }

    /// Its accounts, one after the other.
    pub fn accounts(&self) -> impl Iterator<Item = Account> + '_ {
        (0..self.account_count()).map(|index| self.world.account(index).into())
    }

    /// Its deals in the order of their creation, one after the other.
    pub fn deals(&self) -> impl Iterator<Item = Deal> + '_ {
        (0..self.world.deal_count()).map(|index| self.deal(index))
    }

    /// One deal; deals are numbered from 0 in the order of their creation.
    #[must_use]
    pub fn deal(&self, index: u64) -> Deal {
        let deal = Deal::from(self.world.deal(index));
        if self.changed_before(index + 1) > self.changed_before(index) {
            deal.a_night_later(self)
        } else {
            deal
        }
    }

    /// The true figures that an export shows of every fiscal quarter that saw an outcome: win
    /// rates, sales cycle and deal size, for the company, its regions, teams and reps; fiscal
    /// years start with month `fiscal_year_start` (1 to 12). [`World::truth`] knows more.
    #[must_use]
    pub fn truth(&self, fiscal_year_start: u32) -> Vec<Truth> {
        let shown = [
            "win_rate_count",
            "win_rate_value",
            "sales_cycle_mean",
            "sales_cycle_median",
            "deal_size_won_average",
            "deal_size_won_median",
        ];
        // An export tells no history: everything is whose it is now.
        let holder = |rep: usize| Holder { rep, team: self.world.people()[rep].team };
        let facts = self.deals().map(|deal| Fact {
            holder: holder(deal.owner),
            creator: holder(deal.owner),
            stage: deal.stage,
            created: deal.created_at.date_naive(),
            qualified: deal.engaged_at.map(|at| at.date_naive()),
            closed: deal.closed_at.map(|at| at.date_naive()),
            amount: deal.amount,
            pushes: deal.push_count,
            last_activity: Some(deal.last_activity_at.date_naive()),
        });
        let mut truth = truth::figures(&self.world, facts, fiscal_year_start);
        truth.retain(|figure| figure.period_grain == "quarter" && shown.contains(&figure.metric));
        truth
    }
}

#[cfg(test)]
mod tests;
