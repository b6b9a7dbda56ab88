//! The connector from outside: an account over HTTP, events out.

mod account;
mod configuration;
mod conformance;
mod decoding;
mod faults;
mod incremental;
mod listing;
mod side_streams;
mod simulator;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use salesmart_core::{ConnectionName, Cursor, Result, StreamName, yaml};
use salesmart_extract::{Connector, Event, RejectedRow};

use super::HubSpot;
use super::client::Patience;
use super::config::Config;
use crate::conformance::{Reading, Row, State, apply, read};

/// A connection to a server, with more settings as YAML.
fn connect(url: &str, more: &str) -> Result<Arc<dyn Connector>> {
    connect_as(url, "auth: {token: \"${TOKEN}\"}", more)
}

/// As fast as it goes. The simulator tells of 190 calls in ten seconds even where it lets all
/// through.
const FAST: &str = "{requests_per_ten_seconds: 1000000, searches_per_second: 1000000, pause: 0s, \
                    heed_remaining: false}";

/// A connection that signs in as `auth` says.
fn connect_as(url: &str, auth: &str, more: &str) -> Result<Arc<dyn Connector>> {
    configured(&format!("base_url: {url}\n{auth}\nlimits: {FAST}\n{more}\n"))
}

/// A connection with this section.
fn configured(text: &str) -> Result<Arc<dyn Connector>> {
    let secrets = |name: &str| match name {
        "TOKEN" => Some("pat-simulator".to_owned()),
        "WRONG_TOKEN" => Some("pat-hush-hush".to_owned()),
        "CLIENT_SECRET" => Some("simulator-secret".to_owned()),
        "REFRESH_TOKEN" => Some("simulator-refresh".to_owned()),
        _ => None,
    };
    let node = yaml::parse("p.yml", text, 1)?.expand(&secrets)?;
    let config = Config::of(&node, Path::new("."))?;
    let patience = Patience {
        attempts: 6,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(20),
    };
    let name = ConnectionName::new("hubspot_test")?;
    Ok(Arc::new(HubSpot::new(&name, config, patience)?))
}

fn stream(name: &str) -> StreamName {
    StreamName::new(name).unwrap()
}

/// What a reading came to, and the state that the landing would have.
struct Seen {
    result: Result<()>,
    reading: Reading,
}

impl Seen {
    fn good(self) -> Self {
        if let Err(error) = &self.result {
            panic!("{error:?}");
        }
        self
    }

    fn cursor(&self) -> Option<Cursor> {
        self.reading.cursor()
    }

    /// How many rows came in events of a kind.
    fn count(&self, wanted: impl Fn(&Event) -> Option<usize>) -> usize {
        self.reading.events.iter().filter_map(wanted).sum()
    }

    fn rows(&self) -> usize {
        self.count(|event| match event {
            Event::Rows(batch) => Some(batch.num_rows()),
            _ => None,
        })
    }

    /// The ids of all rows, in the order in which they came.
    fn ids(&self) -> Vec<String> {
        self.reading.batches().iter().flat_map(|batch| texts(batch, 0)).collect()
    }

    fn rejected(&self) -> Vec<RejectedRow> {
        let rejected = |event: &Event| match event {
            Event::Rejected(rows) => Some(rows.clone()),
            _ => None,
        };
        self.reading.events.iter().filter_map(rejected).flatten().collect()
    }

    /// The batches of patches.
    fn patches(&self) -> Vec<RecordBatch> {
        let patch = |event: &Event| match event {
            Event::Patch(batch) => Some(batch.clone()),
            _ => None,
        };
        self.reading.events.iter().filter_map(patch).collect()
    }

    /// Keys that were told to be gone.
    fn deleted(&self) -> Vec<String> {
        let deleted = |event: &Event| match event {
            Event::Deleted(batch) => Some(texts(batch, 0)),
            _ => None,
        };
        self.reading.events.iter().filter_map(deleted).flatten().collect()
    }
}

fn texts(batch: &RecordBatch, column: usize) -> Vec<String> {
    let values = batch.column(column).as_string::<i32>();
    (0..values.len()).map(|row| values.value(row).to_owned()).collect()
}

async fn read_from(connector: &Arc<dyn Connector>, name: &str, cursor: Option<Cursor>) -> Seen {
    let (result, reading) = read(connector, &stream(name), cursor).await;
    Seen { result, reading }
}

/// A landing of one stream: readings follow each other from cursor to cursor.
struct Landing {
    connector: Arc<dyn Connector>,
    stream: String,
    state: State,
    cursor: Option<Cursor>,
}

impl Landing {
    fn new(connector: Arc<dyn Connector>, stream: &str) -> Self {
        Self { connector, stream: stream.to_owned(), state: State::new(), cursor: None }
    }

    /// Reads and lands what would be committed.
    async fn run(&mut self) -> Seen {
        let spec = crate::conformance::spec(&self.connector, &stream(&self.stream)).await;
        let seen = read_from(&self.connector, &self.stream, self.cursor.clone()).await;
        if let Ok(spec) = spec {
            apply(&mut self.state, &spec, &seen.reading.events);
        }
        self.cursor = seen.cursor().or(self.cursor.take());
        seen
    }

    fn row(&self, key: &str) -> &Row {
        self.state.get(key).unwrap_or_else(|| panic!("no row `{key}`"))
    }

    fn value(&self, key: &str, column: &str) -> Option<&str> {
        self.row(key)[column].as_deref()
    }
}
