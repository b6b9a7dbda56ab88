//! From an object's description to a stream: its columns, its key, and how it can be read.

use salesmart_core::{Column, ColumnType, Error, ErrorKind, Result, StreamName};
use salesmart_extract::StreamSpec;
use serde::Deserialize;

use super::config::Settings;
use super::soql::Order;

/// The fields by which changes are found, best first.
const CURSORS: [&str; 4] = ["SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime"];
/// Objects that are photographed in each run, for all open periods.
const FORECASTS: [&str; 2] = ["ForecastingItem", "ForecastingFact"];
/// The column with the day of such a photograph.
pub(super) const SNAPSHOT_DATE: &str = "snapshot_date";

/// An object as `describe` answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Description {
    name: String,
    #[serde(default)]
    queryable: bool,
    #[serde(default)]
    replicateable: bool,
    fields: Vec<FieldDescription>,
}

/// A field as `describe` answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldDescription {
    name: String,
    #[serde(rename = "type")]
    field_type: String,
    #[serde(default)]
    precision: u32,
    #[serde(default)]
    scale: u32,
    #[serde(default)]
    calculated: bool,
    #[serde(default)]
    filterable: bool,
    #[serde(default)]
    sortable: bool,
}

/// A field that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its API name.
    pub(super) name: String,
    /// Its column.
    pub(super) column: Column,
    /// Whether its values have types of their own (old and new values of histories).
    pub(super) is_any: bool,
    /// Whether it is a formula, which changes without the record being changed.
    pub(super) is_calculated: bool,
}

/// How an object is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// By changes: what a cursor field says is new.
    Changes {
        /// The cursor field.
        cursor: String,
    },
    /// All of it in each run: no field tells what is new.
    Whole,
    /// All open periods in each run, each day's kept beside those before.
    PerPeriod,
}

/// An object that is read, and the stream it makes.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// Its API name.
    pub(super) name: String,
    /// The stream.
    pub(super) spec: StreamSpec,
    /// Its fields in the order of the stream's columns.
    pub(super) fields: Vec<Field>,
    /// How it is read.
    pub(super) reading: Reading,
    /// Whether Salesforce keeps a log of its deletions.
    pub(super) has_deletions: bool,
    /// Whether rows that are gone from Salesforce are to be kept: histories are cleared after 18
    /// months, and what happened has happened.
    pub(super) accumulates: bool,
}

impl Object {
    /// Makes a stream of a description.
    pub(super) fn new(description: Description, settings: &Settings) -> Result<Self> {
        let Description { name, queryable, replicateable, fields: described } = description;
        let unreadable = |why: &str| {
            Error::new(ErrorKind::Permission, format!("failed to read the object `{name}`: {why}"))
                .with_state("nothing was read")
                .with_hint("grant the integration user `Read` on it and its fields, or exclude it")
        };
        if !queryable {
            return Err(unreadable("it cannot be queried"));
        }
        if !described.iter().any(|field| field.name == "Id") {
            return Err(unreadable("it has no id"));
        }
        let stream = StreamName::new(name.to_ascii_lowercase())?;
        let is_history = name.ends_with("History") || name.ends_with("__History");
        let reading = reading(&name, &described);
        let kept = |field: &FieldDescription| {
            let is_needed = matches!(field.name.as_str(), "Id" | "IsDeleted")
                || matches!(&reading, Reading::Changes { cursor } if *cursor == field.name);
            is_needed || settings.wants_field(&name, &field.name)
        };
        let mut fields: Vec<Field> =
            described.iter().filter(|field| kept(field)).filter_map(Field::new).collect();
        // The key comes first; the order of the others is that of the org.
        fields.sort_by_key(|field| field.name != "Id");
        let mut columns: Vec<Column> = fields.iter().map(|field| field.column.clone()).collect();
        let mut key = vec!["id".to_owned()];
        if reading == Reading::PerPeriod {
            columns.push(Column { name: SNAPSHOT_DATE.to_owned(), column_type: ColumnType::Date });
            key.push(SNAPSHOT_DATE.to_owned());
        }
        let spec = StreamSpec { name: stream, columns, key, max_rejected: None, location: None };
        Ok(Self {
            accumulates: is_history,
            has_deletions: replicateable && !is_history,
            name,
            spec,
            fields,
            reading,
        })
    }

    /// Whether it has a field of that name that is read.
    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.iter().any(|known| known.name == field)
    }

    /// The order in which it is read.
    pub(super) fn order(&self) -> Order {
        match &self.reading {
            Reading::Changes { cursor } => Order::Stamp(cursor.clone()),
            Reading::Whole | Reading::PerPeriod => Order::Id,
        }
    }

    /// The names of its formula columns.
    pub(super) fn formulas(&self) -> impl Iterator<Item = &str> {
        let formulas = self.fields.iter().filter(|field| field.is_calculated);
        formulas.map(|field| field.column.name.as_str())
    }
}

/// The best way that the fields allow. A cursor must be filterable and sortable, which even
/// `SystemModstamp` is not everywhere.
fn reading(object: &str, fields: &[FieldDescription]) -> Reading {
    if FORECASTS.contains(&object) && fields.iter().any(|field| field.name == "PeriodId") {
        return Reading::PerPeriod;
    }
    let is_usable = |name: &str| {
        let is_it = |field: &FieldDescription| {
            field.name == name
                && field.filterable
                && field.sortable
                && field.field_type == "datetime"
        };
        fields.iter().any(is_it)
    };
    match CURSORS.iter().find(|name| is_usable(name)) {
        Some(cursor) => Reading::Changes { cursor: (*cursor).to_owned() },
        None => Reading::Whole,
    }
}

impl Field {
    /// A field as a column; nothing for those that are not read: binary content is a link, and
    /// the parts of compounds are fields themselves.
    fn new(field: &FieldDescription) -> Option<Self> {
        let column_type = match field.field_type.as_str() {
            "base64" | "address" | "location" | "complexvalue" => return None,
            "boolean" => ColumnType::Boolean,
            "int" | "long" => ColumnType::Int64,
            "double" | "percent" | "currency" => decimal(field.precision, field.scale),
            "date" => ColumnType::Date,
            "datetime" => ColumnType::Timestamp,
            _ => ColumnType::String,
        };
        Some(Self {
            column: Column { name: field.name.to_ascii_lowercase(), column_type },
            name: field.name.clone(),
            is_any: field.field_type == "anyType",
            is_calculated: field.calculated,
        })
    }
}

fn decimal(precision: u32, scale: u32) -> ColumnType {
    let digits: u8 = if precision > 18 { 38 } else { 18 };
    let scale = i8::try_from(scale.min(u32::from(digits))).unwrap_or_default();
    ColumnType::Decimal(digits, scale)
}
