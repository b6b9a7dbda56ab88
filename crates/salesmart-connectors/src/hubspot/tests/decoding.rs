//! Pages of JSON, as HubSpot writes them and as it should not.

use bytes::Bytes;
use salesmart_core::StreamName;

use super::super::client::Body;
use super::super::decode::{Pages, Record};
use super::super::properties::{ObjectType, Property};
use super::super::sink::Sink;
use super::super::state::Tally;

fn body(text: &str) -> Body {
    Body { bytes: Bytes::copy_from_slice(text.as_bytes()), label: "`GET /page`".to_owned() }
}

fn property(name: &str, kind: &str) -> Property {
    Property { name: name.to_owned(), property_type: Some(kind.to_owned()), ..Property::default() }
}

#[test]
fn values_go_where_they_belong_whatever_their_order() {
    let page = body(
        r#"{"newKey": [{"a": {}}], "paging": {"next": {"after": "a=b&c", "link": "x"}}, "results": [
            {"id": "1", "properties": {"a": "x", "b": null, "zzz": "1"}, "updatedAt": "2026-01-01T00:00:00Z"},
            {"properties": {"b": "", "a": "\u00e9\n\"q\""}, "archived": true, "id": "2", "more": {"deep": [1]}},
            {"archivedAt": null, "id": 3, "properties": {"a": 12, "b": {"k": [true]}}}
        ]}"#,
    );
    let mut seen = Vec::new();
    let end = Pages::new(&["a", "b"])
        .read(&page, |record: &Record<'_>| {
            let values: Vec<Option<String>> =
                record.values.iter().map(|value| value.as_deref().map(str::to_owned)).collect();
            seen.push((record.id.to_string(), values, record.archived));
        })
        .unwrap();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        seen,
        [
            ("1".to_owned(), vec![text("x"), None], false),
            ("2".to_owned(), vec![text("é\n\"q\""), None], true),
            ("3".to_owned(), vec![text("12"), text(r#"{"k":[true]}"#)], false),
        ]
    );
    assert_eq!((end.records, end.after.as_deref(), end.total), (3, Some("a=b&c"), None));
}

#[test]
fn a_page_that_is_none_is_an_error_that_shows_no_value() {
    let pages = Pages::new(&["a"]);
    for (text, kind) in [
        ("<html>login secret-value</html>", "not JSON"),
        (r#"{"results": [{"properties": {"a": "secret-value"}}]}"#, "another shape"),
        (r#"{"message": "secret-value"}"#, "another shape"),
        (r#"{"results": "secret-value"}"#, "another shape"),
    ] {
        let error = pages.read(&body(text), |_| {}).expect_err(text);
        let told = format!("{error:#} {error:?}");
        assert!(told.contains(kind) && told.contains("GET /page"), "{told}");
        assert!(!told.contains("secret-value"), "{told}");
    }
}

#[test]
fn former_values_are_read() {
    let page = body(
        r#"{"results": [{"id": "1", "properties": {}, "propertiesWithHistory": {"stage": [
            {"value": "won", "timestamp": "2026-01-02T00:00:00Z", "sourceType": "CRM_UI", "updatedByUserId": 7, "x": 1},
            {"value": null, "timestamp": "2026-01-01T00:00:00Z"}
        ], "amount": null}}]}"#,
    );
    let mut seen = Vec::new();
    let read = |record: &Record<'_>| {
        for former in &record.history {
            seen.push((
                former.property.to_string(),
                former.value.as_deref().map(str::to_owned),
                former.updated_by_user_id.as_deref().map(str::to_owned),
            ));
        }
    };
    Pages::new::<&str>(&[]).read(&page, read).unwrap();
    let stage = "stage".to_owned();
    assert_eq!(
        seen,
        [(stage.clone(), Some("won".to_owned()), Some("7".to_owned())), (stage, None, None)]
    );
}

#[test]
fn what_a_batch_could_not_read_is_told() {
    let page = body(
        r#"{"status": "COMPLETE", "results": [], "numErrors": 2, "errors": [
            {"category": "OBJECT_NOT_FOUND", "message": "m", "context": {"ids": ["1"]}},
            {"category": "X", "subCategory": "crm.Y", "message": "n"}]}"#,
    );
    let end = Pages::new::<&str>(&[]).read(&page, |_| {}).unwrap();
    let categories: Vec<&str> = end.problems.iter().map(|(category, _)| &**category).collect();
    assert_eq!(categories, ["OBJECT_NOT_FOUND", "crm.Y"]);
}

#[test]
fn types_come_from_metadata_and_misfits_are_rejected_with_their_reason() {
    let properties = [
        property("amount", "number"),
        property("flag", "bool"),
        property("day", "date"),
        property("moment", "datetime"),
        property("kind", "enumeration"),
        property("id", "string"),
        Property { archived: Some(true), ..property("old", "string") },
    ];
    let object = ObjectType::new("deals", "deals", &properties, |name| name != "never", |_| false);
    let spec = object.spec(StreamName::new("deals").unwrap());
    let types: Vec<String> = spec
        .columns
        .iter()
        .map(|column| format!("{} {}", column.name, column.column_type))
        .collect();
    assert_eq!(
        types,
        [
            "id string",
            "amount decimal(38,18)",
            "day date",
            "flag boolean",
            "id_property string",
            "kind string",
            "moment timestamp",
            "hs_record_created_at timestamp",
            "hs_record_updated_at timestamp",
            "archived boolean",
            "archived_at timestamp",
        ]
    );
    let mut sink = Sink::whole(&spec, "deals", 10);
    assert_eq!(sink.pages.names, ["amount", "day", "flag", "id", "kind", "moment"]);
    let page = body(
        r#"{"results": [
            {"id": "1", "properties": {"amount": "1000.50", "flag": "true", "day": "2026-01-31", "moment": "1767225600000", "kind": "a;b", "id": "own"}, "createdAt": "2026-01-01T00:00:00.603000+00:00", "updatedAt": "2026-01-01T00:00:00Z"},
            {"id": "2", "properties": {"amount": "12 EUR", "kind": "x"}},
            {"id": "3", "properties": {"amount": "1e3", "moment": "2026-01-01T00:00:00Z"}}
        ]}"#,
    );
    let (pages, mut putting) = sink.split();
    pages.read(&page, |record| putting.put(record)).unwrap();
    let (batch, rejected) = sink.rows.take();
    let batch = batch.unwrap();
    assert_eq!(batch.schema(), spec.batch_schema());
    assert_eq!(super::texts(&batch, 0), ["1", "3"]);
    assert_eq!(rejected.len(), 1);
    assert_eq!(rejected[0].position, "deals/2");
    assert_eq!(rejected[0].column.as_deref(), Some("amount"));
    assert_eq!(rejected[0].value.as_deref(), Some("12 EUR"));
    assert!(rejected[0].record.contains("\"kind\":\"x\""), "{}", rejected[0].record);
}

#[test]
fn changes_of_contacts_are_found_by_their_older_property() {
    let both =
        [property("hs_lastmodifieddate", "datetime"), property("lastmodifieddate", "datetime")];
    let of = |name: &str, properties: &[Property]| {
        ObjectType::new(name, name, properties, |_| true, |_| false).modified
    };
    assert_eq!(of("contacts", &both), "lastmodifieddate");
    assert_eq!(of("deals", &both), "hs_lastmodifieddate");
    assert_eq!(of("contacts", &both[..1]), "hs_lastmodifieddate");
}

#[test]
fn a_tally_counts_each_record_once() {
    let mut tally = Tally::default();
    tally.page(vec![(1, false), (2, true), (2, true), (1, false)]);
    tally.page(vec![(2, true), (3, false)]);
    assert_eq!((tally.delivered, tally.newer, tally.last_id), (2, 1, 3));
    assert_eq!(tally.missing(3), 0);
    assert_eq!(tally.missing(4), 1);
    // Out of order is not a loss.
    tally.page(vec![(10, false)]);
    tally.page(vec![(5, false)]);
    assert_eq!((tally.delivered, tally.last_id), (4, 10));
}
