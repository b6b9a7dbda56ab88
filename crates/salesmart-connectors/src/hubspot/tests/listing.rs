//! The first reading: all records, in pages that can be continued.

use salesmart_core::ErrorKind;

use super::account::{Account, Instead, Object, at};
use super::{Landing, connect, read_from};

#[tokio::test]
async fn all_records_come_with_all_values() {
    let account = Account::new().await;
    account.fill(1..=250, at(1));
    account.deals(|deals| deals.put(7, at(2), &[("dealname", "Seven"), ("amount", "")]));
    let mut landing = Landing::new(connect(&account.url, "").unwrap(), "deals");
    let seen = landing.run().await.good();
    assert_eq!(landing.state.len(), 250);
    assert_eq!(landing.value("7", "dealname"), Some("Seven"));
    assert_eq!(landing.value("7", "amount"), None, "an empty text is no value");
    assert_eq!(landing.value("8", "amount"), Some("10.500000000000000000"));
    assert_eq!(landing.value("8", "archived"), Some("false"));
    assert_eq!(account.calls("GET /crm/v3/objects/deals?limit=100&archived=false"), 3);
    assert!(seen.rejected().is_empty());
    // The same again: HubSpot's clock did not move.
    account.forget_calls();
    let again = landing.run().await.good();
    assert!(again.reading.events.is_empty(), "{:?}", again.reading.events);
    assert_eq!(account.calls("/crm/v3/objects/"), 0);
}

#[tokio::test]
async fn an_account_without_records_is_read() {
    let account = Account::new().await;
    let mut landing = Landing::new(connect(&account.url, "").unwrap(), "deals");
    landing.run().await.good();
    assert!(landing.state.is_empty() && landing.cursor.is_some());
}

#[tokio::test]
async fn many_properties_do_not_make_the_address_too_long() {
    let account = Account::new().await;
    account.deals(|deals| {
        for number in 0..400 {
            deals.add(&format!("a_rather_long_custom_property_{number:03}"), "string", false);
        }
        for id in 1..=150 {
            let last = [("a_rather_long_custom_property_399", "here"), ("dealname", "x")];
            deals.put(id, at(1), &last);
        }
    });
    let mut landing = Landing::new(connect(&account.url, "").unwrap(), "deals");
    landing.run().await.good();
    assert_eq!(landing.state.len(), 150);
    assert_eq!(landing.value("150", "a_rather_long_custom_property_399"), Some("here"));
    let portal = account.portal();
    let longest = portal.calls.iter().map(|(_, path, _)| path.len()).max().unwrap();
    assert!(longest < 8_000, "{longest}");
}

#[tokio::test]
async fn the_day_s_requests_end_in_the_middle_and_the_next_run_goes_on() {
    let account = Account::new().await;
    account.fill(1..=500, at(1));
    let connector = connect(&account.url, "").unwrap();
    account.instead("after=300", Instead::too_many("DAILY"));
    let mut landing = Landing::new(connector, "deals");
    let seen = landing.run().await;
    assert_eq!(seen.result.unwrap_err().kind(), ErrorKind::QuotaExhausted);
    assert_eq!(landing.state.len(), 300, "what came is kept");
    account.forget_calls();
    landing.run().await.good();
    assert_eq!(landing.state.len(), 500);
    assert_eq!(account.calls("after=100"), 0, "nothing is read twice");
    assert_eq!(account.calls("after=300"), 1);
}

#[tokio::test]
async fn our_share_of_the_requests_ends_the_reading_too() {
    let account = Account::new().await;
    account.fill(1..=50, at(1));
    account.portal().daily = Some((79, 100));
    let connector = connect(&account.url, "quota_share: 0.8").unwrap();
    let mut landing = Landing::new(connector, "deals");
    landing.run().await.good();
    account.portal().daily = Some((80, 100));
    account.wait(24);
    let seen = landing.run().await;
    let error = seen.result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::QuotaExhausted);
    assert!(format!("{error:#}").contains("80 of 100"), "{error:#}");
}

#[tokio::test]
async fn a_position_that_expired_starts_the_listing_anew() {
    let account = Account::new().await;
    account.fill(1..=250, at(1));
    account.instead("after=200", Instead::new(400, r#"{"category": "VALIDATION_ERROR"}"#));
    let mut landing = Landing::new(connect(&account.url, "").unwrap(), "deals");
    landing.run().await.good();
    assert_eq!(landing.state.len(), 250);
    assert_eq!(account.calls("limit=100&archived=false"), 3 + 3);
}

#[tokio::test]
async fn rows_that_hubspot_counts_and_does_not_deliver_are_a_failure() {
    let account = Account::new().await;
    account.fill(1..=20, at(1));
    account.portal().miscounted = 2;
    let mut landing = Landing::new(connect(&account.url, "lag: 0s").unwrap(), "deals");
    let seen = read_from(&landing.connector, "deals", None).await;
    let error = seen.result.as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed, "{error:?}");
    let told = format!("{error:#}");
    assert!(told.contains("counts 22") && told.contains("delivers 20"), "{told}");
    assert!(account.calls("archived=false&properties") >= 2, "the listing was read twice");
    // The cursor is where it was: at the beginning.
    landing.cursor = seen.cursor();
    account.portal().miscounted = 0;
    landing.run().await.good();
    assert_eq!(landing.state.len(), 20);
}

#[tokio::test]
async fn what_is_forbidden_or_not_there_does_not_stop_the_rest() {
    let account = Account::new().await;
    account.fill(1..=3, at(1));
    account.portal().forbidden.insert("contacts");
    let connector = connect(&account.url, "objects: {include: [deals, contacts, leads]}").unwrap();
    let discovery = connector.discover().await.unwrap();
    let names: Vec<&str> = discovery.streams.iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["deal_stages", "deals", "deals_history", "owners", "properties"]);
    let failed: Vec<(&str, Option<&str>)> =
        discovery.failed.iter().map(|(name, error)| (name.as_str(), error.hint())).collect();
    let of = |name: &str| failed.iter().find(|(failed, _)| *failed == name).unwrap().1;
    assert!(of("contacts").unwrap().contains("crm.objects.contacts.read"), "{failed:?}");
    assert!(of("deals_to_contacts").unwrap().contains("crm.objects.contacts.read"));
    assert!(failed.iter().any(|(name, _)| *name == "leads"), "asked for by name: {failed:?}");
    let findings = connector.check().await;
    let bad = findings.iter().filter(|finding| !finding.ok).count();
    assert_eq!(bad, failed.len(), "{findings:?}");
    assert!(findings.iter().any(|finding| finding.message.contains("stream `deals`")));
}

#[tokio::test]
async fn excluded_objects_and_properties_are_not_asked_for() {
    let account = Account::new().await;
    account.fill(1..=3, at(1));
    account.portal().objects.insert("tickets".to_owned(), Object::with(&[]));
    let more = "objects: {exclude: [cont*]}\nproperties: {exclude: [deals.amount, hs_last*]}";
    let connector = connect(&account.url, more).unwrap();
    let discovery = connector.discover().await.unwrap();
    assert!(
        !discovery.streams.iter().any(|spec| ["contacts", "tickets"].contains(&spec.name.as_str()))
    );
    let deals = discovery.streams.iter().find(|spec| spec.name.as_str() == "deals").unwrap();
    let columns: Vec<&str> = deals.columns.iter().map(|column| column.name.as_str()).collect();
    assert!(columns.contains(&"dealname"));
    assert!(!columns.contains(&"amount") && !columns.contains(&"hs_lastmodifieddate"));
    read_from(&connector, "deals", None).await.good();
    assert_eq!(account.calls("amount"), 0);
}
