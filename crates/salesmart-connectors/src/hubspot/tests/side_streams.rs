//! History, associations, owners, stages, properties.

use serde_json::json;

use super::account::{Account, at};
use super::{Landing, connect};

fn former(property: &str, value: &str, hours: i64) -> serde_json::Value {
    json!({"of": property, "value": value, "timestamp": at(hours).to_rfc3339(),
        "sourceType": "CRM_UI", "sourceId": "userId:7", "updatedByUserId": 7})
}

#[tokio::test]
async fn history_adds_up_over_runs() {
    let account = Account::new().await;
    account.fill(1..=120, at(1));
    account.deals(|deals| {
        for record in deals.records.values_mut() {
            record.history = vec![former("amount", "20", 2), former("amount", "10", 1)];
        }
        deals.records.get_mut(&5).unwrap().archived = true;
    });
    let more = "history: {deals: [amount, no_such_property]}";
    let mut landing = Landing::new(connect(&account.url, more).unwrap(), "deals_history");
    landing.run().await.good();
    assert_eq!(landing.state.len(), 240, "archived deals have a history too");
    let key = "120|amount|2026-09-30T02:00:00Z";
    assert_eq!(landing.value(key, "value"), Some("20"));
    assert_eq!(landing.value(key, "updated_by_user_id"), Some("7"));
    assert_eq!(landing.value(key, "source_type"), Some("CRM_UI"));
    // HubSpot forgets the oldest value; we do not.
    account.deals(|deals| {
        deals.put(120, at(20), &[]);
        deals.records.get_mut(&120).unwrap().history =
            vec![former("amount", "30", 20), former("amount", "20", 2)];
    });
    account.forget_calls();
    account.wait(20);
    landing.run().await.good();
    assert_eq!(landing.state.len(), 241);
    assert_eq!(account.calls("propertiesWithHistory"), 0, "only changed deals are read");
    assert_eq!(account.calls("/batch/read"), 1);
}

#[tokio::test]
async fn associations_come_page_by_page_and_removed_ones_go() {
    let account = Account::new().await;
    account.fill(1..=130, at(1));
    let bond = ("deals".to_owned(), "contacts".to_owned());
    let links = (1..=130).flat_map(|deal| (0..=deal % 4).map(move |contact| (deal, contact, 3)));
    account.portal().associations.insert(bond.clone(), links.collect());
    account.portal().page = 2;
    let expected = account.portal().associations[&bond].len();
    let mut landing = Landing::new(connect(&account.url, "").unwrap(), "deals_to_contacts");
    landing.run().await.good();
    assert_eq!(landing.state.len(), expected);
    assert_eq!(landing.value("3|3|3", "category"), Some("HUBSPOT_DEFINED"));
    assert_eq!(landing.value("3|2|3", "label"), None);
    // A new association of a changed deal is seen at once.
    account.wait(1);
    let now = at(12);
    account.fill(8..=8, now);
    account.portal().associations.get_mut(&bond).unwrap().insert((8, 77, 3));
    landing.run().await.good();
    assert!(landing.state.contains_key("8|77|3"));
    // A removed one leaves no trace, and is gone with the next sweep.
    account.portal().associations.get_mut(&bond).unwrap().remove(&(3, 3, 3));
    account.wait(24);
    let seen = landing.run().await.good();
    assert!(!landing.state.contains_key("3|3|3"));
    assert_eq!(landing.state.len(), expected);
    assert_eq!(seen.rows(), expected);
}

#[tokio::test]
async fn owners_have_their_teams_and_those_who_left_are_there() {
    let account = Account::new().await;
    let mut landing = Landing::new(connect(&account.url, "").unwrap(), "owners");
    landing.run().await.good();
    assert_eq!(landing.value("7", "team_ids"), Some("1;2"));
    assert_eq!(landing.value("7", "primary_team_name"), Some("North"));
    assert_eq!(landing.value("7", "user_id"), Some("70"));
    assert_eq!(landing.value("7", "archived"), Some("false"));
    assert_eq!(landing.value("8", "archived"), Some("true"));
    assert_eq!(landing.value("8", "user_id"), None);
    assert!(landing.run().await.good().reading.events.is_empty());
}

#[tokio::test]
async fn stages_and_properties_are_typed() {
    let account = Account::new().await;
    let connector = connect(&account.url, "").unwrap();
    let mut stages = Landing::new(connector.clone(), "deal_stages");
    stages.run().await.good();
    assert_eq!(stages.value("p|s", "is_closed"), Some("true"));
    assert_eq!(stages.value("p|s", "probability"), Some("1.000000000000000000"));
    assert_eq!(stages.value("p|s", "display_order"), Some("1"));
    let mut properties = Landing::new(connector, "properties");
    properties.run().await.good();
    assert_eq!(properties.value("deals|amount", "type"), Some("number"));
    assert_eq!(properties.value("contacts|email", "calculated"), Some("false"));
}
