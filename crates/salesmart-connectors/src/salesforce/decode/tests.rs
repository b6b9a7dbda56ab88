//! Pages of both APIs make the same batches, however the APIs spell values.

use salesmart_core::yaml;
use serde_json::{Value, json};

use super::*;
use crate::salesforce::describe::Description;

fn settings(extra: &str) -> crate::salesforce::config::Settings {
    let text = format!(
        "login_url: https://fernhill.my.salesforce.com\nauth: {{flow: client_credentials, client_id: me, client_secret: 'file:secret'}}\n{extra}"
    );
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("secret"), "hush-hush").unwrap();
    let node = yaml::parse("pipeline.yml", &text, 1).unwrap();
    crate::salesforce::config::Settings::read(&node, folder.path()).unwrap()
}

fn described(name: &str, fields: Value) -> Object {
    let description =
        json!({"name": name, "queryable": true, "replicateable": true, "fields": fields});
    let description: Description = serde_json::from_value(description).unwrap();
    Object::new(description, &settings("")).unwrap()
}

fn field(name: &str, field_type: &str) -> Value {
    json!({"name": name, "type": field_type, "precision": 18, "scale": 2, "filterable": true, "sortable": true})
}

fn opportunity() -> Object {
    described(
        "Opportunity",
        json!([
            field("Name", "string"),
            field("Id", "id"),
            field("Amount", "currency"),
            field("Probability", "percent"),
            {"name": "Push__c", "type": "int", "digits": 9},
            field("CloseDate", "date"),
            field("IsDeleted", "boolean"),
            field("BillingAddress", "address"),
            field("Body", "base64"),
            field("SystemModstamp", "datetime"),
        ]),
    )
}

const REST: &str = r#"{"totalSize":4,"done":false,"nextRecordsUrl":"/services/data/v62.0/query/01g000-2000","records":[
{"attributes":{"type":"Opportunity","url":"/services/data/v62.0/sobjects/Opportunity/006000000000001AAA"},"Name":"Acme \"big\", deal\nnext line","Id":"006000000000001AAA","Amount":1200.5,"Probability":0.0,"Push__c":0,"CloseDate":"2026-10-01","IsDeleted":false,"SystemModstamp":"2026-09-01T10:00:00.000+0000"},
{"attributes":{"type":"Opportunity"},"Id":"006000000000002AAA","Name":"N/A","Amount":1.0E7,"Probability":60,"Push__c":3,"CloseDate":null,"IsDeleted":true,"SystemModstamp":"2026-09-01T10:00:01.000+0000","New__c":{"x":[1]}},
{"Id":"006000000000003AAA","Name":"nul\u0000l","Amount":null,"Probability":null,"Push__c":null,"CloseDate":"2026-10-02","IsDeleted":false,"SystemModstamp":"2026-09-01T10:00:01.000+0000"},
{"Id":"006000000000004AAA","Name":null,"Amount":-7,"Probability":5.25,"Push__c":null,"CloseDate":"2026-10-02","IsDeleted":false,"SystemModstamp":"2026-09-01T10:00:02.000+0000"}
]}"#;

const BULK: &str = "\"Id\",\"SystemModstamp\",\"Name\",\"Amount\",\"Probability\",\"Push__c\",\"CloseDate\",\"IsDeleted\"\n\
\"006000000000001AAA\",\"2026-09-01T10:00:00.000Z\",\"Acme \"\"big\"\", deal\nnext line\",\"1200.5\",\"0.0\",\"0.0\",\"2026-10-01\",\"false\"\n\
\"006000000000002AAA\",\"2026-09-01T10:00:01.000Z\",\"N/A\",\"10000000.0\",\"60.0\",\"3.0\",\"\",\"true\"\n\
\"006000000000003AAA\",\"2026-09-01T10:00:01.000Z\",\"null\",\"\",\"\",\"\",\"2026-10-02\",\"false\"\n\
\"006000000000004AAA\",\"2026-09-01T10:00:02.000Z\",\"\",\"-7.0\",\"5.25\",\"\",\"2026-10-02\",\"false\"\n";

fn rest(shape: &Shape, text: &str) -> Decoded {
    json_page(shape, text.as_bytes()).unwrap().decode(shape, &mut Seen::default())
}

fn bulk(shape: &Shape, text: &str) -> Decoded {
    csv_page(shape, text.as_bytes(), &mut Seen::default()).unwrap()
}

#[test]
fn rest_and_bulk_make_the_same_rows() {
    let object = opportunity();
    let names: Vec<String> = object
        .spec
        .columns
        .iter()
        .map(|column| format!("{}: {}", column.name, column.column_type))
        .collect();
    assert_eq!(
        names,
        [
            "id: string",
            "name: string",
            "amount: decimal(18,2)",
            "probability: decimal(18,2)",
            "push__c: int64",
            "closedate: date",
            "isdeleted: boolean",
            "systemmodstamp: timestamp",
        ]
    );
    let shape = Shape::rows(&object, None);
    let (rest, bulk) = (rest(&shape, REST), bulk(&shape, BULK));
    assert_eq!(rest.batches, bulk.batches);
    assert_eq!(rest.batches.len(), 1);
    assert_eq!(rest.batches[0].schema(), object.spec.batch_schema());
    assert_eq!((rest.records, rest.came), (4, 4));
    assert!(rest.rejected.is_empty() && bulk.rejected.is_empty(), "{:?}", rest.rejected);
    let last =
        Place { stamp: "2026-09-01T10:00:02.000Z".to_owned(), id: "006000000000004AAA".to_owned() };
    assert_eq!((rest.last.as_ref(), bulk.last.as_ref()), (Some(&last), Some(&last)));
    let text = arrow::util::pretty::pretty_format_batches(&rest.batches).unwrap().to_string();
    for expected in ["N/A", "Opportunity/006000000000001AAA", "1200.50", "10000000.00", "-7.00"] {
        assert!(text.contains(expected), "{expected} in\n{text}");
    }
    use arrow::array::{Array, AsArray};
    let names = rest.batches[0].column(1).as_string::<i32>();
    assert_eq!(names.value(2), "null", "NUL is taken out and `null` is a text");
    assert!(names.is_null(3), "an empty text is null");
}

#[test]
fn a_record_that_comes_twice_counts_once() {
    let shape = Shape::rows(&opportunity(), None);
    let mut seen = Seen::default();
    let first = csv_page(&shape, BULK.as_bytes(), &mut seen).unwrap();
    let again = csv_page(&shape, BULK.as_bytes(), &mut seen).unwrap();
    assert_eq!((first.records, again.records, again.came), (4, 0, 4));
    assert!(again.batches.is_empty());
    // A page that was not whole is read again.
    seen.undo();
    assert_eq!(csv_page(&shape, BULK.as_bytes(), &mut seen).unwrap().records, 4);
    // The same record with another stamp is another version.
    let later = BULK.replace("10:00:02.000Z", "10:00:03.000Z");
    assert_eq!(csv_page(&shape, later.as_bytes(), &mut seen).unwrap().records, 1);
}

#[test]
fn ordered_pages_remember_one_page() {
    let shape = Shape::rows(&opportunity(), None);
    let mut seen = Seen::default();
    for expected in [4, 0, 0] {
        seen.turn();
        let records = json_page(&shape, REST.as_bytes()).unwrap();
        assert_eq!(records.decode(&shape, &mut seen).records, expected);
    }
}

#[test]
fn a_value_that_does_not_fit_rejects_its_row_alone() {
    let shape = Shape::rows(&opportunity(), None);
    let decoded = rest(&shape, &REST.replace("1200.5", "1200.555"));
    assert_eq!(decoded.records, 4, "a rejected record came too");
    assert_eq!(decoded.batches[0].num_rows(), 3);
    let rejected = &decoded.rejected[0];
    assert_eq!(rejected.position, "Opportunity/006000000000001AAA");
    assert_eq!(rejected.column.as_deref(), Some("amount"));
    assert_eq!(rejected.reason, "has more than 2 digits behind the point");
    assert!(rejected.record.contains("Acme"));
    let decoded = bulk(&shape, &BULK.replace("1200.5", "1200.555"));
    assert_eq!(decoded.rejected[0].reason, rejected.reason);
}

#[test]
fn old_and_new_values_are_spelled_alike() {
    let object = described(
        "OpportunityFieldHistory",
        json!([
            field("Id", "id"),
            field("DataType", "picklist"),
            {"name": "OldValue", "type": "anyType", "sortable": true},
            {"name": "NewValue", "type": "anyType", "sortable": true},
            field("CreatedDate", "datetime"),
        ]),
    );
    assert!(object.accumulates && !object.has_deletions);
    let shape = Shape::rows(&object, None);
    let rest = rest(
        &shape,
        r#"{"done":true,"records":[
        {"Id":"017000000000001AAA","DataType":"Currency","OldValue":null,"NewValue":1000.0,"CreatedDate":"2026-09-01T10:00:00.000+0000"},
        {"Id":"017000000000002AAA","DataType":"Boolean","OldValue":false,"NewValue":true,"CreatedDate":"2026-09-01T10:00:00.000+0000"},
        {"Id":"017000000000003AAA","DataType":"DateTime","OldValue":"2026-01-01T00:00:00.000+0000","NewValue":"Text","CreatedDate":"2026-09-01T10:00:00.000+0000"}]}"#,
    );
    let bulk = bulk(
        &shape,
        "\"Id\",\"DataType\",\"OldValue\",\"NewValue\",\"CreatedDate\"\n\
         \"017000000000001AAA\",\"Currency\",\"\",\"1000\",\"2026-09-01T10:00:00.000Z\"\n\
         \"017000000000002AAA\",\"Boolean\",\"false\",\"true\",\"2026-09-01T10:00:00.000Z\"\n\
         \"017000000000003AAA\",\"DateTime\",\"2026-01-01T00:00:00.000Z\",\"Text\",\"2026-09-01T10:00:00.000Z\"\n",
    );
    assert_eq!(rest.batches, bulk.batches);
}

#[test]
fn parts_of_a_split_query_are_joined_by_record() {
    let shape = Shape::rows(&opportunity(), None);
    let names = r#"{"done":true,"records":[
        {"Id":"006000000000001AAA","SystemModstamp":"2026-09-01T10:00:00.000+0000","Name":"one"},
        {"Id":"006000000000002AAA","SystemModstamp":"2026-09-01T10:00:01.000+0000","Name":"two"},
        {"Id":"006000000000003AAA","SystemModstamp":"2026-09-01T10:00:02.000+0000","Name":"three"}]}"#;
    // The third one changed meanwhile; the second one is gone.
    let amounts = r#"{"done":true,"records":[
        {"Id":"006000000000001AAA","SystemModstamp":"2026-09-01T10:00:00.000+0000","Amount":1},
        {"Id":"006000000000003AAA","SystemModstamp":"2026-09-09T10:00:02.000+0000","Amount":3}]}"#;
    let mut records = json_page(&shape, names.as_bytes()).unwrap();
    records.join(&shape, &[json_page(&shape, amounts.as_bytes()).unwrap()]);
    let decoded = records.decode(&shape, &mut Seen::default());
    assert_eq!(decoded.records, 1);
    let text = arrow::util::pretty::pretty_format_batches(&decoded.batches).unwrap().to_string();
    assert!(text.contains("one") && text.contains("1.00"), "{text}");
}

#[test]
fn a_page_that_is_not_what_it_should_be_is_an_error_without_its_values() {
    let shape = Shape::rows(&opportunity(), None);
    let error = json_page(&shape, br#"{"done":"SECRET","records":[]}"#).unwrap_err();
    assert!(!format!("{error:#}").contains("SECRET"), "{error:#}");
    assert!(csv_page(&shape, b"\"Id\",\"Name\"\n\"1\"\n", &mut Seen::default()).is_err());
    let empty = csv_page(&shape, b"", &mut Seen::default()).unwrap();
    assert_eq!(empty.came, 0);
    let header = BULK.lines().next().unwrap();
    assert_eq!(csv_page(&shape, header.as_bytes(), &mut Seen::default()).unwrap().came, 0);
}

#[test]
fn the_cursor_is_the_best_field_that_can_be_filtered_and_sorted() {
    use crate::salesforce::describe::Reading;
    let object = described(
        "ActivityFieldHistory",
        json!([
            field("Id", "id"),
            {"name": "SystemModstamp", "type": "datetime", "filterable": false, "sortable": true},
            field("CreatedDate", "datetime"),
        ]),
    );
    assert_eq!(object.reading, Reading::Changes { cursor: "CreatedDate".to_owned() });
    let object =
        described("EntityDefinition", json!([field("Id", "id"), field("Label", "string")]));
    assert_eq!(object.reading, Reading::Whole);
    let object = described(
        "ForecastingItem",
        json!([
            field("Id", "id"),
            field("PeriodId", "reference"),
            field("SystemModstamp", "datetime")
        ]),
    );
    assert_eq!(object.reading, Reading::PerPeriod);
    assert_eq!(object.spec.key, ["id", "snapshot_date"]);
    let shape = Shape::rows(&object, Some("2026-09-30".to_owned()));
    let decoded =
        rest(&shape, r#"{"done":true,"records":[{"Id":"0J9000000000001AAA","PeriodId":"p"}]}"#);
    let text = arrow::util::pretty::pretty_format_batches(&decoded.batches).unwrap().to_string();
    assert!(text.contains("2026-09-30"), "{text}");
}

#[test]
fn fields_can_be_left_out_but_not_the_ones_that_are_needed() {
    let fields = json!([
        field("Id", "id"),
        field("Secret__c", "string"),
        field("Name", "string"),
        field("SystemModstamp", "datetime"),
        field("IsDeleted", "boolean"),
    ]);
    let description = json!({"name": "Invoice__c", "queryable": true, "fields": fields});
    let settings =
        settings("fields: {\"*__c\": {exclude: [\"*__c\", \"system*\", id, isdeleted]}}");
    let object = Object::new(serde_json::from_value(description).unwrap(), &settings).unwrap();
    let names: Vec<&str> = object.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["Id", "Name", "SystemModstamp", "IsDeleted"]);
}
