//! Whom the company sells to: accounts, some entered twice, and the people who work there.

use chrono::{Days, NaiveDate, TimeDelta};

use crate::Cents;
use crate::calendar::{at, office_hours, working_day};
use crate::chance::{self, Dice, Purpose};
use crate::organisation::mailbox;
use crate::words::{FIRST_NAMES, FORMS, LAST_NAMES, REGIONS, STEMS, TITLES, TRADES};

use super::core::Core;
use super::{Contact, Customer, Instant};

/// One in so many accounts of a region is entered a second time, and one in so many never buys.
const RHYTHM: u64 = 11;

/// How an account ends, if it does.
#[derive(Clone, Copy)]
pub(super) struct AccountEnd {
    pub(super) at: Instant,
    /// The account it is merged into; otherwise it is deleted.
    pub(super) into: Option<u64>,
}

/// When a hand-over of what a leaver held is entered, on the last day.
pub(super) const HANDED_OVER_AT: i64 = 19 * 3600 + 15 * 60;

impl Core {
    fn row(&self, account: u64) -> u64 {
        account / self.regions() % RHYTHM
    }

    /// The account that this one is a second entry of.
    pub(super) fn duplicate_of(&self, account: u64) -> Option<u64> {
        (self.row(account) == 7).then(|| account - self.regions())
    }

    /// Accounts to which nothing is ever sold; only such are deleted.
    fn never_buys(&self, account: u64) -> bool {
        self.row(account) == 4
    }

    /// An account of a region that is older than `day`. `draw` is between 0 and 1; some accounts
    /// buy much more often than others.
    pub(super) fn buyer(&self, region: usize, day: NaiveDate, draw: f64) -> u64 {
        let regions = self.regions();
        let known = self.accounts_by(day - Days::new(1));
        let place = chance::floor(chance::float(known) * draw.powf(1.6));
        let rounded = place - place % regions + region as u64;
        let chosen = if rounded < known { rounded } else { region as u64 };
        if self.never_buys(chosen) { chosen - regions } else { chosen }
    }

    /// When and how an account ends.
    pub(super) fn account_end(&self, account: u64) -> Option<AccountEnd> {
        let into = self.duplicate_of(account);
        if self.tidy || !(into.is_some() || self.never_buys(account)) {
            return None;
        }
        let mut dice = self.dice(Purpose::Duplicate, account);
        let (ends, after) = (dice.happens(0.7), 10 + dice.below(700));
        if !ends {
            return None;
        }
        let from = self.account_created(account)?.date_naive().max(self.window.start);
        Some(AccountEnd { at: office_hours(&mut dice, working_day(from + Days::new(after))), into })
    }

    /// The account that stands for this one at an instant, and since when, if it was merged away.
    pub(super) fn account_at(&self, account: u64, now: Instant) -> (u64, Option<Instant>) {
        match self.account_end(account) {
            Some(AccountEnd { at, into: Some(into) }) if at <= now => (into, Some(at)),
            _ => (account, None),
        }
    }

    /// Its name, that of the industry, and whether it is a second entry.
    pub(super) fn account_name(&self, account: u64) -> (String, &'static str) {
        match self.duplicate_of(account) {
            Some(original) => {
                let (name, industry) = name(original);
                (format!("{} (new)", name.to_uppercase()), industry)
            }
            None => name(account),
        }
    }

    /// The domain, which second entries share with the first.
    pub(super) fn domain(&self, account: u64) -> Option<String> {
        let root = self.duplicate_of(account).unwrap_or(account);
        self.has_domain(account).then(|| {
            let name: String = mailbox(&name(root).0).chars().filter(|c| *c != '.').collect();
            format!("{name}.example")
        })
    }

    /// Whether anybody knows its domain.
    pub(super) fn has_domain(&self, account: u64) -> bool {
        let root = self.duplicate_of(account).unwrap_or(account);
        !self.dice(Purpose::Account, root).happens(0.04)
    }

    /// Who owned it first, and since which day that is known.
    fn first_owner(&self, account: u64, created: Instant) -> usize {
        let regions = self.regions();
        let teams = self.organisation.teams.len() as u64;
        let mut dice = self.dice(Purpose::HandOver, account);
        let region = account % regions;
        let in_region = (teams - region).div_ceil(regions);
        let team = chance::index(region + regions * dice.below(in_region));
        self.organisation.rep_of(team, created.date_naive().max(self.window.start), dice.unit())
    }

    /// Who owns it at `now`, and when that last changed.
    fn account_owner(
        &self,
        account: u64,
        created: Instant,
        now: Instant,
    ) -> (usize, Option<Instant>) {
        let first = self.first_owner(account, created);
        let (owner, since) = self.organisation.holder(first, now.date_naive());
        (owner, since.map(|day| at(day, HANDED_OVER_AT)))
    }

    /// The account as of `now`, which is not before its creation.
    pub(super) fn account(&self, index: u64, now: Instant) -> Option<Customer> {
        let created_at = self.account_created(index)?;
        let mut dice = self.dice(Purpose::Account, index);
        // The first draw is the domain's.
        let _ = dice.unit();
        let regions = self.regions();
        let (name, industry) = self.account_name(index);
        let (_, countries) = REGIONS[chance::index(index % regions)];
        let country = dice.pick(countries);
        let employees = chance::round(dice.lognormal(320.0, 1.3)).max(3);
        let revenue_each = chance::round(dice.lognormal(190_000.0, 0.4));
        let (belongs, whose) = (dice.happens(0.07), dice.unit());
        let parent = (index >= 12 && belongs).then(|| {
            let row = chance::floor(whose * chance::float(index / regions));
            let parent = row * regions + index % regions;
            let ends = self.duplicate_of(parent).is_some() || self.never_buys(parent);
            if ends { parent - regions } else { parent }
        });
        // Nothing is done about an account that is gone.
        let end = self.account_end(index).filter(|end| end.at <= now);
        let now = end.map_or(now, |end| end.at);
        let (owner, owned_since) = self.account_owner(index, created_at, now);
        // Once a year somebody looks its size up again.
        let known = created_at.date_naive().max(self.window.start);
        // On the working day before, where that falls on a weekend: so the year that counts is the
        // last one whose day has come, and a size never changes with a stamp of days ago.
        let looked_up_after =
            |years: i64| at(working_day(known + Days::new(years.unsigned_abs() * 365)), 10 * 3600);
        let years = (now.date_naive() - known).num_days() / 365;
        let years = if looked_up_after(years + 1) <= now { years + 1 } else { years };
        let employees = (0..years).fold(employees, |size, _| size + size / 25);
        let mut modified_at = created_at.max(owned_since.unwrap_or(created_at));
        if years > 0 {
            modified_at = modified_at.max(looked_up_after(years));
        }
        if let Some(end) = end {
            modified_at = modified_at.max(end.at);
        }
        if let Some(merged) = self.absorbed(index, now) {
            modified_at = modified_at.max(merged);
        }
        Some(Customer {
            index,
            name,
            domain: self.domain(index),
            industry,
            country,
            annual_revenue: Cents(employees * revenue_each * 100),
            employees,
            parent,
            owner,
            created_at,
            modified_at,
            deleted_at: end.map(|end| end.at),
            merged_into: end.and_then(|end| end.into),
        })
    }

    /// When another account was merged into this one.
    fn absorbed(&self, account: u64, now: Instant) -> Option<Instant> {
        let twin = account + self.regions();
        self.duplicate_of(twin)?;
        self.account_end(twin).map(|end| end.at).filter(|at| *at <= now)
    }

    /// The people of an account who were entered until `now`.
    pub(super) fn contacts(&self, account: u64, now: Instant) -> Vec<Contact> {
        let Some(account_created) = self.account_created(account) else { return Vec::new() };
        let domain = self.domain(account);
        let end = self.account_end(account).filter(|end| end.at <= now);
        (0..self.contact_count(account))
            .filter_map(|place| {
                let sketch = self.contact(account, place)?;
                // Who works for a deleted account goes with it, and nobody is entered there after.
                let closed = end.filter(|end| end.into.is_none()).map(|end| end.at);
                let known = sketch.created_at <= now
                    && closed.is_none_or(|closed| sketch.created_at < closed);
                known.then(|| {
                    let own = sketch.end.filter(|(at, _)| *at <= now);
                    let (ended_at, into) = match (own, closed) {
                        (Some((at, into)), closed) if closed.is_none_or(|closed| at < closed) => {
                            (Some(at), into)
                        }
                        (_, closed) => (closed, None),
                    };
                    // Nothing is done about a contact that is gone.
                    let then = ended_at.unwrap_or(now);
                    let (owner, owned) = self.account_owner(account, account_created, then);
                    let (now_at, moved) = self.account_at(account, then);
                    let joined = self.joined_by(account, place, then);
                    let modified_at = [owned, moved, ended_at, joined]
                        .into_iter()
                        .flatten()
                        .fold(sketch.created_at, Instant::max);
                    Contact {
                        index: account * 8 + place,
                        account: now_at,
                        email: sketch.email(domain.as_deref()),
                        first_name: sketch.first_name.to_owned(),
                        last_name: sketch.last_name.to_owned(),
                        title: sketch.title,
                        owner,
                        created_at: sketch.created_at,
                        modified_at,
                        deleted_at: ended_at,
                        merged_into: into,
                    }
                })
            })
            .collect()
    }

    /// When another contact was last merged into this one.
    fn joined_by(&self, account: u64, place: u64, now: Instant) -> Option<Instant> {
        if place > 0 {
            return None;
        }
        let twin = Some(3).filter(|twin| *twin < self.contact_count(account))?;
        let (at, into) = self.contact(account, twin)?.end?;
        into.is_some_and(|_| at <= now).then_some(at)
    }

    fn contact_count(&self, account: u64) -> u64 {
        1 + self.dice(Purpose::Contact, account * 8).below(6)
    }

    /// Somebody at an account for what begins at `when`: mostly the first one known there, never
    /// one who is entered twice or deleted later.
    pub(super) fn counterpart(&self, account: u64, when: Instant, draw: u64) -> u64 {
        let place = [0, 0, 0, 0, 1, 1, 2, 4][chance::index(draw % 8)];
        let known = place == 0
            || (place < self.contact_count(account)
                && self
                    .contact(account, place)
                    .is_some_and(|contact| contact.end.is_none() && contact.created_at <= when));
        account * 8 + if known { place } else { 0 }
    }

    /// What stays the same of a contact.
    pub(super) fn contact(&self, account: u64, place: u64) -> Option<ContactSketch> {
        let account_created = self.account_created(account)?;
        let mut dice = self.dice(Purpose::Contact, account * 8 + place);
        // The first draw of the first contact is their number.
        let _ = dice.bits();
        let known = account_created.date_naive().max(self.window.start);
        let after = Days::new(1 + dice.below(700));
        let created_at = if place == 0 {
            account_created + TimeDelta::minutes(5)
        } else {
            office_hours(&mut dice, working_day(known + after))
                .max(account_created + TimeDelta::minutes(10))
        };
        let is_twin = place == 3 && dice.happens(0.25);
        let leaves = place >= 2 && !is_twin && dice.happens(0.06);
        let later = working_day(created_at.date_naive() + Days::new(5 + dice.below(120)));
        let happens = (leaves || (is_twin && dice.happens(0.7))) && !self.tidy;
        let end = happens.then(|| {
            let at = office_hours(&mut dice, later).max(created_at + TimeDelta::hours(1));
            (at, is_twin.then_some(account * 8))
        });
        let root = self.duplicate_of(account);
        let slot = if is_twin { 0 } else { place } + if root.is_some() { 8 } else { 0 };
        let names = (FIRST_NAMES.len() * LAST_NAMES.len()) as u64;
        let base = self.dice(Purpose::Contact, root.unwrap_or(account) * 8 + 7).below(names);
        let name = chance::index((base + 101 * slot) % names);
        Some(ContactSketch {
            first_name: FIRST_NAMES[name % FIRST_NAMES.len()],
            last_name: LAST_NAMES[name % LAST_NAMES.len()],
            title: dice.pick(&TITLES),
            created_at,
            end,
            is_twin,
            has_email: place == 0 || !dice.happens(0.06),
        })
    }

    /// The address of a contact.
    pub(super) fn contact_email(&self, contact: u64) -> Option<String> {
        let account = contact / 8;
        self.contact(account, contact % 8)?.email(self.domain(account).as_deref())
    }
}

/// What stays the same of a contact.
pub(super) struct ContactSketch {
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    title: &'static str,
    pub(super) created_at: Instant,
    /// When it is deleted, or into which it is merged.
    end: Option<(Instant, Option<u64>)>,
    /// Entered a second time, with another form of the address.
    is_twin: bool,
    has_email: bool,
}

impl ContactSketch {
    fn email(&self, domain: Option<&str>) -> Option<String> {
        let (first, last) = (mailbox(self.first_name), mailbox(self.last_name));
        let first = if self.is_twin { &first[..1] } else { &first };
        domain.filter(|_| self.has_email).map(|domain| format!("{first}.{last}@{domain}"))
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

/// Somebody whom no account knows: the name of a company, and of its domain.
pub(super) fn stranger(dice: &mut Dice) -> (String, String) {
    let (stem, (trade, _)) = (dice.pick(&STEMS), dice.pick(&TRADES));
    let number = dice.below(900);
    let domain = format!("{}{}{number}.example", mailbox(stem), mailbox(trade));
    (format!("{stem} {trade} {}", 100 + number), domain)
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
