//! Columns that come, go, and take another type.

use arrow::array::{ArrayRef, Int64Array};
use arrow::compute::cast;
use salesmart_core::receipt::{SchemaChange, SchemaChangeKind};

use super::*;

fn change(
    column: &str,
    change: SchemaChangeKind,
    from: Option<&str>,
    to: Option<&str>,
    action: &str,
) -> SchemaChange {
    SchemaChange {
        column: column.to_owned(),
        change,
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
        action: action.to_owned(),
    }
}

/// Rows whose amount is a text, as after the source made it one.
fn texts(rows: &[(&str, &str)]) -> Event {
    let ids: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|(id, _)| *id)));
    let amounts: ArrayRef =
        Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, amount)| *amount)));
    let positions: ArrayRef =
        Arc::new(StringArray::from_iter_values(rows.iter().map(|(id, _)| *id)));
    let batch = RecordBatch::try_from_iter([
        ("id", ids),
        ("amount", amounts),
        ("_source_position", positions),
    ]);
    Event::Rows(batch.unwrap())
}

/// The newest amount of every key, as text.
async fn amounts(story: &Story) -> BTreeMap<String, String> {
    let path = TablePath::raw(&connection(), &story.spec.name);
    let table = story.lake.table(&path).await.unwrap().unwrap();
    let mut all: BTreeMap<String, (i64, String)> = BTreeMap::new();
    let batches: Vec<RecordBatch> = story.lake.read(&table, None).try_collect().await.unwrap();
    for batch in batches {
        let column = |name: &str| Arc::clone(batch.column_by_name(name).unwrap());
        assert_eq!(
            column("amount").data_type(),
            table.schema.field_with_name("amount").unwrap().data_type(),
            "every file comes in the table's type"
        );
        let amounts = cast(&column("amount"), &arrow::datatypes::DataType::Utf8).unwrap();
        for row in 0..batch.num_rows() {
            let id = column("id").as_string::<i32>().value(row).to_owned();
            let sequence = column("_sequence").as_primitive::<Int64Type>().value(row);
            let amount = amounts.as_string::<i32>().value(row).to_owned();
            if all.get(&id).is_none_or(|known| known.0 < sequence) {
                all.insert(id, (sequence, amount));
            }
        }
    }
    all.into_iter().map(|(id, (_, amount))| (id, amount)).collect()
}

async fn with_a() -> Story {
    let mut story = Story::new(&["id"]).await;
    story.land(vec![rows(&[(Some("a"), Some(150))]), cursor(1)]).await.unwrap();
    story
}

#[tokio::test]
async fn a_change_of_columns_is_told_once() {
    let mut story = with_a().await;
    story.spec.columns.push(Column { name: "stage".to_owned(), column_type: ColumnType::String });
    let landed = story.land(Vec::new()).await.unwrap();
    let added = change("stage", SchemaChangeKind::Added, None, Some("string"), "added");
    assert_eq!(
        landed.schema_changes,
        std::slice::from_ref(&added),
        "told even though nothing came"
    );
    let saved = saved_cursor(&story.lake, &connection(), &story.spec.name).await.unwrap();
    assert_eq!(saved, Some(Cursor(json!({ "at": 1 }))), "the cursor stays");
    assert!(story.land(Vec::new()).await.unwrap().schema_changes.is_empty());

    story.spec.columns.pop();
    let removed = change("stage", SchemaChangeKind::Removed, Some("string"), None, "nulls");
    let landed = story.land(vec![rows(&[(Some("b"), None)]), cursor(2)]).await.unwrap();
    assert_eq!(landed.schema_changes, [removed]);
    assert!(story.land(Vec::new()).await.unwrap().schema_changes.is_empty());

    story.spec.columns.push(Column { name: "stage".to_owned(), column_type: ColumnType::String });
    assert_eq!(story.land(Vec::new()).await.unwrap().schema_changes, [added]);
}

#[tokio::test]
async fn nobody_decided_so_the_stream_stops_and_says_what_there_is_to_decide() {
    let mut story = with_a().await;
    story.spec.columns[1].column_type = ColumnType::String;
    for _ in 0..2 {
        let outcome =
            story.outcome(vec![texts(&[("b", "x")]), cursor(2)], Threshold::Rows(0)).await;
        let error = outcome.error.unwrap();
        assert_eq!(error.kind(), ErrorKind::SchemaChanged);
        assert!(error.hint().unwrap().contains("land: {on_retyped: widen}"));
        assert_eq!(
            outcome.landed.schema_changes,
            [change(
                "amount",
                SchemaChangeKind::Retyped,
                Some("decimal(18,2)"),
                Some("string"),
                "stopped"
            )],
            "until somebody has decided, it is news every time"
        );
    }
    assert_eq!(story.current().await.len(), 1);
}

#[tokio::test]
async fn a_widened_column_holds_the_old_values_and_the_new_ones() {
    let mut story = with_a().await;
    story.on_retyped = OnRetyped::Widen;
    story.spec.columns[1].column_type = ColumnType::String;
    let events = || vec![texts(&[("b", "ten"), ("c", "1.50")]), cursor(2)];
    let landed = story.land(events()).await.unwrap();
    assert_eq!(landed.schema_changes[0].action, "widened");
    assert_eq!(landed.rows, counts(2, 2, 0, 0, 0));
    let expected = [("a", "1.50"), ("b", "ten"), ("c", "1.50")];
    let expected: BTreeMap<String, String> =
        expected.iter().map(|(id, amount)| ((*id).to_owned(), (*amount).to_owned())).collect();
    assert_eq!(amounts(&story).await, expected);
    let again = story.land(events()).await.unwrap();
    assert!(again.schema_changes.is_empty(), "decided, and told once");
    assert_eq!(again.rows, counts(2, 0, 0, 2, 0));

    // Back to a number: it fits into the text, and there is nothing to decide any more.
    story.on_retyped = OnRetyped::Widen;
    story.spec.columns[1].column_type = ColumnType::Decimal(18, 2);
    story.land(vec![rows(&[(Some("d"), Some(425))]), cursor(3)]).await.unwrap();
    assert_eq!(amounts(&story).await["d"], "4.25");
}

#[tokio::test]
async fn an_integer_column_widens_to_a_decimal() {
    let mut story = Story::new(&["id"]).await;
    story.on_retyped = OnRetyped::Widen;
    story.spec.columns[1].column_type = ColumnType::Int64;
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let amounts_in: ArrayRef = Arc::new(Int64Array::from(vec![7]));
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::clone(&ids)),
        ("amount", amounts_in),
        ("_source_position", ids),
    ]);
    story.land(vec![Event::Rows(batch.unwrap()), cursor(1)]).await.unwrap();
    story.spec.columns[1].column_type = ColumnType::Decimal(18, 2);
    let landed = story.land(vec![rows(&[(Some("b"), Some(250))]), cursor(2)]).await.unwrap();
    assert_eq!(
        landed.schema_changes,
        [change(
            "amount",
            SchemaChangeKind::Retyped,
            Some("int64"),
            Some("decimal(18,2)"),
            "widened"
        )]
    );
    let all = amounts(&story).await;
    assert_eq!((all["a"].as_str(), all["b"].as_str()), ("7.00", "2.50"));
    let path = TablePath::raw(&connection(), &story.spec.name);
    let table = story.lake.table(&path).await.unwrap().unwrap();
    assert_eq!(
        crate::source_columns(&table.schema)[1].column_type,
        ColumnType::Decimal(21, 2),
        "an int64 has 19 digits before the point"
    );
}

#[tokio::test]
async fn a_column_in_quarantine_keeps_its_type_and_rejects_what_does_not_fit() {
    let mut story = with_a().await;
    story.on_retyped = OnRetyped::Quarantine;
    story.spec.columns[1].column_type = ColumnType::String;
    let events = || vec![texts(&[("b", "ten"), ("c", "2.50"), ("a", "1.5")]), cursor(2)];
    let landed = story.land(events()).await.unwrap();
    assert_eq!(landed.schema_changes[0].action, "quarantined");
    assert_eq!(landed.rows, counts(3, 1, 1, 1, 0), "a is there as 1.50, b is no number");
    assert_eq!(amounts(&story).await.keys().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(
        story.quarantined().await,
        [
            "b the column became string in the source, and this value is not a decimal(18,2), as which the column is landed"
        ]
    );
    let again = story.land(events()).await.unwrap();
    assert_eq!(again.rows, counts(3, 0, 1, 2, 0));
    assert!(again.schema_changes.is_empty());
    // Rejected rows count against the threshold as any others do.
    let error = story.land_allowing(events(), Threshold::Rows(0)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckFailed);
}
