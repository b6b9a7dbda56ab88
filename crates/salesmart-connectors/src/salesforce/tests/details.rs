//! What seldom happens, against the small org.

use salesmart_core::{Cursor, ErrorKind, StreamName};
use salesmart_extract::{Event, SourceCount};
use serde_json::{Value, json};

use super::org::{Knobs, Org, Record};
use super::{connect, pace};
use crate::conformance::{Reading, State, apply, assert_same, read, spec};

pub(super) const NOW: &str = "2026-09-30T23:59:59Z";
pub(super) const QUICK: &str = "lag: 10m\n";

pub(super) fn id(number: usize) -> String {
    format!("006{number:012}AAA")
}

pub(super) fn stamp(minutes: usize) -> String {
    let at = chrono::DateTime::parse_from_rfc3339("2026-09-01T00:00:00Z").unwrap();
    let at = at + chrono::TimeDelta::minutes(i64::try_from(minutes).unwrap());
    at.format("%Y-%m-%dT%H:%M:%S.000+0000").to_string()
}

pub(super) fn deal(number: usize, minutes: usize) -> Record {
    let Value::Object(record) = json!({
        "Id": id(number), "Name": format!("deal {number}"), "Amount": number, "IsDeleted": false,
        "CreatedDate": stamp(0), "SystemModstamp": stamp(minutes), "Score__c": number % 7,
    }) else {
        unreachable!()
    };
    record
}

pub(super) fn field(name: &str, field_type: &str) -> Value {
    json!({
        "name": name, "type": field_type, "precision": 18, "scale": 2, "filterable": true,
        "sortable": true, "calculated": name == "Score__c",
    })
}

pub(super) fn fields() -> Vec<Value> {
    vec![
        field("Id", "id"),
        field("Name", "string"),
        field("Amount", "currency"),
        field("IsDeleted", "boolean"),
        field("CreatedDate", "datetime"),
        field("SystemModstamp", "datetime"),
        field("Score__c", "double"),
    ]
}

/// An org with so many deals, three a minute: stamps are shared.
pub(super) fn with(deals: usize) -> Knobs {
    let records = (0..deals).map(|number| deal(number, number / 3)).collect();
    Knobs {
        now: NOW.to_owned(),
        objects: [("Opportunity".to_owned(), (fields(), records))].into(),
        page: 7,
        looks: Some(2),
        limit: 100_000,
        ..Knobs::default()
    }
}

pub(super) fn stream() -> StreamName {
    StreamName::new("opportunity").unwrap()
}

/// What the org has: every deal with its name, amount and score.
pub(super) fn live(org: &Org) -> State {
    let knobs = org.knobs();
    let records = &knobs.objects["Opportunity"].1;
    let row = |record: &Record| {
        let number = |field: &str| Some(format!("{:.2}", record[field].as_f64().unwrap()));
        let name = record["Name"].as_str().map(str::to_owned);
        let cells =
            [("name", name), ("amount", number("Amount")), ("score__c", number("Score__c"))];
        let cells = cells.map(|(name, value)| (name.to_owned(), value));
        (record["Id"].as_str().unwrap().to_owned(), cells.into_iter().collect())
    };
    records.iter().map(row).collect()
}

/// A stream's landed state and cursor over several runs.
#[derive(Default)]
pub(super) struct Landed {
    state: State,
    cursor: Option<Cursor>,
}

impl Landed {
    async fn run(&mut self, org: &Org, more: &str) -> Reading {
        let (result, reading) = self.try_run(org, more).await;
        result.unwrap();
        reading
    }

    pub(super) async fn try_run(
        &mut self,
        org: &Org,
        more: &str,
    ) -> (salesmart_core::Result<()>, Reading) {
        let connector = connect(&org.url, more, pace());
        let (result, reading) = read(&connector, &stream(), self.cursor.clone()).await;
        if let Ok(spec) = spec(&connector, &stream()).await {
            apply(&mut self.state, &spec, &reading.events);
        }
        self.cursor = reading.cursor().or(self.cursor.take());
        (result, reading)
    }
}

fn counts(reading: &Reading) -> Vec<SourceCount> {
    let count = |event: &Event| match event {
        Event::Counted(count) => Some(count.clone()),
        _ => None,
    };
    reading.events.iter().filter_map(count).collect()
}

fn has(reading: &Reading, is_it: impl Fn(&Event) -> bool) -> bool {
    reading.events.iter().any(is_it)
}

async fn everything_comes(knobs: Knobs, more: &str) -> (Org, Reading) {
    let org = Org::start(knobs).await;
    let mut landed = Landed::default();
    let reading = landed.run(&org, more).await;
    assert_same(&landed.state, &live(&org), more);
    (org, reading)
}

#[tokio::test]
async fn rest_and_bulk_send_the_same_batches() {
    let (_, rest) = everything_comes(with(50), "bulk: {mode: never}").await;
    let (org, bulk) = everything_comes(with(50), "bulk: {mode: always, page_rows: 7}").await;
    assert_eq!(rest.batches(), bulk.batches());
    assert_eq!(rest.batches().len(), 8);
    assert_eq!(counts(&rest), counts(&bulk));
    assert_eq!((counts(&rest)[0].rows, counts(&rest)[0].delivered), (50, 50));
    assert_eq!(
        org.called("DELETE /services/data/v62.0/jobs/query/750"),
        1,
        "consumed jobs are deleted"
    );
    assert!(org.knobs().calls.iter().all(|call| !call.contains("//")));
}

#[tokio::test]
async fn the_way_is_chosen_by_count() {
    for (above, jobs) in [(49, 1), (50, 0)] {
        let (org, _) = everything_comes(with(50), &format!("bulk: {{above: {above}}}")).await;
        assert_eq!(org.called("POST /services/data/v62.0/jobs/query"), jobs, "above {above}");
    }
}

#[tokio::test]
async fn an_object_that_bulk_does_not_know_is_read_by_rest() {
    let knobs = Knobs { no_bulk: true, ..with(50) };
    everything_comes(knobs, "bulk: {mode: always}").await;
}

#[tokio::test]
async fn a_missing_locator_is_an_end_too() {
    let knobs = Knobs { no_locator: true, ..with(20) };
    everything_comes(knobs, "bulk: {mode: always, page_rows: 6}").await;
}

#[tokio::test]
async fn bodies_that_are_cut_are_asked_for_again() {
    for mode in ["never", "always"] {
        let knobs = Knobs { torn: 2, page: 50, ..with(50) };
        everything_comes(knobs, &format!("bulk: {{mode: {mode}}}")).await;
    }
    // For ever is too long.
    let org = Org::start(Knobs { torn: usize::MAX, page: 50, ..with(50) }).await;
    let (result, _) = Landed::default().try_run(&org, "bulk: {mode: never}").await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SourceUnavailable);
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_lost_link_goes_on_behind_the_last_record() {
    let (org, reading) = everything_comes(Knobs { links_lost: 3, ..with(50) }, QUICK).await;
    assert_eq!(
        reading.batches().iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(),
        50
    );
    let keyset = |query: &&String| query.contains("AND Id > '");
    assert!(org.knobs().queries.iter().filter(keyset).count() >= 1);
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_halved() {
    for mode in ["never", "always"] {
        let knobs = Knobs { too_much: Some(20), ..with(100) };
        let (org, reading) = everything_comes(knobs, &format!("bulk: {{mode: {mode}}}")).await;
        let counts = counts(&reading);
        assert!(counts.len() >= 5, "{} windows", counts.len());
        assert_eq!(counts.iter().map(|count| count.rows).sum::<u64>(), 100);
        assert!(org.called("queryAll") < 90, "{} queries", org.called("queryAll"));
    }
}

#[tokio::test]
async fn a_large_window_is_cut_into_jobs() {
    let more = "bulk: {mode: always, window_rows: 30}";
    let (org, reading) = everything_comes(with(100), more).await;
    assert!(org.called("POST /services/data/v62.0/jobs/query") >= 4);
    assert!(counts(&reading).iter().all(|count| count.rows <= 30));
}

#[tokio::test]
async fn many_fields_are_split_over_queries() {
    let mut knobs = with(30);
    let (fields, records) = knobs.objects.get_mut("Opportunity").unwrap();
    for number in 0..900 {
        fields.push(field(&format!("A_custom_field_of_number_{number:04}__c"), "string"));
    }
    for record in records.iter_mut() {
        for number in [0, 400, 899] {
            let value = json!(format!("{number} of {}", record["Id"]));
            record.insert(format!("A_custom_field_of_number_{number:04}__c"), value);
        }
    }
    let (org, rest) = everything_comes(knobs, "bulk: {mode: never}").await;
    assert!(org.knobs().queries.iter().all(|query| query.len() < 16_000));
    let row = rest.batches()[0].clone();
    for number in [0, 400, 899] {
        use arrow::array::AsArray;
        let name = format!("a_custom_field_of_number_{number:04}__c");
        let column = row.column_by_name(&name).unwrap().as_string::<i32>().value(3).to_owned();
        assert!(column.starts_with(&format!("{number} of ")), "{name}: {column}");
    }
    // And by Bulk the same, in one query.
    let Knobs { objects, .. } = std::mem::take(&mut *org.knobs());
    let (_, bulk) =
        everything_comes(Knobs { objects, ..with(0) }, "bulk: {mode: always, page_rows: 7}").await;
    assert_eq!(rest.batches(), bulk.batches());
}

#[tokio::test]
async fn a_job_that_never_ends_is_aborted_and_the_next_run_begins_anew() {
    let org = Org::start(Knobs { looks: None, ..with(50) }).await;
    let mut landed = Landed::default();
    let more = "bulk: {mode: always, deadline: 1s}";
    let (result, _) = landed.try_run(&org, more).await;
    let error = result.unwrap_err();
    assert_eq!(error.message(), "a bulk job did not end in time and was aborted");
    assert_eq!(org.called("PATCH"), 1);
    assert!(error.hint().is_some_and(|hint| hint.contains("bulk.deadline")));
    org.knobs().looks = Some(1);
    landed.run(&org, more).await;
    assert_same(&landed.state, &live(&org), "the next run");
}

#[tokio::test]
async fn a_failed_job_is_the_failure_of_its_stream() {
    let ends = Some(("Failed", "InternalServerError: something broke"));
    let org = Org::start(Knobs { job_ends: ends, ..with(50) }).await;
    let mut landed = Landed::default();
    let (result, _) = landed.try_run(&org, "bulk: {mode: always}").await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SourceUnavailable);
    assert!(format!("{error:#}").contains("something broke"), "{error:#}");
    org.knobs().job_ends = None;
    landed.run(&org, "bulk: {mode: always}").await;
    assert_same(&landed.state, &live(&org), "the next run");
}

#[tokio::test]
async fn a_job_that_is_gone_when_the_run_goes_on_is_begun_anew() {
    let org = Org::start(with(50)).await;
    let more = "bulk: {mode: always, page_rows: 10}";
    let connector = connect(&org.url, more, pace());
    let spec = spec(&connector, &stream()).await.unwrap();
    // Until the checkpoint with the job.
    let (_, killed, _) = crate::conformance::read_events(&connector, spec, None, 2).await;
    let mut landed = Landed { cursor: killed.cursor(), ..Landed::default() };
    assert!(landed.cursor.as_ref().is_some_and(|cursor| cursor.0.to_string().contains("750")));
    // It is gone on with as long as it is there.
    let before = org.called("POST /services/data/v62.0/jobs/query");
    landed.run(&org, more).await;
    assert_eq!(org.called("POST /services/data/v62.0/jobs/query"), before);
    assert_same(&landed.state, &live(&org), "the same job");
    let mut landed = Landed { cursor: killed.cursor(), ..Landed::default() };
    landed.run(&org, more).await;
    assert_same(&landed.state, &live(&org), "another job");
}

#[tokio::test]
async fn rows_that_are_counted_and_not_given_are_a_loss() {
    let org = Org::start(Knobs { withheld: vec![id(3)], ..with(50) }).await;
    let mut landed = Landed::default();
    let connector = connect(&org.url, QUICK, pace());
    let (result, reading) = read(&connector, &stream(), None).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed);
    let facts = format!("{error:#}");
    assert!(facts.contains("50 rows") && facts.contains("49 rows"), "{facts}");
    let last = counts(&reading).pop().unwrap();
    assert_eq!((last.rows, last.delivered), (50, 49));
    assert!(matches!(reading.events.last(), Some(Event::Checkpoint(_))));
    // The next run reads the same window again.
    landed.cursor = reading.cursor();
    org.knobs().withheld.clear();
    landed.run(&org, QUICK).await;
    assert_same(&landed.state, &live(&org), "the next run");
}

#[tokio::test]
async fn rows_that_become_visible_while_the_window_is_read_are_read_with_it() {
    let (_, reading) = everything_comes(Knobs { late: vec![id(3)], ..with(50) }, QUICK).await;
    let last = counts(&reading).pop().unwrap();
    assert_eq!((last.rows, last.delivered), (50, 50));
}

#[tokio::test]
async fn a_row_that_becomes_visible_late_comes_with_the_overlap() {
    let mut knobs = with(50);
    knobs.objects.get_mut("Opportunity").unwrap().1.retain(|record| record["Id"] != id(49));
    // The bound falls on the last stamps.
    knobs.now = "2026-09-01T00:26:30Z".to_owned();
    let org = Org::start(knobs).await;
    let mut landed = Landed::default();
    landed.run(&org, "lag: 10m\noverlap: 10m").await;
    org.knobs().objects.get_mut("Opportunity").unwrap().1.push(deal(49, 16));
    org.knobs().now = "2026-09-01T00:30:30Z".to_owned();
    let reading = landed.run(&org, "lag: 10m\noverlap: 10m").await;
    assert_same(&landed.state, &live(&org), "the second run");
    assert_eq!(counts(&reading)[0].from.as_deref(), Some("2026-09-01T00:06:30.000Z"));
}

#[tokio::test]
async fn what_left_the_bin_is_in_the_log() {
    let org = Org::start(with(20)).await;
    let mut landed = Landed::default();
    landed.run(&org, QUICK).await;
    {
        let mut knobs = org.knobs();
        let records = &mut knobs.objects.get_mut("Opportunity").unwrap().1;
        records.retain(|record| record["Id"] != id(3));
        // Another one is in the bin: the log names it too, and its row says so.
        records[5].insert("IsDeleted".to_owned(), json!(true));
        let binned = records[5]["Id"].as_str().unwrap().to_owned();
        knobs.deletions = vec![id(3), binned];
        knobs.now = "2026-10-02T00:00:00Z".to_owned();
    }
    let reading = landed.run(&org, QUICK).await;
    assert!(!has(&reading, |event| matches!(event, Event::CensusBegins)));
    assert_same(&landed.state, &live(&org), "after the log");
    assert_eq!(org.called("/deleted/"), 1);
}

#[tokio::test]
async fn what_the_log_does_not_know_is_found_by_a_census() {
    let unknown: [fn(&mut Knobs); 4] = [
        |knobs| knobs.deletions_error = Some("EXCEEDED_ID_LIMIT"),
        |knobs| knobs.deletions_error = Some("INVALID_REPLICATION_DATE"),
        |knobs| knobs.earliest = Some("2026-10-01T12:00:00.000+0000".to_owned()),
        |knobs| knobs.now = "2026-10-20T00:00:00Z".to_owned(),
    ];
    for (case, change) in unknown.into_iter().enumerate() {
        for mode in ["never", "always"] {
            let org = Org::start(with(20)).await;
            let mut landed = Landed::default();
            let more = format!("bulk: {{mode: {mode}}}\nsweep_every: 300d");
            landed.run(&org, &more).await;
            {
                let mut knobs = org.knobs();
                let records = &mut knobs.objects.get_mut("Opportunity").unwrap().1;
                records.retain(|record| record["Id"] != id(3));
                // Changed after the bound of the coming run: known to no window, but to the census.
                let late = "2026-10-20T23:59:59.000+0000";
                records[7].insert("SystemModstamp".to_owned(), json!(late));
                knobs.now = "2026-10-02T00:00:00Z".to_owned();
                change(&mut knobs);
            }
            let reading = landed.run(&org, &more).await;
            assert!(has(&reading, |event| matches!(event, Event::CensusEnds)), "case {case}");
            assert_same(&landed.state, &live(&org), &format!("case {case}, {mode}"));
        }
    }
}

#[tokio::test]
async fn a_census_comes_on_its_schedule() {
    let org = Org::start(with(20)).await;
    let mut landed = Landed::default();
    for (day, expected) in [(1, false), (4, false), (8, true), (9, false)] {
        org.knobs().now = format!("2026-10-{day:02}T00:00:00Z");
        let reading = landed.run(&org, "sweep_every: 7d").await;
        assert_eq!(
            has(&reading, |event| matches!(event, Event::CensusEnds)),
            expected,
            "day {day}"
        );
    }
}

#[tokio::test]
async fn formulas_are_refreshed_on_their_schedule() {
    let org = Org::start(with(20)).await;
    let mut landed = Landed::default();
    landed.run(&org, QUICK).await;
    for record in &mut org.knobs().objects.get_mut("Opportunity").unwrap().1 {
        // A formula changes without a stamp.
        record.insert("Score__c".to_owned(), json!(99));
    }
    for (now, expected) in [("2026-10-01T12:00:00Z", false), ("2026-10-02T00:00:00Z", true)] {
        org.knobs().now = now.to_owned();
        let reading = landed.run(&org, "refresh_formulas_every: 1d").await;
        assert_eq!(has(&reading, |event| matches!(event, Event::Patch(_))), expected, "{now}");
    }
    assert_same(&landed.state, &live(&org), "after the refresh");
}

#[tokio::test]
async fn a_new_field_is_filled_in_for_all_records() {
    for mode in ["never", "always"] {
        let org = Org::start(with(20)).await;
        let mut landed = Landed::default();
        let more = format!("bulk: {{mode: {mode}}}");
        landed.run(&org, &more).await;
        {
            let mut knobs = org.knobs();
            let (fields, records) = knobs.objects.get_mut("Opportunity").unwrap();
            fields.push(field("Region__c", "picklist"));
            for record in records {
                record.insert("Region__c".to_owned(), json!("EMEA"));
            }
            knobs.now = "2026-10-01T01:00:00Z".to_owned();
        }
        let reading = landed.run(&org, &more).await;
        let patches: Vec<String> = reading
            .events
            .iter()
            .filter_map(|event| match event {
                Event::Patch(batch) => Some(
                    batch
                        .schema()
                        .fields()
                        .iter()
                        .map(|field| field.name().clone())
                        .collect::<Vec<_>>()
                        .join(","),
                ),
                _ => None,
            })
            .collect();
        assert!(
            patches.iter().all(|columns| columns == "id,region__c,_source_position"),
            "{patches:?}"
        );
        assert!(landed.state.values().all(|row| row["region__c"].as_deref() == Some("EMEA")));
        // Once.
        org.knobs().now = "2026-10-01T02:00:00Z".to_owned();
        let reading = landed.run(&org, &more).await;
        assert!(!has(&reading, |event| matches!(event, Event::Patch(_))));
        // A field that goes simply goes.
        org.knobs().objects.get_mut("Opportunity").unwrap().0.pop();
        org.knobs().now = "2026-10-01T03:00:00Z".to_owned();
        landed.run(&org, &more).await;
    }
}

#[tokio::test]
async fn our_share_of_the_quota_ends_the_reading_where_it_is() {
    let org = Org::start(with(300)).await;
    let spec = spec(&connect(&org.url, QUICK, pace()), &stream()).await.unwrap();
    {
        let mut knobs = org.knobs();
        knobs.limit = 2 * (u64::try_from(knobs.calls.len()).unwrap() + 20);
    }
    let mut landed = Landed::default();
    let (result, reading) = landed.try_run(&org, "quota_share: 0.5").await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::QuotaExhausted);
    assert!(error.hint().is_some());
    assert!(matches!(reading.events.last(), Some(Event::Checkpoint(_))));
    apply(&mut landed.state, &spec, &reading.events);
    org.knobs().limit = 100_000;
    let first = reading.batches().iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>();
    let rest = landed.run(&org, "quota_share: 0.5").await;
    let rest = rest.batches().iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>();
    assert_eq!((first + rest, first > 0), (300, true), "nothing comes twice");
    assert_same(&landed.state, &live(&org), "the next run");
}

#[tokio::test]
async fn forecasts_of_open_periods_accumulate_by_day() {
    let period = |id: &str, start: &str, end: &str| {
        let Value::Object(record) = json!({"Id": id, "StartDate": start, "EndDate": end}) else {
            unreachable!()
        };
        record
    };
    let item = |id: &str, period: &str, amount: i64| {
        let Value::Object(record) = json!({
            "Id": id, "PeriodId": period, "ForecastAmount": amount, "IsUpToDate": true,
        }) else {
            unreachable!()
        };
        record
    };
    let mut knobs = with(0);
    knobs.objects.insert(
        "Period".to_owned(),
        (
            vec![field("Id", "id"), field("StartDate", "date"), field("EndDate", "date")],
            vec![
                period("026000000000001AAA", "2026-08-01", "2026-08-31"),
                period("026000000000002AAA", "2026-09-01", "2026-09-30"),
                period("026000000000003AAA", "2026-10-01", "2026-10-31"),
            ],
        ),
    );
    knobs.objects.insert(
        "ForecastingItem".to_owned(),
        (
            vec![
                field("Id", "id"),
                field("PeriodId", "reference"),
                field("ForecastAmount", "currency"),
                field("IsUpToDate", "boolean"),
            ],
            vec![
                item("0J9000000000001AAA", "026000000000001AAA", 1),
                item("0J9000000000002AAA", "026000000000002AAA", 2),
                item("0J9000000000003AAA", "026000000000003AAA", 3),
            ],
        ),
    );
    let org = Org::start(knobs).await;
    let stream = StreamName::new("forecastingitem").unwrap();
    let (mut state, mut cursor) = (State::new(), None);
    for (now, amount) in
        [("2026-09-30T12:00:00Z", 3), ("2026-09-30T20:00:00Z", 4), ("2026-10-01T12:00:00Z", 5)]
    {
        {
            let mut knobs = org.knobs();
            knobs.now = now.to_owned();
            knobs.objects.get_mut("ForecastingItem").unwrap().1[2]["ForecastAmount"] =
                json!(amount);
        }
        let connector = connect(&org.url, QUICK, pace());
        let spec = spec(&connector, &stream).await.unwrap();
        let (result, reading) = read(&connector, &stream, cursor.clone()).await;
        result.unwrap();
        apply(&mut state, &spec, &reading.events);
        cursor = reading.cursor();
    }
    let landed: Vec<(String, String)> = state
        .iter()
        .map(|(key, row)| (key.clone(), row["forecastamount"].clone().unwrap()))
        .collect();
    let expected = [
        ("0J9000000000002AAA|2026-09-30", "2.00"),
        ("0J9000000000003AAA|2026-09-30", "4.00"),
        ("0J9000000000003AAA|2026-10-01", "5.00"),
    ];
    assert_eq!(landed, expected.map(|(key, amount)| (key.to_owned(), amount.to_owned())));
}

#[tokio::test]
async fn an_object_without_stamps_is_a_snapshot() {
    let mut knobs = with(20);
    knobs.objects.get_mut("Opportunity").unwrap().0.retain(|field| field["type"] != "datetime");
    let org = Org::start(knobs).await;
    let mut landed = Landed::default();
    landed.run(&org, QUICK).await;
    org.knobs().objects.get_mut("Opportunity").unwrap().1.remove(4);
    let reading = landed.run(&org, QUICK).await;
    assert!(has(&reading, |event| matches!(event, Event::SnapshotEnds)));
    assert_same(&landed.state, &live(&org), "the second snapshot");
}
