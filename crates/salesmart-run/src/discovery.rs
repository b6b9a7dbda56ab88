//! Asking every connection what it has, once, at the start of a run.

use std::collections::BTreeSet;

use salesmart_core::{ConnectionName, Error, Result, StreamName};
use salesmart_extract::Discovery;
use salesmart_lake::Lake;
use tokio::task::JoinSet;

use crate::workspace::{ConnectedStream, Connection};

/// What can be read in this run, and what cannot.
#[derive(Default)]
pub(crate) struct Discovered {
    /// The streams, in the order of the connections and as each of them says.
    pub(crate) streams: Vec<ConnectedStream>,
    /// What failed.
    pub(crate) failed: Vec<NotDiscovered>,
}

/// A stream, or a whole connection, that cannot be read in this run.
pub(crate) struct NotDiscovered {
    pub(crate) connection: ConnectionName,
    /// The streams that are known to be missed.
    pub(crate) streams: Vec<StreamName>,
    /// Whether the connection as a whole said nothing.
    pub(crate) whole: bool,
    pub(crate) error: Error,
}

/// Asks all connections at the same time. One that does not answer keeps nobody waiting but
/// itself, and fails alone.
pub(crate) async fn discover(lake: &Lake, connections: &[Connection]) -> Result<Discovered> {
    let mut asked = JoinSet::new();
    for (at, connection) in connections.iter().enumerate() {
        let connector = std::sync::Arc::clone(&connection.connector);
        asked.spawn(async move { (at, connector.discover().await) });
    }
    let mut answers: Vec<Option<Result<Discovery>>> = connections.iter().map(|_| None).collect();
    while let Some(answer) = asked.join_next().await {
        // Which connection panicked is not known here: its place stays empty.
        if let Ok((at, answer)) = answer {
            answers[at] = Some(answer);
        }
    }
    let mut discovered = Discovered::default();
    for (connection, answer) in connections.iter().zip(answers) {
        let answer = answer
            .unwrap_or_else(|| Err(Error::bug("the connector panicked while it was asked")))
            .and_then(named_once);
        match answer {
            Ok(discovery) => {
                discovered.streams.extend(
                    discovery
                        .streams
                        .into_iter()
                        .map(|stream| ConnectedStream { connection: connection.clone(), stream }),
                );
                discovered.failed.extend(discovery.failed.into_iter().map(|(stream, error)| {
                    let message = format!(
                        "failed to extract stream `{stream}` from connection `{}`",
                        connection.name
                    );
                    NotDiscovered {
                        connection: connection.name.clone(),
                        streams: vec![stream],
                        whole: false,
                        error: error.wrap(message),
                    }
                }));
            }
            Err(error) => discovered.failed.push(NotDiscovered {
                connection: connection.name.clone(),
                streams: known_streams(lake, connection).await?,
                whole: true,
                error: error.wrap(format!(
                    "failed to discover the streams of connection `{}`",
                    connection.name
                )),
            }),
        }
    }
    Ok(discovered)
}

/// Two streams of one name would be landed into one table.
fn named_once(discovery: Discovery) -> Result<Discovery> {
    let mut names = BTreeSet::new();
    let all = discovery.streams.iter().map(|stream| &stream.name);
    for name in all.chain(discovery.failed.iter().map(|(name, _)| name)) {
        if !names.insert(name) {
            return Err(Error::bug(format!("the source names stream `{name}` twice")));
        }
    }
    Ok(discovery)
}

/// What is known of a connection that says nothing: its declared streams, or those that landed.
async fn known_streams(lake: &Lake, connection: &Connection) -> Result<Vec<StreamName>> {
    if connection.connector.is_declared() {
        return Ok(connection.declared().map(|declared| declared.stream.name).collect());
    }
    lake.raw_tables(&connection.name).await
}
