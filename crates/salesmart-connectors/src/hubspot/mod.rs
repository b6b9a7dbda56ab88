//! HubSpot as a source.
//!
//! The way of a record: `discover` asks which object types and properties there are, `streams`
//! walks through lists, searches and batches, `client` knows their URLs and `dialect` what HubSpot
//! says when it refuses, `decode` reads a page's JSON once, `sink` puts values into columns, and
//! `feed` sends the batches with a cursor of `state`. What a person may write is in `config`.

mod check;
mod client;
pub mod config;
mod decode;
mod dialect;
mod discover;
mod feed;
mod properties;
mod sink;
mod state;
mod streams;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use salesmart_core::yaml::Node;
use salesmart_core::{ConnectionName, Error, Result};
use salesmart_extract::{Connector, ConnectorKind, Discovery, Finding, Outlet, ReadRequest};

use client::{Api, Patience};
use config::Config;
use discover::Run;

/// What the rest of the house knows of this kind.
pub const KIND: ConnectorKind = ConnectorKind {
    name: "hubspot",
    summary: "HubSpot: CRM objects, their history and associations, owners, pipelines, forecasts",
    example: include_str!("example.yml"),
    configure,
    schema,
};

/// A connection to a HubSpot account.
pub struct HubSpot {
    connection: ConnectionName,
    config: Arc<Config>,
    api: Api,
    /// What the newest discovery found.
    run: Mutex<Option<Arc<Run>>>,
}

impl std::fmt::Debug for HubSpot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubSpot").field("connection", &self.connection).finish_non_exhaustive()
    }
}

impl HubSpot {
    fn new(connection: &ConnectionName, config: Config, patience: Patience) -> Result<Self> {
        let api = Api::new(connection, &config, patience)?;
        Ok(Self {
            connection: connection.clone(),
            config: Arc::new(config),
            api,
            run: Mutex::new(None),
        })
    }

    /// What this run found; asks if nobody has yet.
    async fn run(&self) -> Result<Arc<Run>> {
        let known = self.run.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(run) => Ok(run),
            None => Ok(self.find().await?.0),
        }
    }

    async fn find(&self) -> Result<(Arc<Run>, Discovery)> {
        let mut run = discover::discover(&self.api, &self.config).await.map_err(nothing_read)?;
        let discovery = run.discovery();
        let run = Arc::new(run);
        *self.run.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&run));
        Ok((run, discovery))
    }
}

fn nothing_read(error: Error) -> Error {
    match error.state() {
        Some(_) => error,
        None => error.with_state("nothing was read"),
    }
}

fn configure(
    connection: &ConnectionName,
    node: &Node,
    project: &Path,
) -> Result<Arc<dyn Connector>> {
    let config = Config::of(node, project)?;
    Ok(Arc::new(HubSpot::new(connection, config, Patience::default())?))
}

fn schema() -> serde_json::Value {
    schemars::schema_for!(config::HubSpotConfig).to_value()
}

#[async_trait]
impl Connector for HubSpot {
    fn is_declared(&self) -> bool {
        false
    }

    fn streams_at_once(&self) -> usize {
        self.config.streams_at_once
    }

    async fn discover(&self) -> Result<Discovery> {
        Ok(self.find().await?.1)
    }

    async fn check(&self) -> Vec<Finding> {
        check::check(&self.connection, &self.api, &self.config).await
    }

    async fn read(&self, request: ReadRequest, outlet: Outlet) -> Result<()> {
        let run = self.run().await?;
        let name = request.stream.name.clone();
        let Some((plan, _)) = run.plans.get(&name) else {
            return Err(Error::configuration(format!(
                "the connection `{}` has no stream `{name}`",
                self.connection
            ))
            .with_state("nothing was read")
            .with_hint("`salesmart check --connections` lists the streams of this account"));
        };
        let ReadRequest { stream, cursor } = request;
        streams::read(&run.context, plan, stream, cursor, outlet).await.map_err(|error| match error
            .state()
        {
            Some(_) => error,
            None => error.with_state("what was committed before stays, and so does its cursor"),
        })
    }
}
