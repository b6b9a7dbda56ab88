//! Files as a source: CSV, JSON and Parquet, compressed or not, in a folder or an object store.
//!
//! The way of a file: `store` lists and opens it, `identity` says whether its content is new,
//! `transport` turns bytes into text, `csv`, `json` or `parquet` find the values in it,
//! `builder` and `batch` put them into Arrow columns, and `read` sends what comes out. What
//! a person may write is in `config`, what is made of it in `declaration` and `rules`.
//!
//! Nothing is guessed from values and nothing is rounded: a value fits its declared type exactly
//! or its row is rejected with position, column, value and reason.

mod batch;
mod builder;
mod check;
pub mod config;
mod csv;
mod dates;
mod declaration;
mod elements;
mod failure;
mod identity;
mod json;
mod numbers;
mod parquet;
mod pattern;
mod ranges;
mod read;
mod records;
mod rules;
mod store;
#[cfg(test)]
mod tests;
mod transport;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use salesmart_core::yaml::Node;
use salesmart_core::{ConnectionName, Error, Result};
use salesmart_extract::{Connector, ConnectorKind, Finding, Outlet, ReadRequest, StreamSpec};

use declaration::Stream;
use store::{Place, Store};

/// What the rest of the house knows of this kind.
pub const KIND: ConnectorKind = ConnectorKind {
    name: "files",
    summary: "CSV, JSON and Parquet files in a folder, S3, Google Cloud Storage or Azure",
    example: include_str!("example.yml"),
    configure,
    schema,
};

/// A connection to a set of files.
#[derive(Debug)]
pub struct Files {
    connection: ConnectionName,
    source: Source,
    specs: Vec<StreamSpec>,
    streams: Vec<Arc<Stream>>,
}

/// Where the files are.
#[derive(Debug)]
enum Source {
    /// Opened when it is first needed, so that a pipeline can be checked without its data.
    Declared(Place),
    #[cfg(test)]
    Open(Store),
}

impl Files {
    fn new(connection: &ConnectionName, source: Source, streams: Vec<Stream>) -> Self {
        Self {
            connection: connection.clone(),
            source,
            specs: streams.iter().map(|stream| stream.spec.clone()).collect(),
            streams: streams.into_iter().map(Arc::new).collect(),
        }
    }

    fn open(&self) -> Result<Store> {
        match &self.source {
            Source::Declared(place) => place.open(),
            #[cfg(test)]
            Source::Open(store) => Ok(store.clone()),
        }
    }
}

fn configure(
    connection: &ConnectionName,
    node: &Node,
    project: &Path,
) -> Result<Arc<dyn Connector>> {
    let (location, streams) = declaration::declare(node)?;
    let place = Place::new(&location, project)?;
    Ok(Arc::new(Files::new(connection, Source::Declared(place), streams)))
}

fn schema() -> serde_json::Value {
    schemars::schema_for!(config::FilesConfig).to_value()
}

#[async_trait]
impl Connector for Files {
    fn declared(&self) -> &[StreamSpec] {
        &self.specs
    }

    async fn check(&self) -> Vec<Finding> {
        let store = match self.open() {
            Ok(store) => store,
            Err(error) => {
                return vec![Finding::bad(&format!("connection `{}`", self.connection), &error)];
            }
        };
        let mut findings = Vec::new();
        for stream in &self.streams {
            findings.extend(check::stream(&store, stream).await);
        }
        findings
    }

    async fn read(&self, request: ReadRequest, outlet: Outlet) -> Result<()> {
        let stream =
            self.streams.iter().find(|stream| stream.spec.name == request.stream.name).ok_or_else(
                || {
                    Error::bug(format!(
                        "connection `{}` has no stream `{}`",
                        self.connection, request.stream.name
                    ))
                },
            )?;
        let named = |error: Error| {
            error.with("stream", &request.stream.name).with("connection", &self.connection)
        };
        let store = self.open().map_err(named)?;
        read::read(store, Arc::clone(stream), request.cursor.clone(), outlet).await.map_err(named)
    }
}
