//! What was deleted, what was changed, and what the bin has.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{BASE, Settings, Sim, encoded, texts};
use crate::wire::FaultPlan;

impl Sim {
    async fn replication(&self, object: &str, what: &str, start: &str, end: &str) -> super::Reply {
        let span = format!("{}&{}", encoded("start", start), encoded("end", end));
        self.get(&format!("{BASE}/sobjects/{object}/{what}/?{span}")).await
    }
}

fn ids(records: &Json) -> BTreeSet<String> {
    texts(records.as_array().unwrap(), "id").into_iter().collect()
}

/// Advances until a deal is deleted, and tells the day after.
async fn until_deleted(sim: &Sim) {
    for _ in 0..40 {
        sim.world.advance(5);
        if sim.count("SELECT COUNT() FROM Lead WHERE IsDeleted = true").await > 0 {
            panic!("live queries show the bin");
        }
        let binned = sim.all("queryAll", "SELECT Id FROM Opportunity WHERE IsDeleted = true").await;
        if !binned.is_empty() {
            return;
        }
    }
    panic!("nobody ever deletes a deal");
}

#[tokio::test]
async fn deletions_are_logged() {
    let sim = Sim::new().await;
    until_deleted(&sim).await;
    let now = sim.world.read().now();
    let from = (now - chrono::TimeDelta::days(14)).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let to = now.format("%Y-%m-%dT%H:%M:%S+00:00").to_string();
    let reply = sim.replication("Opportunity", "deleted", &from, &to).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let log = reply.json();
    let soql =
        format!("SELECT Id FROM Opportunity WHERE IsDeleted = true AND SystemModstamp >= {from}");
    let binned: BTreeSet<String> =
        texts(&sim.all("queryAll", &soql).await, "Id").into_iter().collect();
    assert_eq!(ids(&log["deletedRecords"]), binned);
    assert!(log["latestDateCovered"].as_str().unwrap() <= to.as_str());
    assert!(log["earliestDateAvailable"].as_str().unwrap() < from.as_str());
    let id = binned.first().unwrap();
    let gone = sim.get(&format!("{BASE}/sobjects/Opportunity/{id}")).await;
    assert_eq!((gone.status, gone.code().as_str()), (404, "ENTITY_IS_DELETED"));

    let reply = sim.replication("Opportunity", "updated", &from, &to).await.json();
    let soql = format!("SELECT Id FROM Opportunity WHERE SystemModstamp >= {from}");
    let changed: BTreeSet<String> =
        texts(&sim.all("query", &soql).await, "Id").into_iter().collect();
    let told: BTreeSet<String> =
        reply["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    // Spans begin on whole minutes, so a little more may be told.
    assert!(told.is_superset(&changed) && !changed.is_empty());
}

#[tokio::test]
async fn spans_have_limits() {
    let settings = Settings { replication_ids: 3, ..Settings::default() };
    let sim = Sim::with(settings, FaultPlan::none()).await;
    for (start, end) in [
        ("2026-09-30T10:00:00Z", "2026-09-30T10:00:30Z"),
        ("2026-09-01T10:00:00Z", "2026-09-30T10:00:00Z"),
        ("2026-10-02T10:00:00Z", "2026-10-03T10:00:00Z"),
        ("yesterday", "2026-09-30T10:00:00Z"),
    ] {
        let reply = sim.replication("Account", "deleted", start, end).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (400, "INVALID_REPLICATION_DATE"),
            "{start}"
        );
    }
    let reply =
        sim.replication("Task", "updated", "2026-09-20T10:00:00Z", "2026-09-30T10:00:00Z").await;
    assert_eq!(reply.code(), "EXCEEDED_ID_LIMIT");
    let reply = sim
        .replication("UserRole", "deleted", "2026-09-29T10:00:00Z", "2026-09-30T10:00:00Z")
        .await;
    assert_eq!(reply.status, 400);
    assert_eq!(sim.replication("Nothing", "deleted", "", "").await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn the_bin_is_emptied() {
    let sim = Sim::with(Settings { bin_days: 0, ..Settings::default() }, FaultPlan::none()).await;
    let before: BTreeSet<String> =
        texts(&sim.all("queryAll", "SELECT Id FROM Opportunity").await, "Id").into_iter().collect();
    for _ in 0..40 {
        sim.world.advance(5);
        let now: BTreeSet<String> =
            texts(&sim.all("queryAll", "SELECT Id FROM Opportunity").await, "Id")
                .into_iter()
                .collect();
        if let Some(id) = before.difference(&now).next() {
            let gone = sim.get(&format!("{BASE}/sobjects/Opportunity/{id}")).await;
            assert_eq!(gone.code(), "NOT_FOUND");
            return;
        }
    }
    panic!("nobody ever deletes a deal");
}
