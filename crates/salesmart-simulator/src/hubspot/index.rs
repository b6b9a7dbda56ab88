//! Where the records of a kind are: by number, and by when they changed.
//!
//! An entry is some twenty bytes, so that a million deals are found without one being held.

use std::collections::BTreeMap;

use chrono::{TimeDelta, Timelike as _};

use super::ids::Kind;
use super::table::{Head, Table, fraction_of};
use super::value::{Millis, lot, millis};
use super::view::View;
use crate::world::Instant;

/// How long HubSpot keeps what is archived.
const ARCHIVE_DAYS: i64 = 90;

/// Of so many deals that changed, one is committed late, if that fault is on.
const LATE_ONES: u64 = 8;

/// The records of a kind that the portal knows, by number.
#[derive(Debug, Default)]
pub(super) struct Index {
    numbers: Vec<u64>,
    modified: Vec<Millis>,
    archived: Vec<bool>,
    /// Empty where the numbers tell.
    homes: Vec<u64>,
    /// The positions of what search finds, by when it changed and then by number.
    by_modified: Vec<u32>,
    live: u64,
    /// Who was merged into whom, by the survivor.
    merged: BTreeMap<u64, Vec<u64>>,
    /// The same, by the one that is gone.
    survivors: BTreeMap<u64, u64>,
}

/// An entry on its way into the index.
struct Entry {
    number: u64,
    home: u64,
    modified: Millis,
    is_archived: bool,
    is_searchable: bool,
}

impl Index {
    pub(super) fn build(table: &dyn Table, view: &View) -> Self {
        let kind = table.kind();
        let mut index = Self::default();
        let mut entries = Vec::new();
        let mut merges: BTreeMap<u64, Instant> = BTreeMap::new();
        table.scan(view, &mut |head| {
            if let Some(survivor) = head.merged_into {
                index.merged.entry(survivor).or_default().push(head.number);
                index.survivors.insert(head.number, survivor);
                let at = head.deleted.unwrap_or(head.modified);
                let latest = merges.entry(survivor).or_insert(at);
                *latest = at.max(*latest);
                return;
            }
            let purged = head.deleted.is_some_and(|at| {
                view.now - millis(at) > TimeDelta::days(ARCHIVE_DAYS).num_milliseconds()
            });
            if !purged {
                entries.push(Entry::new(kind, head, view));
            }
        });
        if view.settings.merging_modifies {
            for entry in &mut entries {
                if let Some(at) = merges.get(&entry.number) {
                    let at = millis(*at) + fraction_of(kind, entry.number);
                    entry.modified = at.max(entry.modified);
                }
            }
        }
        let indexed_until = view.now - view.settings.search_lag_minutes * 60_000;
        for entry in &mut entries {
            entry.is_searchable &= entry.modified <= indexed_until;
        }
        entries.sort_unstable_by_key(|entry| entry.number);
        index.fill(kind, &entries);
        index
    }

    fn fill(&mut self, kind: Kind, entries: &[Entry]) {
        self.numbers = entries.iter().map(|entry| entry.number).collect();
        self.modified = entries.iter().map(|entry| entry.modified).collect();
        self.archived = entries.iter().map(|entry| entry.is_archived).collect();
        if kind.is_engagement() {
            self.homes = entries.iter().map(|entry| entry.home).collect();
        }
        self.live = self.archived.iter().filter(|archived| !**archived).count() as u64;
        self.by_modified = (0_u32..)
            .zip(entries)
            .filter(|(_, entry)| entry.is_searchable && !entry.is_archived)
            .map(|(position, _)| position)
            .collect();
        let modified = &self.modified;
        self.by_modified.sort_by_key(|position| (modified[*position as usize], *position));
    }

    /// How many records, those in the archive included.
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// How many are not archived.
    pub(super) fn live(&self) -> u64 {
        self.live
    }

    pub(super) fn number(&self, position: usize) -> u64 {
        self.numbers[position]
    }

    pub(super) fn modified(&self, position: usize) -> Millis {
        self.modified[position]
    }

    pub(super) fn is_archived(&self, position: usize) -> bool {
        self.archived[position]
    }

    pub(super) fn home(&self, position: usize) -> u64 {
        self.homes.get(position).copied().unwrap_or_default()
    }

    /// The numbers of those that were merged into this one.
    pub(super) fn merged(&self, number: u64) -> &[u64] {
        self.merged.get(&number).map_or(&[], Vec::as_slice)
    }

    /// Where a record is.
    pub(super) fn find(&self, number: u64) -> Option<usize> {
        self.numbers.binary_search(&number).ok()
    }

    /// Where a record or the one it was merged into is.
    pub(super) fn resolve(&self, number: u64) -> Option<usize> {
        let mut number = number;
        // Survivors may have been merged in turn; nobody is merged into those before them.
        for _ in 0..16 {
            match self.survivors.get(&number) {
                Some(survivor) => number = *survivor,
                None => break,
            }
        }
        self.find(number)
    }

    /// The first position of a number above this one.
    pub(super) fn after(&self, number: u64) -> usize {
        self.numbers.partition_point(|other| *other <= number)
    }

    /// The positions of what search finds that changed from `low` to `high`, both included.
    pub(super) fn changed(&self, low: Millis, high: Millis) -> &[u32] {
        let at = |position: &u32| self.modified[*position as usize];
        let from = self.by_modified.partition_point(|position| at(position) < low);
        let to = self.by_modified.partition_point(|position| at(position) <= high);
        self.by_modified.get(from..to).unwrap_or_default()
    }
}

impl Entry {
    fn new(kind: Kind, head: Head, view: &View) -> Self {
        let mut modified = millis(head.modified) + fraction_of(kind, head.number);
        let mut is_searchable = true;
        if kind == Kind::Deals {
            if let Some(minutes) = view.flags.late_minutes
                && lot(0, head.number, 0).is_multiple_of(LATE_ONES)
            {
                // Stamped in the last minutes of the day it changed, seen the day after.
                let end = head.modified.date_naive().and_hms_opt(23, 59, 59);
                let end = millis(end.expect("a time of the day").and_utc());
                modified = end - i64::from(minutes) * 60_000;
                is_searchable = end < view.now;
            }
            if let Some(touch) = view.settings.batch_touch {
                let at = millis(touch.at);
                let is_touched =
                    head.number.checked_sub(touch.first).is_some_and(|n| n < touch.count);
                if is_touched && at <= view.now && head.created <= touch.at {
                    modified = at.max(modified);
                }
            }
        }
        debug_assert!(head.created.nanosecond() == 0, "the world counts in whole seconds");
        let is_archived = head.deleted.is_some();
        Self { number: head.number, home: head.home, modified, is_archived, is_searchable }
    }
}
