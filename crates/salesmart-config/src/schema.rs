//! The JSON Schema of the files a person writes, for editors.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::business::BusinessFile;
use crate::lake::LakeFile;
use crate::pipeline::{OnPartial, PipelineFile, TargetSection};
use crate::serve::ServeFile;
use crate::targets::TargetsFile;

/// The schema of `pipelines/*.yml`. `connectors` and `targets` are the names of the known ones with
/// the schemas of their `with` sections; where there are none, the kind and `with` are left open.
#[must_use]
pub fn pipeline(connectors: &[(&str, Value)], targets: &[(&str, Value)]) -> Value {
    let mut schema = of::<PipelineFile>();
    by_kind(&mut schema, "Connection", "connector", "", connectors);
    by_kind(&mut schema, "Target", "target", "target.", targets);
    schema
}

/// Makes the `with` of a definition depend on what its `key` says. The `prefix` keeps a connector
/// and a target of the same name apart.
fn by_kind(schema: &mut Value, definition: &str, key: &str, prefix: &str, kinds: &[(&str, Value)]) {
    if kinds.is_empty() {
        return;
    }
    let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
    let mut cases = Vec::new();
    let mut definitions = Map::new();
    for (name, section) in kinds {
        let mut section = section.clone();
        nest_definitions(&format!("{prefix}{name}"), &mut section, &mut definitions);
        cases.push(json!({
            "if": {"properties": {key: {"const": name}}, "required": [key]},
            "then": {"properties": {"with": section}},
        }));
    }
    if let Some(Value::Object(all)) = schema.get_mut("$defs") {
        all.append(&mut definitions);
    }
    if let Some(Value::Object(section)) = schema.pointer_mut(&format!("/$defs/{definition}")) {
        section.insert("allOf".to_owned(), Value::Array(cases));
        if let Some(Value::Object(kind)) = section["properties"].get_mut(key) {
            kind.insert("enum".to_owned(), json!(names));
        }
    }
}

/// The schema of `publish`: one key of its own, and the names of targets.
pub(crate) fn publish(generator: &mut SchemaGenerator) -> Schema {
    let on_partial = generator.subschema_for::<OnPartial>();
    let target = generator.subschema_for::<TargetSection>();
    json_schema!({
        "type": ["object", "null"],
        "properties": {"on_partial": on_partial},
        "additionalProperties": target,
    })
}

/// The schema of `config/business.yml`.
#[must_use]
pub fn business() -> Value {
    of::<BusinessFile>()
}

/// The schema of `config/lake.yml`.
#[must_use]
pub fn lake() -> Value {
    of::<LakeFile>()
}

/// The schema of `config/serve.yml`.
#[must_use]
pub fn serve() -> Value {
    of::<ServeFile>()
}

/// The schema of `config/targets.yml`.
#[must_use]
pub fn targets() -> Value {
    of::<TargetsFile>()
}

fn of<T: JsonSchema>() -> Value {
    SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}

/// Moves the definitions of a connector's schema to the root of the whole schema, where its
/// references look for them. The connector's name keeps those of two connectors apart.
fn nest_definitions(connector: &str, section: &mut Value, definitions: &mut Map<String, Value>) {
    let own = match section {
        Value::Object(object) => {
            object.remove("$schema");
            object.remove("$defs")
        }
        _ => None,
    };
    rename_references(connector, section);
    let Some(Value::Object(own)) = own else { return };
    for (name, mut definition) in own {
        rename_references(connector, &mut definition);
        definitions.insert(format!("{connector}.{name}"), definition);
    }
}

fn rename_references(connector: &str, value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(reference) if key == "$ref" => {
                        if let Some(name) = reference.strip_prefix("#/$defs/") {
                            *reference = format!("#/$defs/{connector}.{name}");
                        }
                    }
                    other => rename_references(connector, other),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                rename_references(connector, item);
            }
        }
        _ => {}
    }
}

/// The schema of `max_rejected`.
pub(crate) fn threshold(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "integer"],
        "pattern": r"^[0-9]+(\.[0-9]+)? ?%$|^[0-9]+$",
        "minimum": 0,
        "examples": ["0.1%", 12],
    })
}

/// The schema of `on_retyped`.
pub(crate) fn on_retyped(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["stop", "widen", "quarantine"], "default": "stop" })
}

/// The schema of a month.
pub(crate) fn month(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "integer"],
        "minimum": 1,
        "maximum": 12,
        "examples": ["february", 2],
    })
}

/// The schema of a weekday.
pub(crate) fn weekday(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "enum": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
    })
}

/// A day.
const DATE: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";

/// The schema of `holidays`.
pub(crate) fn holidays(_: &mut SchemaGenerator) -> Schema {
    let date = json!({"type": "string", "pattern": DATE, "examples": ["2026-12-25"]});
    json_schema!({
        "type": "array",
        "items": {
            "oneOf": [
                date,
                {
                    "type": "object",
                    "properties": {"date": date, "name": {"type": "string"}},
                    "required": ["date"],
                    "additionalProperties": false,
                },
            ],
        },
    })
}

/// The schema of a target's period.
pub(crate) fn target_period(_: &mut SchemaGenerator) -> Schema {
    let date = json!({"type": "string", "pattern": DATE});
    json_schema!({
        "oneOf": [
            {
                "type": "string",
                "pattern": "^[Ff][Yy]([0-9]{2}|[0-9]{4})([Qq][1-4]|[Mm][0-9]{1,2})?$|^[0-9]{4}-[0-9]{2}$",
                "examples": ["FY26", "FY26Q3", "FY26M07", "2026-08"],
            },
            {
                "type": "object",
                "properties": {"month": date, "quarter": date, "year": date},
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": false,
            },
        ],
    })
}

/// The schema of an exact decimal.
pub(crate) fn decimal(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["number", "string"],
        "pattern": r"^-?[0-9]+(\.[0-9]{1,6})?$",
        "examples": [0.35, 1_200_000],
    })
}
