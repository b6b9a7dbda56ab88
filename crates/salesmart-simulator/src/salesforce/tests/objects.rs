//! The objects: what describe says of them, that every path gives the same rows, and that they are
//! one consistent company.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{BASE, Sim, texts};

/// A value as both paths must mean it.
fn normal(kind: &str, value: &str) -> String {
    match kind {
        "double" | "currency" | "percent" | "int" if !value.is_empty() => {
            let number: f64 = value.parse().unwrap();
            format!("{number:.6}")
        }
        "datetime" => value.replace("+0000", "Z"),
        _ => value.to_owned(),
    }
}

fn rest_text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn every_object_is_the_same_by_rest_bulk_and_count() {
    let sim = Sim::new().await;
    let counts = sim.counts().await;
    let listed = sim.get(&format!("{BASE}/sobjects")).await.json();
    assert_eq!(listed["encoding"], "UTF-8");
    let objects = listed["sobjects"].as_array().unwrap();
    assert!(objects.len() >= 30, "{}", objects.len());
    let mut empty = Vec::new();
    let mut not_bulkable = BTreeSet::new();
    for object in objects {
        let name = object["name"].as_str().unwrap();
        assert_eq!(object["queryable"], true);
        let fields: BTreeMap<String, String> =
            sim.fields(name).await.into_iter().filter(|(_, kind)| kind != "address").collect();
        let list: Vec<&str> = fields.keys().map(String::as_str).collect();
        let soql = format!("SELECT {} FROM {name}", list.join(", "));
        let rest = sim.all("queryAll", &soql).await;
        let ids: BTreeSet<String> = texts(&rest, "Id").into_iter().collect();
        assert_eq!(ids.len(), rest.len(), "{name} has ids twice");
        assert_eq!(counts[name]["all"], rest.len(), "{name}");
        let live = sim.count(&format!("SELECT COUNT() FROM {name}")).await;
        assert_eq!(counts[name]["live"], live, "{name}");
        if rest.is_empty() {
            empty.push(name.to_owned());
        }
        let prefix = object["keyPrefix"].as_str().unwrap();
        assert!(ids.iter().all(|id| id.starts_with(prefix) && id.len() == 18), "{name}");

        let job = json!({"operation": "queryAll", "query": soql});
        let path = format!("{BASE}/jobs/query");
        let created = sim.call(reqwest::Method::POST, &path, &[], Some(job.clone())).await;
        if created.status == 400 {
            assert_eq!(created.code(), "INVALIDENTITY", "{name}");
            not_bulkable.insert(name.to_owned());
            continue;
        }
        let id = sim.job(job).await;
        let bulk = sim.results(&id, 1_500).await;
        assert_eq!(bulk.len(), rest.len(), "{name}");
        for (rest, bulk) in rest.iter().zip(&bulk) {
            for (field, kind) in &fields {
                let (a, b) = (rest_text(&rest[field]), &bulk[field]);
                assert_eq!(normal(kind, &a), normal(kind, b), "{name}.{field} of {}", rest["Id"]);
            }
        }
    }
    assert!(empty.is_empty(), "{empty:?}");
    assert!(not_bulkable.contains("OpportunityStage") && !not_bulkable.contains("Opportunity"));
}

#[tokio::test]
async fn describe_tells_what_clients_need() {
    let sim = Sim::new().await;
    let opportunity = sim.get(&format!("{BASE}/sobjects/opportunity/describe")).await.json();
    assert_eq!(opportunity["name"], "Opportunity");
    assert_eq!(opportunity["keyPrefix"], "006");
    for (flag, value) in [("queryable", true), ("replicateable", true), ("custom", false)] {
        assert_eq!(opportunity[flag], value, "{flag}");
    }
    let field = |name: &str| {
        let fields = opportunity["fields"].as_array().unwrap();
        fields
            .iter()
            .find(|field| field["name"] == name)
            .unwrap_or_else(|| panic!("{name}"))
            .clone()
    };
    let amount = field("Amount");
    assert_eq!(
        (&amount["type"], &amount["precision"], &amount["scale"]),
        (&json!("currency"), &json!(18), &json!(2))
    );
    assert_eq!(field("OwnerId")["referenceTo"], json!(["User"]));
    assert_eq!(field("OwnerId")["relationshipName"], "Owner");
    assert_eq!(field("Merged_Into__c")["relationshipName"], "Merged_Into__r");
    assert_eq!(field("Days_Open__c")["calculated"], true);
    assert_eq!(field("Loss_Reason__c")["custom"], true);
    assert_eq!(field("Description")["filterable"], false);
    assert_eq!(field("StageName")["picklistValues"][0]["value"], "Prospecting");
    assert_eq!(field("Id")["nillable"], false);
    let offered = field("CurrencyIsoCode")["picklistValues"].clone();
    let offered = texts(offered.as_array().unwrap(), "value");
    for deal in sim.all("query", "SELECT CurrencyIsoCode FROM Opportunity").await {
        assert!(offered.iter().any(|code| deal["CurrencyIsoCode"] == code.as_str()), "{deal}");
    }
    assert_eq!(field("LastActivityDate")["label"], "Last Activity Date");
    let history = sim.fields("OpportunityFieldHistory").await;
    assert_eq!(history["NewValue"], "anyType");
    assert!(!history.contains_key("SystemModstamp"));
    let subscription = sim.get(&format!("{BASE}/sobjects/Subscription__c/describe")).await.json();
    assert_eq!(
        (&subscription["custom"], &subscription["keyPrefix"]),
        (&json!(true), &json!("a00"))
    );
    assert_eq!(sim.get(&format!("{BASE}/sobjects/Nothing/describe")).await.code(), "NOT_FOUND");
    assert_eq!(
        sim.get(&format!("{BASE}/sobjects/Account/001000000000000AAA")).await.code(),
        "NOT_FOUND"
    );
}

#[tokio::test]
async fn histories_end_where_the_records_are() {
    let sim = Sim::new().await;
    let deals = sim
        .all("query", "SELECT Id, StageName, Amount, CloseDate, Probability, OwnerId, Owner.Name, CurrencyIsoCode FROM Opportunity")
        .await;
    let history = sim
        .all(
            "query",
            "SELECT OpportunityId, StageName, Amount, CloseDate, Probability, CreatedDate, Id \
              FROM OpportunityHistory ORDER BY CreatedDate, Id",
        )
        .await;
    let mut last: BTreeMap<&str, &Json> = BTreeMap::new();
    for row in &history {
        last.insert(row["OpportunityId"].as_str().unwrap(), row);
    }
    for deal in &deals {
        let id = deal["Id"].as_str().unwrap();
        let row = last.get(id).unwrap_or_else(|| panic!("{id} has no history"));
        for field in ["StageName", "Amount", "CloseDate", "Probability"] {
            assert_eq!(row[field], deal[field], "{field} of {id}: {row}");
        }
    }
    let changes = sim
        .all(
            "query",
            "SELECT Id, OpportunityId, Field, DataType, OldValue, NewValue, CreatedDate \
              FROM OpportunityFieldHistory ORDER BY CreatedDate, Id",
        )
        .await;
    let mut stages: BTreeMap<&str, &Json> = BTreeMap::new();
    let mut owners: BTreeMap<&str, Vec<&Json>> = BTreeMap::new();
    let mut kinds = BTreeSet::new();
    for change in &changes {
        let id = change["OpportunityId"].as_str().unwrap();
        kinds.insert(change["Field"].as_str().unwrap());
        match change["Field"].as_str().unwrap() {
            "StageName" => {
                stages.insert(id, change);
            }
            "Owner" => owners.entry(id).or_default().push(change),
            "Amount" => assert!(change["NewValue"].is_number() || change["NewValue"].is_null()),
            _ => {}
        }
    }
    assert!(
        ["created", "StageName", "Amount", "CloseDate"].iter().all(|k| kinds.contains(k)),
        "{kinds:?}"
    );
    for deal in &deals {
        let id = deal["Id"].as_str().unwrap();
        if let Some(change) = stages.get(id) {
            assert_eq!(change["NewValue"], deal["StageName"], "{id}");
        }
        if let Some(changes) = owners.get(id) {
            // Lookups write two records: the label and the id.
            assert_eq!(changes.len() % 2, 0);
            let last: Vec<_> =
                changes.iter().rev().take(2).map(|change| &change["NewValue"]).collect();
            assert!(
                last.contains(&&deal["OwnerId"]) && last.contains(&&deal["Owner"]["Name"]),
                "{id}"
            );
        }
    }
    assert!(!owners.is_empty());
    // What is older than the org keeps is gone, though the deals are older.
    let oldest = texts(&changes, "CreatedDate").into_iter().min().unwrap();
    assert!(oldest.as_str() >= "2025-03-3", "{oldest}");
    assert!(texts(&history, "CreatedDate").into_iter().min().unwrap().as_str() < "2025-03");
}

#[tokio::test]
async fn references_lead_to_records() {
    let sim = Sim::new().await;
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let listed = sim.get(&format!("{BASE}/sobjects")).await.json();
    let names = texts(listed["sobjects"].as_array().unwrap(), "name");
    for name in &names {
        let ids = texts(&sim.all("queryAll", &format!("SELECT Id FROM {name}")).await, "Id");
        known.insert(name.clone(), ids.into_iter().collect());
    }
    for name in &names {
        let described = sim.get(&format!("{BASE}/sobjects/{name}/describe")).await.json();
        for field in described["fields"].as_array().unwrap() {
            let targets: Vec<&str> =
                field["referenceTo"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
            if targets.is_empty() {
                continue;
            }
            let field = field["name"].as_str().unwrap();
            let soql = format!("SELECT {field} FROM {name} WHERE {field} != null");
            for row in sim.all("query", &soql).await {
                let id = row[field].as_str().unwrap();
                let is_found = targets
                    .iter()
                    .any(|target| known.get(*target).is_some_and(|ids| ids.contains(id)));
                // What was merged or deleted long ago is purged, and references to it stay.
                let is_purgeable = targets.iter().any(|target| {
                    ["Account", "Contact", "Lead", "Opportunity", "Task", "EmailMessage"]
                        .contains(target)
                });
                assert!(is_found || is_purgeable, "{name}.{field} leads to {id}");
            }
        }
    }
}

#[tokio::test]
async fn forecasts_add_up() {
    let sim = Sim::new().await;
    let items = sim
        .all(
            "query",
            "SELECT Id, OwnerId, Owner.Name, PeriodId, Period.StartDate, ForecastCategoryName, \
              OwnerOnlyAmount, AmountWithoutAdjustments, IsUpToDate FROM ForecastingItem",
        )
        .await;
    assert!(items.iter().all(|item| item["IsUpToDate"] == true));
    let facts = sim
        .all(
            "query",
            "SELECT ForecastingItemId, OpportunityId, ForecastCategoryName FROM ForecastingFact",
        )
        .await;
    let rates = sim
        .all(
            "query",
            "SELECT IsoCode, StartDate, NextStartDate, ConversionRate FROM DatedConversionRate",
        )
        .await;
    let deals =
        sim.all("query", "SELECT Id, Amount, CurrencyIsoCode, CloseDate FROM Opportunity").await;
    let corporate = |deal: &Json| {
        let (currency, day) = (&deal["CurrencyIsoCode"], deal["CloseDate"].as_str().unwrap());
        let mut of: Vec<&Json> = rates.iter().filter(|rate| rate["IsoCode"] == *currency).collect();
        of.sort_by_key(|rate| rate["StartDate"].as_str().unwrap());
        let rate = of
            .iter()
            .rfind(|rate| rate["StartDate"].as_str().unwrap() <= day)
            .or(of.first())
            .map_or(1.0, |rate| rate["ConversionRate"].as_f64().unwrap());
        deal["Amount"].as_f64().unwrap_or(0.0) / rate
    };
    let by_id: BTreeMap<&str, &Json> =
        deals.iter().map(|d| (d["Id"].as_str().unwrap(), d)).collect();
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for fact in &facts {
        let deal = by_id[fact["OpportunityId"].as_str().unwrap()];
        *sums.entry(fact["ForecastingItemId"].as_str().unwrap()).or_default() += corporate(deal);
    }
    assert!(sums.len() > 5, "{}", sums.len());
    for item in &items {
        let sum = sums.remove(item["Id"].as_str().unwrap()).unwrap_or(0.0);
        let own = item["OwnerOnlyAmount"].as_f64().unwrap();
        assert!((own - sum).abs() < 0.05 * (1.0 + facts.len() as f64), "{item}: {sum}");
    }
    assert!(sums.is_empty(), "facts without items: {sums:?}");
    // The head of sales has everybody's.
    let month = "2026-09-01";
    let of = |name: &str, field: &str| {
        items
            .iter()
            .filter(|i| i["Period"]["StartDate"] == month && i["ForecastCategoryName"] == "Closed")
            .filter(|i| name.is_empty() || i["Owner"]["Name"] == name)
            .map(|i| i[field].as_f64().unwrap())
            .sum::<f64>()
    };
    let head = sim.all("query", "SELECT Name FROM User WHERE ManagerId = null").await;
    let head = head[0]["Name"].as_str().unwrap().to_owned();
    assert!((of(&head, "AmountWithoutAdjustments") - of("", "OwnerOnlyAmount")).abs() < 0.01);
}

#[tokio::test]
async fn merged_records_point_to_those_that_stay() {
    let sim = Sim::new().await;
    sim.world.advance(10);
    let deleted = sim
        .all("queryAll", "SELECT Id, IsDeleted, Merged_Into__c, SystemModstamp, LastModifiedDate FROM Opportunity WHERE IsDeleted = true")
        .await;
    assert!(deleted.iter().all(|row| row["IsDeleted"] == true));
    assert!(
        deleted.iter().all(|row| row["SystemModstamp"].as_str().unwrap() >= "2026-09-25"),
        "{deleted:?}"
    );
    let stamps = sim
        .all("queryAll", "SELECT SystemModstamp, LastModifiedDate, CreatedDate FROM Account")
        .await;
    for row in &stamps {
        assert!(row["CreatedDate"].as_str() <= row["LastModifiedDate"].as_str(), "{row}");
        assert!(row["LastModifiedDate"].as_str() <= row["SystemModstamp"].as_str(), "{row}");
    }
}
