//! What goes wrong on demand.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use super::{BASE, Settings, Sim, encoded, texts};
use crate::wire::{Fault, FaultPlan, RetryAfter, When};

#[tokio::test]
async fn errors_have_salesforces_bodies() {
    let sim = Sim::new().await;
    let path = format!("{BASE}/limits");
    for (fault, status, code) in [
        (Fault::Unauthorized, 401, Some("INVALID_SESSION_ID")),
        (Fault::QuotaExhausted, 403, Some("REQUEST_LIMIT_EXCEEDED")),
        (Fault::ServerError { status: 503 }, 503, Some("SERVER_UNAVAILABLE")),
        (Fault::ServerError { status: 500 }, 500, Some("UNKNOWN_EXCEPTION")),
        (Fault::ServerError { status: 502 }, 502, None),
        (
            Fault::TooManyRequests { retry_after: RetryAfter::Seconds(7) },
            429,
            Some("REQUEST_LIMIT_EXCEEDED"),
        ),
    ] {
        sim.server.set_faults(FaultPlan::none().always("*/limits", fault));
        let reply = sim.get(&path).await;
        assert_eq!(reply.status, status);
        match code {
            Some(code) => assert_eq!(reply.code(), code),
            None => assert!(reply.text.starts_with("<html>")),
        }
        if let Fault::TooManyRequests { .. } = fault {
            assert_eq!(reply.header("retry-after"), Some("7"));
        }
    }
}

#[tokio::test]
async fn the_clock_is_the_worlds_and_may_be_off() {
    let sim = Sim::new().await;
    let path = format!("{BASE}/limits");
    assert_eq!(sim.get(&path).await.header("date"), Some("Wed, 30 Sep 2026 23:59:59 GMT"));
    sim.server.set_faults(FaultPlan::none().always("*", Fault::ClockSkew { seconds: -60 }));
    assert_eq!(sim.get(&path).await.header("date"), Some("Wed, 30 Sep 2026 23:58:59 GMT"));
}

#[tokio::test]
async fn fields_come_go_and_change() {
    let sim = Sim::new().await;
    let before = sim.fields("Opportunity").await;
    assert_eq!(before["Priority__c"], "double");
    assert!(before.contains_key("Legacy_Code__c") && before.contains_key("Internal_Note__c"));
    assert!(!before.contains_key("Discovery_Score__c"));
    let plan = [Fault::NewField, Fault::RemovedField, Fault::RetypedField, Fault::HiddenField]
        .into_iter()
        .fold(FaultPlan::none(), |plan, fault| plan.always("*", fault));
    sim.server.set_faults(plan);
    let after = sim.fields("Opportunity").await;
    assert_eq!(after["Priority__c"], "string");
    assert_eq!(after["Discovery_Score__c"], "double");
    assert!(!after.contains_key("Legacy_Code__c") && !after.contains_key("Internal_Note__c"));
    let reply = sim.query("SELECT Legacy_Code__c FROM Opportunity").await;
    assert_eq!(reply.code(), "INVALID_FIELD");
    let rows = sim.all("query", "SELECT Priority__c, Discovery_Score__c FROM Opportunity").await;
    assert!(rows.iter().any(|row| row["Discovery_Score__c"].is_number()));
    assert!(rows.iter().any(|row| row["Priority__c"] == "high"));
}

#[tokio::test]
async fn hidden_objects_are_as_if_they_were_not() {
    let settings = Settings {
        hidden_objects: vec!["ForecastingQuota".to_owned()],
        hidden_fields: vec!["Opportunity.Amount".to_owned()],
        ..Settings::default()
    };
    let sim = Sim::with(settings, FaultPlan::none()).await;
    assert_eq!(sim.query("SELECT Id FROM ForecastingQuota").await.code(), "INVALID_TYPE");
    assert_eq!(sim.get(&format!("{BASE}/sobjects/ForecastingQuota/describe")).await.status, 404);
    assert!(!sim.fields("Opportunity").await.contains_key("Amount"));
    assert_eq!(sim.query("SELECT Amount FROM Opportunity").await.code(), "INVALID_FIELD");
}

#[tokio::test]
async fn texts_may_hold_nuls() {
    let sim = Sim::new().await;
    let soql = "SELECT Description FROM Opportunity";
    let has_nul = |text: &str| text.contains('\0');
    let job = json!({"operation": "query", "query": soql});
    let id = sim.job(job.clone()).await;
    let results = |id: &str| format!("{BASE}/jobs/query/{id}/results");
    assert!(!has_nul(&sim.get(&results(&id)).await.text));
    sim.server.set_faults(FaultPlan::none().always("*", Fault::NulBytes));
    let id = sim.job(job).await;
    assert!(has_nul(&sim.get(&results(&id)).await.text));
    let rows = sim.all("query", soql).await;
    assert!(rows.iter().any(|row| row["Description"].as_str().is_some_and(has_nul)));
}

#[tokio::test]
async fn pages_may_repeat_rows_and_cursors_expire() {
    let sim = Sim::new().await;
    let path = format!("{BASE}/query?{}", encoded("q", "SELECT Id FROM Opportunity"));
    let options = [("Sforce-Query-Options", "batchSize=200")];
    sim.server.set_faults(FaultPlan::none().always("*/query*", Fault::DuplicateRows));
    let page = sim.call(Method::GET, &path, &options, None).await.json();
    let ids = texts(page["records"].as_array().unwrap(), "Id");
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (201, 200));
    let plan = FaultPlan::none().with("*/query/*", When::Nth(1), None, Fault::ExpiredCursor);
    sim.server.set_faults(plan);
    let next = page["nextRecordsUrl"].as_str().unwrap();
    assert_eq!(sim.get(next).await.code(), "INVALID_QUERY_LOCATOR");
    assert_eq!(sim.get(next).await.code(), "INVALID_QUERY_LOCATOR", "what expired stays so");
}

#[tokio::test]
async fn jobs_may_fail_or_never_end() {
    let sim = Sim::new().await;
    let path = format!("{BASE}/jobs/query");
    let job = json!({"operation": "query", "query": "SELECT Id FROM Account"});
    for (fault, state) in [(Fault::JobFailed, "Failed"), (Fault::JobStuck, "InProgress")] {
        sim.server.set_faults(FaultPlan::none().with("*/jobs/query", When::Nth(1), None, fault));
        let created = sim.call(Method::POST, &path, &[], Some(job.clone())).await.json();
        let info = format!("{path}/{}", created["id"].as_str().unwrap());
        for _ in 0..20 {
            sim.get(&info).await;
        }
        let info = sim.get(&info).await.json();
        assert_eq!(info["state"], state);
        if fault == Fault::JobFailed {
            assert!(info["errorMessage"].is_string());
            assert_eq!(info["retries"], 15);
        }
        sim.job(job.clone()).await;
    }
}

#[tokio::test]
async fn rows_may_be_committed_late() {
    let plan = FaultPlan::none().always("*", Fault::LateCommit { minutes: 20 });
    let late = Sim::with(Settings::default(), plan).await;
    let punctual = Sim::new().await;
    let soql = "SELECT Id, SystemModstamp FROM Task";
    let mut was_late = 0;
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for _ in 0..4 {
        let cursor = late.world.read().now() - chrono::TimeDelta::minutes(10);
        let cursor = cursor.format("%Y-%m-%dT%H:%M:%S.000+0000").to_string();
        seen.extend(texts(&late.all("queryAll", soql).await, "Id"));
        late.world.advance(1);
        punctual.world.advance(1);
        for row in late.all("queryAll", soql).await {
            // There now, not there yesterday, and older than where yesterday's reader stopped.
            let is_new = !seen.contains(row["Id"].as_str().unwrap());
            was_late +=
                usize::from(is_new && row["SystemModstamp"].as_str().unwrap() < cursor.as_str());
        }
    }
    assert!(was_late > 0);
    let yesterday = "SELECT COUNT() FROM Task WHERE CreatedDate < 2026-10-04T00:00:00Z";
    assert_eq!(late.count(yesterday).await, punctual.count(yesterday).await);
}
