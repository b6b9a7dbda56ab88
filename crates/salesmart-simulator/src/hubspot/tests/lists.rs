//! Lists, single records, batches, values and histories.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Portal, ids, quick, results};
use crate::hubspot::Settings;
use crate::wire::{Fault, FaultPlan};

#[tokio::test]
async fn lists_are_walked_to_the_end_in_ascending_order() {
    let portal = Portal::small().await;
    for name in ["contacts", "companies", "deals", "leads", "line_items", "emails", "contracts"] {
        let live = portal.all(&format!("/crm/v3/objects/{name}?limit=100")).await;
        let archived = portal.all(&format!("/crm/v3/objects/{name}?limit=100&archived=True")).await;
        let (all, wanted) = portal.count(name).await;
        assert!(wanted > 0, "{name} has records");
        assert_eq!(live.len() as u64, wanted, "{name}");
        assert_eq!((live.len() + archived.len()) as u64, all, "{name} with the archive");
        assert!(ids(&live).is_sorted_by(|one, next| one < next), "{name} ascends");
        assert!(live.iter().all(|record| record["archived"] == false));
        assert!(archived.iter().all(|record| record["archivedAt"].is_string()), "{name}");
    }
}

#[tokio::test]
async fn ten_come_by_default_and_a_hundred_at_most() {
    let portal = Portal::small().await;
    let page = portal.get("/crm/v3/objects/deals").await.ok();
    assert_eq!(results(&page).len(), 10);
    assert!(page["paging"]["next"]["after"].is_string());
    let refused = portal.get("/crm/v3/objects/deals?limit=101").await;
    assert_eq!((refused.status, &refused.json()["category"]), (400, &"VALIDATION_ERROR".into()));
    let refused =
        portal.get("/crm/v3/objects/deals?limit=51&propertiesWithHistory=dealstage").await;
    assert_eq!(refused.status, 400);
    portal.get("/crm/v3/objects/deals?limit=50&propertiesWithHistory=dealstage").await.ok();
    let refused = portal.get("/crm/v3/objects/nothings").await;
    assert_eq!(refused.json()["message"], "Unable to infer object type from: nothings");
}

#[tokio::test]
async fn objects_have_names_type_ids_and_dated_paths() {
    let portal = Portal::small().await;
    let by_name = portal.get("/crm/v3/objects/deals?limit=3").await.ok();
    for path in ["/crm/v3/objects/0-3", "/crm/v3/objects/deal", "/crm/objects/2026-03/deals"] {
        let page = portal.get(&format!("{path}?limit=3")).await.ok();
        assert_eq!(page["results"], by_name["results"], "{path}");
    }
    let custom = portal.get("/crm/v3/objects/2-4711001?limit=3").await.ok();
    let by_name = portal.get("/crm/v3/objects/p4711001_contracts?limit=3").await.ok();
    assert_eq!(custom["results"], by_name["results"]);
}

#[tokio::test]
async fn only_named_and_default_properties_come() {
    let portal = Portal::small().await;
    let keys = |record: &Value| -> Vec<String> {
        record["properties"].as_object().unwrap().keys().cloned().collect()
    };
    let page = portal.get("/crm/v3/objects/deals?limit=1").await.ok();
    assert_eq!(
        keys(&results(&page)[0]),
        [
            "amount",
            "closedate",
            "createdate",
            "dealname",
            "dealstage",
            "hs_lastmodifieddate",
            "hs_object_id",
            "pipeline"
        ]
    );
    for query in ["properties=hs_next_step,nonsense", "properties=hs_next_step&properties=x"] {
        let page = portal.get(&format!("/crm/v3/objects/deals?limit=1&{query}")).await.ok();
        assert_eq!(
            keys(&results(&page)[0]),
            ["createdate", "hs_lastmodifieddate", "hs_next_step", "hs_object_id"]
        );
    }
    let page = portal.get("/crm/v3/objects/contacts?limit=1&properties=email").await.ok();
    assert_eq!(
        keys(&results(&page)[0]),
        ["createdate", "email", "hs_object_id", "lastmodifieddate"],
        "contacts have a stamp of another name"
    );
}

#[tokio::test]
async fn values_are_texts_or_null_and_stamps_have_milliseconds() {
    let portal = Portal::with(quick(), FaultPlan::none(), 2_000).await;
    let names = portal.get("/crm/v3/properties/deals").await.ok();
    let names: Vec<&str> =
        results(&names).iter().map(|property| property["name"].as_str().unwrap()).collect();
    let path = format!("/crm/v3/objects/deals?limit=100&properties={}", names.join(","));
    let deals = portal.all(&path).await;
    let mut forms: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut empty, mut cents) = (0, 0);
    for deal in &deals {
        let properties = deal["properties"].as_object().unwrap();
        assert_eq!(properties.len(), names.len());
        assert!(properties.values().all(|value| value.is_string() || value.is_null()));
        assert_eq!(deal["createdAt"], properties["createdate"]);
        assert_eq!(deal["updatedAt"], properties["hs_lastmodifieddate"]);
        assert_eq!(deal["updatedAt"].as_str().unwrap().len(), "2026-09-30T12:00:00.000Z".len());
        let form = match properties["closedate"].as_str().unwrap() {
            text if text.bytes().all(|byte| byte.is_ascii_digit()) => "epoch",
            text if text.contains('.') => "full",
            _ => "seconds",
        };
        *forms.entry(form).or_default() += 1;
        empty += usize::from(properties["hs_next_step"] == "");
        let amount = properties["amount"].as_str().unwrap_or("0");
        assert!(!amount.contains('.') || !amount.ends_with('0'), "no zeros at the end: {amount}");
        cents += usize::from(amount.contains('.'));
        let id = format!("\"{}\"", deal["id"].as_str().unwrap());
        assert_eq!(properties["hs_object_id"].to_string(), id);
    }
    assert!(forms["epoch"] > 5 && forms["seconds"] > 5, "{forms:?}");
    assert!(forms["full"] > deals.len() * 9 / 10, "{forms:?}");
    assert!(empty > 0, "some next steps were taken away");
    assert!(cents > 0, "some amounts have cents");
    let milliseconds: BTreeSet<&str> =
        deals.iter().map(|deal| &deal["updatedAt"].as_str().unwrap()[20..23]).collect();
    assert!(milliseconds.len() > 100);
}

#[tokio::test]
async fn deals_hold_what_belongs_together() {
    let portal = Portal::small().await;
    let properties = "dealstage,hs_is_closed,hs_is_closed_won,amount,amount_in_home_currency,\
                      hs_exchange_rate,deal_currency_code,pipeline,hubspot_owner_id,\
                      hs_deal_stage_probability,hs_v2_date_entered_closedwon,closed_lost_reason,\
                      hs_manual_forecast_category";
    let deals =
        portal.all(&format!("/crm/v3/objects/deals?limit=100&properties={properties}")).await;
    let owners: BTreeSet<String> = portal
        .records("owners")
        .await
        .iter()
        .map(|owner| owner["id"].as_str().unwrap().to_owned())
        .collect();
    let mut currencies = BTreeSet::new();
    for deal in &deals {
        let value = |name: &str| deal["properties"][name].as_str();
        let stage = value("dealstage").unwrap();
        let is_won = stage == "closedwon";
        assert_eq!(value("hs_is_closed_won"), Some(if is_won { "true" } else { "false" }));
        assert_eq!(value("hs_is_closed").unwrap() == "true", stage.starts_with("closed"));
        assert_eq!(value("pipeline"), Some("default"));
        assert!(owners.contains(value("hubspot_owner_id").unwrap()));
        if is_won {
            assert_eq!(value("hs_deal_stage_probability"), Some("1"));
            assert!(value("hs_v2_date_entered_closedwon").is_some());
        }
        assert_eq!(value("closed_lost_reason").is_some(), stage == "closedlost");
        let number = |name: &str| value(name).map(|text| text.parse::<f64>().unwrap());
        if let (Some(amount), Some(home)) = (number("amount"), number("amount_in_home_currency")) {
            let rate = number("hs_exchange_rate").unwrap();
            assert!((amount * rate - home).abs() < 0.011, "{amount} * {rate} is {home}");
        }
        currencies.insert(value("deal_currency_code").unwrap().to_owned());
    }
    assert!(currencies.len() > 1 && currencies.contains("USD"), "{currencies:?}");
}

#[tokio::test]
async fn batches_tell_what_they_do_not_find() {
    let portal = Portal::small().await;
    let some = ids(results(&portal.get("/crm/v3/objects/deals?limit=100").await.ok()));
    let inputs = |ids: &[u64]| -> Vec<Value> {
        ids.iter().map(|id| json!({ "id": id.to_string() })).collect()
    };
    let path = "/crm/v3/objects/deals/batch/read";
    let found = portal.post(path, &json!({ "properties": [], "inputs": inputs(&some) })).await;
    let body = found.ok();
    assert_eq!(ids(results(&body)), some);
    assert_eq!(body["status"], "COMPLETE");
    assert!(body["startedAt"].is_string() && body["completedAt"].is_string());

    let mut half = some[..2].to_vec();
    half.push(399_999_999_999);
    let partial = portal.post(path, &json!({ "inputs": inputs(&half) })).await;
    assert_eq!(partial.status, 207);
    let body = partial.json();
    assert_eq!(ids(results(&body)), some[..2]);
    assert_eq!(body["numErrors"], 1);
    assert_eq!(body["errors"][0]["category"], "OBJECT_NOT_FOUND");
    assert_eq!(body["errors"][0]["context"]["ids"], json!(["399999999999"]));

    let mut many = some.clone();
    many.push(1);
    assert_eq!(portal.post(path, &json!({ "inputs": inputs(&many) })).await.status, 400);
    let histories = |count: usize| json!({ "inputs": inputs(&some[..count]), "propertiesWithHistory": ["dealstage"] });
    assert_eq!(portal.post(path, &histories(51)).await.status, 400);
    let body = portal.post(path, &histories(50)).await.ok();
    assert!(results(&body)[0]["propertiesWithHistory"]["dealstage"].is_array());
    assert_eq!(portal.post(path, &json!("nonsense")).await.status, 400);
}

#[tokio::test]
async fn histories_are_newest_first_and_cut_off() {
    let settings = Settings { history_length: 2, ..quick() };
    let portal = Portal::with(settings, FaultPlan::none(), 400).await;
    let tracked = ["dealstage", "amount", "closedate", "hubspot_owner_id"];
    let path = format!(
        "/crm/v3/objects/deals?limit=50&properties={0}&propertiesWithHistory={0}",
        tracked.join(",")
    );
    let deals = portal.all(&path).await;
    let whole = portal.records("deals_history").await;
    let mut longest = 0;
    for deal in &deals {
        for name in tracked {
            let Some(versions) = deal["propertiesWithHistory"][name].as_array() else {
                panic!("{name} has a history");
            };
            longest = longest.max(versions.len());
            let stamps: Vec<&str> =
                versions.iter().map(|version| version["timestamp"].as_str().unwrap()).collect();
            assert!(stamps.is_sorted_by(|one, next| one > next), "newest first: {stamps:?}");
            assert!(versions.iter().all(|version| version["value"].is_string()));
            if let (Some(newest), false) = (versions.first(), name == "closedate") {
                let now = &deal["properties"][name];
                assert_eq!(newest["value"].as_str(), now.as_str().or(Some("")), "{name}");
                assert_eq!(newest["sourceType"], "CRM_UI");
                let user = newest["updatedByUserId"].as_u64().unwrap();
                assert_eq!(newest["sourceId"], format!("userId:{user}"));
            }
        }
    }
    assert_eq!(longest, 2, "no history is longer than the setting");
    let stages = whole.iter().filter(|version| version["property"] == "dealstage").count();
    assert!(stages > deals.len() * 2, "the world knows more: {stages}");
}

#[tokio::test]
async fn single_records_and_missing_ones() {
    let portal = Portal::small().await;
    let page = portal.get("/crm/v3/objects/deals?limit=1&properties=dealname").await.ok();
    let first = &results(&page)[0];
    let path =
        format!("/crm/v3/objects/deals/{}?properties=dealname", first["id"].as_str().unwrap());
    assert_eq!(&portal.get(&path).await.ok(), first);
    let missing = portal.get("/crm/v3/objects/deals/399999999999").await;
    assert_eq!((missing.status, &missing.json()["category"]), (404, &"OBJECT_NOT_FOUND".into()));
}

#[tokio::test]
async fn pages_repeat_rows_on_demand() {
    let plan = FaultPlan::none().always("/crm/v3/objects/deals", Fault::DuplicateRows);
    let portal = Portal::with(quick(), plan, 400).await;
    let deals = portal.all("/crm/v3/objects/deals?limit=100").await;
    let distinct: BTreeSet<u64> = ids(&deals).into_iter().collect();
    let (_, live) = portal.count("deals").await;
    assert_eq!(distinct.len() as u64, live);
    assert!(deals.len() > distinct.len());
}
