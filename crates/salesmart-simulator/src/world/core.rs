//! What all things of the world are worked out from: the seed, the calendar, the organisation and
//! how things are numbered. Everything in here is the same at any `now`.

use chrono::{Days, NaiveDate};

use crate::calendar::{Numbering, Window};
use crate::chance::{self, Dice, Purpose};
use crate::organisation::Organisation;
use crate::words::REGIONS;

use super::rates::RateTable;
use super::{Instant, Settings};

/// Leads for each deal.
pub(crate) const LEADS_PER_DEAL: u64 = 2;

/// How far beyond the size's day careers and calendars are known from the start.
const AHEAD: Days = Days::new(760);

/// How far beyond now they are known at least: a year of quotas, and the end of a month.
const AHEAD_OF_NOW: Days = Days::new(400);

/// The company's whole life, past and to come, up to a horizon.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) seed: u64,
    pub(crate) reps: usize,
    pub(crate) deals: u64,
    /// Nothing is ever deleted or merged: what an export has no way to show.
    pub(crate) tidy: bool,
    pub(crate) window: Window,
    pub(crate) organisation: Organisation,
    pub(crate) rates: RateTable,
    /// How many accounts are older than the history.
    pub(crate) old_accounts: u64,
}

impl Core {
    /// The company with a horizon that is far enough from `today`.
    pub(crate) fn new(settings: &Settings, tidy: bool, today: NaiveDate) -> Self {
        let reps = settings.size.reps.max(1);
        let horizon = (settings.as_of + AHEAD).max(today + AHEAD_OF_NOW);
        let window = Window::new(settings.as_of, horizon);
        let organisation =
            Organisation::generate(settings.seed, reps, settings.currencies, &window);
        let rates = RateTable::new(settings.seed, settings.currencies, &window);
        let old_accounts = (settings.size.deals / 12).max(12) / 2;
        Self {
            seed: settings.seed,
            reps,
            deals: settings.size.deals,
            tidy,
            window,
            organisation,
            rates,
            old_accounts,
        }
    }

    /// Whether everything up to `today`, and what has to be known ahead of it, is within reach.
    pub(crate) fn reaches(&self, today: NaiveDate) -> bool {
        today + AHEAD_OF_NOW <= self.window.horizon()
    }

    pub(crate) fn dice(&self, purpose: Purpose, index: u64) -> Dice {
        Dice::new(self.seed, purpose, index)
    }

    /// How many regions have a team.
    pub(crate) fn regions(&self) -> u64 {
        self.organisation.teams.len().min(REGIONS.len()) as u64
    }

    fn deal_numbering(&self) -> Numbering {
        Numbering { initial: self.deals }
    }

    fn lead_numbering(&self) -> Numbering {
        Numbering { initial: self.deals * LEADS_PER_DEAL }
    }

    fn account_numbering(&self) -> Numbering {
        Numbering { initial: (self.deals / 12).max(12) - self.old_accounts }
    }

    /// How many deals are created by the end of a day.
    pub(crate) fn deals_by(&self, day: NaiveDate) -> u64 {
        self.deal_numbering().count(&self.window, day, |index| self.place(index))
    }

    /// When a deal is created; none: beyond the horizon.
    pub(crate) fn deal_created(&self, index: u64) -> Option<Instant> {
        self.deal_numbering().begins(&self.window, index, self.place(index))
    }

    /// How many leads have come in by the end of a day.
    pub(crate) fn leads_by(&self, day: NaiveDate) -> u64 {
        self.lead_numbering().count(&self.window, day, |index| self.place(index))
    }

    /// When a lead comes in; none: beyond the horizon.
    pub(crate) fn lead_created(&self, index: u64) -> Option<Instant> {
        self.lead_numbering().begins(&self.window, index, self.place(index))
    }

    /// How many accounts there are by the end of a day.
    pub(crate) fn accounts_by(&self, day: NaiveDate) -> u64 {
        let numbering = self.account_numbering();
        self.old_accounts + numbering.count(&self.window, day, |index| self.place(index))
    }

    /// When an account is entered; half of the first are older than the history, the others came
    /// one after the other. None: beyond the horizon.
    pub(crate) fn account_created(&self, index: u64) -> Option<Instant> {
        if let Some(young) = index.checked_sub(self.old_accounts) {
            return self.account_numbering().begins(&self.window, young, self.place(young));
        }
        let age = 1.0 - chance::float(index) / chance::float(self.old_accounts);
        let day = self.window.start - Days::new(30 + chance::floor(age * 1_000.0));
        Some(crate::calendar::at(crate::calendar::working_day(day), 9 * 3600))
    }

    /// Where a thing lies between its neighbours, between 0 and 1.
    fn place(&self, index: u64) -> f64 {
        self.dice(Purpose::Numbering, index).unit()
    }
}
