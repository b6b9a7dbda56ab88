//! The portal at one version of the world: its indexes, made when they are first asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chrono::NaiveDate;

use super::associations::{self, Reverse};
use super::ids::Kind;
use super::index::Index;
use super::objects;
use super::search::Found;
use super::settings::Settings;
use super::table::{Reader, Table};
use super::value::{Millis, Style, millis};
use crate::Cents;
use crate::wire::{Fault, FaultState};
use crate::world::{ForecastCall, Rate, World};

/// How many searches are remembered from one page to the next.
const REMEMBERED: usize = 6;

/// The faults that are a state of the portal's data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    pub(super) new_field: bool,
    pub(super) removed_field: bool,
    pub(super) retyped_field: bool,
    pub(super) hidden_field: bool,
    pub(super) nul_bytes: bool,
    pub(super) late_minutes: Option<u32>,
}

impl Flags {
    pub(super) fn of(faults: &FaultState) -> Self {
        let late_minutes = match faults.find(&Fault::LateCommit { minutes: 0 }) {
            Some(Fault::LateCommit { minutes }) => Some(minutes),
            _ => None,
        };
        Self {
            new_field: faults.is_on(&Fault::NewField),
            removed_field: faults.is_on(&Fault::RemovedField),
            retyped_field: faults.is_on(&Fault::RetypedField),
            hidden_field: faults.is_on(&Fault::HiddenField),
            nul_bytes: faults.is_on(&Fault::NulBytes),
            late_minutes,
        }
    }
}

/// The portal at one version of the world.
pub(super) struct View {
    pub(super) world: World,
    pub(super) now: Millis,
    pub(super) settings: Arc<Settings>,
    pub(super) flags: Flags,
    /// The rates of each currency, by their first day.
    rates: BTreeMap<&'static str, Vec<Rate>>,
    indexes: [OnceLock<Index>; Kind::ALL.len()],
    reverse: Mutex<BTreeMap<(Kind, Kind), Arc<Reverse>>>,
    found: Mutex<Vec<Arc<Found>>>,
    calls: OnceLock<Vec<ForecastCall>>,
}

impl View {
    pub(super) fn new(world: World, settings: Arc<Settings>, flags: Flags) -> Self {
        let mut rates: BTreeMap<&'static str, Vec<Rate>> = BTreeMap::new();
        for rate in world.rates() {
            rates.entry(rate.currency).or_default().push(*rate);
        }
        for rates in rates.values_mut() {
            rates.sort_by_key(|rate| rate.from);
        }
        Self {
            now: millis(world.now()),
            world,
            settings,
            flags,
            rates,
            indexes: Default::default(),
            reverse: Mutex::default(),
            found: Mutex::default(),
            calls: OnceLock::new(),
        }
    }

    /// The forecasts that were submitted, by number. The world goes through all deals for them, so
    /// that is done once and not for each page.
    pub(super) fn calls(&self) -> &[ForecastCall] {
        self.calls.get_or_init(|| {
            let mut calls = self.world.forecast_calls();
            calls.sort_by_key(|call| call.index);
            calls
        })
    }

    pub(super) fn index(&self, kind: Kind) -> &Index {
        self.indexes[kind as usize].get_or_init(|| Index::build(objects::table(kind), self))
    }

    pub(super) fn reader(&self, kind: Kind) -> Box<dyn Reader + '_> {
        objects::table(kind).reader(self)
    }

    pub(super) fn table(&self, kind: Kind) -> &'static dyn Table {
        objects::table(kind)
    }

    pub(super) fn style(&self) -> Style {
        Style {
            epoch_permille: self.settings.epoch_permille,
            seconds_permille: self.settings.seconds_permille,
        }
    }

    /// The currencies next to the portal's own.
    pub(super) fn currencies(&self) -> Vec<&'static str> {
        self.rates.keys().copied().filter(|currency| *currency != "USD").collect()
    }

    /// Units of a currency for one of the portal's own, in millionths, on a day.
    pub(super) fn rate(&self, currency: &str, day: NaiveDate) -> i64 {
        let rates = self.rates.get(currency).map_or(&[][..], Vec::as_slice);
        let after = rates.partition_point(|rate| rate.from <= day);
        // Before the first rate, the first one holds.
        rates.get(after.saturating_sub(1)).map_or(1_000_000, |rate| rate.rate)
    }

    /// An amount in the portal's own currency, by the rate of a day.
    pub(super) fn home(&self, amount: Cents, currency: &str, day: NaiveDate) -> Cents {
        let doubled =
            i128::from(amount.0) * 2_000_000 / i128::from(self.rate(currency, day)).max(1);
        let rounded = (doubled + doubled.signum()) / 2;
        Cents(i64::try_from(rounded).unwrap_or(i64::MAX))
    }

    /// The associations from `from` to `to`, where only the other way round is known.
    pub(super) fn reverse(&self, from: Kind, to: Kind) -> Arc<Reverse> {
        let mut known = self.reverse.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(associations::reversed(self, from, to));
        Arc::clone(known.entry((from, to)).or_insert_with(made))
    }

    /// What a search found, from memory or anew.
    pub(super) fn found<E>(
        &self,
        key: &str,
        find: impl FnOnce() -> Result<Found, E>,
    ) -> Result<Arc<Found>, E> {
        let memory = || self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = memory().iter().find(|found| found.key == key) {
            return Ok(Arc::clone(found));
        }
        let found = Arc::new(find()?);
        let mut memory = memory();
        if memory.len() == REMEMBERED {
            memory.remove(0);
        }
        memory.push(Arc::clone(&found));
        Ok(found)
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("now", &self.now).field("flags", &self.flags).finish()
    }
}
