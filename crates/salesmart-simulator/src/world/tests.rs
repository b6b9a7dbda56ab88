//! The world hangs together, and time only adds to it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Timelike;

use super::*;

fn settings(reps: usize, deals: u64) -> Settings {
    Settings { seed: 11, size: Size { reps, deals }, ..Settings::default() }
}

/// Everything in a world, as text.
#[derive(Debug, PartialEq)]
struct Everything {
    people: Vec<Person>,
    rates: Vec<Rate>,
    quotas: Vec<Quota>,
    calls: Vec<ForecastCall>,
    accounts: Vec<Customer>,
    contacts: Vec<Contact>,
    leads: Vec<Lead>,
    deals: Vec<Opportunity>,
    activities: Vec<Activity>,
}

fn everything(world: &World) -> Everything {
    let accounts = world.account_count();
    let deals = (0..world.deal_count()).flat_map(|deal| world.activities_of_deal(deal));
    let leads = (0..world.lead_count()).flat_map(|lead| world.activities_of_lead(lead));
    let diaries = (0..world.people().len()).flat_map(|person| world.internal_activities(person));
    Everything {
        people: world.people().to_vec(),
        rates: world.rates().to_vec(),
        quotas: world.quotas(),
        calls: world.forecast_calls(),
        accounts: (0..accounts).map(|index| world.account(index)).collect(),
        contacts: (0..accounts).flat_map(|index| world.contacts_of(index)).collect(),
        leads: (0..world.lead_count()).map(|index| world.lead(index)).collect(),
        deals: (0..world.deal_count()).map(|index| world.deal(index)).collect(),
        activities: deals.chain(leads).chain(diaries).collect(),
    }
}

fn assert_same(one: &Everything, other: &Everything) {
    assert_eq!(one.people, other.people);
    assert_eq!(one.rates, other.rates);
    assert_eq!(one.quotas, other.quotas);
    assert_eq!(one.accounts, other.accounts);
    assert_eq!(one.contacts, other.contacts);
    assert_eq!(one.leads, other.leads);
    assert_eq!(one.deals, other.deals);
    assert_eq!(one.activities, other.activities);
    assert_eq!(one.calls, other.calls);
}

#[test]
fn the_same_seed_gives_the_same_world_and_another_seed_another() {
    let one = everything(&World::new(settings(12, 300)));
    assert_same(&one, &everything(&World::new(settings(12, 300))));
    let other = Settings { seed: 12, ..settings(12, 300) };
    assert_ne!(one.deals, everything(&World::new(other)).deals);
}

#[test]
fn a_day_is_the_same_however_it_was_come_to() {
    let mut at_once = World::new(settings(12, 400));
    at_once.advance(40);
    let mut day_by_day = World::new(settings(12, 400));
    for _ in 0..40 {
        day_by_day.advance(1);
    }
    let at_once_things = everything(&at_once);
    assert_same(&at_once_things, &everything(&day_by_day));
    // However far ahead careers and calendars are worked out.
    let mut far = at_once.clone();
    far.core = Arc::new(Core::new(&far.settings, false, far.today + Days::new(2_000)));
    assert!(far.core.window.horizon() > at_once.core.window.horizon());
    assert_same(&at_once_things, &everything(&far));
}

/// Compares things of two days by key: what is new, what changed without saying so, what changed,
/// and what is gone without having been deleted. What is seen first has a stamp after `since`, the
/// end of the earlier day: who reads by stamps would miss it otherwise.
fn moved<T: PartialEq + std::fmt::Debug>(
    since: Instant,
    before: &[T],
    after: &[T],
    key: impl Fn(&T) -> (u64, Instant),
) -> (usize, usize) {
    let old: BTreeMap<u64, &T> = before.iter().map(|thing| (key(thing).0, thing)).collect();
    let (mut new, mut changed, mut found) = (0, 0, 0);
    for thing in after {
        let (index, stamp) = key(thing);
        match old.get(&index) {
            None => {
                new += 1;
                assert!(stamp > since, "came with a stamp before {since}: {thing:?}");
            }
            Some(was) => {
                found += 1;
                if **was != *thing {
                    changed += 1;
                    assert!(stamp > since, "changed without a newer stamp: {was:?} {thing:?}");
                }
            }
        }
    }
    assert_eq!(found, old.len(), "nothing vanishes");
    (new, changed)
}

#[test]
fn days_bring_new_changed_deleted_merged_and_restored_things_and_each_says_when() {
    let mut world = World::new(settings(150, 6_000));
    let start = world.now();
    let before = everything(&world);
    let mut days = before;
    for _ in 0..12 {
        let since = world.now();
        world.advance(5);
        let after = everything(&world);
        let (new, changed) = moved(since, &days.deals, &after.deals, |d| (d.index, d.modified_at));
        assert!(new > 0 && changed > 0);
        let (new, _) = moved(since, &days.leads, &after.leads, |l| (l.index, l.modified_at));
        assert!(new > 0);
        moved(since, &days.accounts, &after.accounts, |a| (a.index, a.modified_at));
        moved(since, &days.contacts, &after.contacts, |c| (c.index, c.modified_at));
        moved(since, &days.people, &after.people, |p| (p.index as u64, p.modified_at));
        moved(since, &days.quotas, &after.quotas, |q| (q.index, q.modified_at));
        moved(since, &days.calls, &after.calls, |c| (c.index, c.submitted_at));
        let (new, changed) =
            moved(since, &days.activities, &after.activities, |a| (a.index, a.modified_at));
        assert!(new > 0 && changed > 0);
        days = after;
    }
    let gone = |at: Option<Instant>| at.is_some_and(|at| at > start);
    assert!(days.deals.iter().any(|d| gone(d.deleted_at) && d.merged_into.is_none()));
    assert!(days.deals.iter().any(|d| gone(d.deleted_at) && d.merged_into.is_some()));
    let restored = |deal: &Opportunity| {
        deal.history.iter().any(|c| c.what == DealEvent::Restored && c.at > start)
    };
    assert!(days.deals.iter().any(restored));
    assert!(days.leads.iter().any(|l| gone(l.converted_at)));
    assert!(days.people.iter().any(|p| p.created_at > start));
    assert!(days.people.iter().any(|p| p.end.is_some_and(|end| end > start.date_naive())));
    assert!(days.people.iter().any(|p| p.memberships.len() > 1));
}

#[test]
fn a_year_merges_and_deletes_accounts_and_contacts_and_each_says_when() {
    let mut world = World::new(settings(20, 6_000));
    let start = world.now();
    let customers = |world: &World| -> (Vec<Customer>, Vec<Contact>) {
        let indexes = || 0..world.account_count();
        let accounts = indexes().map(|index| world.account(index)).collect();
        (accounts, indexes().flat_map(|index| world.contacts_of(index)).collect())
    };
    let mut before = customers(&world);
    // In steps that end on every day of the week: weekends are where stamps go wrong.
    for _ in 0..90 {
        let since = world.now();
        world.advance(4);
        let after = customers(&world);
        moved(since, &before.0, &after.0, |a| (a.index, a.modified_at));
        moved(since, &before.1, &after.1, |c| (c.index, c.modified_at));
        before = after;
    }
    let gone = |at: Option<Instant>| at.is_some_and(|at| at > start);
    let (accounts, contacts) = before;
    assert!(accounts.iter().any(|a| gone(a.deleted_at) && a.merged_into.is_some()));
    assert!(accounts.iter().any(|a| gone(a.deleted_at) && a.merged_into.is_none()));
    assert!(contacts.iter().any(|c| gone(c.deleted_at) && c.merged_into.is_some()));
    assert!(contacts.iter().any(|c| gone(c.deleted_at) && c.merged_into.is_none()));
    assert!(contacts.iter().any(|c| c.account != c.index / 8 && gone(Some(c.modified_at))));
}

/// Asserts that somebody is there at an instant.
fn there(world: &World, person: usize, at: Instant) {
    let person = &world.people()[person];
    let day = at.date_naive();
    let here = person.created_at <= at && person.end.is_none_or(|end| day <= end);
    assert!(here, "{at}: {person:?}");
}

fn in_hours(world: &World, at: Instant) {
    let evening = at.hour() < 20 || (at.hour(), at.minute(), at.second()) == (20, 0, 0);
    assert!(at <= world.now() && evening, "{at}");
}

#[test]
fn every_deal_hangs_together() {
    let world = World::new(settings(40, 3_000));
    let mut created = world.first_day().and_hms_opt(0, 0, 0).unwrap().and_utc();
    for index in 0..world.deal_count() {
        let deal = world.deal(index);
        assert_eq!(deal.index, index);
        assert!(deal.created_at >= created, "numbers follow time");
        created = deal.created_at;
        assert_eq!(deal.history[0].at, deal.created_at);
        for change in &deal.history {
            in_hours(&world, change.at);
            there(&world, change.by, change.at);
        }
        in_hours(&world, deal.modified_at);
        let held_until = deal.closed_at.or(deal.deleted_at).unwrap_or(world.now());
        there(&world, deal.owner, held_until);
        if let Some(account) = deal.account {
            let account = world.account(account);
            assert!(
                account.created_at < deal.created_at
                    && (account.deleted_at.is_none() || deal.deleted_at.is_some())
            );
            let contact = deal.contact.unwrap();
            let contacts = world.contacts_of(contact / 8);
            let contact = contacts.iter().find(|c| c.index == contact).unwrap();
            assert!(contact.created_at <= deal.created_at && contact.deleted_at.is_none());
            assert!(contact.account == account.index || deal.deleted_at.is_some());
        } else {
            assert_eq!(deal.contact, None);
        }
        if let Some(into) = deal.merged_into {
            let survivor = world.deal(into);
            assert!(survivor.created_at <= deal.created_at);
            let merged = deal.deleted_at.unwrap();
            assert!(survivor.deleted_at.is_none_or(|at| at > merged));
            assert_eq!(survivor.merged_from, Some(index));
        }
        let currency = world.rates().iter().any(|rate| rate.currency == deal.currency);
        assert!(currency && deal.product < world.products().len());
        for split in &deal.splits {
            assert!(split.person < world.people().len());
        }
    }
    let currencies: BTreeSet<_> = (0..500).map(|index| world.deal(index).currency).collect();
    assert!(currencies.len() > 3, "{currencies:?}");
    let dollars = World::new(Settings { currencies: false, ..settings(40, 500) });
    assert!((0..500).all(|index| dollars.deal(index).currency == "USD"));
    assert_eq!(dollars.rates().len(), 1);
}

#[test]
fn accounts_contacts_and_leads_hang_together() {
    let world = World::new(settings(40, 3_000));
    let mut domains: BTreeMap<String, u64> = BTreeMap::new();
    let mut names = BTreeSet::new();
    let mut emails = BTreeSet::new();
    let mut created = Instant::MIN_UTC;
    for index in 0..world.account_count() {
        let account = world.account(index);
        assert!(account.created_at >= created);
        created = account.created_at;
        in_hours(&world, account.modified_at);
        there(&world, account.owner, account.deleted_at.unwrap_or(world.now()));
        assert!(names.insert(account.name.clone()), "{}", account.name);
        if let Some(parent) = account.parent {
            let parent = world.account(parent);
            assert!(parent.index < index && parent.deleted_at.is_none());
        }
        if let Some(into) = account.merged_into {
            let survivor = world.account(into);
            assert!(survivor.deleted_at.is_none() && survivor.created_at <= account.created_at);
        }
        let contacts = world.contacts_of(index);
        assert!((1..=6).contains(&contacts.len()) && contacts[0].index == index * 8);
        for contact in contacts {
            in_hours(&world, contact.modified_at);
            assert!(
                contact.created_at >= account.created_at
                    && contact.modified_at >= contact.created_at
            );
            if contact.deleted_at.is_none() {
                assert_eq!(contact.account, account.merged_into.unwrap_or(index));
            }
            if let Some(email) = contact.email {
                assert_eq!(email.split_once('@').unwrap().1, account.domain.as_deref().unwrap());
                assert!(emails.insert(email));
            }
        }
        if let Some(domain) = account.domain {
            *domains.entry(domain).or_default() += 1;
        }
    }
    assert!(domains.values().any(|accounts| *accounts > 1), "some are there twice");
    assert!((names.len() as u64) > domains.values().sum(), "some have no domain");

    let (mut converted, mut deals) = (0, BTreeSet::new());
    let mut statuses = BTreeSet::new();
    for index in 0..world.lead_count() {
        let lead = world.lead(index);
        statuses.insert(lead.status);
        let mut last = lead.created_at;
        for change in &lead.history {
            in_hours(&world, change.at);
            there(&world, change.by, change.at);
            assert!(change.at >= last, "{lead:?}");
            last = change.at;
        }
        assert_eq!(lead.modified_at, last);
        let Some(at) = lead.converted_at else { continue };
        converted += 1;
        let account = world.account(lead.converted_account.unwrap());
        assert!(account.created_at <= at);
        let contact = lead.converted_contact.unwrap();
        let contacts = world.contacts_of(contact / 8);
        assert!(contacts.iter().any(|c| c.index == contact && c.created_at <= at));
        if let Some(deal) = lead.converted_deal {
            assert!(deals.insert(deal), "deal {deal} comes of one lead only");
            let deal = world.deal(deal);
            assert_eq!((deal.created_at, deal.source), (at, lead.source));
            assert_eq!((deal.contact, deal.history[0].by), (Some(contact), lead.owner));
            assert!(lead.created_at < deal.created_at);
        }
    }
    assert!(converted > 500 && deals.len() > 400, "{converted} {}", deals.len());
    assert_eq!(statuses.len(), 5, "{statuses:?}");
}

#[test]
fn activities_hang_together() {
    let world = World::new(settings(30, 1_500));
    let mut all: BTreeMap<u64, Activity> = BTreeMap::new();
    for index in 0..world.deal_count() {
        let deal = world.deal(index);
        let activities = world.activities_of_deal(index);
        let last = activities
            .iter()
            .filter(|a| {
                let real = matches!(a.nature, Nature::Human | Nature::Moved);
                real && a.kind != ActivityKind::Task && a.at <= world.now()
            })
            .map(|a| a.at)
            .max();
        assert_eq!(deal.last_activity_at, last, "deal {index}");
        for activity in &activities {
            assert!(activity.at > deal.created_at && activity.about == About::Deal(index));
            if let (ActivityKind::Meeting | ActivityKind::EmailOut, Some(contact)) =
                (activity.kind, deal.contact)
            {
                let contacts = world.contacts_of(contact / 8);
                let known = activity.participants.iter().any(|p| {
                    contacts
                        .iter()
                        .any(|c| Some(c.index) == p.contact && c.email.as_ref() == Some(&p.email))
                });
                assert!(known, "{activity:?}");
            }
        }
        all.extend(activities.into_iter().map(|activity| (activity.index, activity)));
    }
    let of_deals = all.len();
    let leads = (0..world.lead_count()).flat_map(|lead| world.activities_of_lead(lead));
    let diaries = (0..world.people().len()).flat_map(|person| world.internal_activities(person));
    let others: Vec<Activity> = leads.chain(diaries).collect();
    let count = of_deals + others.len();
    all.extend(others.into_iter().map(|activity| (activity.index, activity)));
    assert_eq!(all.len(), count, "every activity has a number of its own");
    let mut natures = BTreeSet::new();
    let mut answers = BTreeSet::new();
    for activity in all.values() {
        in_hours(&world, activity.created_at);
        in_hours(&world, activity.modified_at);
        assert!(activity.modified_at >= activity.created_at, "{activity:?}");
        there(
            &world,
            activity.owner,
            activity.at.min(activity.created_at).max(world.people()[activity.owner].created_at),
        );
        natures.insert((activity.kind, activity.nature));
        for participant in &activity.participants {
            answers.insert(participant.answer as u8);
        }
        if let Some(answered) = activity.answers {
            let before = &all[&answered];
            assert!(before.at < activity.at && before.thread == activity.thread, "{activity:?}");
            if activity.kind == ActivityKind::EmailIn {
                assert_eq!(before.kind, ActivityKind::EmailOut);
                assert_eq!(before.participants[1].email, activity.participants[0].email);
            }
        }
    }
    for nature in [Nature::Human, Nature::AutoReply, Nature::Bounce, Nature::Newsletter] {
        assert!(natures.contains(&(ActivityKind::EmailIn, nature)), "{nature:?}");
    }
    for nature in [Nature::Human, Nature::Cancelled, Nature::Moved, Nature::NoShow] {
        assert!(natures.contains(&(ActivityKind::Meeting, nature)), "{nature:?}");
    }
    assert_eq!(answers.len(), 4);
    let diary: Vec<&Activity> = all.values().filter(|a| a.about == About::Internal).collect();
    assert!(diary.iter().any(|a| a.is_all_day) && diary.iter().any(|a| a.series.is_some()));
    let moved = |a: &&&Activity| a.series.is_some_and(|(_, planned)| planned != a.at);
    assert!(diary.iter().find(moved).is_some(), "some occurrences are moved");
    assert!(all.values().any(|a| a.at > world.now()), "calendars reach into the future");
}

#[test]
fn plans_and_calls_are_plausible() {
    let world = World::new(settings(30, 3_000));
    let quotas = world.quotas();
    let ids: BTreeSet<u64> = quotas.iter().map(|quota| quota.index).collect();
    assert_eq!(ids.len(), quotas.len());
    let mut changed = 0;
    for quota in &quotas {
        in_hours(&world, quota.modified_at);
        assert!(quota.amount.0 > 0 && quota.person > 0 && quota.person < world.people().len());
        changed += usize::from(quota.modified_at > quota.created_at);
    }
    assert!(changed > 0 && quotas.iter().any(|q| world.people()[q.person].role == Role::Manager));
    // A year's quotas and a year's bookings are of the same size.
    let won: i64 = (0..world.deal_count())
        .map(|index| world.deal(index))
        .filter(|deal| deal.stage == Stage::ClosedWon && deal.deleted_at.is_none())
        .filter_map(|deal| {
            let day = deal.expected_close;
            Some(world.core.rates.corporate(deal.amount?, deal.currency, day, world.today()).0)
        })
        .sum();
    let asked: i64 = quotas
        .iter()
        .filter(|quota| {
            world.people()[quota.person].role == Role::Rep && quota.month <= world.today()
        })
        .map(|q| world.core.rates.corporate(q.amount, q.currency, q.month, world.today()).0)
        .sum();
    let attainment = chance_of(won, asked);
    assert!((0.5..1.6).contains(&attainment), "{attainment}");

    let calls = world.forecast_calls();
    let ids: BTreeSet<u64> = calls.iter().map(|call| call.index).collect();
    assert_eq!(ids.len(), calls.len());
    for call in &calls {
        in_hours(&world, call.submitted_at);
        there(&world, call.person, call.submitted_at);
        assert!(call.amount.0 >= 0);
    }
    // Late calls are nearer to what came than early ones, for the company.
    let likely = |from: u32, to: u32| -> i64 {
        calls
            .iter()
            .filter(|call| call.category == ForecastCategory::MostLikely)
            .filter(|call| world.people()[call.person].role == Role::Rep)
            .filter(|call| (from..to).contains(&call.submitted_at.day()))
            .map(|call| call.amount.0)
            .sum()
    };
    assert!(likely(1, 8) > 0 && likely(22, 29) > 0);
}

fn chance_of(part: i64, whole: i64) -> f64 {
    crate::chance::money(part) / crate::chance::money(whole)
}

#[test]
fn any_size_is_a_world() {
    for (reps, deals) in [(1, 0), (1, 1), (2, 30), (7, 130), (300, 50)] {
        let mut world = World::new(settings(reps, deals));
        assert_eq!(world.deal_count(), deals);
        everything(&world);
        world.advance(30);
        everything(&world);
        assert!(
            world.truth(2, world.today()).iter().all(|figure| figure.n + figure.n_excluded > 0)
        );
    }
}
