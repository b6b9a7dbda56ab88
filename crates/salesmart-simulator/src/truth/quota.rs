//! Quotas and what was credited against them: attainment, achievement, and coverage.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, Months, NaiveDate, Weekday};

use crate::world::{Quota, Role, World};
use crate::{Cents, Fixed6};

use super::known::{Holder, Known, People};
use super::story::Story;
use super::sums::{Names, Slot};
use super::{Grain, Period, Scope, Truth, count};

/// For whom a quota or credit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum For {
    /// Everybody.
    All,
    /// The person only: overlay credit, and quotas in a team that has one of its own.
    Person,
    /// The team, region and company: a team's own quota.
    Team,
}

impl For {
    fn includes(self, scope: Scope) -> bool {
        match self {
            For::All => true,
            For::Person => scope == Scope::Rep,
            For::Team => scope != Scope::Rep,
        }
    }
}

/// A share of a won deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Credit {
    pub(super) holder: Holder,
    pub(super) day: NaiveDate,
    /// In corporate currency.
    pub(super) amount: Option<Cents>,
    pub(super) counts_for: For,
}

/// A month's quota, or the part of it that somebody held in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owed {
    pub(super) holder: Holder,
    pub(super) month: NaiveDate,
    /// Whether they were here on any day.
    pub(super) is_held: bool,
    /// For the days on which they were here; none: nobody knows what it is worth.
    pub(super) prorated: Option<Cents>,
    /// Whether this is where the quota as it was entered is counted.
    pub(super) is_first: bool,
    /// As it was entered; none: nobody knows what it is worth.
    pub(super) whole: Option<Cents>,
    pub(super) counts_for: For,
}

/// Monday to Friday, both ends included.
fn working_days(first: NaiveDate, last: NaiveDate) -> i64 {
    let is_working = |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let days = first.iter_days().take_while(|day| *day <= last).filter(is_working).count();
    i64::try_from(days).unwrap_or(0)
}

fn half_away(dividend: i128, divisor: i128) -> Cents {
    let doubled = dividend * 2 / divisor;
    Cents(i64::try_from((doubled + doubled.signum()) / 2).unwrap_or(i64::MAX))
}

/// Who is credited for what a deal won.
pub(super) fn credits(
    world: &World,
    known: &Known,
    people: &People<'_>,
    story: &Story,
) -> Vec<Credit> {
    let fact = &story.fact;
    let Some(day) = fact.closed.filter(|_| fact.is_won() && !story.is_gone) else {
        return Vec::new();
    };
    let whole = Credit { holder: fact.holder, day, amount: fact.amount, counts_for: For::All };
    if !known.has_splits {
        return vec![whole];
    }
    let mut splits = world.deal(story.index).splits;
    splits.sort_by_key(|split| split.index);
    let mut left = fact.amount.map(|amount| amount.0);
    let last = splits.iter().rposition(|split| !split.is_overlay);
    let credits = splits.iter().enumerate().map(|(place, split)| {
        let part =
            |amount: Cents| half_away(i128::from(amount.0) * i128::from(split.share), 10_000);
        let mut amount = fact.amount.map(part);
        if Some(place) == last {
            // What rounding leaves over goes to the last one.
            amount = left.map(Cents);
        } else if !split.is_overlay {
            left = left.zip(amount).map(|(left, amount)| left - amount.0);
        }
        let counts_for = if split.is_overlay { For::Person } else { For::All };
        Credit { holder: people.holder(split.person, day), amount, counts_for, ..whole }
    });
    credits.collect()
}

/// What everybody owes in each month.
pub(super) fn owed(
    world: &World,
    known: &Known,
    people: &People<'_>,
    stories: &[Story],
) -> Vec<Owed> {
    let quotas = world.quotas();
    let told = if known.has_dated_rates { None } else { Some(told_rates(world, stories)) };
    let is_manager = |quota: &Quota| world.people()[quota.person].role == Role::Manager;
    // Teams whose manager holds a quota of the month have their own.
    let own: BTreeSet<(Option<usize>, NaiveDate)> = quotas
        .iter()
        .filter(|quota| known.has_managers && is_manager(quota))
        .map(|quota| (people.holder(quota.person, quota.month).team, quota.month))
        .collect();
    let mut owed = Vec::new();
    for quota in &quotas {
        let amount = corporate(world, told.as_ref(), quota);
        let month = quota.month;
        let last = month + Months::new(1) - Days::new(1);
        if known.has_managers && is_manager(quota) {
            let holder = people.holder(quota.person, month);
            let (prorated, whole, counts_for) = (amount, amount, For::Team);
            let (is_held, is_first) = (true, true);
            owed.push(Owed { holder, month, is_held, prorated, is_first, whole, counts_for });
            continue;
        }
        let person = &world.people()[quota.person];
        let (begins, ends) = if known.has_careers {
            (person.start, person.end.unwrap_or(NaiveDate::MAX))
        } else {
            (NaiveDate::MIN, NaiveDate::MAX)
        };
        let all = working_days(month, last);
        // One part for each team in which they were in the month.
        let moves: Vec<NaiveDate> =
            people.moves(quota.person, month, last + Days::new(1)).collect();
        let starts = std::iter::once(month).chain(moves.iter().copied());
        let stops = moves.iter().map(|day| *day - Days::new(1)).chain([last]);
        let parts: Vec<(NaiveDate, i64)> = starts
            .zip(stops)
            .map(|(from, to)| (from, working_days(from.max(begins), to.min(ends))))
            .collect();
        let first = parts.iter().position(|(_, held)| *held > 0).unwrap_or(0);
        for (place, (from, held)) in parts.into_iter().enumerate() {
            let holder = people.holder(quota.person, from);
            let counts_for =
                if own.contains(&(holder.team, month)) { For::Person } else { For::All };
            let part =
                |amount: Cents| half_away(i128::from(amount.0) * i128::from(held), i128::from(all));
            owed.push(Owed {
                holder,
                month,
                is_held: held > 0,
                prorated: amount.map(part),
                is_first: place == first,
                whole: amount,
                counts_for,
            });
        }
    }
    owed
}

/// Rates by currency and the days on which they are told.
type Told = BTreeMap<&'static str, BTreeMap<NaiveDate, i64>>;

/// The rates of a source that tells them at its deals only: of the days on which one is due.
fn told_rates(world: &World, stories: &[Story]) -> Told {
    let mut told = Told::new();
    for story in stories.iter().filter(|story| !story.is_gone) {
        let Some(span) = story.spans.last() else { continue };
        let currency = world.deal(story.index).currency;
        told.entry(currency).or_default().insert(span.close, world.rate(currency, span.close));
    }
    told
}

/// A month's quota in corporate currency, by the rate of its first day. Where rates are told at
/// deals only, by that of the first deal due in the month, else by the last one before.
fn corporate(world: &World, told: Option<&Told>, quota: &Quota) -> Option<Cents> {
    let (month, next) = (quota.month, quota.month + Months::new(1));
    let Some(told) = told.filter(|_| quota.currency != "USD") else {
        return Some(world.corporate(quota.amount, quota.currency, month));
    };
    let days = told.get(quota.currency)?;
    let (_, rate) = days.range(month..next).next().or_else(|| days.range(..month).next_back())?;
    let factor = 1_000_000 * 1_000_000_000_000 / i128::from(*rate);
    Some(half_away(i128::from(quota.amount.0) * factor, 1_000_000_000_000))
}

/// Bookings and quotas under one name.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    booked: i128,
    bookings: u64,
    unvalued: u64,
    quota: i128,
    quotas: u64,
    unknown_quotas: u64,
}

/// The figures of months, quarters and years that have begun.
pub(super) fn figures(
    credits: &[Credit],
    owed: &[Owed],
    names: &Names,
    today: NaiveDate,
    first_month: u32,
) -> Vec<Truth> {
    let mut truth = Vec::new();
    if owed.is_empty() {
        return truth;
    }
    for (metric, is_prorated) in
        [("quota_attainment", true), ("quota_attainment_unprorated", false)]
    {
        for ((scope, name, period), account) in
            accounts(credits, owed, names, first_month, is_prorated)
        {
            if period.1 > today {
                continue;
            }
            let slot = Slot::new(metric, period.0.as_str(), period.1);
            let n = account.bookings + account.quotas;
            let above = Fixed6::cents(account.booked);
            let below = (account.quotas > 0).then_some(Fixed6::cents(account.quota));
            let above = (n > 0).then_some(above);
            // Bookings none of which is known are no 0.
            let is_known =
                account.unknown_quotas == 0 && (account.bookings > 0 || account.unvalued == 0);
            let out = account.unvalued + account.unknown_quotas;
            let value = above.zip(below).filter(|_| is_known).and_then(|(a, b)| a.ratio(b));
            truth.push(slot.figure(scope, &name, [above, below, value], n, out));
        }
    }
    truth.extend(achievement(credits, owed, names, today, first_month));
    truth
}

/// Whom and which period something is about.
type Unit = (Scope, String, (Grain, NaiveDate));

type Accounts = BTreeMap<Unit, Account>;

fn accounts(
    credits: &[Credit],
    owed: &[Owed],
    names: &Names,
    first_month: u32,
    is_prorated: bool,
) -> Accounts {
    let mut accounts = Accounts::new();
    let mut each = |holder, day, counts_for: For, change: &dyn Fn(&mut Account)| {
        for (scope, name) in names.of(holder).filter(|(scope, _)| counts_for.includes(*scope)) {
            for grain in Grain::ALL {
                let key = (scope, name.to_owned(), (grain, grain.start(day, first_month)));
                change(accounts.entry(key).or_default());
            }
        }
    };
    for credit in credits {
        each(credit.holder, credit.day, credit.counts_for, &|account| match credit.amount {
            Some(amount) => {
                account.booked += i128::from(amount.0);
                account.bookings += 1;
            }
            None => account.unvalued += 1,
        });
    }
    for quota in owed {
        let (is_counted, amount) = if is_prorated {
            (quota.is_held, quota.prorated)
        } else {
            (quota.is_first, quota.whole)
        };
        if !is_counted {
            continue;
        }
        each(quota.holder, quota.month, quota.counts_for, &|account| match amount {
            Some(amount) => {
                account.quota += i128::from(amount.0);
                account.quotas += 1;
            }
            None => account.unknown_quotas += 1,
        });
    }
    accounts
}

/// Of the reps with a quota, the share that met it: once for each, in the team in which they held
/// the last of it.
fn achievement(
    credits: &[Credit],
    owed: &[Owed],
    names: &Names,
    today: NaiveDate,
    first_month: u32,
) -> Vec<Truth> {
    let mut quotas: BTreeMap<(usize, Grain, NaiveDate), PersonQuota> = BTreeMap::new();
    for quota in owed.iter().filter(|quota| quota.is_held && quota.counts_for != For::Team) {
        for grain in Grain::ALL {
            let key = (quota.holder.rep, grain, grain.start(quota.month, first_month));
            let entry = quotas.entry(key).or_insert(PersonQuota {
                cents: Some(0),
                month: quota.month,
                holder: quota.holder,
            });
            let cents = quota.prorated.map(|amount| i128::from(amount.0));
            entry.cents = entry.cents.zip(cents).map(|(sum, cents)| sum + cents);
            // Parts of one month stand in the order of the teams.
            if quota.month >= entry.month {
                (entry.month, entry.holder) = (quota.month, quota.holder);
            }
        }
    }
    let mut bookings: BTreeMap<(usize, Grain, NaiveDate), i128> = BTreeMap::new();
    for credit in credits {
        let cents = credit.amount.map_or(0, |amount| i128::from(amount.0));
        for grain in Grain::ALL {
            let key = (credit.holder.rep, grain, grain.start(credit.day, first_month));
            *bookings.entry(key).or_default() += cents;
        }
    }
    let mut met: BTreeMap<(Scope, String, Grain, NaiveDate), [u64; 3]> = BTreeMap::new();
    for (key, quota) in &quotas {
        let (_, grain, start) = *key;
        if quota.cents.is_some_and(|cents| cents <= 0) || start > today {
            continue;
        }
        let booked = bookings.get(key).copied().unwrap_or(0);
        for (scope, name) in names.of(quota.holder) {
            let [reached, reps, unknown] =
                met.entry((scope, name.to_owned(), grain, start)).or_default();
            match quota.cents {
                Some(cents) => {
                    *reached += u64::from(booked >= cents);
                    *reps += 1;
                }
                None => *unknown += 1,
            }
        }
    }
    let figures = met.into_iter().map(|((scope, name, grain, start), [reached, reps, unknown])| {
        let slot = Slot::new("quota_achievement_rate", grain.as_str(), start);
        let known = |n| (reps > 0).then_some(count(n));
        let (above, below) = (known(reached), known(reps));
        let value = above.zip(below).and_then(|(above, below)| above.ratio(below));
        slot.figure(scope, &name, [above, below, value], reps, unknown)
    });
    figures.collect()
}

/// What a person is to win in a period, in the team of the last month of it.
struct PersonQuota {
    /// None: part of it is not known.
    cents: Option<i128>,
    month: NaiveDate,
    holder: Holder,
}

/// Coverage of the periods that hold today, and of those after them.
pub(super) fn coverage(
    stories: &[Story],
    credits: &[Credit],
    owed: &[Owed],
    names: &Names,
    today: NaiveDate,
    first_month: u32,
) -> Vec<Truth> {
    if owed.is_empty() {
        return Vec::new();
    }
    let covered: Vec<Period> = Grain::ALL
        .into_iter()
        .flat_map(|grain| {
            let now = Period::of(grain, today, first_month);
            [now, now.next()]
        })
        .collect();
    let accounts = accounts(credits, owed, names, first_month, true);
    // What is open: its value, how many deals with an amount, and how many without.
    let mut open: BTreeMap<Unit, (i128, u64, u64)> = BTreeMap::new();
    for story in stories.iter().filter(|story| !story.is_gone && story.fact.closed.is_none()) {
        let Some(now) = story.spans.last() else { continue };
        for period in covered.iter().filter(|p| (p.start..=p.end).contains(&now.close)) {
            for (scope, name) in names.of(story.fact.holder) {
                let key = (scope, name.to_owned(), (period.grain, period.start));
                let sum = open.entry(key).or_default();
                match now.amount {
                    Some(amount) => {
                        sum.0 += i128::from(amount.0);
                        sum.1 += 1;
                    }
                    None => sum.2 += 1,
                }
            }
        }
    }
    let keys: BTreeSet<_> = open.keys().chain(accounts.keys()).cloned().collect();
    let mut truth = Vec::new();
    for key in keys {
        let (scope, name, (grain, start)) = &key;
        if !covered.iter().any(|period| (period.grain, period.start) == (*grain, *start)) {
            continue;
        }
        let (cents, deals, unvalued) = open.get(&key).copied().unwrap_or_default();
        let account = accounts.get(&key).copied().unwrap_or_default();
        for (metric, is_remaining) in
            [("pipeline_coverage", true), ("pipeline_coverage_full", false)]
        {
            let slot = Slot::new(metric, grain.as_str(), *start);
            let booked = if is_remaining { account.booked } else { 0 };
            let (bookings, out) =
                if is_remaining { (account.bookings, account.unvalued) } else { (0, 0) };
            let below = account.quota - booked;
            // Nothing open against a quota is a measured zero.
            let above = (deals + account.quotas > 0).then_some(Fixed6::cents(cents));
            let denominator = (account.quotas > 0).then_some(Fixed6::cents(below));
            // A quota that is met leaves nothing to cover.
            let is_known = below > 0 && account.unknown_quotas == 0;
            let value = above.zip(denominator).filter(|_| is_known).and_then(|(a, b)| a.ratio(b));
            let n = deals + bookings + account.quotas;
            let out = out + unvalued + account.unknown_quotas;
            if n + out > 0 {
                truth.push(slot.figure(*scope, name, [above, denominator, value], n, out));
            }
        }
    }
    truth
}
