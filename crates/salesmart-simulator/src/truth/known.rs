//! What a CRM can tell of the time before it was first read, and of the time since.
//!
//! The world knows everything. A CRM that is first read on some day does not: nobody there wrote
//! down former teams, old changes of owners are cut off, and what was in the bin for a while is
//! not told. The truth is what can be known, so it takes this into account and nothing else.

use chrono::{Days, Months, NaiveDate, TimeDelta};

use crate::calendar::midnight;
use crate::world::{Instant, Person, World};

/// Where figures come from, as far as that limits what can be true of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The day on which the company's systems were first read; each night since then.
    pub since: NaiveDate,
    /// Changes of the owners of deals, and of leads, are on record from here on; none: all are.
    pub owners_since: Option<Instant>,
    /// Whether amounts of the past are converted by the rate of the close date that was planned
    /// then. Otherwise by the rate that the source has for the deal now.
    pub has_dated_rates: bool,
    /// Whether it is told when something came back from the bin.
    pub tells_restores: bool,
    /// Whether teams belong to regions.
    pub has_regions: bool,
    /// Whether it is on record who is credited beside the owner.
    pub has_splits: bool,
    /// Whether the first and last days of people are on record.
    pub has_careers: bool,
    /// Whether it is told who leads a team, so that a manager's quota is the team's.
    pub has_managers: bool,
    /// What was deleted before is not told of at all; none: everything is.
    pub gone_since: Option<Instant>,
    /// Whether what was merged away can still be read, as what was deleted can.
    pub keeps_merged: bool,
    /// Whether it is told of mails if they went out or came in.
    pub tells_directions: bool,
    /// Whether leads can be qualified without being converted.
    pub qualifies_leads: bool,
}

impl From<NaiveDate> for Known {
    /// Everything but former teams.
    fn from(since: NaiveDate) -> Self {
        Self {
            since,
            owners_since: None,
            has_dated_rates: true,
            tells_restores: true,
            has_regions: true,
            has_splits: true,
            has_careers: true,
            has_managers: true,
            gone_since: None,
            keeps_merged: true,
            tells_directions: true,
            qualifies_leads: true,
        }
    }
}

impl Known {
    /// What a Salesforce org tells that keeps so many months of field history, and what was
    /// deleted so many days in its bin. What mails say is not read, and with it their direction.
    #[must_use]
    pub fn salesforce(since: NaiveDate, history_months: Option<u32>, bin_days: u32) -> Self {
        let known = Self::from(since);
        let owners_since = history_months
            .and_then(|months| known.since_end().checked_sub_months(Months::new(months)));
        let gone_since = Some(known.since_end() - Days::new(u64::from(bin_days)));
        Self { owners_since, gone_since, tells_directions: false, ..known }
    }

    /// The moment of the first look: nothing happens in a night.
    pub(crate) fn since_end(&self) -> Instant {
        midnight(self.since) + TimeDelta::seconds(86_399)
    }

    /// What a HubSpot portal tells: no regions, splits, careers or managers, one rate for a
    /// deal, nothing of when something came back, and what was deleted for 90 days.
    #[must_use]
    pub fn hubspot(since: NaiveDate) -> Self {
        Self {
            has_dated_rates: false,
            tells_restores: false,
            has_regions: false,
            has_splits: false,
            has_careers: false,
            has_managers: false,
            gone_since: Some(midnight(since) + TimeDelta::seconds(86_399) - Days::new(90)),
            keeps_merged: false,
            qualifies_leads: false,
            ..Self::from(since)
        }
    }
}

/// Somebody in one of their teams: whom a fact belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Holder {
    pub(crate) rep: usize,
    pub(crate) team: Option<usize>,
}

/// Who was in which team, as far as it is known.
pub(crate) struct People<'a> {
    people: &'a [Person],
    since: NaiveDate,
}

impl<'a> People<'a> {
    pub(crate) fn new(world: &'a World, known: &Known) -> Self {
        Self { people: world.people(), since: known.since }
    }

    /// The team of a day: before anybody looked, the one of the first look; of those who joined
    /// later, their first one.
    pub(crate) fn holder(&self, rep: usize, day: NaiveDate) -> Holder {
        let seen = day.max(self.since);
        let memberships = &self.people[rep].memberships;
        let begun = memberships.partition_point(|membership| membership.from <= seen);
        let team = memberships.get(begun.saturating_sub(1)).map(|membership| membership.team);
        Holder { rep, team }
    }

    /// The days after one and before another on which somebody came into another team.
    pub(crate) fn moves(
        &self,
        rep: usize,
        after: NaiveDate,
        before: NaiveDate,
    ) -> impl Iterator<Item = NaiveDate> + '_ {
        let after = after.max(self.since);
        let begins = self.people[rep].memberships.iter().map(|membership| membership.from);
        begins.filter(move |from| after < *from && *from < before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;
    use crate::world::Settings;

    #[test]
    fn teams_are_known_from_the_first_look_on() {
        let mut world =
            World::new(Settings { size: Size { reps: 60, deals: 0 }, ..Settings::default() });
        let first = world.today();
        world.advance(500);
        let known = Known::from(first);
        let people = People::new(&world, &known);
        let mut moved_before = 0;
        let mut moved_after = 0;
        for person in world.people().iter().filter(|person| person.memberships.len() == 2) {
            let moved = person.memberships[1].from;
            let teams = [person.memberships[0].team, person.memberships[1].team].map(Some);
            let at = |day| people.holder(person.index, day).team;
            let day_before = moved - chrono::Days::new(1);
            let far = world.today() + chrono::Days::new(1);
            if moved <= first {
                moved_before += 1;
                assert_eq!([at(day_before), at(moved)], [teams[1], teams[1]]);
                assert_eq!(people.moves(person.index, world.first_day(), far).count(), 0);
            } else {
                moved_after += 1;
                assert_eq!([at(day_before), at(moved)], teams);
                let moves: Vec<_> = people.moves(person.index, world.first_day(), far).collect();
                assert_eq!(moves, [moved]);
                assert_eq!(people.moves(person.index, moved, far).count(), 0);
            }
        }
        assert!(moved_before > 1 && moved_after > 1, "{moved_before} {moved_after}");
        // The head of sales is in no team.
        assert_eq!(people.holder(0, first).team, None);
    }
}
