//! Hygiene: what is missing or out of date in the CRM today.

use std::collections::BTreeMap;

use crate::Fixed6;
use crate::world::World;

use super::funnel::completed_stays;
use super::known::People;
use super::sheet::Sheet;
use super::story::Story;
use super::sums::Names;
use super::tally::{STALE_AFTER, percentile};
use super::{Scope, known::Holder};

/// Of how many it is known, and how many have the issue; and how many there are.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    affected: u64,
    checked: u64,
    total: u64,
}

/// Issues of open deals and of accounts, by whose they are today.
pub(super) fn sheet(world: &World, people: &People<'_>, stories: &[Story], names: &Names) -> Sheet {
    let today = world.today();
    let limits: BTreeMap<_, _> = completed_stays(stories)
        .into_iter()
        .filter_map(|(stage, days)| Some((stage, percentile(&days, 9, Fixed6::whole)?)))
        .collect();
    let mut counts: BTreeMap<(&'static str, Scope, String), Count> = BTreeMap::new();
    let mut add = |issue, holder: Holder, has: Option<bool>| {
        for (scope, name) in names.of(holder) {
            let count = counts.entry((issue, scope, name.to_owned())).or_default();
            count.total += 1;
            count.checked += u64::from(has.is_some());
            count.affected += u64::from(has == Some(true));
        }
    };
    for story in stories.iter().filter(|s| !s.is_gone && s.fact.closed.is_none()) {
        let deal = world.deal(story.index);
        let holder = story.fact.holder;
        let limit = limits.get(&deal.stage);
        let stay = story.visits.last().map(|visit| (today - visit.entered).num_days());
        let overdue = limit.zip(stay).map(|(limit, days)| Fixed6::whole(i128::from(days)) > *limit);
        let quiet = story.fact.last_activity.map(|last| (today - last).num_days() >= STALE_AFTER);
        add("close_date_past", holder, Some(deal.expected_close < today));
        add("no_amount", holder, Some(deal.amount.is_none()));
        add("no_next_step", holder, Some(deal.next_step.is_none()));
        add("no_contact", holder, Some(deal.contact.is_none()));
        add("stage_overdue", holder, overdue);
        add("no_activity", holder, quiet);
    }
    let there = || {
        (0..world.account_count())
            .map(|index| world.account(index))
            .filter(|account| account.deleted_at.is_none())
    };
    let mut domains: BTreeMap<String, u64> = BTreeMap::new();
    for domain in there().filter_map(|account| account.domain) {
        *domains.entry(domain).or_default() += 1;
    }
    for account in there() {
        let shared = account.domain.map(|domain| domains[&domain] > 1);
        add("duplicate_account", people.holder(account.owner, today), shared);
    }
    let mut sheet = Sheet::new(
        "crm_hygiene",
        &["issue", "scope", "scope_name"],
        &["n_affected", "n_checked", "n_total"],
    );
    for ((issue, scope, name), Count { affected, checked, total }) in counts {
        let known = if checked > 0 { affected.to_string() } else { String::new() };
        sheet.put(
            vec![issue.to_owned(), scope.as_str().to_owned(), name],
            vec![known, checked.to_string(), total.to_string()],
        );
    }
    sheet
}
