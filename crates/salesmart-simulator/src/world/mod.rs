//! The company at one instant, as its systems would show it: everything the wire servers serve.
//!
//! Nothing is stored that can be worked out: a deal's whole life is a pure function of the seed
//! and its number, and [`World::now`] cuts it off. To move time on is to move that instant, so
//! that five million deals cost no more memory than five, and `advance` needs no bookkeeping.
//!
//! Things are numbered from 0 in the order of their creation; the wire servers make the ids of
//! their systems from these numbers. What is numbered may be deleted at `now`; it is there
//! nonetheless, with `deleted_at` set, since systems go on knowing what they deleted.

mod activities;
mod core;
mod customers;
mod deals;
mod leads;
mod plans;
mod rates;
mod shapes;

use std::sync::Arc;

use chrono::{Datelike, Days, NaiveDate, TimeDelta};

use crate::calendar::{at, midnight};
use crate::organisation::LEAVES_AT;
use crate::truth;
use crate::words::{HOLIDAYS, PRODUCTS};
use crate::{Cents, Known, Sheet, Size, Stage, Truth};

pub use shapes::*;

use self::core::Core;

/// What a world grows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What its chance grows from.
    pub seed: u64,
    /// How many reps and deals it has when it starts.
    pub size: Size,
    /// The day on which it starts.
    pub as_of: NaiveDate,
    /// Whether teams sell in their own currencies; otherwise all in USD.
    pub currencies: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            size: Size { reps: 20, deals: 3_000 },
            as_of: NaiveDate::from_ymd_opt(2026, 9, 30).expect("a day of the calendar"),
            currencies: true,
        }
    }
}

/// The company at one instant. Clones are cheap.
#[derive(Clone, Debug)]
pub struct World {
    settings: Settings,
    core: Arc<Core>,
    today: NaiveDate,
    people: Arc<[Person]>,
    teams: Arc<[SalesTeam]>,
    products: Arc<[Product]>,
    rates: Arc<[Rate]>,
}

impl World {
    /// The world on the day on which it starts.
    #[must_use]
    pub fn new(settings: Settings) -> World {
        Self::start(settings, false)
    }

    /// The same company, but for nothing ever being deleted or merged, which exports cannot show.
    pub(crate) fn tidy(settings: Settings) -> World {
        Self::start(settings, true)
    }

    fn start(settings: Settings, tidy: bool) -> World {
        let today = settings.as_of;
        let core = Arc::new(Core::new(&settings, tidy, today));
        let nobody: Arc<[Person]> = Arc::new([]);
        let (teams, products, rates) = (Arc::new([]), Arc::new([]), Arc::new([]));
        let mut world = World { settings, core, today, people: nobody, teams, products, rates };
        world.look_around();
        world
    }

    /// Works out what is small enough to be kept: people, teams, products and rates.
    fn look_around(&mut self) {
        let core = &self.core;
        let joined = core.organisation.joined(self.today);
        self.people = (0..joined).map(|index| self.person(index)).collect();
        let teams = core.organisation.teams.iter().enumerate();
        self.teams = teams
            .map(|(index, team)| SalesTeam {
                index,
                name: team.name.clone(),
                region: team.region,
                manager: team.manager,
                currency: team.currency,
                created_at: team.created_at,
            })
            .collect();
        let entered = at(core.window.start - Days::new(1_000), 9 * 3600);
        self.products = PRODUCTS
            .iter()
            .enumerate()
            .map(|(index, product)| Product {
                index,
                name: product.name,
                family: product.family,
                list_price: Cents(product.list_price),
                created_at: entered,
            })
            .collect();
        self.rates = core.rates.published(self.today).into();
    }

    fn person(&self, index: usize) -> Person {
        let organisation = &self.core.organisation;
        let (member, today) = (&organisation.members[index], self.today);
        let begun =
            || member.teams.iter().filter(|(_, from)| *from <= today || *from == member.start);
        let memberships: Vec<Membership> = begun()
            .zip(begun().skip(1).map(Some).chain([None]))
            .map(|((team, from), next)| Membership {
                team: *team,
                from: *from,
                to: next.map(|(_, from)| *from - Days::new(1)),
            })
            .collect();
        let end = member.end.filter(|end| *end <= today);
        let created_at = midnight(member.start);
        let moved = memberships.last().map_or(created_at, |last| midnight(last.from));
        let left = end.map_or(created_at, |end| at(end, LEAVES_AT));
        let team = organisation.members[index].team_on(today);
        Person {
            index,
            first_name: member.first_name.to_owned(),
            last_name: member.last_name.clone(),
            email: member.email.clone(),
            role: member.role,
            team,
            manager: match member.role {
                Role::HeadOfSales => None,
                Role::Manager => Some(0),
                Role::Rep => team.map(|team| organisation.teams[team].manager),
            },
            time_zone: member.time_zone,
            start: member.start,
            end,
            memberships,
            created_at,
            modified_at: created_at.max(moved).max(left),
        }
    }

    /// What it grew from.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The last second of the day it is. Nothing happens after 20 o'clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        midnight(self.today) + TimeDelta::days(1) - TimeDelta::seconds(1)
    }

    /// The day it is.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.today
    }

    /// Moves time on. The company goes on selling.
    pub fn advance(&mut self, days: u32) {
        self.today = self.today + Days::new(u64::from(days));
        if !self.core.reaches(self.today) {
            self.core = Arc::new(Core::new(&self.settings, self.core.tidy, self.today));
        }
        self.look_around();
    }

    /// The first day of its history: that of the quarter eight quarters before the one in which
    /// the day after the first `as_of` lies.
    #[must_use]
    pub fn first_day(&self) -> NaiveDate {
        self.core.window.start
    }

    /// The stages of a deal, in order.
    #[must_use]
    pub fn stages() -> &'static [Stage] {
        &Stage::ALL
    }

    /// Everybody who has joined: the head of sales, the managers, and the reps as they came.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// The teams.
    #[must_use]
    pub fn teams(&self) -> &[SalesTeam] {
        &self.teams
    }

    /// The price list.
    #[must_use]
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// The rates that are published, by currency and day; those of months to come are not known.
    #[must_use]
    pub fn rates(&self) -> &[Rate] {
        &self.rates
    }

    /// The quotas that are entered.
    #[must_use]
    pub fn quotas(&self) -> Vec<Quota> {
        self.core.quotas(self.now())
    }

    /// The forecasts that were submitted. Goes through all deals once.
    #[must_use]
    pub fn forecast_calls(&self) -> Vec<ForecastCall> {
        self.core.forecast_calls(self.now())
    }

    /// Public holidays, from the first day to a year from now.
    #[must_use]
    pub fn holidays(&self) -> Vec<(NaiveDate, &'static str)> {
        let last = self.today + Days::new(365);
        (self.first_day().year()..=last.year())
            .flat_map(|year| {
                HOLIDAYS.iter().filter_map(move |(month, day, name)| {
                    Some((NaiveDate::from_ymd_opt(year, *month, *day)?, *name))
                })
            })
            .filter(|(day, _)| (self.first_day()..=last).contains(day))
            .collect()
    }

    /// How many accounts were entered.
    #[must_use]
    pub fn account_count(&self) -> u64 {
        self.core.accounts_by(self.today)
    }

    /// An account.
    ///
    /// # Panics
    /// When `index` is not below [`World::account_count`].
    #[must_use]
    pub fn account(&self, index: u64) -> Customer {
        assert!(index < self.account_count(), "account {index} is not entered yet");
        self.core.account(index, self.now()).expect("what is counted is within the horizon")
    }

    /// The contacts that were entered for an account; of one that was merged away, they belong to
    /// the survivor now.
    #[must_use]
    pub fn contacts_of(&self, account: u64) -> Vec<Contact> {
        self.core.contacts(account, self.now())
    }

    /// How many leads have come in.
    #[must_use]
    pub fn lead_count(&self) -> u64 {
        self.core.leads_by(self.today)
    }

    /// A lead.
    ///
    /// # Panics
    /// When `index` is not below [`World::lead_count`].
    #[must_use]
    pub fn lead(&self, index: u64) -> Lead {
        assert!(index < self.lead_count(), "lead {index} has not come in yet");
        self.core.lead(index, self.now()).expect("what is counted is within the horizon")
    }

    /// How many deals were entered.
    #[must_use]
    pub fn deal_count(&self) -> u64 {
        self.core.deals_by(self.today)
    }

    /// A deal, with all that happened to it until now.
    ///
    /// # Panics
    /// When `index` is not below [`World::deal_count`].
    #[must_use]
    pub fn deal(&self, index: u64) -> Opportunity {
        assert!(index < self.deal_count(), "deal {index} is not entered yet");
        self.core.deal(index, self.now()).expect("what is counted is within the horizon")
    }

    /// Calls, mails, meetings and tasks about a deal.
    #[must_use]
    pub fn activities_of_deal(&self, deal: u64) -> Vec<Activity> {
        self.core.activities_of_deal(deal, self.now())
    }

    /// Calls and mails about a lead.
    #[must_use]
    pub fn activities_of_lead(&self, lead: u64) -> Vec<Activity> {
        self.core.activities_of_lead(lead, self.now())
    }

    /// What one of the people has arranged without customers.
    #[must_use]
    pub fn internal_activities(&self, person: usize) -> Vec<Activity> {
        self.core.diary(person, self.now())
    }

    /// What the KPIs must come to; fiscal years start with month `fiscal_year_start` (1 to 12).
    /// `known` is the day on which the company's systems were first read, or a [`Known`] that says
    /// more of what they tell. Sorted by metric, scope, name, slices, grain and period.
    #[must_use]
    pub fn truth(&self, fiscal_year_start: u32, known: impl Into<Known>) -> Vec<Truth> {
        truth::of_world(self, fiscal_year_start, known.into())
    }

    /// What the funnel must come to: the sheets `stage_visit`, `stage_conversion`, `loss`,
    /// `lead_conversion` and `crm_hygiene`.
    #[must_use]
    pub fn truth_funnel(&self, fiscal_year_start: u32, known: impl Into<Known>) -> Vec<Sheet> {
        truth::funnel_of(self, fiscal_year_start, known.into())
    }

    /// What forecasts must come to: the sheets `forecast_figure`, of these days, and
    /// `forecast_actual`, of quarters whose books closed so many days after their end.
    #[must_use]
    pub fn truth_forecast(
        &self,
        fiscal_year_start: u32,
        known: impl Into<Known>,
        days: &[NaiveDate],
        books_close_days: u64,
    ) -> Vec<Sheet> {
        truth::forecast_of(self, fiscal_year_start, known.into(), days, books_close_days)
    }

    /// What moved all that is won or due in the quarter that begins on `quarter` from the day it
    /// was in `before` to today: the sheet `forecast_bridge`.
    #[must_use]
    pub fn truth_bridge(
        &self,
        before: &World,
        fiscal_year_start: u32,
        known: impl Into<Known>,
        quarter: NaiveDate,
    ) -> Sheet {
        truth::bridge_of(before, self, fiscal_year_start, known.into(), quarter)
    }

    /// The rate of a currency on a day: units for one of the corporate currency, in millionths.
    pub(crate) fn rate(&self, currency: &str, day: NaiveDate) -> i64 {
        self.core.rates.on(currency, day, self.today)
    }

    /// An amount in the corporate currency by the rate of a day, as far as rates are published.
    pub(crate) fn corporate(&self, amount: Cents, currency: &str, day: NaiveDate) -> Cents {
        self.core.rates.corporate(amount, currency, day, self.today)
    }
}

#[cfg(test)]
mod tests;
