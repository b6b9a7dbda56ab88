//! What is small, and read as a whole each time: owners, the stages of deal pipelines, properties,
//! forecast types. Each reading is a snapshot, so what is gone is seen to be gone.

use std::collections::{BTreeMap, BTreeSet};

use salesmart_core::stream::StreamSpec;
use salesmart_core::{ColumnType, Cursor, Result, StreamName};
use salesmart_extract::Event;
use salesmart_extract::columns::Rows;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::feed::Feed;
use super::super::properties::{Property, column, stream};
use super::super::state::WholeState;
use super::Context;
use super::objects::CAPACITY;

/// Something small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hubspot) enum Small {
    /// People who own records, with their teams.
    Owners,
    /// Stages of deal pipelines.
    DealStages,
    /// What is known of the properties of all object types.
    Properties,
    /// How forecasts are computed.
    ForecastTypes,
}

use ColumnType::{Boolean, Int64, String as Text, Timestamp};

const OWNERS: [(&str, ColumnType); 13] = [
    ("id", Text),
    ("user_id", Text),
    ("user_id_including_inactive", Text),
    ("email", Text),
    ("first_name", Text),
    ("last_name", Text),
    ("type", Text),
    ("archived", Boolean),
    ("created_at", Timestamp),
    ("updated_at", Timestamp),
    ("team_ids", Text),
    ("primary_team_id", Text),
    ("primary_team_name", Text),
];

const DEAL_STAGES: [(&str, ColumnType); 8] = [
    ("pipeline_id", Text),
    ("stage_id", Text),
    ("pipeline_label", Text),
    ("label", Text),
    ("display_order", Int64),
    ("is_closed", Boolean),
    ("probability", ColumnType::Decimal(38, 18)),
    ("archived", Boolean),
];

const PROPERTIES: [(&str, ColumnType); 15] = [
    ("object_type", Text),
    ("name", Text),
    ("label", Text),
    ("type", Text),
    ("field_type", Text),
    ("group_name", Text),
    ("description", Text),
    ("options", Text),
    ("calculated", Boolean),
    ("hidden", Boolean),
    ("archived", Boolean),
    ("has_unique_value", Boolean),
    ("hubspot_defined", Boolean),
    ("created_at", Timestamp),
    ("updated_at", Timestamp),
];

const FORECAST_TYPES: [(&str, ColumnType); 8] = [
    ("id", Text),
    ("name", Text),
    ("object_type", Text),
    ("amount_property", Text),
    ("date_property", Text),
    ("weighted", Boolean),
    ("default_type", Boolean),
    ("definition", Text),
];

/// Its stream.
pub(in crate::hubspot) fn spec(small: Small, name: StreamName) -> StreamSpec {
    let (columns, keys): (&[(&str, ColumnType)], usize) = match small {
        Small::Owners => (&OWNERS, 1),
        Small::DealStages => (&DEAL_STAGES, 2),
        Small::Properties => (&PROPERTIES, 2),
        Small::ForecastTypes => (&FORECAST_TYPES, 1),
    };
    let key: Vec<&str> = columns.iter().take(keys).map(|(name, _)| *name).collect();
    stream(name, columns.iter().map(|(name, kind)| column(name, *kind)).collect(), &key)
}

/// Reads it, unless it was read at this bound already.
pub(super) async fn read(
    context: &Context,
    small: Small,
    spec: StreamSpec,
    cursor: Option<Cursor>,
    mut feed: Feed,
) -> Result<()> {
    let state: Option<WholeState> = cursor.as_ref().map(Cursor::decode).transpose()?;
    if state.is_some_and(|state| state.read_at >= context.now) {
        return Ok(());
    }
    let mut rows = Rows::new(&spec, CAPACITY);
    feed.send(Event::SnapshotBegins).await?;
    match small {
        Small::Owners => owners(&feed, &mut rows).await?,
        Small::DealStages => deal_stages(&feed, &mut rows).await?,
        Small::Properties => properties(context, &mut rows),
        Small::ForecastTypes => forecast_types(&feed, &mut rows).await?,
    }
    feed.batch(&mut rows, Event::Rows).await?;
    feed.send(Event::SnapshotEnds).await?;
    feed.checkpoint(&WholeState { read_at: context.now }).await
}

/// Puts one row; `values` in the order of the columns.
fn put(rows: &mut Rows, position: &str, values: &[Option<String>]) {
    for (place, value) in values.iter().enumerate() {
        match value {
            Some(value) => rows.text_or_null(place, value),
            None => rows.null(place),
        }
    }
    rows.end_row(position, || format!("{values:?}"));
}

/// A value of whatever JSON type as its text.
fn plain(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owner {
    id: Value,
    #[serde(default)]
    user_id: Option<Value>,
    #[serde(default)]
    user_id_including_inactive: Option<Value>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    first_name: Option<String>,
    #[serde(default)]
    last_name: Option<String>,
    #[serde(default, rename = "type")]
    owner_type: Option<String>,
    #[serde(default)]
    archived: Option<bool>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    teams: Option<Vec<Team>>,
}

#[derive(Debug, Deserialize)]
struct Team {
    id: Value,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    primary: Option<bool>,
}

/// Present owners, then those that left. Who is in both lists is present.
async fn owners(feed: &Feed, rows: &mut Rows) -> Result<()> {
    let mut seen = BTreeSet::new();
    for archived in [false, true] {
        let mut after: Option<String> = None;
        loop {
            let limit = feed.api.page(100);
            let mut page = feed.api.owners::<Owner>(archived, after.as_deref(), limit).await?;
            for owner in &page.results {
                let id = plain(Some(&owner.id)).unwrap_or_default();
                if seen.insert(id.clone()) {
                    put_owner(rows, id, owner, archived);
                }
            }
            after = page.after();
            if after.is_none() {
                break;
            }
        }
    }
    Ok(())
}

fn put_owner(rows: &mut Rows, id: String, owner: &Owner, archived: bool) {
    let teams = owner.teams.as_deref().unwrap_or_default();
    let team_ids: Vec<String> = teams.iter().filter_map(|team| plain(Some(&team.id))).collect();
    let primary = teams.iter().find(|team| team.primary == Some(true));
    let position = format!("owners/{id}");
    let values = [
        Some(id),
        plain(owner.user_id.as_ref()),
        plain(owner.user_id_including_inactive.as_ref()),
        owner.email.clone(),
        owner.first_name.clone(),
        owner.last_name.clone(),
        owner.owner_type.clone(),
        Some(owner.archived.unwrap_or(archived).to_string()),
        owner.created_at.clone(),
        owner.updated_at.clone(),
        Some(team_ids.join(";")),
        primary.and_then(|team| plain(Some(&team.id))),
        primary.and_then(|team| team.name.clone()),
    ];
    put(rows, &position, &values);
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pipeline {
    id: Value,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    stages: Vec<Stage>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stage {
    id: Value,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    display_order: Option<Value>,
    #[serde(default)]
    metadata: BTreeMap<String, Value>,
    #[serde(default)]
    archived: Option<bool>,
}

/// Stage ids are unique within their pipeline only.
async fn deal_stages(feed: &Feed, rows: &mut Rows) -> Result<()> {
    let mut seen = BTreeSet::new();
    for pipeline in feed.api.pipelines::<Pipeline>("deals").await? {
        let pipeline_id = plain(Some(&pipeline.id)).unwrap_or_default();
        for stage in &pipeline.stages {
            let stage_id = plain(Some(&stage.id)).unwrap_or_default();
            if !seen.insert((pipeline_id.clone(), stage_id.clone())) {
                continue;
            }
            let position = format!("pipelines/deals/{pipeline_id}/{stage_id}");
            let values = [
                Some(pipeline_id.clone()),
                Some(stage_id),
                pipeline.label.clone(),
                stage.label.clone(),
                plain(stage.display_order.as_ref()),
                plain(stage.metadata.get("isClosed")),
                plain(stage.metadata.get("probability")),
                stage.archived.map(|archived| archived.to_string()),
            ];
            put(rows, &position, &values);
        }
    }
    Ok(())
}

/// The properties as they were discovered at the beginning of the run.
fn properties(context: &Context, rows: &mut Rows) {
    for object in &context.objects {
        for property in object.properties.values() {
            put_property(rows, &object.name, property);
        }
    }
}

fn put_property(rows: &mut Rows, object: &str, property: &Property) {
    let flag = |flag: Option<bool>| flag.map(|flag| flag.to_string());
    let options: Map<String, Value> = property
        .options
        .iter()
        .filter_map(|option| {
            let label = option.label.as_deref().map_or(Value::Null, Value::from);
            Some((option.value.clone()?, label))
        })
        .collect();
    let values = [
        Some(object.to_owned()),
        Some(property.name.clone()),
        property.label.clone(),
        property.property_type.clone(),
        property.field_type.clone(),
        property.group_name.clone(),
        property.description.clone(),
        (!options.is_empty()).then(|| Value::Object(options).to_string()),
        flag(property.calculated),
        flag(property.hidden),
        flag(property.archived),
        flag(property.has_unique_value),
        flag(property.hubspot_defined),
        property.created_at.clone(),
        property.updated_at.clone(),
    ];
    put(rows, &format!("properties/{object}/{}", property.name), &values);
}

/// Forecast types. Their published shape is not settled, so the whole definition is kept as JSON
/// beside what is known of it.
async fn forecast_types(feed: &Feed, rows: &mut Rows) -> Result<()> {
    let mut seen = BTreeSet::new();
    for kind in feed.api.forecast_types().await? {
        let first = |names: &[&str]| names.iter().find_map(|name| plain(kind.get(*name)));
        let Some(id) = first(&["id", "forecastTypeId", "name", "label"]) else { continue };
        if !seen.insert(id.clone()) {
            continue;
        }
        let position = format!("forecast_types/{id}");
        let values = [
            Some(id),
            first(&["name", "label"]),
            first(&["objectTypeId", "objectType"]),
            first(&["amountProperty"]),
            first(&["dateProperty"]),
            first(&["weighted"]),
            first(&["defaultType", "isDefault"]),
            Some(kind.to_string()),
        ];
        put(rows, &position, &values);
    }
    Ok(())
}
