//! How activities are numbered, and where they are found.
//!
//! The world's own numbers of activities never change, and are too far apart for an index: here
//! they are packed into 35 bits. Deals have 64 each, leads 32, and people four million for what
//! they do among themselves.

use std::ops::Range;

use super::org::Org;
use crate::world::{About, Activity};

/// Numbers of a deal's activities.
const OF_DEAL: u64 = 64;

/// Numbers of a lead's activities.
const OF_LEAD: u64 = 32;

/// Where the numbers of leads' activities begin.
const LEADS: u64 = 1 << 29;

/// Where the numbers of internal activities begin.
const PEOPLE: u64 = 1 << 34;

/// How many bits of an internal activity's number are its person's own.
const OWN_BITS: u32 = 22;

/// Where the world begins to number the activities of leads, and internal ones.
const WORLD_LEADS: u64 = 1 << 40;
const WORLD_PEOPLE: u64 = 1 << 41;

/// How many numbers the world has for a person; the upper half is for what they do alone.
const WORLD_OWN: u64 = 1 << 23;

/// Where units of leads and people begin; those of deals are their numbers.
const LEAD_UNITS: u64 = 1 << 40;
const PEOPLE_UNITS: u64 = 1 << 41;

/// What activities belong to: a deal, a lead, or a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActivityUnit {
    Deal(u64),
    Lead(u64),
    Person(u64),
}

impl ActivityUnit {
    /// The units there are.
    pub(crate) fn ranges(org: &Org) -> Vec<Range<u64>> {
        vec![
            0..org.world.deal_count(),
            LEAD_UNITS..LEAD_UNITS + org.world.lead_count(),
            PEOPLE_UNITS..PEOPLE_UNITS + org.people.len() as u64,
        ]
    }

    /// The unit with this number.
    pub(crate) fn of(unit: u64) -> Self {
        if let Some(person) = unit.checked_sub(PEOPLE_UNITS) {
            Self::Person(person)
        } else if let Some(lead) = unit.checked_sub(LEAD_UNITS) {
            Self::Lead(lead)
        } else {
            Self::Deal(unit)
        }
    }

    /// The number of the unit.
    pub(crate) fn unit(self) -> u64 {
        match self {
            Self::Deal(deal) => deal,
            Self::Lead(lead) => LEAD_UNITS + lead,
            Self::Person(person) => PEOPLE_UNITS + person,
        }
    }

    /// The unit that an activity with this number belongs to.
    pub(crate) fn of_number(number: u64) -> Self {
        if let Some(rest) = number.checked_sub(PEOPLE) {
            Self::Person(rest >> OWN_BITS)
        } else if let Some(rest) = number.checked_sub(LEADS) {
            Self::Lead(rest / OF_LEAD)
        } else {
            Self::Deal(number / OF_DEAL)
        }
    }

    /// Its activities, each with its number.
    pub(crate) fn activities(self, org: &Org) -> Vec<(u64, Activity)> {
        let world = &org.world;
        let all = match self {
            Self::Deal(deal) if deal < world.deal_count() => world.activities_of_deal(deal),
            Self::Lead(lead) if lead < world.lead_count() => world.activities_of_lead(lead),
            Self::Person(person) if person < org.people.len() as u64 => usize::try_from(person)
                .map_or_else(|_| Vec::new(), |p| world.internal_activities(p)),
            _ => Vec::new(),
        };
        all.into_iter().map(|activity| (number(&activity), activity)).collect()
    }
}

/// The number of an activity among all.
fn number(activity: &Activity) -> u64 {
    match activity.about {
        About::Deal(_) => activity.index,
        About::Lead(_) => LEADS + activity.index.saturating_sub(WORLD_LEADS),
        About::Internal => {
            let rest = activity.index.saturating_sub(WORLD_PEOPLE);
            let (person, own) = (rest / WORLD_OWN, rest % WORLD_OWN);
            // Series fill less than half of their room, and what people do alone much less.
            let half = WORLD_OWN / 2;
            let packed = if own < half { own } else { (1 << (OWN_BITS - 1)) + own - half };
            PEOPLE + (person << OWN_BITS) + packed
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::super::org::{Org, Ways};
    use super::super::schema::Catalogue;
    use super::super::tests::small_world;
    use super::ActivityUnit;

    #[test]
    fn numbers_are_unique_and_lead_back() {
        let ways = Ways {
            fiscal_start: 2,
            bin_days: 15,
            deletion_log_days: 15,
            keeps_history_since: None,
            forecasts_up_to_date: true,
            late_minutes: None,
        };
        let org = Org::new(small_world().read(), Arc::new(Catalogue::new(true)), ways);
        let (mut seen, mut count) = (BTreeSet::new(), 0);
        for unit in ActivityUnit::ranges(&org).into_iter().flatten() {
            for (number, activity) in ActivityUnit::of(unit).activities(&org) {
                assert_eq!(ActivityUnit::of_number(number).unit(), unit, "{activity:?}");
                assert!(number < 1 << 35);
                seen.insert(number);
                count += 1;
            }
        }
        assert_eq!(seen.len(), count);
        assert!(count > 1_000);
    }
}
