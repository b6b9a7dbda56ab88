//! What HubSpot says of its properties, and the columns that become of them.

use std::collections::{BTreeMap, BTreeSet};

use salesmart_core::{Column, ColumnType, StreamName};
use salesmart_extract::StreamSpec;
use serde::Deserialize;

/// The columns that every object's stream has besides its properties.
pub(super) const ID: &str = "id";
pub(super) const CREATED_AT: &str = "hs_record_created_at";
pub(super) const UPDATED_AT: &str = "hs_record_updated_at";
pub(super) const ARCHIVED: &str = "archived";
pub(super) const ARCHIVED_AT: &str = "archived_at";

/// One property of an object type, as `GET /crm/v3/properties/{type}` tells it. What else stands
/// there is nobody's business here.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Property {
    pub(super) name: String,
    #[serde(default)]
    pub(super) label: Option<String>,
    #[serde(default, rename = "type")]
    pub(super) property_type: Option<String>,
    #[serde(default)]
    pub(super) field_type: Option<String>,
    #[serde(default)]
    pub(super) group_name: Option<String>,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) calculated: Option<bool>,
    #[serde(default)]
    pub(super) hidden: Option<bool>,
    #[serde(default)]
    pub(super) archived: Option<bool>,
    #[serde(default)]
    pub(super) has_unique_value: Option<bool>,
    #[serde(default)]
    pub(super) hubspot_defined: Option<bool>,
    #[serde(default)]
    pub(super) created_at: Option<String>,
    #[serde(default)]
    pub(super) updated_at: Option<String>,
    #[serde(default)]
    pub(super) modification_metadata: Option<ModificationMetadata>,
    #[serde(default)]
    pub(super) options: Vec<PropertyOption>,
}

/// Who may change a property.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ModificationMetadata {
    #[serde(default)]
    pub(super) read_only_value: Option<bool>,
}

/// One value that an enumeration may have.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct PropertyOption {
    #[serde(default)]
    pub(super) label: Option<String>,
    #[serde(default)]
    pub(super) value: Option<String>,
}

impl Property {
    /// The type of its column: never guessed from values.
    pub(super) fn column_type(&self) -> ColumnType {
        match self.property_type.as_deref() {
            Some("number") => ColumnType::Decimal(38, 18),
            Some("bool") => ColumnType::Boolean,
            Some("date") => ColumnType::Date,
            Some("datetime") => ColumnType::Timestamp,
            _ => ColumnType::String,
        }
    }

    /// The name of its column: its own, unless a column of every object has that.
    pub(super) fn column(&self) -> String {
        column_of(&self.name)
    }
}

/// The column of a property.
pub(super) fn column_of(property: &str) -> String {
    match property {
        ID | CREATED_AT | UPDATED_AT | ARCHIVED | ARCHIVED_AT => format!("{property}_property"),
        _ => property.to_owned(),
    }
}

/// The property of a column; `None` for the columns that every object has.
pub(super) fn property_of(column: &str) -> Option<&str> {
    match column {
        ID | CREATED_AT | UPDATED_AT | ARCHIVED | ARCHIVED_AT => None,
        _ => Some(match column.strip_suffix("_property") {
            Some(own @ (ID | CREATED_AT | UPDATED_AT | ARCHIVED | ARCHIVED_AT)) => own,
            _ => column,
        }),
    }
}

/// An object type and what is known of it in this run.
#[derive(Clone, Debug)]
pub(super) struct ObjectType {
    /// The stream, and the name in positions and errors.
    pub(super) name: String,
    /// How URLs name it: `deals`, or `2-1234` for custom objects.
    pub(super) path: String,
    /// The selected properties by column.
    pub(super) properties: BTreeMap<String, Property>,
    /// The columns whose values change without a modification date.
    pub(super) silent: BTreeSet<String>,
    /// All its properties.
    names: BTreeSet<String>,
    /// By which property its changes are found.
    pub(super) modified: &'static str,
}

impl ObjectType {
    /// Puts the properties into columns. Archived ones are no longer delivered.
    pub(super) fn new(
        name: &str,
        path: &str,
        properties: &[Property],
        wanted: impl Fn(&str) -> bool,
        silent: impl Fn(&str) -> bool,
    ) -> Self {
        let has = |wanted: &str| properties.iter().any(|property| property.name == wanted);
        // Contacts alone have the older property, and theirs of the newer name is another thing.
        let older = name == "contacts" || !has("hs_lastmodifieddate");
        let modified = match older && has("lastmodifieddate") {
            true => "lastmodifieddate",
            false => "hs_lastmodifieddate",
        };
        let there = || properties.iter().filter(|property| property.archived != Some(true));
        let names = there().map(|property| property.name.clone()).collect();
        let properties: BTreeMap<String, Property> = there()
            .filter(|property| wanted(&property.name))
            .map(|property| (property.column(), property.clone()))
            .collect();
        let changes_silently = |property: &Property| {
            let metadata = property.modification_metadata.as_ref();
            // What nobody may write is written by HubSpot, which does not always stamp the record.
            let is_read_only = metadata.and_then(|metadata| metadata.read_only_value);
            property.name != modified
                && (property.calculated == Some(true)
                    || is_read_only == Some(true)
                    || silent(&property.name))
        };
        let silent = properties
            .iter()
            .filter(|(_, property)| changes_silently(property))
            .map(|(column, _)| column.clone())
            .collect();
        let (name, path) = (name.to_owned(), path.to_owned());
        Self { name, path, properties, silent, names, modified }
    }

    /// Whether it has a property, selected or not.
    pub(super) fn has(&self, property: &str) -> bool {
        self.names.contains(property)
    }

    /// The stream of its records.
    pub(super) fn spec(&self, name: StreamName) -> StreamSpec {
        let mut columns = vec![column(ID, ColumnType::String)];
        columns.extend(self.properties.iter().map(|(name, property)| Column {
            name: name.clone(),
            column_type: property.column_type(),
        }));
        columns.push(column(CREATED_AT, ColumnType::Timestamp));
        columns.push(column(UPDATED_AT, ColumnType::Timestamp));
        columns.push(column(ARCHIVED, ColumnType::Boolean));
        columns.push(column(ARCHIVED_AT, ColumnType::Timestamp));
        stream(name, columns, &[ID])
    }
}

/// A column.
pub(super) fn column(name: &str, column_type: ColumnType) -> Column {
    Column { name: name.to_owned(), column_type }
}

/// A stream with a key.
pub(super) fn stream(name: StreamName, columns: Vec<Column>, key: &[&str]) -> StreamSpec {
    StreamSpec {
        name,
        columns,
        key: key.iter().map(|&column| column.to_owned()).collect(),
        max_rejected: None,
        location: None,
    }
}
