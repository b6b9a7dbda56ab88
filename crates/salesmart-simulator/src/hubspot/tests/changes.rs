//! What days bring: changes, deletions, restorations, merges and late commits.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Portal, ids, quick, results};
use crate::hubspot::Settings;
use crate::wire::{Fault, FaultPlan};

fn by_id(records: Vec<Value>) -> BTreeMap<u64, Value> {
    ids(&records).into_iter().zip(records).collect()
}

async fn changed(portal: &Portal, kind: &str, since: i64) -> BTreeMap<u64, Value> {
    let modified = if kind == "contacts" { "lastmodifieddate" } else { "hs_lastmodifieddate" };
    let (mut last, mut found) = (0, Vec::new());
    loop {
        let body = json!({
            "filterGroups": [{ "filters": [
                { "propertyName": modified, "operator": "GTE", "value": since.to_string() },
                { "propertyName": "hs_object_id", "operator": "GT", "value": last.to_string() },
            ]}],
            "sorts": ["hs_object_id"], "limit": 200,
        });
        let page = portal.post(&format!("/crm/v3/objects/{kind}/search"), &body).await.ok();
        match ids(results(&page)).last() {
            Some(id) => last = *id,
            None => return by_id(found),
        }
        found.extend(results(&page).iter().cloned());
    }
}

/// A client that keeps a copy by search and by the archive has, day after day, what lists show.
#[tokio::test]
async fn changes_are_found_by_search_and_the_rest_by_sweeps() {
    let portal = Portal::with(quick(), FaultPlan::none(), 1_500).await;
    let mut archived_ever = BTreeSet::new();
    for kind in ["deals", "contacts", "companies", "leads", "line_items", "meetings"] {
        let list = format!("/crm/v3/objects/{kind}?limit=100");
        let mut copy = by_id(portal.all(&list).await);
        let mut bound = portal.world.read().now().timestamp_millis() - 600_000;
        for _ in 0..3 {
            portal.world.advance(5);
            let fresh = changed(&portal, kind, bound).await;
            copy.extend(fresh);
            bound = portal.world.read().now().timestamp_millis() - 600_000;
            let live = by_id(portal.all(&list).await);
            let archived = by_id(portal.all(&format!("{list}&archived=true")).await);
            archived_ever.extend(archived.keys().copied());
            // What is gone was archived, or merged into another, or is beyond the archive.
            copy.retain(|id, _| live.contains_key(id));
            assert_eq!(copy.len(), live.len(), "{kind}: nothing new is missing");
            for (id, record) in &live {
                assert_eq!(copy.get(id), Some(record), "{kind} {id} is as the list shows it");
            }
        }
    }
    assert!(!archived_ever.is_empty());
}

#[tokio::test]
async fn the_archive_forgets_after_ninety_days() {
    let portal = Portal::with(quick(), FaultPlan::none(), 1_500).await;
    let path = "/crm/v3/objects/deals?limit=100&archived=true";
    let before: BTreeSet<u64> = ids(&portal.all(path).await).into_iter().collect();
    assert!(!before.is_empty());
    let first = before.first().unwrap();
    assert_eq!(portal.get(&format!("/crm/v3/objects/deals/{first}")).await.status, 404);
    portal.get(&format!("/crm/v3/objects/deals/{first}?archived=true")).await.ok();
    portal.world.advance(91);
    let after: BTreeSet<u64> = ids(&portal.all(path).await).into_iter().collect();
    assert!(before.is_disjoint(&after), "all of them were archived more than 90 days ago");
}

#[tokio::test]
async fn merged_records_vanish_and_resolve_to_their_survivors() {
    let portal = Portal::with(quick(), FaultPlan::none(), 3_000).await;
    let mut seen = 0;
    for kind in ["deals", "contacts", "companies"] {
        let list = format!("/crm/v3/objects/{kind}?limit=100&properties=hs_merged_object_ids");
        let live = portal.all(&list).await;
        let archived: BTreeSet<u64> =
            ids(&portal.all(&format!("{list}&archived=true")).await).into_iter().collect();
        let all: BTreeSet<u64> = ids(&live).into_iter().collect();
        for survivor in &live {
            let Some(merged) = survivor["properties"]["hs_merged_object_ids"].as_str() else {
                continue;
            };
            for loser in merged.split(';') {
                seen += 1;
                let number: u64 = loser.parse().unwrap();
                assert!(!all.contains(&number) && !archived.contains(&number), "it vanished");
                let resolved = portal.get(&format!("/crm/v3/objects/{kind}/{loser}")).await.ok();
                assert_eq!(resolved["id"], survivor["id"]);
            }
        }
    }
    assert!(seen > 0, "somebody was merged");
}

#[tokio::test]
async fn late_commits_appear_a_day_later_with_yesterdays_stamp() {
    let plan = FaultPlan::none().always("*", Fault::LateCommit { minutes: 9 });
    let settings = Settings { search_lag_minutes: 0, ..quick() };
    let portal = Portal::with(settings, plan, 3_000).await;
    portal.world.advance(1);
    let end = portal.world.read().now().timestamp_millis();
    let found = changed(&portal, "deals", end - 86_400_000).await;
    portal.world.advance(1);
    let later = changed(&portal, "deals", end - 600_000).await;
    let late: Vec<&Value> = later
        .values()
        .filter(|deal| {
            let stamp = deal["updatedAt"].as_str().unwrap();
            let stamp = chrono::DateTime::parse_from_rfc3339(stamp).unwrap().timestamp_millis();
            stamp == end - 540_000
        })
        .collect();
    assert!(!late.is_empty(), "something was committed late");
    assert!(late.iter().all(|deal| !found.contains_key(&ids(&[(*deal).clone()])[0])));
}
