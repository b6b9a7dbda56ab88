//! Submitted forecasts: events in the order in which they occurred.

use std::collections::BTreeMap;

use salesmart_core::stream::StreamSpec;
use salesmart_core::{ColumnType, Cursor, Result, StreamName};
use salesmart_extract::Event;
use salesmart_extract::columns::Rows;
use serde::Deserialize;
use serde_json::Value;

use super::super::feed::Feed;
use super::super::properties::{column, stream};
use super::super::state::EventState;
use super::Context;
use super::objects::CAPACITY;

/// One event.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Submission {
    #[serde(default)]
    object_type: Option<String>,
    object_id: Value,
    occurred_at: Value,
    #[serde(default)]
    archived: Option<bool>,
    #[serde(default)]
    properties: BTreeMap<String, Value>,
}

/// The properties that get columns of their own. The interface is in beta and promises no names,
/// so all properties are kept as JSON beside them.
const PROPERTIES: [(&str, ColumnType); 8] = [
    ("hs_forecast_type_id", ColumnType::String),
    ("hs_forecast_category", ColumnType::String),
    ("hs_submission_amount", ColumnType::Decimal(38, 18)),
    ("hs_currency_code", ColumnType::String),
    ("hs_period_start", ColumnType::Date),
    ("hs_period_end", ColumnType::Date),
    ("hubspot_owner_id", ColumnType::String),
    ("hs_created_by_user_id", ColumnType::String),
];

fn columns() -> Vec<salesmart_core::Column> {
    let mut columns = vec![
        column("object_type", ColumnType::String),
        column("object_id", ColumnType::String),
        column("occurred_at", ColumnType::Timestamp),
        column("archived", ColumnType::Boolean),
        column("properties", ColumnType::String),
    ];
    columns.extend(PROPERTIES.iter().map(|(name, kind)| column(name, *kind)));
    columns
}

/// The stream.
pub(in crate::hubspot) fn spec(name: StreamName) -> StreamSpec {
    stream(name, columns(), &["object_type", "object_id", "occurred_at"])
}

/// Reads what occurred since the cursor, up to the bound.
pub(super) async fn read(
    context: &Context,
    spec: StreamSpec,
    cursor: Option<Cursor>,
    mut feed: Feed,
) -> Result<()> {
    let state: Option<EventState> = cursor.as_ref().map(Cursor::decode).transpose()?;
    if state.as_ref().is_some_and(|state| state.read_to >= context.to) {
        return Ok(());
    }
    let from = state.map(|state| state.read_to - context.config.overlap.as_delta());
    let mut rows = Rows::new(&spec, CAPACITY);
    let mut after: Option<String> = None;
    loop {
        let limit = feed.api.page(100);
        // Nothing of an unfinished window is kept: the next run reads it from its beginning.
        let mut page =
            feed.api.submissions::<Submission>(from, context.to, after.as_deref(), limit).await?;
        for submission in &page.results {
            put(&mut rows, submission);
        }
        after = page.after();
        if Feed::is_full(&rows) || after.is_none() {
            feed.batch(&mut rows, Event::Rows).await?;
        }
        if after.is_none() {
            break;
        }
    }
    feed.learned();
    feed.checkpoint(&EventState { read_to: context.to }).await
}

fn put(rows: &mut Rows, submission: &Submission) {
    let object_id = plain(&submission.object_id);
    let occurred_at = plain(&submission.occurred_at);
    let object_type = submission.object_type.as_deref().unwrap_or_default();
    rows.text(0, object_type);
    rows.text(1, &object_id);
    rows.text(2, &occurred_at);
    match submission.archived {
        Some(archived) => rows.boolean(3, archived),
        None => rows.null(3),
    }
    let properties = serde_json::to_string(&submission.properties).unwrap_or_default();
    rows.text(4, &properties);
    for (place, (name, _)) in PROPERTIES.iter().enumerate() {
        match submission.properties.get(*name) {
            None | Some(Value::Null) => rows.null(5 + place),
            Some(value) => rows.text_or_null(5 + place, &plain(value)),
        }
    }
    let position = format!("forecast_submissions/{object_id}/{occurred_at}");
    rows.end_row(&position, || properties);
}

/// A text as it is, and anything else as JSON spells it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
