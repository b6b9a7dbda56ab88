//! `pipelines/<name>.yml`: what a pipeline reads, lands, models and publishes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use salesmart_core::stream::OnRetyped;
use salesmart_core::suggest::nearest;
use salesmart_core::yaml::{At, Node, Pairs, Value};
use salesmart_core::{ConnectionName, Error, Location, Result, SystemName, TargetName, Threshold};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// The connector whose connections are a system of their own each: what exported files hold is
/// known by the name of the connection only.
const FILES: &str = "files";

/// One pipeline, its sections in the order of the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// Its name: that of its file, without the ending.
    pub name: String,
    /// Its file.
    pub location: Location,
    /// What it is for.
    pub description: String,
    /// The connections it reads, in the order of the file.
    pub extract: Vec<Connection>,
    /// How rows are landed.
    pub land: Land,
    /// Which models are built.
    pub model: Model,
    /// How releases are published.
    pub publish: Publish,
}

/// One connected source system.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// The name the project gives it.
    pub name: At<ConnectionName>,
    /// The connector that reads it.
    pub connector: At<String>,
    /// The system it is an instance of: which `sql/staging/<system>/` reads its raw tables.
    pub system: At<SystemName>,
    /// The connector's own section, variables replaced. Empty where the file has none.
    pub with: Node,
}

/// The file as it is written. Its doc comments are the reference and the JSON Schema.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "A Salesmart pipeline", inline)]
pub(crate) struct PipelineFile {
    /// What the pipeline is for, in a sentence or two.
    #[serde(default)]
    description: String,
    /// The connections to read, each under the name the project gives it.
    #[schemars(with = "BTreeMap<String, ConnectionSection>")]
    extract: At<Pairs<At<ConnectionName>, At<ConnectionSection>>>,
    /// How rows are landed.
    #[serde(default)]
    land: Land,
    /// Which models are built, and as of when.
    #[serde(default)]
    model: Model,
    /// How releases are published, and the targets they are loaded into, each under the name the
    /// project gives it.
    #[serde(default)]
    #[schemars(schema_with = "crate::schema::publish")]
    publish: Option<Node>,
}

/// A target that releases are loaded into.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Target")]
pub(crate) struct TargetSection {
    /// The kind of target, such as `postgres`.
    #[schemars(with = "String")]
    target: At<String>,
    /// The target's own section.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    with: Option<Node>,
}

/// A source system to read.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Connection")]
pub(crate) struct ConnectionSection {
    /// The connector that reads it, such as `files`.
    #[schemars(with = "String")]
    connector: At<String>,
    /// The system it is an instance of: which `sql/staging/<system>/` reads its raw tables.
    /// By default the connection's name for `files`, and the connector's name for all others.
    #[schemars(with = "Option<String>")]
    system: Option<At<SystemName>>,
    /// The connector's own section.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    with: Option<Node>,
}

/// How rows are landed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Land {
    /// How many rows of a stream may be rejected before the run fails: a share of the rows read
    /// (`0.1%`) or a number of rows (`12`). For streams that say nothing themselves; 0 by default.
    #[schemars(schema_with = "crate::schema::threshold")]
    pub max_rejected: Option<At<Threshold>>,
    /// What happens when a column has another type than the one it was landed with. `stop` (the
    /// default): the stream fails until somebody has decided. `widen`: the raw table's column
    /// takes a type that holds both, text if there is no other. `quarantine`: the column keeps
    /// its type, and rows with values it cannot hold are rejected.
    #[serde(default)]
    #[schemars(schema_with = "crate::schema::on_retyped")]
    pub on_retyped: OnRetyped,
}

impl Land {
    /// The threshold of streams that say nothing themselves.
    #[must_use]
    pub fn max_rejected(&self) -> Threshold {
        self.max_rejected.as_ref().map(|at| at.value).unwrap_or_default()
    }
}

/// Which models are built, and as of when.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The instant that stands for "now" in every model, such as `2017-12-31T23:59:59Z`. By
    /// default the start of the run.
    #[serde(default, deserialize_with = "instant")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub as_of: Option<At<DateTime<Utc>>>,
    /// Which models to build: `name`, `+name` (with all it reads), `name+` (with all that read
    /// it), `tag:crm`, `path:kpis/`. By default all.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub select: Vec<At<String>>,
}

/// How releases are published.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Publish {
    /// What happens when some streams failed and the others landed. `release` (the default): a
    /// release is made, in which the figures of the failed connections are marked partial.
    /// `hold`: the release before stays current until a run is whole.
    pub on_partial: OnPartial,
    /// What releases are loaded into, in the order of the file.
    pub targets: Vec<Target>,
}

/// One target of releases.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The name the project gives it.
    pub name: At<TargetName>,
    /// The kind of target.
    pub kind: At<String>,
    /// The target's own section, variables replaced. Empty where the file has none.
    pub with: Node,
}

/// What `publish` takes beside targets.
#[derive(Deserialize)]
struct OwnKeys {
    on_partial: OnPartial,
}

/// The key of `publish` that is no target.
const ON_PARTIAL: &str = "on_partial";

impl Publish {
    fn decode(node: Option<Node>) -> Result<Self> {
        let Some(node) = node else { return Ok(Self::default()) };
        if !matches!(node.value, Value::Mapping(_) | Value::Null) {
            return Err(Error::configuration("`publish` is not a mapping")
                .at(node.location)
                .with("expected", EXPECTED_OF_PUBLISH));
        }
        let mut publish = Self::default();
        let mut problems = Vec::new();
        for entry in node.entries() {
            if entry.key == ON_PARTIAL {
                // Decoded as a key of its mapping, so that a mistake is told as everywhere.
                let only = Node::new(node.location.clone(), Value::Mapping(vec![entry.clone()]));
                match only.decode::<OwnKeys>() {
                    Ok(own) => publish.on_partial = own.on_partial,
                    Err(error) => problems.push(error),
                }
                continue;
            }
            match Target::decode(&entry.key, &entry.location, &entry.node) {
                Ok(target) => publish.targets.push(target),
                Err(error) => problems.push(error),
            }
        }
        Error::many(problems).map_or(Ok(publish), Err)
    }
}

/// What may stand under `publish`.
const EXPECTED_OF_PUBLISH: &str =
    "`on_partial`, or targets such as `warehouse: {target: postgres, with: {…}}`";

impl Target {
    fn decode(name: &str, location: &Location, node: &Node) -> Result<Self> {
        if !matches!(node.value, Value::Mapping(_)) {
            let error = Error::configuration(format!("`{name}` is not a known key"))
                .at(location.clone())
                .with("expected", EXPECTED_OF_PUBLISH);
            return Err(match nearest(name, [ON_PARTIAL]) {
                Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                None => error,
            });
        }
        let checked = TargetName::new(name).map_err(|error| error.at(location.clone()));
        let section = node.decode::<TargetSection>();
        match (checked, section) {
            (Ok(name), Ok(section)) => Ok(Self {
                name: At::new(name, location.clone()),
                kind: section.target,
                with: section.with.unwrap_or_else(|| Node::new(location.clone(), Value::Null)),
            }),
            (name, section) => {
                let problems = [name.err(), section.err()].into_iter().flatten().collect();
                Err(Error::many(problems)
                    .unwrap_or_else(|| Error::bug("a target was neither read nor refused")))
            }
        }
    }
}

/// What happens to a run in which streams failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnPartial {
    /// It makes a release, with the figures of the failed connections marked as partial.
    #[default]
    Release,
    /// It makes none: the release before stays current.
    Hold,
}

fn instant<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<At<DateTime<Utc>>>, D::Error> {
    let Some(written) = Option::<At<String>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let parsed = DateTime::parse_from_rfc3339(&written.value).map_err(|_| {
        let error = Error::configuration(format!("`{}` is not an instant", written.value))
            .with("expected", "date, time and zone, such as `2017-12-31T23:59:59Z`");
        let day = chrono::NaiveDate::parse_from_str(&written.value, "%Y-%m-%d");
        serde::de::Error::custom(match day {
            Ok(day) => error.with_hint(format!("the end of that day in UTC is `{day}T23:59:59Z`")),
            Err(_) => error,
        })
    })?;
    Ok(Some(written.map(|_| parsed.to_utc())))
}

impl Pipeline {
    /// Decodes a pipeline file in which variables are replaced already.
    pub(crate) fn decode(name: &str, node: &Node) -> Result<Self> {
        let file: PipelineFile = node.decode()?;
        if file.extract.value.0.is_empty() {
            return Err(Error::configuration("`extract` names no connection")
                .at(file.extract.location)
                .with_hint("add one, such as `crm_export: {connector: files, with: {…}}`"));
        }
        let mut problems = Vec::new();
        let publish = Publish::decode(file.publish).unwrap_or_else(|error| {
            problems.push(error);
            Publish::default()
        });
        let mut extract = Vec::new();
        for (name, section) in file.extract.value {
            match Connection::new(name, section) {
                Ok(connection) => extract.push(connection),
                Err(error) => problems.push(error),
            }
        }
        if let Some(error) = Error::many(problems) {
            return Err(error);
        }
        Ok(Self {
            name: name.to_owned(),
            location: Location::line(&node.location.file, node.location.line),
            description: file.description.trim().to_owned(),
            extract,
            land: file.land,
            model: file.model,
            publish,
        })
    }
}

impl Connection {
    fn new(name: At<ConnectionName>, section: At<ConnectionSection>) -> Result<Self> {
        let At { value: section, location } = section;
        let connector = section.connector;
        let system = match section.system {
            Some(system) => system,
            None => {
                let source = match connector.value.as_str() {
                    FILES => At::new(name.value.as_str(), name.location.clone()),
                    other => At::new(other, connector.location.clone()),
                };
                let system = SystemName::new(source.value).map_err(|error| {
                    error.at(source.location.clone()).with_hint("name the system: `system: …`")
                })?;
                At::new(system, source.location)
            }
        };
        let with = section.with.unwrap_or_else(|| Node::new(location, Value::Null));
        Ok(Self { name, connector, system, with })
    }
}
