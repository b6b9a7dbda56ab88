//! Reading and landing the streams of a pipeline, a few at a time.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryFutureExt};
use salesmart_core::receipt::{Extracted, ExtractedStream, Landed, LandedStream};
use salesmart_core::stream::{Event, StreamSpec};
use salesmart_core::{ConnectionName, Error, ErrorKind, Result, RunId, Threshold};
use salesmart_extract::{ReadRequest, channel};
use salesmart_lake::{Lake, Lease};
use salesmart_land::{Fence, LandRequest, land, saved_cursor};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::task::JoinSet;

use crate::observe::{Observer, Progress};
use crate::spool;
use crate::workspace::ConnectedStream;

/// Streams that are read at the same time: each holds a few batches and an index.
const STREAMS_AT_ONCE: usize = 2;
/// Events between a connector and what takes them.
const CHANNEL: usize = 2;

/// What reading and landing need to know.
#[derive(Clone)]
pub(crate) struct StreamStage {
    pub(crate) lake: Lake,
    pub(crate) run_id: RunId,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) full_refresh: bool,
    pub(crate) max_rejected: Threshold,
    pub(crate) lease: Arc<Lease>,
    pub(crate) observer: Arc<dyn Observer>,
}

impl StreamStage {
    /// Reads every stream and lands it as it comes.
    pub(crate) async fn extract_and_land(
        &self,
        streams: Vec<ConnectedStream>,
    ) -> (Landed, Vec<Error>) {
        self.each(streams, |stage, connected| async move {
            let (sender, receiver) = tokio::sync::mpsc::channel(CHANNEL);
            let read = stage.read(&connected, sender);
            let land = stage.land(&connected.connection.name, &connected.stream, receiver);
            both(tokio::join!(read, land))
        })
        .await
    }

    /// Reads every stream into its spool.
    pub(crate) async fn extract(&self, streams: Vec<ConnectedStream>) -> Result<Extracted> {
        let mut extracted = Extracted::default();
        for connected in streams {
            let connection = &connected.connection.name;
            let folder = spool::stream_folder(&self.run_id, connection, &connected.stream.name);
            let (sender, receiver) = tokio::sync::mpsc::channel(CHANNEL);
            let read = self.read(&connected, sender);
            let rows_read = both(tokio::join!(read, spool::write(&self.lake, &folder, receiver)))?;
            extracted.streams.push(ExtractedStream {
                connection: connection.clone(),
                stream: connected.stream.name.clone(),
                spool: folder,
                rows_read,
            });
        }
        Ok(extracted)
    }

    /// Lands what an earlier run spooled.
    pub(crate) async fn land_spooled(
        &self,
        extracted: &Extracted,
        streams: Vec<ConnectedStream>,
    ) -> (Landed, Vec<Error>) {
        let extracted = Arc::new(extracted.clone());
        self.each(streams, move |stage, connected| {
            let extracted = Arc::clone(&extracted);
            async move {
                let name = &connected.connection.name;
                let spooled = extracted.streams.iter().find(|entry| {
                    &entry.connection == name && entry.stream == connected.stream.name
                });
                let (sender, receiver) = tokio::sync::mpsc::channel(CHANNEL);
                let replay = async {
                    match spooled {
                        Some(entry) => spool::replay(&stage.lake, &entry.spool, sender).await,
                        // Declared since: there is nothing of it to land.
                        None => Ok(()),
                    }
                };
                both(tokio::join!(replay, stage.land(name, &connected.stream, receiver)))
            }
        })
        .await
    }

    /// Takes the streams a few at a time; one that fails does not stop the others.
    async fn each<F, W>(&self, streams: Vec<ConnectedStream>, work: F) -> (Landed, Vec<Error>)
    where
        F: Fn(StreamStage, ConnectedStream) -> W,
        W: Future<Output = Result<LandedStream>>,
    {
        let mut results: Vec<(usize, Result<LandedStream>)> =
            futures::stream::iter(streams.into_iter().enumerate())
                .map(|(at, connected)| {
                    let future = work(self.clone(), connected);
                    async move { (at, future.await) }
                })
                .buffer_unordered(STREAMS_AT_ONCE)
                .inspect(|(_, result)| {
                    if let Ok(landed) = result {
                        self.observer.observe(Progress::StreamDone(landed));
                    }
                })
                .collect()
                .await;
        results.sort_by_key(|(at, _)| *at);
        let mut landed = Landed::default();
        let mut errors = Vec::new();
        for (_, result) in results {
            match result {
                Ok(stream) => landed.streams.push(stream),
                Err(error) => errors.push(error),
            }
        }
        (landed, errors)
    }

    async fn read(&self, connected: &ConnectedStream, events: Sender<Event>) -> Result<()> {
        let stream = &connected.stream.name;
        let connection = &connected.connection.name;
        let cursor = if self.full_refresh {
            None
        } else {
            saved_cursor(&self.lake, connection, stream).await?
        };
        let (outlet, mut from_connector) = channel(CHANNEL);
        let request = ReadRequest { stream: stream.clone(), cursor };
        // A task of its own, so that reading and landing each have a core; dropped, it is aborted.
        let connector = Arc::clone(&connected.connection.connector);
        let mut reading = JoinSet::new();
        reading.spawn(async move { connector.read(request, outlet).await });
        let forward = async {
            let mut rows = 0;
            while let Some(event) = from_connector.recv().await {
                rows += match &event {
                    Event::Rows(batch) => batch.num_rows() as u64,
                    Event::Rejected(rejected) => rejected.len() as u64,
                    _ => 0,
                };
                self.observer.observe(Progress::StreamRows {
                    connection: connection.as_str(),
                    stream: stream.as_str(),
                    rows,
                });
                if events.send(event).await.is_err() {
                    break;
                }
            }
            // Closing this end tells the connector to stop, dropping the other one tells the
            // receiver that nothing more comes.
            drop(from_connector);
            drop(events);
        };
        let (read, ()) = tokio::join!(reading.join_next(), forward);
        let read = match read {
            Some(Ok(read)) => read,
            Some(Err(panic)) => Err(Error::bug("the connector panicked").with_source(panic)),
            None => Err(Error::bug("the connector was never started")),
        };
        read.map_err(|e| {
            e.wrap(format!("failed to extract stream `{stream}` from connection `{connection}`"))
        })
    }

    fn land(
        &self,
        connection: &ConnectionName,
        stream: &StreamSpec,
        events: Receiver<Event>,
    ) -> impl Future<Output = Result<LandedStream>> + use<> {
        let lease = Arc::clone(&self.lease);
        let fence: Fence = Arc::new(move || {
            let lease = Arc::clone(&lease);
            Box::pin(async move { lease.check().await })
        });
        let request = LandRequest::new(
            self.lake.clone(),
            connection.clone(),
            stream.clone(),
            self.run_id.clone(),
            self.started_at,
            stream.max_rejected.unwrap_or(self.max_rejected),
            fence,
        );
        land(request, events).map_err(|e| e)
    }
}

/// The outcome of a sender and a receiver that ran side by side. When one of them stops, the other
/// one ends as interrupted: the error that came first is the one that says something.
fn both<T>((sent, received): (Result<()>, Result<T>)) -> Result<T> {
    match (sent, received) {
        (Ok(()), received) => received,
        (Err(sent), Err(received)) if sent.kind() == ErrorKind::Interrupted => Err(received),
        (Err(sent), _) => Err(sent),
    }
}
