//! Measures verification: seals so many nights of so many deals into a new lake, verifies it, and
//! prints the time and the most memory it took.
//!
//! ```sh
//! cargo run --release -p salesmart-forecast --example many_nights -- FOLDER NIGHTS DEALS
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_wrap,
    reason = "a measurement"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema};
use chrono::{Days, NaiveDate};
use salesmart_forecast::canonical::{NOTHING_BEFORE, header, hex};
use salesmart_forecast::{Seal, VerifyOptions, verify};
use salesmart_lake::{Commit, CommitMode, Lake, TablePath, TableWriter};
use sha2::{Digest, Sha256};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, nights, deals] = arguments.as_slice() else {
        println!("many_nights FOLDER NIGHTS DEALS");
        return;
    };
    let (nights, deals): (u64, i64) = (nights.parse().unwrap(), deals.parse().unwrap());
    let lake = Lake::open(folder).await.unwrap();
    let begun = Instant::now();
    let mut previous = NOTHING_BEFORE.to_owned();
    for night in 0..nights {
        previous = seal(&lake, night, deals, previous).await;
    }
    println!("sealed    {nights} nights of {deals} deals in {:.1?}", begun.elapsed());
    println!("          {} MiB at most", most_memory());

    let begun = Instant::now();
    let report = verify(&lake, VerifyOptions::default()).await.unwrap();
    println!("verified  {} deals in {:.1?}", report.checked.deals, begun.elapsed());
    println!("          {} MiB at most, {} findings", most_memory(), report.findings.len());
}

/// The most memory of this process so far, in MiB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

async fn seal(lake: &Lake, night: u64, deals: i64, previous: String) -> String {
    let date = NaiveDate::from_ymd_opt(2026, 8, 1).unwrap() + Days::new(night);
    let period = NaiveDate::from_ymd_opt(2026, 8, 1).unwrap();
    let names = ["opportunity_id", "opportunity_name", "stage_name", "amount", "close_date"];
    let mut content = Sha256::new();
    let (mut ids, mut titles, mut stages, mut amounts) = (vec![], vec![], vec![], vec![]);
    for deal in 0..deals {
        let (id, cents) = (format!("crm:006{deal:012}"), i128::from(deal * 7919 % 10_000_000));
        let title = format!("A company of some length – product {}", deal % 977);
        let stage = ["Qualified", "Proposal", "Negotiation"][usize::try_from(deal % 3).unwrap()];
        let mut line = String::new();
        let amount = format!("{}.{:02}", cents / 100, cents % 100);
        writeln!(line, "deal\t{id}\t{title}\t{stage}\t{amount}\t{date}").unwrap();
        content.update(line);
        ids.push(id);
        titles.push(title);
        stages.push(stage);
        amounts.push(cents);
    }
    let rows = ids.len();
    let day = |day: NaiveDate, count: usize| -> ArrayRef {
        let number = day.signed_duration_since(NaiveDate::default()).num_days();
        Arc::new(Date32Array::from(vec![i32::try_from(number).unwrap(); count]))
    };
    let amounts = Decimal128Array::from(amounts).with_precision_and_scale(18, 2).unwrap();
    let batch_of_deals = batch(vec![
        ("snapshot_date", day(date, rows)),
        ("period_start", day(period, rows)),
        (names[0], Arc::new(StringArray::from(ids))),
        (names[1], Arc::new(StringArray::from(titles))),
        (names[2], Arc::new(StringArray::from(stages))),
        (names[3], Arc::new(amounts)),
        (names[4], day(date, rows)),
    ]);
    append(lake, "snapshot_deal", &batch_of_deals).await;
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let number = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
    content.update(format!("figure\tcompany\tcommit\t{deals}\n"));
    append(
        lake,
        "snapshot_figure",
        &batch(vec![
            ("snapshot_date", day(date, 1)),
            ("period_start", day(period, 1)),
            ("scope", text("company")),
            ("series", text("commit")),
            ("n", number(deals)),
        ]),
    )
    .await;
    let at = date.and_hms_opt(23, 0, 0).unwrap().and_utc();
    let mut seal = Seal {
        snapshot_no: night as i64 + 1,
        snapshot_date: date,
        period_grain: "quarter".to_owned(),
        period_start: period,
        period_end: period + Days::new(91),
        period_name: "FY27Q3".to_owned(),
        as_of: at,
        sealed_run_id: format!("run-{night}"),
        deal_rows: deals,
        figure_rows: 1,
        deal_columns: names.map(str::to_owned).to_vec(),
        figure_columns: ["scope", "series", "n"].map(str::to_owned).to_vec(),
        content_hash: hex(content),
        previous_hash: previous,
        hash: String::new(),
    };
    // The document's own hash needs its lines behind the header: they are written once more.
    let mut whole = Sha256::new();
    whole.update(header(&seal));
    for deal in 0..deals {
        let cents = deal * 7919 % 10_000_000;
        let stage = ["Qualified", "Proposal", "Negotiation"][usize::try_from(deal % 3).unwrap()];
        whole.update(format!(
            "deal\tcrm:006{deal:012}\tA company of some length – product {}\t{stage}\t{}.{:02}\t{date}\n",
            deal % 977,
            cents / 100,
            cents % 100
        ));
    }
    whole.update(format!("figure\tcompany\tcommit\t{deals}\n"));
    seal.hash = hex(whole);
    append(
        lake,
        "snapshot",
        &batch(vec![
            ("snapshot_no", number(seal.snapshot_no)),
            ("snapshot_date", day(date, 1)),
            ("period_grain", text(&seal.period_grain)),
            ("period_start", day(period, 1)),
            ("period_end", day(seal.period_end, 1)),
            ("period_name", text(&seal.period_name)),
            (
                "as_of",
                Arc::new(
                    TimestampMicrosecondArray::from(vec![at.timestamp_micros()])
                        .with_timezone("UTC"),
                ),
            ),
            ("sealed_run_id", text(&seal.sealed_run_id)),
            ("deal_rows", number(deals)),
            ("figure_rows", number(1)),
            ("deal_columns", text(&seal.deal_columns.join(" "))),
            ("figure_columns", text(&seal.figure_columns.join(" "))),
            ("content_hash", text(&seal.content_hash)),
            ("previous_hash", text(&seal.previous_hash)),
            ("hash", text(&seal.hash)),
        ]),
    )
    .await;
    seal.hash
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

async fn append(lake: &Lake, table: &str, rows: &RecordBatch) {
    let path = TablePath::warehouse("forecast", table);
    let mut writer = TableWriter::new(lake, &path, rows.schema());
    writer.write(rows).await.unwrap();
    let commit = Commit {
        files: writer.finish().await.unwrap(),
        mode: CommitMode::Append,
        schema: rows.schema(),
        metadata: BTreeMap::new(),
        transaction: None,
        description: None,
    };
    lake.commit(&path, commit).await.unwrap();
}
