//! From a cursor on: windows, archiving, restoring, merging, new and calculated properties.

use std::collections::BTreeSet;

use arrow::array::{Array, RecordBatch};
use salesmart_core::ErrorKind;
use salesmart_extract::Event;
use serde_json::json;

use super::account::{Account, at};
use super::{Landing, connect, read_from};

/// Nothing but windows.
const WINDOWS: &str = "sweep_every: 3000d\ncalculated_every: 3000d\ncensus_every: 3000d";

async fn landed(account: &Account, more: &str) -> Landing {
    let mut landing = Landing::new(connect(&account.url, more).unwrap(), "deals");
    landing.run().await.good();
    account.forget_calls();
    landing
}

#[tokio::test]
async fn more_than_ten_thousand_records_with_one_stamp_come_once_each() {
    for reread in ["true", "false"] {
        let account = Account::new().await;
        let mut landing = landed(&account, &format!("{WINDOWS}\nreread: {reread}")).await;
        account.fill(1..=10_450, at(20));
        account.wait(24);
        let seen = landing.run().await.good();
        let ids = seen.ids();
        assert_eq!(ids.len(), 10_450);
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 10_450);
        assert_eq!(account.calls("/search"), 53, "pages of 200, and no more");
        assert_eq!(landing.state.len(), 10_450);
    }
}

#[tokio::test]
async fn only_what_changed_is_read() {
    let account = Account::new().await;
    account.fill(1..=500, at(1));
    let mut landing = landed(&account, WINDOWS).await;
    account.wait(24);
    account.fill(3..=4, at(20));
    let seen = landing.run().await.good();
    assert_eq!(seen.ids(), ["3", "4"]);
    assert_eq!(account.calls("GET /crm/v3/objects/deals?"), 0);
    let count = seen.reading.events.iter().find_map(|event| match event {
        Event::Counted(count) => Some((count.rows, count.delivered)),
        _ => None,
    });
    assert_eq!(count, Some((2, 2)));
    assert!(seen.reading.events.iter().any(|event| matches!(event, Event::Used(_))));
}

#[tokio::test]
async fn contacts_are_searched_by_their_own_property() {
    let account = Account::new().await;
    let mut landing = Landing::new(connect(&account.url, WINDOWS).unwrap(), "contacts");
    landing.run().await.good();
    account.wait(24);
    account.portal().objects.get_mut("contacts").unwrap().put(
        9,
        at(20),
        &[("email", "x@y.example")],
    );
    landing.run().await.good();
    assert_eq!(landing.value("9", "email"), Some("x@y.example"));
}

#[tokio::test]
async fn what_moved_past_the_bound_comes_next_time() {
    let account = Account::new().await;
    let mut landing = landed(&account, WINDOWS).await;
    account.fill(1..=2, at(20));
    account.wait(24);
    // The index still shows deal 2 as it was; the record is already newer than the bound.
    account.portal().stale.insert(2, at(20));
    account.deals(|deals| deals.put(2, at(36), &[("dealname", "newer")]));
    let seen = landing.run().await.good();
    assert_eq!(seen.ids(), ["1"]);
    account.portal().stale.clear();
    account.wait(24);
    landing.run().await.good();
    assert_eq!(landing.value("2", "dealname"), Some("newer"));
}

#[tokio::test]
async fn the_values_are_the_record_s_own_and_not_the_index_s() {
    let account = Account::new().await;
    let mut landing = landed(&account, WINDOWS).await;
    account.fill(1..=1, at(21));
    account.wait(24);
    landing.run().await.good();
    assert_eq!(account.calls("/search"), 1);
    assert_eq!(account.calls("/batch/read"), 1);
    assert_eq!(landing.value("1", "hs_record_updated_at"), Some("2026-09-30T21:00:00Z"));
}

#[tokio::test]
async fn a_loss_in_a_window_is_a_failure_and_the_window_is_read_again() {
    let account = Account::new().await;
    let mut landing = landed(&account, &format!("{WINDOWS}\nlag: 0s")).await;
    account.fill(1..=5, at(20));
    account.wait(24);
    account.portal().miscounted = 1;
    let seen = read_from(&landing.connector, "deals", landing.cursor.clone()).await;
    landing.cursor = seen.cursor();
    let error = seen.result.as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed);
    assert_eq!(seen.ids().len(), 10, "the window was read twice");
    let told = seen.reading.events.iter().any(
        |event| matches!(event, Event::Counted(count) if count.rows == 6 && count.delivered == 5),
    );
    assert!(told);
    account.portal().miscounted = 0;
    let again = landing.run().await.good();
    assert_eq!(again.ids().len(), 5, "the cursor went back to the window's beginning");
}

#[tokio::test]
async fn a_record_that_is_gone_between_search_and_batch_is_deleted() {
    let account = Account::new().await;
    account.fill(1..=4, at(1));
    let mut landing = landed(&account, WINDOWS).await;
    account.fill(1..=4, at(20));
    account.wait(24);
    account.portal().unreadable = Some((2, "OBJECT_NOT_FOUND"));
    let seen = landing.run().await.good();
    assert_eq!(seen.deleted(), ["2"]);
    assert!(!landing.state.contains_key("2"));
    assert_eq!(landing.state.len(), 3);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_fails_the_stream() {
    let account = Account::new().await;
    let mut landing = landed(&account, WINDOWS).await;
    account.fill(1..=4, at(20));
    account.wait(24);
    account.portal().unreadable = Some((2, "INTERNAL_ERROR"));
    let seen = landing.run().await;
    let error = seen.result.unwrap_err();
    assert!(format!("{error:#}").contains("INTERNAL_ERROR"), "{error:#}");
    account.portal().unreadable = None;
    landing.run().await.good();
    assert_eq!(landing.state.len(), 4);
}

#[tokio::test]
async fn archived_records_say_so_and_restored_ones_come_back() {
    let account = Account::new().await;
    account.fill(1..=3, at(1));
    let more = "census_every: 3000d";
    let mut landing = landed(&account, more).await;
    account.deals(|deals| deals.records.get_mut(&2).unwrap().archived = true);
    account.wait(24);
    landing.run().await.good();
    assert_eq!(landing.value("2", "archived"), Some("true"));
    assert_eq!(landing.value("2", "archived_at"), Some("2026-09-30T11:00:00Z"));
    assert_eq!(landing.value("1", "archived"), Some("false"));
    // Restoring does not count as a modification.
    account.deals(|deals| deals.records.get_mut(&2).unwrap().archived = false);
    account.wait(24);
    let seen = landing.run().await.good();
    assert_eq!(seen.rows(), 0);
    assert_eq!(landing.value("2", "archived"), Some("false"));
    assert_eq!(landing.value("2", "archived_at"), None);
}

#[tokio::test]
async fn what_was_merged_away_is_seen_by_the_census() {
    let account = Account::new().await;
    account.fill(1..=120, at(1));
    let mut landing = landed(&account, "census_every: 2d").await;
    account.deals(|deals| {
        deals.records.remove(&50);
        deals.records.get_mut(&60).unwrap().archived = true;
    });
    account.wait(24);
    landing.run().await.good();
    assert!(landing.state.contains_key("50"), "not looked at yet");
    account.wait(24);
    // Newer than the bound, and never delivered: the census must not take it for lost.
    let now = account.portal().now;
    account.fill(500..=500, now);
    landing.run().await.good();
    assert!(!landing.state.contains_key("50"));
    assert_eq!(landing.value("60", "archived"), Some("true"), "archived records are known");
    assert_eq!(landing.state.len(), 120);
}

#[tokio::test]
async fn a_new_property_is_read_for_its_column_alone() {
    let account = Account::new().await;
    account.fill(1..=150, at(1));
    let mut landing = landed(&account, "calculated_every: 3000d").await;
    account.deals(|deals| {
        deals.add("region", "string", false);
        for (id, record) in &mut deals.records {
            record.values.insert("region".to_owned(), json!(format!("region {id}")));
        }
        deals.records.get_mut(&9).unwrap().archived = true;
    });
    account.wait(1);
    let seen = landing.run().await.good();
    let columns: BTreeSet<Vec<String>> = seen
        .patches()
        .iter()
        .map(|batch| batch.schema().fields().iter().map(|field| field.name().clone()).collect())
        .collect();
    assert_eq!(
        columns,
        BTreeSet::from([vec!["id".to_owned(), "region".to_owned(), "_source_position".to_owned()]])
    );
    assert_eq!(landing.value("150", "region"), Some("region 150"));
    assert_eq!(landing.value("9", "region"), Some("region 9"), "archived records too");
    account.wait(1);
    assert!(landing.run().await.good().patches().is_empty(), "once");
}

#[tokio::test]
async fn calculated_properties_are_refreshed_without_a_modification() {
    let account = Account::new().await;
    account.deals(|deals| deals.add("days_open", "number", true));
    account.fill(1..=3, at(1));
    let mut landing = landed(&account, "census_every: 3000d\nsweep_every: 3000d").await;
    account.deals(|deals| {
        deals.records.get_mut(&2).unwrap().values.insert("days_open".to_owned(), json!("17"));
    });
    account.wait(23);
    assert!(landing.run().await.good().patches().is_empty(), "not due yet");
    account.wait(1);
    let seen = landing.run().await.good();
    assert_eq!(seen.rows(), 0);
    assert_eq!(seen.patches().iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
    assert_eq!(landing.value("2", "days_open"), Some("17.000000000000000000"));
    assert_eq!(seen.patches()[0].column(0).null_count(), 0);
}

#[tokio::test]
async fn a_sweep_that_was_cut_off_goes_on_where_it_was() {
    let account = Account::new().await;
    account.fill(1..=300, at(1));
    let mut landing = landed(&account, "sweep_every: 3000d\ncensus_every: 3000d").await;
    account.deals(|deals| {
        deals.add("region", "string", false);
        for record in deals.records.values_mut() {
            record.values.insert("region".to_owned(), json!("north"));
        }
    });
    account.wait(1);
    account.instead("after=200", super::account::Instead::too_many("DAILY"));
    let seen = landing.run().await;
    assert_eq!(seen.result.unwrap_err().kind(), ErrorKind::QuotaExhausted);
    assert_eq!(landing.value("200", "region"), Some("north"));
    account.forget_calls();
    landing.run().await.good();
    assert_eq!(landing.value("300", "region"), Some("north"));
    assert_eq!(account.calls("after=100"), 0);
    account.wait(1);
    assert!(landing.run().await.good().patches().is_empty());
}
