//! Associations: inline, v3 and v4.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Portal, ids, quick, results};
use crate::hubspot::Settings;
use crate::wire::FaultPlan;

#[tokio::test]
async fn inline_associations_name_both_labels_of_a_company() {
    let portal = Portal::small().await;
    let deals =
        portal.all("/crm/v3/objects/deals?limit=100&associations=companies,line_items").await;
    let with = deals.iter().find(|deal| deal["associations"]["companies"].is_object()).unwrap();
    let types: Vec<&str> = results(&with["associations"]["companies"])
        .iter()
        .map(|to| to["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["deal_to_company", "deal_to_company_unlabeled"]);
    assert!(
        deals.iter().any(|deal| deal["associations"]["line items"].is_object()),
        "here, and only here, the name has a space"
    );
    let refused = portal.get("/crm/v3/objects/deals?associations=products").await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn inline_associations_are_paged_themselves() {
    let settings = Settings { association_page: 1, ..quick() };
    let portal = Portal::with(settings, FaultPlan::none(), 400).await;
    let companies = portal.all("/crm/v3/objects/companies?limit=100&associations=contacts").await;
    let paged = companies
        .iter()
        .find(|company| company["associations"]["contacts"]["paging"].is_object())
        .unwrap();
    let contacts = &paged["associations"]["contacts"];
    assert_eq!(results(contacts).len(), 2, "one contact, with two labels");
    let after = contacts["paging"]["next"]["after"].as_str().unwrap();
    let id = paged["id"].as_str().unwrap();
    let rest = portal
        .all(&format!("/crm/v4/objects/companies/{id}/associations/contacts?after={after}"))
        .await;
    let whole = portal.records("companies_to_contacts").await;
    let wanted = whole.iter().filter(|link| link["from_id"] == id).count();
    assert_eq!(2 + rest.len() * 2, wanted);
}

#[tokio::test]
async fn batches_give_what_the_world_knows() {
    let portal = Portal::small().await;
    for (from, to) in [
        ("deals", "companies"),
        ("deals", "contacts"),
        ("deals", "line_items"),
        ("contacts", "companies"),
        ("companies", "contacts"),
        ("companies", "deals"),
        ("meetings", "deals"),
        ("meetings", "contacts"),
        ("calls", "deals"),
        ("emails", "contacts"),
        ("deals", "leads"),
    ] {
        let all = portal.all(&format!("/crm/v3/objects/{from}?limit=100")).await;
        let inputs: Vec<Value> = all.iter().map(|record| json!({ "id": record["id"] })).collect();
        let (mut got, mut without) = (BTreeSet::new(), 0);
        for chunk in inputs.chunks(1_000) {
            let path = format!("/crm/v4/associations/{from}/{to}/batch/read");
            let answered = portal.post(&path, &json!({ "inputs": chunk })).await;
            let body = answered.json();
            let errors = body["errors"].as_array().map_or(0, Vec::len);
            assert_eq!(answered.status, if errors > 0 { 207 } else { 200 });
            without += errors;
            if let Some(error) = body["errors"].get(0) {
                assert_eq!(error["subCategory"], "crm.associations.NO_ASSOCIATIONS_FOUND");
            }
            for result in results(&body) {
                for target in result["to"].as_array().unwrap() {
                    assert!(target["toObjectId"].is_string());
                    for kind in target["associationTypes"].as_array().unwrap() {
                        got.insert((
                            result["from"]["id"].as_str().unwrap().to_owned(),
                            target["toObjectId"].as_str().unwrap().to_owned(),
                            kind["typeId"].as_u64().unwrap(),
                        ));
                    }
                }
            }
        }
        let wanted: BTreeSet<(String, String, u64)> = portal
            .records(&format!("{from}_to_{to}"))
            .await
            .iter()
            .map(|link| {
                let text = |name: &str| link[name].as_str().unwrap().to_owned();
                (text("from_id"), text("to_id"), link["type_id"].as_u64().unwrap())
            })
            .collect();
        assert!(!wanted.is_empty(), "{from} to {to}");
        assert_eq!(got, wanted, "{from} to {to}");
        let linked: BTreeSet<&String> = wanted.iter().map(|(from, _, _)| from).collect();
        assert_eq!(without, all.len() - linked.len(), "{from} to {to}");
    }
}

#[tokio::test]
async fn targets_are_live_and_survivors() {
    let portal = Portal::with(quick(), FaultPlan::none(), 2_000).await;
    let contacts: BTreeSet<u64> =
        ids(&portal.all("/crm/v3/objects/contacts?limit=100").await).into_iter().collect();
    for link in portal.records("deals_to_contacts").await {
        let to: u64 = link["to_id"].as_str().unwrap().parse().unwrap();
        assert!(contacts.contains(&to), "{to} is live");
    }
}

#[tokio::test]
async fn ids_may_be_numbers_and_batches_have_a_thousand() {
    let settings = Settings { numeric_to_object_id: true, association_page: 1, ..quick() };
    let portal = Portal::with(settings, FaultPlan::none(), 400).await;
    let companies = portal.all("/crm/v3/objects/companies?limit=100").await;
    let inputs: Vec<Value> = companies.iter().map(|record| json!({ "id": record["id"] })).collect();
    let path = "/crm/v4/associations/companies/contacts/batch/read";
    let body = portal.post(path, &json!({ "inputs": inputs })).await.json();
    let paged = results(&body).iter().find(|one| one["paging"].is_object()).unwrap();
    let first = paged["to"][0]["toObjectId"].as_u64().unwrap();
    let after = paged["paging"]["next"]["after"].as_str().unwrap();
    let next = json!({ "inputs": [{ "id": paged["from"]["id"], "after": after }] });
    let body = portal.post(path, &next).await.ok();
    assert!(results(&body)[0]["to"][0]["toObjectId"].as_u64().unwrap() > first);

    let many: Vec<Value> = (0..1_001).map(|n| json!({ "id": n.to_string() })).collect();
    assert_eq!(portal.post(path, &json!({ "inputs": many })).await.status, 400);
}

#[tokio::test]
async fn labels_and_v3_lists() {
    let portal = Portal::small().await;
    let labels = portal.get("/crm/v4/associations/deals/companies/labels").await.ok();
    assert_eq!(
        results(&labels)[0],
        json!({ "category": "HUBSPOT_DEFINED", "typeId": 5, "label": "Primary" })
    );
    let link = &portal.records("deals_to_contacts").await[0];
    let id = link["from_id"].as_str().unwrap();
    let listed =
        portal.get(&format!("/crm/v3/objects/deals/{id}/associations/contacts")).await.ok();
    assert_eq!(results(&listed), [json!({ "id": link["to_id"], "type": "deal_to_contact" })]);
}
