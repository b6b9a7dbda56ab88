//! A project folder, read and found well-formed: pipelines, connections, models.

use std::path::Path;
use std::sync::Arc;

use salesmart_config::{Pipeline, Project, Variables};
use salesmart_core::stream::StreamSpec;
use salesmart_core::{ConnectionName, Error, Location, Result, SystemName, TargetName};
use salesmart_extract::{Connector, ConnectorKind, find};
use salesmart_lake::{Lake, TablePath};
use salesmart_model::{BusinessSettings, Catalog, RawStream};
use salesmart_publish::Target;

use crate::settings::settings;

/// A project folder with everything that can be read without running.
pub struct Workspace {
    project: Project,
    catalog: Arc<Catalog>,
    business: BusinessSettings,
    kinds: &'static [ConnectorKind],
}

/// A connection of a pipeline, ready to be read.
#[derive(Clone)]
pub struct Connection {
    /// Its name.
    pub name: ConnectionName,
    /// The system whose staging models read it.
    pub system: SystemName,
    /// The connector.
    pub connector: Arc<dyn Connector>,
}

/// A target of a pipeline, ready to be loaded.
#[derive(Clone)]
pub struct PipelineTarget {
    /// Its name.
    pub name: TargetName,
    /// Its kind, such as `postgres`.
    pub kind: &'static str,
    /// The target.
    pub target: Arc<dyn Target>,
}

/// One stream of a connection.
#[derive(Clone)]
pub struct ConnectedStream {
    /// The connection.
    pub connection: Connection,
    /// The stream.
    pub stream: StreamSpec,
}

impl Connection {
    /// Its declared streams.
    pub fn declared(&self) -> impl Iterator<Item = ConnectedStream> + '_ {
        self.connector
            .declared()
            .iter()
            .map(|stream| ConnectedStream { connection: self.clone(), stream: stream.clone() })
    }
}

impl Workspace {
    /// Reads a project folder. `builtin` are the models that ship inside the binary, as path below
    /// `sql/` and text; the project's own `sql/` adds to them or replaces one by the same path.
    ///
    /// # Errors
    /// Everything that is wrong in any file, as one error.
    pub fn load(
        root: &Path,
        variables: &Variables,
        kinds: &'static [ConnectorKind],
        builtin: &[(String, String)],
    ) -> Result<Self> {
        let project = Project::load(root, variables);
        let own = root.join("sql");
        let catalog = Catalog::load(builtin, own.is_dir().then_some(own.as_path()));
        match (project, catalog) {
            (Ok(project), Ok(catalog)) => {
                let business = settings(project.business(), project.targets(), &catalog)?;
                Ok(Self { project, catalog: Arc::new(catalog), business, kinds })
            }
            (project, catalog) => {
                let problems: Vec<Error> =
                    [project.err(), catalog.err()].into_iter().flatten().collect();
                Err(Error::many(problems)
                    .unwrap_or_else(|| Error::bug("a project was neither read nor refused")))
            }
        }
    }

    /// The configuration.
    #[must_use]
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The models.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The models, for those who keep them longer than the workspace.
    pub(crate) fn shared_catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    /// Opens the lake: the given location, or that of the project.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn lake(&self, given: Option<&str>) -> Result<Lake> {
        Lake::open(&self.project.lake_url(given)?).await
    }

    /// Builds the connections of a pipeline. Nothing is contacted.
    ///
    /// # Errors
    /// Everything that is wrong in their sections, as one error.
    pub fn connections(&self, pipeline: &Pipeline) -> Result<Vec<Connection>> {
        let mut problems = Vec::new();
        let mut connections = Vec::new();
        for connection in &pipeline.extract {
            let configured = find(self.kinds, &connection.connector.value)
                .map_err(|e| e.at(connection.connector.location.clone()))
                .and_then(|kind| {
                    (kind.configure)(&connection.name.value, &connection.with, self.project.root())
                });
            match configured {
                Ok(connector) => connections.push(Connection {
                    name: connection.name.value.clone(),
                    system: connection.system.value.clone(),
                    connector,
                }),
                // Each problem stands by itself in the list.
                Err(error) => problems.push(error),
            }
        }
        match Error::many(problems) {
            Some(error) => Err(error),
            None => Ok(connections),
        }
    }

    /// Builds the targets of a pipeline. Nothing is contacted.
    ///
    /// # Errors
    /// Everything that is wrong in their sections, as one error.
    pub fn targets(&self, pipeline: &Pipeline) -> Result<Vec<PipelineTarget>> {
        let mut problems = Vec::new();
        let mut targets = Vec::new();
        for target in &pipeline.publish.targets {
            let configured = salesmart_publish::find(salesmart_publish::all(), &target.kind.value)
                .map_err(|e| e.at(target.kind.location.clone()))
                .and_then(|kind| {
                    let built =
                        (kind.configure)(&target.name.value, &target.with, self.project.root())?;
                    Ok((kind.name, built))
                });
            match configured {
                Ok((kind, built)) => targets.push(PipelineTarget {
                    name: target.name.value.clone(),
                    kind,
                    target: built,
                }),
                Err(error) => problems.push(error),
            }
        }
        match Error::many(problems) {
            Some(error) => Err(error),
            None => Ok(targets),
        }
    }

    /// The declared streams of every pipeline of the project. Connections that discover their
    /// streams have none here: see [`Workspace::raw_streams`].
    ///
    /// # Errors
    /// When a pipeline cannot be used as it is: leaving its rows out would lose them silently.
    pub fn declared_streams(&self) -> Result<Vec<RawStream>> {
        self.all_connections().map(|connections| declared(&connections))
    }

    /// The streams that models read, whichever pipeline is being run: those that are declared,
    /// and of all other connections those that have landed.
    ///
    /// # Errors
    /// When a pipeline cannot be used as it is, or the lake cannot be read.
    pub async fn raw_streams(&self, lake: &Lake) -> Result<Vec<RawStream>> {
        let connections = self.all_connections()?;
        let mut streams = declared(&connections);
        for connection in connections.iter().filter(|c| !c.connector.is_declared()) {
            streams.extend(landed_streams(lake, connection).await?);
        }
        Ok(streams)
    }

    /// The connections of all pipelines.
    fn all_connections(&self) -> Result<Vec<Connection>> {
        let mut problems = Vec::new();
        let mut all: Vec<Connection> = Vec::new();
        for name in self.project.pipeline_names() {
            let pipeline = self.project.pipeline(name);
            match pipeline.and_then(|p| Ok((self.connections(&p)?, p))) {
                Ok((connections, pipeline)) => {
                    for (connection, section) in connections.into_iter().zip(&pipeline.extract) {
                        problems.extend(taken_already(&all, &connection, &section.name.location));
                        all.push(connection);
                    }
                }
                Err(error) => problems.push(error),
            }
        }
        match Error::many(problems) {
            Some(error) => Err(error),
            None => Ok(all),
        }
    }

    /// What models know of the company.
    #[must_use]
    pub fn business(&self) -> BusinessSettings {
        self.business.clone()
    }
}

/// The declared streams of connections, as models know them.
fn declared(connections: &[Connection]) -> Vec<RawStream> {
    connections
        .iter()
        .flat_map(Connection::declared)
        .map(|connected| RawStream {
            system: connected.connection.system,
            stream: connected.stream.name,
            connection: connected.connection.name,
            columns: connected.stream.columns,
            location: connected.stream.location,
        })
        .collect()
}

/// What has landed of a connection that discovers its streams.
async fn landed_streams(lake: &Lake, connection: &Connection) -> Result<Vec<RawStream>> {
    let mut streams = Vec::new();
    for stream in lake.raw_tables(&connection.name).await? {
        let Some(table) = lake.table(&TablePath::raw(&connection.name, &stream)).await? else {
            continue;
        };
        streams.push(RawStream {
            system: connection.system.clone(),
            connection: connection.name.clone(),
            stream,
            columns: salesmart_land::source_columns(&table.schema),
            location: None,
        });
    }
    Ok(streams)
}

/// Two pipelines that land into one raw table would take each other's rows for their own. Two that
/// discover what there is would, so their connections need two names; two that declare their
/// streams only if they declare the same one.
fn taken_already(
    all: &[Connection],
    connection: &Connection,
    location: &Location,
) -> Option<Error> {
    let hint =
        "rows would be landed twice into one raw table: name one of the connections differently";
    let others = || all.iter().filter(|other| other.name == connection.name);
    let discovers = |connection: &Connection| !connection.connector.is_declared();
    if others().next().is_some() && (discovers(connection) || others().any(discovers)) {
        return Some(
            Error::configuration(format!("connection `{}` is in two pipelines", connection.name))
                .at(location.clone())
                .with_hint(hint),
        );
    }
    let problems = connection.declared().filter_map(|declared| {
        let other = others()
            .flat_map(Connection::declared)
            .find(|other| other.stream.name == declared.stream.name)?;
        let mut error = Error::configuration(format!(
            "stream `{}` of connection `{}` is declared in two pipelines",
            declared.stream.name, connection.name
        ))
        .with_hint(hint);
        if let Some(location) = &other.stream.location {
            error = error.with("first declared", location);
        }
        Some(match &declared.stream.location {
            Some(location) => error.at(location.clone()),
            None => error,
        })
    });
    Error::many(problems.collect())
}
