//! Salesforce as a source.
//!
//! The way of a record: `discover` asks what objects there are and fixes the bound of the run,
//! `describe` makes streams of them, `streams` reads each up to the bound through `client`, and
//! `decode` makes batches of its pages. `position` is what a stream remembers, `soql` how it asks,
//! `check` what can be known without reading. What a person may write is in `config`.

mod check;
mod client;
pub mod config;
mod decode;
mod describe;
mod discover;
mod position;
mod soql;
mod streams;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use salesmart_core::yaml::Node;
use salesmart_core::{ConnectionName, Error, Result};
use salesmart_extract::{Connector, ConnectorKind, Discovery, Finding, Outlet, ReadRequest};
use tokio::sync::Mutex;

use client::{Api, Pace};
use config::Settings;
use discover::Run;
use position::Position;
use streams::Reader;

/// What the rest of the house knows of this kind.
pub const KIND: ConnectorKind = ConnectorKind {
    name: "salesforce",
    summary: "Salesforce by its REST and Bulk 2.0 APIs, with custom objects, history and forecasts",
    example: include_str!("example.yml"),
    configure,
    schema,
};

/// A connection to one org.
#[derive(Debug)]
pub struct Salesforce {
    connection: ConnectionName,
    settings: Arc<Settings>,
    api: Api,
    /// What this run discovered.
    run: Mutex<Option<Arc<Run>>>,
}

impl Salesforce {
    fn new(connection: &ConnectionName, settings: Settings, pace: Pace) -> Result<Self> {
        let api = Api::new(connection, &settings, pace)?;
        Ok(Self {
            connection: connection.clone(),
            settings: Arc::new(settings),
            api,
            run: Mutex::default(),
        })
    }

    /// What was discovered for this run; discovers it where nobody asked for that yet.
    async fn run(&self) -> Result<Arc<Run>> {
        let mut run = self.run.lock().await;
        if let Some(run) = &*run {
            return Ok(Arc::clone(run));
        }
        let (discovered, _) = discover::discover(&self.api, &self.settings).await?;
        let discovered = Arc::new(discovered);
        *run = Some(Arc::clone(&discovered));
        Ok(discovered)
    }

    fn about(&self, error: Error) -> Error {
        match error.context().iter().any(|(key, _)| *key == "connection") {
            true => error,
            false => error.with("connection", &self.connection),
        }
    }
}

fn configure(
    connection: &ConnectionName,
    node: &Node,
    project: &Path,
) -> Result<Arc<dyn Connector>> {
    let settings = Settings::read(node, project)?;
    Ok(Arc::new(Salesforce::new(connection, settings, Pace::default())?))
}

fn schema() -> serde_json::Value {
    schemars::schema_for!(config::SalesforceConfig).to_value()
}

#[async_trait]
impl Connector for Salesforce {
    fn is_declared(&self) -> bool {
        false
    }

    fn streams_at_once(&self) -> usize {
        self.settings.streams_at_once
    }

    async fn discover(&self) -> Result<Discovery> {
        let found = discover::discover(&self.api, &self.settings).await;
        let (run, failed) = found.map_err(|error| self.about(error))?;
        let streams = run.objects.values().map(|object| object.spec.clone()).collect();
        *self.run.lock().await = Some(Arc::new(run));
        Ok(Discovery { streams, failed })
    }

    async fn check(&self) -> Vec<Finding> {
        check::check(&self.api, &self.settings, &self.connection).await
    }

    async fn read(&self, request: ReadRequest, outlet: Outlet) -> Result<()> {
        let stream = &request.stream.name;
        let named = |error: Error| self.about(error).with("stream", stream);
        let run = self.run().await.map_err(named)?;
        let object = run.objects.get(stream).ok_or_else(|| {
            Error::bug(format!("connection `{}` has no stream `{stream}`", self.connection))
        })?;
        let position = Position::of(request.cursor.as_ref()).map_err(named)?;
        let (api, settings) = (self.api.metered(), Arc::clone(&self.settings));
        let reader = Reader::new(api, settings, Arc::clone(object), outlet, run.bound, position);
        reader.read().await.map_err(named)
    }
}
