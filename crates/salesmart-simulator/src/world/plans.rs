//! What people are to win, month by month, and what they say they will.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate, TimeDelta, Weekday};

use crate::calendar::{at, first_of_month, midnight, working_day, years_between};
use crate::chance::{self, Purpose};
use crate::organisation::months_between;
use crate::{Cents, Stage};

use super::core::Core;
use super::{DealEvent, ForecastCall, ForecastCategory, Instant, Quota, Role};

/// Months a person's quotas and calls are numbered within.
const MONTHS: u64 = 1 << 10;

/// What is won of a deal of ordinary size, on average over all deals: in corporate cents.
const USUALLY_WON: f64 = 620_000.0;

impl Core {
    fn first_month(&self) -> NaiveDate {
        first_of_month(self.window.start)
    }

    /// A rep's quota of a month in the currency of their team, as it was entered; none when they
    /// are not here.
    fn rep_quota(&self, rep: usize, month: NaiveDate) -> Option<i64> {
        let member = &self.organisation.members[rep];
        let last = month + Months::new(1) - Days::new(1);
        let here = member.start <= last && member.end.is_none_or(|end| month <= end);
        if member.role != Role::Rep || !here {
            return None;
        }
        let team =
            &self.organisation.teams[self.organisation.team_on(rep, month.max(member.start))];
        // As many deals as there are a month at the middle of the history, times what comes of one.
        let months = chance::float(self.window.days()) / 30.4;
        let deals = chance::float(self.deals) / months / chance::float(self.reps as u64);
        let grown = 1.35_f64.powf(years_between(self.window.start, month) - 1.0);
        let mut dice =
            self.dice(Purpose::Quota, rep as u64 * MONTHS + u64::from(month.year().unsigned_abs()));
        let hopes = dice.between(0.85, 1.25);
        let season = if (month.month() + 12 - 2) % 3 == 2 { 1.3 } else { 0.85 };
        let dollars =
            USUALLY_WON * deals * grown * team.deal_factor * member.skill.capacity * hopes * season;
        let local = dollars * self.rates.first(team.currency);
        // Rounded to full thousands.
        Some((chance::round(local / 100_000.0)).max(1) * 100_000)
    }

    /// All quotas that are entered by `now`: ten days before each month, for reps and, summed up
    /// and a little less, for managers. Some are changed in their month.
    pub(super) fn quotas(&self, now: Instant) -> Vec<Quota> {
        let mut quotas = Vec::new();
        for person in 1..self.organisation.members.len() {
            let member = &self.organisation.members[person];
            let first = self.first_month().max(first_of_month(member.start));
            for month in (0..).map(|months| first + Months::new(months)) {
                let entered =
                    at(working_day(month - Days::new(10)), 8 * 3600).max(midnight(member.start));
                if entered > now || member.end.is_some_and(|end| end < month) {
                    break;
                }
                let place = months_between(self.first_month(), month) as u64;
                quotas.extend(self.quota(person, month, place, entered, now));
            }
        }
        quotas
    }

    fn quota(
        &self,
        person: usize,
        month: NaiveDate,
        place: u64,
        created_at: Instant,
        now: Instant,
    ) -> Option<Quota> {
        let organisation = &self.organisation;
        let member = &organisation.members[person];
        let team = organisation.team_on(person, month.max(member.start));
        let amount = match member.role {
            Role::Manager => {
                let sum: i64 = organisation
                    .team_members(team, created_at.date_naive())
                    .filter_map(|rep| self.rep_quota(rep, month))
                    .sum();
                sum / 100 * 95 / 100_000 * 100_000
            }
            _ => self.rep_quota(person, month)?,
        };
        let index = person as u64 * MONTHS + place;
        let mut dice = self.dice(Purpose::Quota, 1 << 40 | index);
        let changed_at = at(working_day(month + Days::new(9 + dice.below(6))), 15 * 3600);
        let changes = dice.happens(0.04) && changed_at <= now && changed_at > created_at;
        let factor = [90, 95, 110, 115][chance::index(dice.below(4))];
        let amount = if changes { amount / 100 * factor } else { amount };
        Some(Quota {
            index,
            person,
            month,
            amount: Cents(amount),
            currency: organisation.teams[team].currency,
            created_at,
            modified_at: if changes { changed_at } else { created_at },
        })
    }

    /// What everybody said until `now`: each Friday, about the month that is running. Calls are
    /// near what came in the end, the nearer the later, with everybody's own bias: most reps hope,
    /// some hide, and managers cut.
    pub(super) fn forecast_calls(&self, now: Instant) -> Vec<ForecastCall> {
        let month_ends = first_of_month(now.date_naive()) + Months::new(1) - Days::new(1);
        let won = self.won_by_day(month_ends);
        let mut calls = Vec::new();
        for person in 1..self.organisation.members.len() {
            let member = &self.organisation.members[person];
            let first = self.window.start.max(member.start);
            let friday = (0..7)
                .map(|days| first + Days::new(days))
                .find(|day| day.weekday() == Weekday::Fri)
                .expect("a week has a Friday");
            for (week, day) in (0..).zip(friday.iter_days().step_by(7)) {
                let submitted_at = at(day, 13 * 3600)
                    + TimeDelta::minutes(i64::try_from(person % 240).unwrap_or(0));
                if submitted_at > now || member.end.is_some_and(|end| day > end) {
                    break;
                }
                let month = first_of_month(day);
                let units: Vec<usize> = match member.role {
                    Role::Manager => self
                        .organisation
                        .team_members(self.organisation.team_on(person, day), day)
                        .collect(),
                    _ => vec![person],
                };
                self.call(person, &units, month, submitted_at, week, &won, &mut calls);
            }
        }
        calls
    }

    #[expect(clippy::too_many_arguments, reason = "one call has that many sides")]
    fn call(
        &self,
        person: usize,
        units: &[usize],
        month: NaiveDate,
        submitted_at: Instant,
        week: u64,
        won: &BTreeMap<(usize, NaiveDate), i64>,
        calls: &mut Vec<ForecastCall>,
    ) {
        let today = submitted_at.date_naive();
        let next_month = month + Months::new(1);
        let sum = |from: NaiveDate, to: NaiveDate| -> i64 {
            units
                .iter()
                .flat_map(|unit| won.range((*unit, from)..(*unit, to)))
                .map(|(_, c)| c)
                .sum()
        };
        // What is won by yesterday is known; the rest is opinion.
        let (known, rest) = (sum(month, today), sum(today, next_month));
        let left = chance::float((next_month - today).num_days().unsigned_abs()) / 31.0;
        let mut dice = self.dice(Purpose::Call, person as u64 * MONTHS + week);
        let optimism = self.organisation.members[person].skill.optimism;
        let noise = dice.lognormal(1.0, 0.1 + 0.5 * left);
        // Even whose month stays empty hopes for something in the beginning.
        let usual = USUALLY_WON * chance::float(units.len() as u64) * left * 0.5 * dice.unit();
        let likely = known + chance::round((chance::money(rest) + usual) * noise * optimism);
        let best = likely + chance::round((chance::money(rest) + usual) * dice.between(0.1, 0.6));
        let commit =
            known + (likely - known) / 100 * i64::try_from(55 + dice.below(30)).unwrap_or(60);
        let index = (person as u64 * MONTHS + week) * 4;
        let amounts = [
            (ForecastCategory::Commit, commit),
            (ForecastCategory::MostLikely, likely),
            (ForecastCategory::BestCase, best),
        ];
        for (place, (category, amount)) in (0..).zip(amounts) {
            let amount = Cents(amount / 10_000 * 10_000);
            calls.push(ForecastCall {
                index: index + place,
                person,
                month,
                category,
                amount,
                submitted_at,
            });
        }
    }

    /// What each person's deals won on each day, in corporate currency, whatever came later.
    fn won_by_day(&self, until: NaiveDate) -> BTreeMap<(usize, NaiveDate), i64> {
        let end = midnight(until) + TimeDelta::days(1) - TimeDelta::seconds(1);
        let mut won: BTreeMap<(usize, NaiveDate), i64> = BTreeMap::new();
        for index in 0..self.deals_by(until) {
            let Some(nature) = self.nature(index) else { continue };
            let life = self.life(index, &nature);
            let (_, history) = self.record(index, &nature, &life, end);
            let (mut owner, mut amount) = (nature.owner, None);
            let mut pending: Option<Instant> = None;
            let mut book = |owner: usize, amount: Option<Cents>, at: Instant| {
                let (amount, day) = (amount.unwrap_or_default(), at.date_naive());
                let dollars = self.rates.corporate(amount, nature.currency, day, day);
                *won.entry((owner, day)).or_default() += dollars.0;
            };
            for change in &history {
                // The amount may be set in the save that wins it, after the stage.
                if let Some(at) = pending.filter(|at| *at != change.at) {
                    book(owner, amount, at);
                    pending = None;
                }
                match change.what {
                    DealEvent::Created { amount: first, .. } => amount = first,
                    DealEvent::Amount { to, .. } => amount = to,
                    DealEvent::Owner { to, .. } => owner = to,
                    DealEvent::Stage { to: Stage::ClosedWon, .. } => pending = Some(change.at),
                    _ => {}
                }
            }
            if let Some(at) = pending {
                book(owner, amount, at);
            }
        }
        won
    }
}
