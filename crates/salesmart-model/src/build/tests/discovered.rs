//! Raw tables whose columns are the source's: missing ones, other types, and several connections.

use arrow::array::BooleanArray;

use super::*;

/// Lands one batch into a connection's `deals`, in the schema it has.
async fn land_columns(lake: &Lake, connection: &str, columns: Vec<(&str, ArrayRef)>) -> RawStream {
    let connection = ConnectionName::new(connection).unwrap();
    let rows = columns[0].1.len();
    let text = |value: &str| Arc::new(StringArray::from(vec![value; rows])) as ArrayRef;
    let sequence: Int64Array = (1..).take(rows).map(Some).collect();
    let mut all = columns;
    all.push(("_connection", text(connection.as_str())));
    all.push(("_op", text("upsert")));
    all.push(("_sequence", Arc::new(sequence)));
    let fields: Vec<Field> = all
        .iter()
        .map(|(name, values)| Field::new(*name, values.data_type().clone(), true))
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let values = all.into_iter().map(|(_, values)| values).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), values).unwrap();
    let path = TablePath::raw(&connection, &stream());
    let mut writer = TableWriter::new(lake, &path, Arc::clone(&schema));
    writer.write(&batch).await.unwrap();
    let files = writer.finish().await.unwrap();
    let commit = Commit {
        files,
        mode: CommitMode::Append,
        schema,
        metadata: BTreeMap::new(),
        transaction: None,
        description: None,
    };
    lake.commit(&path, commit).await.unwrap();
    let table = lake.table(&path).await.unwrap().unwrap();
    let columns = table
        .schema
        .fields()
        .iter()
        .filter(|field| !field.name().starts_with('_'))
        .map(|field| Column {
            name: field.name().clone(),
            column_type: salesmart_core::ColumnType::from_arrow(field.data_type()).unwrap(),
        })
        .collect();
    RawStream {
        system: SystemName::new("crm").unwrap(),
        stream: stream(),
        connection,
        columns,
        location: None,
    }
}

fn ids(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn decimals(values: &[i128], precision: u8, scale: i8) -> ArrayRef {
    let values = Decimal128Array::from(values.to_vec());
    Arc::new(values.with_precision_and_scale(precision, scale).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_with_other_columns_and_types_are_one_table() {
    let mut house = House::new(&[]).await;
    // Numbers as ids and amounts, and no close date at all.
    let first = land_columns(
        &house.lake,
        "crm_a",
        vec![
            ("deal_id", ids(&[1, 2])),
            ("amount", ids(&[5, 7])),
            ("stage", texts(&["won", "lost"])),
        ],
    )
    .await;
    // Another scale, a day, and a column that no model knows.
    let second = land_columns(
        &house.lake,
        "crm_b",
        vec![
            ("deal_id", texts(&["x"])),
            ("amount", decimals(&[123], 10, 1)),
            ("stage", texts(&["won"])),
            ("closed", Arc::new(Date32Array::from(vec![DAY]))),
            ("extra", Arc::new(BooleanArray::from(vec![true]))),
        ],
    )
    .await;
    house.raw = Some(vec![first, second]);
    let modeled = house.build().await.unwrap();
    insta::assert_snapshot!(house.show(&modeled, "select * from mart.fct_deal").await, @r"
    +---------+--------+-------+------------+
    | deal_id | amount | stage | closed     |
    +---------+--------+-------+------------+
    | 1       | 5.00   | won   |            |
    | 2       | 7.00   | lost  |            |
    | x       | 12.30  | won   | 2026-01-15 |
    +---------+--------+-------+------------+
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_from_before_a_column_was_widened_are_read_as_it_is_now() {
    let mut house = House::new(&[]).await;
    let numbers = |stage| vec![("deal_id", ids(&[1])), ("amount", ids(&[5])), ("stage", stage)];
    land_columns(&house.lake, "crm_a", numbers(ids(&[40]))).await;
    // The stages became text, and another deal came.
    let mut later = numbers(texts(&["won"]));
    later[0].1 = ids(&[2]);
    let stream = land_columns(&house.lake, "crm_a", later).await;
    house.raw = Some(vec![stream]);
    let modeled = house.build().await.unwrap();
    insta::assert_snapshot!(house.show(&modeled, "select deal_id, stage from mart.fct_deal").await, @r"
    +---------+-------+
    | deal_id | stage |
    +---------+-------+
    | 1       | 40    |
    | 2       | won   |
    +---------+-------+
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_that_would_lose_something_is_an_error() {
    let mut house = House::new(&[]).await;
    let stream = land_columns(
        &house.lake,
        "crm_a",
        vec![("deal_id", ids(&[1])), ("amount", texts(&["a lot"])), ("stage", texts(&["won"]))],
    )
    .await;
    house.raw = Some(vec![stream.clone()]);
    let error = house.build().await.unwrap_err();
    insta::assert_snapshot!(render(&error), @r"
    column `amount` of stream `deals` of connection `crm_a` has a type that its staging model cannot read
      expected: decimal(18,2) (sql/staging/crm/stg_crm__deals.sql:5:27)
      found: string
      state: nothing was published, the last release is still current
      hint: put a copy of the staging model under `sql/` of the project and write `amount: string` under its `source:`
    ");
    // Also when the run did not know the table yet, as in the run that lands it first.
    house.raw = Some(vec![RawStream { columns: Vec::new(), ..stream }]);
    let error = house.build().await.unwrap_err();
    assert_eq!(error.kind(), salesmart_core::ErrorKind::SchemaChanged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_does_not_fit_is_an_error_and_no_null() {
    let mut house = House::new(&[]).await;
    let stream = land_columns(
        &house.lake,
        "crm_a",
        vec![
            ("deal_id", ids(&[1])),
            ("amount", decimals(&[10i128.pow(30)], 38, 2)),
            ("stage", texts(&["won"])),
        ],
    )
    .await;
    house.raw = Some(vec![stream]);
    let error = house.build().await.unwrap_err();
    let cause = error.causes().join(": ");
    assert!(cause.contains("too large to store in a Decimal128 of precision 18"), "{error:#?}");
}
