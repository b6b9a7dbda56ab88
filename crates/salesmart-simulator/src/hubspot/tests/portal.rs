//! Properties, pipelines, owners, schemas, goals and forecasts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Portal, quick, results};
use crate::wire::{Fault, FaultPlan};

#[tokio::test]
async fn properties_have_types_and_options() {
    let portal = Portal::small().await;
    let all = portal.get("/crm/v3/properties/0-3").await.ok();
    let find = |name: &str| {
        results(&all).iter().find(|property| property["name"] == name).cloned().unwrap_or_default()
    };
    for (name, kind, calculated) in [
        ("amount", "number", false),
        ("closedate", "datetime", false),
        ("contract_start", "date", false),
        ("hs_is_closed", "bool", true),
        ("dealname", "string", false),
        ("dealtype", "enumeration", false),
        ("amount_in_home_currency", "number", true),
        ("hs_v2_date_entered_closedwon", "datetime", true),
        ("hs_object_id", "number", false),
    ] {
        let property = find(name);
        assert_eq!(
            (&property["type"], &property["calculated"]),
            (&kind.into(), &calculated.into())
        );
        assert_eq!(property["archived"], false);
    }
    assert_eq!(find("hubspot_owner_id")["externalOptions"], true);
    assert_eq!(find("dealtype")["options"][0]["value"], "newbusiness");
    assert_eq!(find("competitor")["hubspotDefined"], false);
    assert_eq!(portal.get("/crm/v3/properties/deals/amount").await.ok(), find("amount"));
    assert_eq!(portal.get("/crm/v3/properties/deals/nonsense").await.status, 404);
}

#[tokio::test]
async fn properties_come_go_hide_and_change() {
    let portal = Portal::small().await;
    let names = async |query: &str| -> BTreeSet<String> {
        let all = portal.get(&format!("/crm/v3/properties/deals{query}")).await.ok();
        results(&all).iter().map(|property| property["name"].as_str().unwrap().to_owned()).collect()
    };
    let before = names("").await;
    portal.server.set_faults(
        FaultPlan::none()
            .always("*", Fault::NewField)
            .always("*", Fault::RemovedField)
            .always("*", Fault::HiddenField)
            .always("*", Fault::RetypedField),
    );
    let after = names("").await;
    let gone: Vec<&String> = before.difference(&after).collect();
    let new: Vec<&String> = after.difference(&before).collect();
    assert_eq!(gone, ["competitor", "discount_percent"]);
    assert_eq!(new, ["partner_tier"]);
    assert_eq!(names("?archived=true").await, BTreeSet::from(["discount_percent".to_owned()]));
    let retyped = portal.get("/crm/v3/properties/deals/renewal_term").await.ok();
    assert_eq!(retyped["type"], "string");
    let page = portal
        .get("/crm/v3/objects/deals?properties=renewal_term,partner_tier,competitor")
        .await
        .ok();
    let properties = results(&page)[0]["properties"].as_object().unwrap();
    assert!(properties["renewal_term"].as_str().unwrap().ends_with(" months"));
    assert!(properties["partner_tier"].is_string() && !properties.contains_key("competitor"));
}

#[tokio::test]
async fn texts_may_hold_nuls() {
    let plan = FaultPlan::none().always("*", Fault::NulBytes);
    let portal = Portal::with(quick(), plan, 400).await;
    let page = portal.get("/crm/v3/objects/deals?limit=100").await;
    assert!(page.text.contains("\\u0000"));
    let with_nul = page.ok();
    assert!(
        results(&with_nul)
            .iter()
            .any(|deal| { deal["properties"]["dealname"].as_str().unwrap().ends_with('\0') })
    );
}

#[tokio::test]
async fn pipelines_have_metadata_of_texts() {
    let portal = Portal::small().await;
    let all = portal.get("/crm/v3/pipelines/deals").await.ok();
    let sales = &results(&all)[0];
    assert_eq!(sales["id"], "default");
    let won = sales["stages"].as_array().unwrap().iter().find(|stage| stage["id"] == "closedwon");
    let won = won.unwrap();
    assert_eq!(won["label"], "Closed Won");
    assert_eq!(
        (&won["metadata"]["isClosed"], &won["metadata"]["probability"]),
        (&"true".into(), &"1.0".into())
    );
    let partners = &results(&all)[1];
    assert!(
        partners["stages"].as_array().unwrap().iter().any(|stage| stage["id"] == "closedwon"),
        "stage ids are only unique per pipeline"
    );
    let one = portal.get("/crm/v3/pipelines/deals/default").await.ok();
    assert_eq!(&one, sales);
    let leads = portal.get("/crm/v3/pipelines/leads").await.ok();
    assert_eq!(results(&leads)[0]["stages"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn owners_have_teams_and_an_archive() {
    let portal = Portal::small().await;
    let live = portal.all("/crm/v3/owners?limit=2").await;
    let archived = portal.all("/crm/v3/owners?limit=2&archived=true").await;
    let (all, wanted) = portal.count("owners").await;
    assert_eq!((live.len() as u64, (live.len() + archived.len()) as u64), (wanted, all));
    let ids: BTreeSet<&str> = live.iter().map(|owner| owner["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), live.len());
    assert!(live.iter().all(|owner| owner["userId"] == owner["userIdIncludingInactive"]));
    assert!(live.iter().any(|owner| owner["teams"][0]["primary"] == true));
    for owner in &archived {
        assert!(owner["userId"].is_null() && owner["userIdIncludingInactive"].is_u64());
        assert!(owner.get("archivedAt").is_none(), "owners have none");
    }
    let email = live[0]["email"].as_str().unwrap();
    let found = portal.all(&format!("/crm/v3/owners?email={email}")).await;
    assert_eq!(found, [live[0].clone()]);
    let by_id = portal.get(&format!("/crm/v3/owners/{}", live[0]["id"].as_str().unwrap())).await;
    assert_eq!(by_id.ok(), live[0]);
}

#[tokio::test]
async fn the_custom_object_has_a_schema() {
    let portal = Portal::small().await;
    let all = portal.get("/crm/v3/schemas").await.ok();
    assert_eq!(portal.get("/crm-object-schemas/v3/schemas").await.ok(), all);
    let schema = &results(&all)[0];
    assert_eq!(schema["objectTypeId"], "2-4711001");
    assert_eq!(schema["fullyQualifiedName"], "p4711001_contracts");
    let (_, live) = portal.count("contracts").await;
    assert!(live > 0);
}

#[tokio::test]
async fn goals_and_forecasts_are_what_the_world_says() {
    let portal = Portal::small().await;
    let goals = portal
        .all("/crm/v3/objects/goal_targets?limit=100&properties=hs_target_amount,hs_start_datetime")
        .await;
    let quotas = portal.world.read().quotas();
    assert_eq!(goals.len(), quotas.len());
    let mut wanted: Vec<_> = quotas.iter().collect();
    wanted.sort_by_key(|quota| quota.index);
    for (goal, quota) in goals.iter().zip(&wanted) {
        let amount = goal["properties"]["hs_target_amount"].as_str().unwrap();
        assert_eq!(amount, crate::hubspot::value::fraction(i128::from(quota.amount.0), 2));
    }
    let types = portal.get("/forecast-settings/v3/forecast-types").await.ok();
    assert_eq!(results(&types)[0]["defaultType"], true);

    let path = "/forecast-submissions/2026-09-beta/events";
    let events = portal.all(&format!("{path}?limit=100")).await;
    assert_eq!(events.len(), portal.world.read().forecast_calls().len());
    assert_eq!(events, portal.records("forecast_submissions").await);
    let middle = events[events.len() / 2]["occurredAt"].as_str().unwrap();
    let later = portal.all(&format!("{path}?limit=100&occurredAfter={middle}")).await;
    let sooner = portal.all(&format!("{path}?limit=100&occurredBefore={middle}")).await;
    let same = |event: &&Value| event["occurredAt"] == middle;
    assert_eq!(later.len() + sooner.len() + events.iter().filter(same).count(), events.len());
    assert!(!later.is_empty() && !sooner.is_empty());
}

#[tokio::test]
async fn the_account_tells_its_currency_and_usage() {
    let portal = Portal::small().await;
    let details = portal.get("/account-info/v3/details").await.ok();
    assert_eq!((&details["companyCurrency"], &details["timeZone"]), (&"USD".into(), &"UTC".into()));
    let usage = portal.get("/account-info/v3/api-usage/daily/private-apps").await.ok();
    assert_eq!(results(&usage)[0]["currentUsage"], 2);
}
