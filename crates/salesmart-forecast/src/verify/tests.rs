//! A good history is found good; whatever is done to one is found, and named.

use std::sync::Arc;

use arrow::array::{Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;
use salesmart_lake::CommitMode;

use super::*;
use crate::testing::{
    DEALS, History, day, instant_type, with_amount, with_column, with_number, with_text, without,
};

async fn verified(history: &History) -> Report {
    verify(&history.lake, VerifyOptions::default()).await.unwrap()
}

/// What is wrong, as `kind subject`.
fn found(report: &Report) -> Vec<String> {
    report.findings.iter().map(|f| format!("{} {}", f.kind.as_str(), f.subject)).collect()
}

/// No 3 of three nights.
const THIRD: &str = "no 3 (FY27Q3 as of 2026-08-02)";

#[tokio::test]
async fn a_history_that_nobody_touched_is_good() {
    let history = History::of_nights(3).await;
    let report = verified(&history).await;
    assert_eq!(found(&report), [] as [&str; 0]);
    assert_eq!(report.head_no, Some(6));
    assert_eq!(report.head_hash.as_ref(), Some(&history.head.1));
    assert_eq!(report.first_bad_link, None);
    let expected = Checked {
        snapshots: 6,
        documents: 6,
        deals: 9,
        figures: 6,
        ledger_entries: 6,
        // Six seals, and three nights of deals, figures and entries.
        files: 15,
        commits: 15,
        recorded_heads: 3,
    };
    assert_eq!(report.checked, expected);
}

#[tokio::test]
async fn a_lake_without_a_history_is_good_and_empty() {
    let history = History::new().await;
    let report = verified(&history).await;
    assert!(report.is_good());
    assert_eq!(report.head_no, None);
}

#[tokio::test]
async fn a_deal_that_was_edited_is_found_in_its_snapshot() {
    let history = History::of_nights(3).await;
    let rows = history.rows(tables::SNAPSHOT_DEAL).await;
    history.forge(tables::SNAPSHOT_DEAL, with_amount(&rows, 3, 1)).await;
    let report = verified(&history).await;
    assert_eq!(found(&report), [format!("rows_edited {THIRD}")]);
    assert_eq!(report.first_bad_link.as_deref(), Some(THIRD));
}

#[tokio::test]
async fn a_figure_that_was_edited_is_found_too() {
    let history = History::of_nights(3).await;
    let rows = history.rows(tables::SNAPSHOT_FIGURE).await;
    history.forge(tables::SNAPSHOT_FIGURE, with_number(&rows, "n", 2, 4)).await;
    assert_eq!(found(&verified(&history).await), [format!("rows_edited {THIRD}")]);
}

#[tokio::test]
async fn deals_that_were_taken_out_or_put_in_are_counted() {
    let history = History::of_nights(3).await;
    let rows = history.rows(tables::SNAPSHOT_DEAL).await;
    history.forge(tables::SNAPSHOT_DEAL, without(&rows, |row| row == 4)).await;
    let report = verified(&history).await;
    assert_eq!(found(&report), [format!("rows_missing {THIRD}")]);
    assert_eq!(report.findings[0].message, "1 of its deals are gone");

    let more = concat_batches(&rows.schema(), &[rows.clone(), rows.slice(4, 1)]).unwrap();
    history.forge(tables::SNAPSHOT_DEAL, more).await;
    assert_eq!(found(&verified(&history).await), [format!("rows_added {THIRD}")]);
}

#[tokio::test]
async fn what_a_seal_says_of_itself_is_sealed() {
    let history = History::of_nights(3).await;
    let rows = history.rows(tables::SNAPSHOT).await;
    history.forge(tables::SNAPSHOT, with_text(&rows, "period_name", 2, "FY27Q9")).await;
    let report = verified(&history).await;
    assert_eq!(found(&report), ["header_edited no 3 (FY27Q9 as of 2026-08-02)"]);

    history.forge(tables::SNAPSHOT, with_number(&rows, "deal_rows", 2, 2)).await;
    let report = verified(&history).await;
    assert_eq!(found(&report), [format!("header_edited {THIRD}")]);
    assert_eq!(report.findings[0].message, "its number of deals was edited");

    history.forge(tables::SNAPSHOT, with_text(&rows, "content_hash", 2, &"f".repeat(64))).await;
    assert_eq!(found(&verified(&history).await), [format!("seal_edited {THIRD}")]);

    // A hash that does not fit breaks the link behind it too, and is not the recorded one.
    history.forge(tables::SNAPSHOT, with_text(&rows, "hash", 3, &"f".repeat(64))).await;
    let report = verified(&history).await;
    let fourth = "no 4 (FY27Q4 as of 2026-08-02)";
    assert_eq!(
        found(&report),
        [
            format!("header_edited {fourth}"),
            format!("resealed {fourth}"),
            "link_broken no 5 (FY27Q3 as of 2026-08-03)".to_owned(),
        ]
    );
    assert_eq!(report.first_bad_link.as_deref(), Some(fourth));
}

#[tokio::test]
async fn a_snapshot_that_was_removed_leaves_a_gap() {
    let history = History::of_nights(3).await;
    let rows = history.rows(tables::SNAPSHOT).await;
    history.forge(tables::SNAPSHOT, without(&rows, |row| row == 2)).await;
    let report = verified(&history).await;
    assert_eq!(
        found(&report),
        ["removed no 3", "orphaned forecast.snapshot_deal", "orphaned forecast.snapshot_figure"]
    );
    assert_eq!(report.first_bad_link.as_deref(), Some("no 3"));
    assert_eq!(
        report.findings[0].message,
        "no 3 was removed: no 2 (FY27Q4 as of 2026-08-01) is followed by \
         no 4 (FY27Q4 as of 2026-08-02)"
    );
    // With its rows: the gap stays.
    let deals = history.rows(tables::SNAPSHOT_DEAL).await;
    history.forge(tables::SNAPSHOT_DEAL, without(&deals, |row| (3..6).contains(&row))).await;
    let figures = history.rows(tables::SNAPSHOT_FIGURE).await;
    history.forge(tables::SNAPSHOT_FIGURE, without(&figures, |row| row == 2)).await;
    assert_eq!(found(&verified(&history).await), ["removed no 3"]);
    // And with the later ones given other numbers, so that no gap is seen.
    let rows = without(&rows, |row| row == 2);
    let numbers: Int64Array = (1..=5).map(Some).collect();
    history.forge(tables::SNAPSHOT, with_column(&rows, "snapshot_no", Arc::new(numbers))).await;
    let report = verified(&history).await;
    let now_third = "no 3 (FY27Q4 as of 2026-08-02)";
    assert_eq!(report.first_bad_link.as_deref(), Some(now_third));
    assert!(found(&report).contains(&format!("link_broken {now_third}")), "{:?}", found(&report));
    assert!(found(&report).contains(&"cut_off no 6".to_owned()), "{:?}", found(&report));
}

#[tokio::test]
async fn the_first_snapshots_cannot_be_taken_away_unseen() {
    let history = History::of_nights(3).await;
    let rows = history.rows(tables::SNAPSHOT).await;
    history.forge(tables::SNAPSHOT, without(&rows, |row| row < 2)).await;
    let report = verified(&history).await;
    assert_eq!(report.first_bad_link.as_deref(), Some("no 1"));
    let numbers: Int64Array = (1..=4).map(Some).collect();
    let rows = without(&rows, |row| row < 2);
    history.forge(tables::SNAPSHOT, with_column(&rows, "snapshot_no", Arc::new(numbers))).await;
    let report = verified(&history).await;
    assert!(
        report.findings[0].message.contains("the beginning of the chain is gone"),
        "{report:?}"
    );
}

#[tokio::test]
async fn a_cut_off_end_is_known_from_what_was_recorded() {
    let history = History::of_nights(3).await;
    for (table, from) in
        [(tables::SNAPSHOT, 4), (tables::SNAPSHOT_DEAL, 6), (tables::SNAPSHOT_FIGURE, 4)]
    {
        let rows = history.rows(table).await;
        history.forge(table, without(&rows, |row| row >= from)).await;
    }
    let report = verified(&history).await;
    assert_eq!(found(&report), ["cut_off no 5"]);
    assert_eq!(
        report.findings[0].message,
        "the chain ends at no 4, and `releases/r000003.json` knows of no 6: its end was cut off"
    );
}

#[tokio::test]
async fn a_snapshot_that_was_inserted_is_named() {
    // A forger makes a third night between the others: from another lake with other deals.
    let history = History::of_nights(2).await;
    let mut other = History::of_nights(1).await;
    other.seal(day("2026-08-02"), &DEALS[..1]).await;
    let rows = history.rows(tables::SNAPSHOT).await;
    let forged = other.rows(tables::SNAPSHOT).await.slice(2, 1);
    let all = [rows.slice(0, 2), forged, rows.slice(2, 2)];
    let all = concat_batches(&rows.schema(), &all).unwrap();
    // Under its own number, which is taken.
    history.forge(tables::SNAPSHOT, all.clone()).await;
    let report = verified(&history).await;
    assert_eq!(report.first_bad_link.as_deref(), Some(THIRD));
    assert!(found(&report).contains(&format!("inserted {THIRD}")), "{:?}", found(&report));
    // With the others moved up, so that no number is taken.
    let numbers: Int64Array = (1..=5).map(Some).collect();
    history.forge(tables::SNAPSHOT, with_column(&all, "snapshot_no", Arc::new(numbers))).await;
    let report = verified(&history).await;
    assert_eq!(report.first_bad_link.as_deref(), Some(THIRD));
    let inserted = report.findings.iter().find(|f| f.kind == FindingKind::Inserted).unwrap();
    assert_eq!(inserted.subject, THIRD);
    assert_eq!(
        inserted.message,
        "it was inserted: no 4 (FY27Q3 as of 2026-08-02) follows \
         no 2 (FY27Q4 as of 2026-08-01), not this one"
    );
}

#[tokio::test]
async fn one_that_was_put_at_the_end_names_a_run_that_never_was() {
    let mut history = History::of_nights(2).await;
    history.seal(day("2026-08-03"), &DEALS).await;
    history.lake.remove_folder("releases").await.unwrap();
    std::fs::remove_file(history.folder.path().join("lake/runs/run-2026-08-03.json")).unwrap();
    let report = verified(&history).await;
    assert_eq!(report.first_bad_link.as_deref(), Some("no 5 (FY27Q3 as of 2026-08-03)"));
    assert!(report.findings.iter().all(|f| f.kind == FindingKind::Inserted), "{report:?}");
}

#[tokio::test]
async fn a_chain_that_was_sealed_anew_is_not_the_one_that_was_recorded() {
    // Every hash of it fits. Only releases and runs remember others.
    let history = History::of_nights(2).await;
    let mut forged = History::of_nights(1).await;
    forged.seal(day("2026-08-02"), &DEALS[..2]).await;
    for table in [tables::SNAPSHOT, tables::SNAPSHOT_DEAL, tables::SNAPSHOT_FIGURE] {
        history.forge(table, forged.rows(table).await).await;
    }
    let report = verified(&history).await;
    assert_eq!(found(&report), ["resealed no 4 (FY27Q4 as of 2026-08-02)"]);
}

#[tokio::test]
async fn rows_of_no_snapshot_are_told() {
    let history = History::of_nights(2).await;
    let rows = history.rows(tables::SNAPSHOT_FIGURE).await;
    let elsewhere: arrow::array::Date32Array = vec![Some(1); 4].into();
    let stray = with_column(&rows, "period_start", Arc::new(elsewhere));
    history.append(tables::SNAPSHOT_FIGURE, stray.slice(0, 1)).await;
    let report = verified(&history).await;
    assert_eq!(found(&report), ["orphaned forecast.snapshot_figure"]);
    assert_eq!(
        report.findings[0].message,
        "a row of 2026-08-01 for the period from 1970-01-02 belong to no sealed snapshot: it was \
         removed, or they were inserted"
    );
}

#[tokio::test]
async fn a_later_column_does_not_break_old_seals_and_is_covered_by_none() {
    let history = History::of_nights(2).await;
    let rows = history.rows(tables::SNAPSHOT_DEAL).await;
    let mut fields = rows.schema().fields().to_vec();
    fields.push(Arc::new(arrow::datatypes::Field::new(
        "note",
        arrow::datatypes::DataType::Utf8,
        true,
    )));
    let with = |note: Option<&str>| {
        let mut columns = rows.columns().to_vec();
        columns.push(Arc::new(StringArray::from(vec![note; rows.num_rows()])));
        arrow::array::RecordBatch::try_new(Arc::new(Schema::new(fields.clone())), columns).unwrap()
    };
    history.forge(tables::SNAPSHOT_DEAL, with(None)).await;
    assert_eq!(found(&verified(&history).await), [] as [&str; 0]);
    history.forge(tables::SNAPSHOT_DEAL, with(Some("x"))).await;
    let report = verified(&history).await;
    assert_eq!(report.findings.len(), 2);
    assert_eq!(report.findings[0].message, "no seal covers the column `note` of its rows");
    assert_eq!(report.first_bad_link, None);
}

#[tokio::test]
async fn a_table_that_was_rewritten_by_its_own_tools_shows_in_its_log() {
    let history = History::of_nights(2).await;
    let rows = history.rows(tables::LEDGER_ENTRY).await;
    history.commit(tables::LEDGER_ENTRY, rows, CommitMode::Overwrite).await;
    let report = verified(&history).await;
    assert_eq!(found(&report), ["log_rewritten forecast.ledger_entry"]);
    assert_eq!(
        report.findings[0].message,
        "version 2 took 2 files out of the table, which is only ever appended to"
    );
}

#[tokio::test]
async fn an_entry_that_was_slipped_into_the_ledger_is_not_in_order() {
    let history = History::of_nights(2).await;
    let rows = history.rows(tables::LEDGER_ENTRY).await;
    history.append(tables::LEDGER_ENTRY, rows.slice(0, 1)).await;
    let report = verified(&history).await;
    assert_eq!(found(&report), ["ledger_out_of_order forecast.ledger_entry"]);
    let unknown = TimestampMicrosecondArray::from(vec![None::<i64>; rows.num_rows()]);
    let unknown = unknown.with_data_type(instant_type());
    history.append(tables::LEDGER_ENTRY, with_column(&rows, "known_from", Arc::new(unknown))).await;
    assert_eq!(verified(&history).await.findings.len(), 2);
}

#[tokio::test]
async fn a_data_file_is_the_one_that_was_written() {
    let history = History::of_nights(2).await;
    // The rows of the other night in its place: another size, other rows, or neither.
    let files = history.files(tables::LEDGER_ENTRY).await;
    let bytes = std::fs::read(&files[1]).unwrap();
    std::fs::copy(&files[0], &files[1]).unwrap();
    let report = verified(&history).await;
    let path = files[1].strip_prefix(history.folder.path().join("lake")).unwrap();
    let path = path.to_str().unwrap();
    assert!(found(&report).contains(&format!("file_rewritten {path}")), "{:?}", found(&report));
    // One bit, the size as it was.
    let mut damaged = bytes.clone();
    damaged[20] ^= 1;
    std::fs::write(&files[1], &damaged).unwrap();
    let report = verified(&history).await;
    assert_eq!(found(&report), [format!("file_rewritten {path}")]);
    assert!(report.findings[0].message.contains("rewritten in place"), "{report:?}");
    // And gone.
    std::fs::remove_file(&files[1]).unwrap();
    assert_eq!(found(&verified(&history).await), [format!("file_missing {path}")]);
    std::fs::write(&files[1], bytes).unwrap();
    assert!(verified(&history).await.is_good());
}

#[tokio::test]
async fn a_snapshot_whose_file_is_damaged_is_named_and_the_others_are_still_verified() {
    let history = History::of_nights(3).await;
    let files = history.files(tables::SNAPSHOT_DEAL).await;
    let bytes = std::fs::read(&files[1]).unwrap();
    std::fs::write(&files[1], &bytes[..bytes.len() / 2]).unwrap();
    let report = verified(&history).await;
    let path = files[1].strip_prefix(history.folder.path().join("lake")).unwrap();
    assert_eq!(
        found(&report),
        [format!("rows_missing {THIRD}"), format!("file_rewritten {}", path.display())]
    );
    assert_eq!(report.checked.documents, 6);
}

#[tokio::test]
async fn a_log_without_a_version_is_damaged() {
    let history = History::of_nights(3).await;
    let log = history.folder.path().join("lake/warehouse/forecast/snapshot_deal/_delta_log");
    std::fs::write(log.join("00000000000000000001.json"), "{\"add\": ").unwrap();
    let report = verify(&history.lake, VerifyOptions::default()).await;
    // Delta may refuse such a log at all; silence is what must not be.
    if let Ok(report) = report {
        assert!(found(&report).contains(&"log_damaged forecast.snapshot_deal".to_owned()));
    }
}

#[tokio::test]
async fn rows_can_be_recomputed_from_a_day_on() {
    let history = History::of_nights(3).await;
    let rows = history.rows(tables::SNAPSHOT_DEAL).await;
    history.forge(tables::SNAPSHOT_DEAL, with_amount(&rows, 3, 1)).await;
    let from = |text: &str| VerifyOptions { rows_from: Some(day(text)) };
    let report = verify(&history.lake, from("2026-08-03")).await.unwrap();
    assert!(report.is_good(), "{report:?}");
    assert_eq!((report.checked.snapshots, report.checked.documents), (6, 2));
    let report = verify(&history.lake, from("2026-08-02")).await.unwrap();
    assert_eq!(found(&report), [format!("rows_edited {THIRD}")]);
}

#[tokio::test]
async fn a_table_that_is_gone_is_missed() {
    let history = History::of_nights(2).await;
    history.lake.remove_folder("warehouse/forecast/snapshot_figure").await.unwrap();
    let report = verified(&history).await;
    assert!(found(&report).contains(&"table_missing forecast.snapshot_figure".to_owned()));
    history.lake.remove_folder("warehouse/forecast").await.unwrap();
    assert_eq!(found(&verified(&history).await), ["cut_off no 1"]);
}
