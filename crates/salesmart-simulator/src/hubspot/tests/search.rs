//! Search: filters, orders, caps and lags.

use serde_json::{Value, json};

use super::{Portal, ids, quick, results};
use crate::hubspot::{BatchTouch, Settings};
use crate::wire::FaultPlan;

const DEALS: &str = "/crm/v3/objects/deals/search";

fn by_id(filters: Value, after: u64, limit: u64) -> Value {
    let mut filters = filters.as_array().unwrap().clone();
    filters.push(json!({
        "propertyName": "hs_object_id", "operator": "GT", "value": after.to_string()
    }));
    json!({
        "filterGroups": [{ "filters": filters }],
        "sorts": [{ "propertyName": "hs_object_id", "direction": "ASCENDING" }],
        "properties": ["dealname", "amount", "dealstage", "closedate", "hs_next_step"],
        "limit": limit,
        "after": "0",
    })
}

/// Everything that matches, by walking up the ids.
async fn walk(portal: &Portal, path: &str, filters: Value) -> (u64, Vec<Value>) {
    let (mut last, mut found, mut total) = (0, Vec::new(), None);
    loop {
        let page = portal.post(path, &by_id(filters.clone(), last, 200)).await.ok();
        total.get_or_insert_with(|| page["total"].as_u64().unwrap());
        found.extend(results(&page).iter().cloned());
        match ids(results(&page)).last() {
            Some(id) => last = *id,
            None => return (total.unwrap(), found),
        }
    }
}

#[tokio::test]
async fn a_window_is_walked_by_id() {
    let portal = Portal::with(quick(), FaultPlan::none(), 1_000).await;
    let live = portal.all("/crm/v3/objects/deals?limit=100").await;
    let (total, found) = walk(&portal, DEALS, json!([])).await;
    assert_eq!(total, live.len() as u64);
    assert_eq!(ids(&found), ids(&live));

    let stamp = |record: &Value| {
        let text = record["updatedAt"].as_str().unwrap();
        chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    };
    let mut stamps: Vec<i64> = live.iter().map(stamp).collect();
    stamps.sort_unstable();
    let (low, high) = (stamps[stamps.len() / 3], stamps[stamps.len() * 2 / 3]);
    let window = json!([
        { "propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": low.to_string() },
        { "propertyName": "hs_lastmodifieddate", "operator": "LTE", "value": high.to_string() },
    ]);
    let (total, found) = walk(&portal, DEALS, window).await;
    let wanted: Vec<Value> =
        live.iter().filter(|deal| (low..=high).contains(&stamp(deal))).cloned().collect();
    assert_eq!(total, wanted.len() as u64);
    assert_eq!(ids(&found), ids(&wanted), "both bounds are included");
    let outside = json!([
        { "propertyName": "hs_lastmodifieddate", "operator": "GT", "value": low.to_string() },
        { "propertyName": "hs_lastmodifieddate", "operator": "LT", "value": high.to_string() },
    ]);
    let (total, _) = walk(&portal, DEALS, outside).await;
    assert_eq!(total, wanted.len() as u64 - 2, "and here neither is");
}

#[tokio::test]
async fn contacts_have_a_stamp_of_their_own() {
    let portal = Portal::small().await;
    let filter = |name: &str| {
        json!({ "filterGroups": [{ "filters": [
            { "propertyName": name, "operator": "GTE", "value": "0" }
        ]}]})
    };
    let path = "/crm/v3/objects/contacts/search";
    let (_, live) = portal.count("contacts").await;
    assert_eq!(portal.post(path, &filter("lastmodifieddate")).await.ok()["total"], live);
    let refused = portal.post(path, &filter("hs_lastmodifieddate")).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.json()["errors"][0]["code"], "PROPERTY_DOESNT_EXIST");
}

#[tokio::test]
async fn nobody_pages_past_the_cap() {
    let settings = Settings { search_cap: 300, ..quick() };
    let portal = Portal::with(settings, FaultPlan::none(), 600).await;
    let page = |after: &str| portal_body(after);
    let first = portal.post(DEALS, &page("")).await.ok();
    assert!(first["total"].as_u64().unwrap() > 300);
    assert_eq!(first["paging"]["next"]["after"], "100");
    let last = portal.post(DEALS, &page("200")).await.ok();
    assert_eq!(last["paging"]["next"]["after"], "300", "HubSpot offers a page it then refuses");
    let refused = portal.post(DEALS, &page("300")).await;
    assert_eq!((refused.status, &refused.json()["category"]), (400, &"VALIDATION_ERROR".into()));

    let ten_thousand = Portal::small().await;
    assert_eq!(ten_thousand.post(DEALS, &page("9900")).await.status, 200);
    assert_eq!(ten_thousand.post(DEALS, &page("10000")).await.status, 400);
}

fn portal_body(after: &str) -> Value {
    json!({ "filterGroups": [], "sorts": [], "properties": [], "limit": 100, "after": after })
}

#[tokio::test]
async fn pages_have_two_hundred_at_most_and_one_order() {
    let portal = Portal::small().await;
    assert_eq!(results(&portal.post(DEALS, &json!({})).await.ok()).len(), 10);
    assert_eq!(results(&portal.post(DEALS, &json!({ "limit": 200 })).await.ok()).len(), 200);
    assert_eq!(portal.post(DEALS, &json!({ "limit": 201 })).await.status, 400);
    let two = json!({ "sorts": ["amount", "-createdate"] });
    assert_eq!(portal.post(DEALS, &two).await.status, 400);
    let groups: Vec<Value> = (0..6).map(|_| json!({ "filters": [] })).collect();
    assert_eq!(portal.post(DEALS, &json!({ "filterGroups": groups })).await.status, 400);

    let newest = json!({ "sorts": ["-hs_lastmodifieddate"], "limit": 200 });
    let found = portal.post(DEALS, &newest).await.ok();
    let stamps: Vec<&str> =
        results(&found).iter().map(|deal| deal["updatedAt"].as_str().unwrap()).collect();
    assert!(stamps.is_sorted_by(|one, next| one >= next));
    let dearest = json!({
        "sorts": [{ "propertyName": "amount", "direction": "DESCENDING" }],
        "properties": ["amount"],
        "limit": 200,
    });
    let found = portal.post(DEALS, &dearest).await.ok();
    let amounts: Vec<f64> = results(&found)
        .iter()
        .filter_map(|deal| deal["properties"]["amount"].as_str())
        .map(|amount| amount.parse().unwrap())
        .collect();
    assert!(amounts.is_sorted_by(|one, next| one >= next) && amounts[0] > amounts[99]);
}

#[tokio::test]
async fn every_operator_means_what_it_says() {
    let portal = Portal::small().await;
    let live = portal
        .all("/crm/v3/objects/deals?limit=100&properties=dealname,amount,dealstage,hs_next_step")
        .await;
    let value = |deal: &Value, name: &str| -> Option<String> {
        deal["properties"][name].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let amount = |deal: &Value| value(deal, "amount").map(|text| text.parse::<f64>().unwrap());
    let word = value(&live[0], "dealname").unwrap();
    let word = word.split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned();
    let holds = |deal: &Value| {
        let name = value(deal, "dealname").unwrap_or_default().to_lowercase();
        name.split(|c: char| !c.is_alphanumeric()).any(|token| token == word.to_lowercase())
    };
    type Accepts<'a> = Box<dyn Fn(&Value) -> bool + 'a>;
    let cases: Vec<(Value, Accepts<'_>)> = vec![
        (
            json!({ "propertyName": "dealstage", "operator": "EQ", "value": "closedwon" }),
            Box::new(|deal| value(deal, "dealstage").as_deref() == Some("closedwon")),
        ),
        (
            json!({ "propertyName": "dealstage", "operator": "NEQ", "value": "closedwon" }),
            Box::new(|deal| value(deal, "dealstage").as_deref() != Some("closedwon")),
        ),
        (
            json!({
                "propertyName": "dealstage", "operator": "IN",
                "values": ["closedwon", "contractsent"]
            }),
            Box::new(|deal| {
                let stage = value(deal, "dealstage").unwrap();
                ["closedwon", "contractsent"].contains(&stage.as_str())
            }),
        ),
        (
            json!({
                "propertyName": "dealstage", "operator": "NOT_IN",
                "values": ["closedwon", "closedlost"]
            }),
            Box::new(|deal| !value(deal, "dealstage").unwrap().starts_with("closed")),
        ),
        (
            json!({ "propertyName": "amount", "operator": "GT", "value": "20000.5" }),
            Box::new(|deal| amount(deal).is_some_and(|amount| amount > 20_000.5)),
        ),
        (
            json!({
                "propertyName": "amount", "operator": "BETWEEN",
                "value": "10000", "highValue": 30000
            }),
            Box::new(|deal| {
                amount(deal).is_some_and(|amount| (10_000.0..=30_000.0).contains(&amount))
            }),
        ),
        (
            json!({ "propertyName": "amount", "operator": "LTE", "value": "0" }),
            Box::new(|deal| amount(deal).is_some_and(|amount| amount <= 0.0)),
        ),
        (
            json!({ "propertyName": "hs_next_step", "operator": "HAS_PROPERTY" }),
            Box::new(|deal| value(deal, "hs_next_step").is_some()),
        ),
        (
            json!({ "propertyName": "hs_next_step", "operator": "NOT_HAS_PROPERTY" }),
            Box::new(|deal| value(deal, "hs_next_step").is_none()),
        ),
        (
            json!({ "propertyName": "dealname", "operator": "CONTAINS_TOKEN", "value": word }),
            Box::new(holds),
        ),
        (
            json!({ "propertyName": "dealname", "operator": "NOT_CONTAINS_TOKEN", "value": word }),
            Box::new(move |deal| !holds(deal)),
        ),
    ];
    for (filter, accepts) in cases {
        let wanted: Vec<Value> = live.iter().filter(|deal| accepts(deal)).cloned().collect();
        let (total, found) = walk(&portal, DEALS, json!([filter])).await;
        assert_eq!(total, wanted.len() as u64, "{filter}");
        assert_eq!(ids(&found), ids(&wanted), "{filter}");
    }

    let either = json!({ "filterGroups": [
        { "filters": [{ "propertyName": "dealstage", "operator": "EQ", "value": "closedwon" }] },
        { "filters": [{ "propertyName": "amount", "operator": "LT", "value": "20000" }] },
    ]});
    let wanted = live.iter().filter(|deal| {
        value(deal, "dealstage").as_deref() == Some("closedwon")
            || amount(deal).is_some_and(|amount| amount < 20_000.0)
    });
    assert_eq!(portal.post(DEALS, &either).await.ok()["total"], wanted.count());

    for filter in [
        json!({ "propertyName": "amount", "operator": "LIKE", "value": "1" }),
        json!({ "propertyName": "amount", "operator": "GT", "value": "much" }),
        json!({ "propertyName": "amount", "operator": "GT" }),
        json!({ "propertyName": "hs_lastmodifieddate", "operator": "GT", "value": "yesterday" }),
        json!({ "propertyName": "nonsense", "operator": "GT", "value": "1" }),
    ] {
        let refused =
            portal.post(DEALS, &json!({ "filterGroups": [{ "filters": [filter] }] })).await;
        assert_eq!(refused.status, 400, "{filter}");
    }
}

#[tokio::test]
async fn archived_records_and_associations_are_not_found() {
    let portal = Portal::with(quick(), FaultPlan::none(), 1_500).await;
    let archived = portal.all("/crm/v3/objects/deals?limit=100&archived=true").await;
    assert!(!archived.is_empty());
    let (_, found) = walk(&portal, DEALS, json!([])).await;
    assert!(archived.iter().all(|deal| !ids(&found).contains(&ids(std::slice::from_ref(deal))[0])));
    assert!(found.iter().all(|deal| deal.get("associations").is_none()));
}

#[tokio::test]
async fn many_deals_share_one_stamp_after_a_batch_job() {
    let at = "2026-09-30T21:00:00Z".parse().unwrap();
    let touch = BatchTouch { at, first: 100, count: 12_000 };
    let settings = Settings { batch_touch: Some(touch), ..quick() };
    let portal = Portal::with(settings, FaultPlan::none(), 13_000).await;
    let stamp = at.timestamp_millis().to_string();
    let same = json!([
        { "propertyName": "hs_lastmodifieddate", "operator": "BETWEEN",
          "value": stamp, "highValue": stamp },
    ]);
    let (total, found) = walk(&portal, DEALS, same).await;
    assert!(total > 10_000, "{total}");
    assert_eq!(found.len() as u64, total);
    assert!(found.iter().all(|deal| deal["updatedAt"] == "2026-09-30T21:00:00.000Z"));
}

#[tokio::test]
async fn the_index_lags_behind_the_lists() {
    let lag = 60 * 24 * 3;
    let portal =
        Portal::with(Settings { search_lag_minutes: lag, ..quick() }, FaultPlan::none(), 2_000)
            .await;
    let live = portal.all("/crm/v3/objects/deals?limit=100").await;
    let (total, _) = walk(&portal, DEALS, json!([])).await;
    let edge = portal.world.read().now() - chrono::TimeDelta::minutes(lag);
    let wanted = live.iter().filter(|deal| {
        let text = deal["updatedAt"].as_str().unwrap();
        chrono::DateTime::parse_from_rfc3339(text).unwrap() <= edge
    });
    let wanted = wanted.count() as u64;
    assert_eq!(total, wanted);
    assert!(total < live.len() as u64, "something changed in the last days");
}
