//! Reading and landing the streams of a pipeline, several at a time.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use salesmart_core::receipt::{Extracted, ExtractedStream, Failure, LandedStream};
use salesmart_core::stream::{Event, OnRetyped, StreamSpec};
use salesmart_core::{ConnectionName, Error, ErrorKind, Result, RunId, StreamName, Threshold};
use salesmart_extract::{ReadRequest, channel};
use salesmart_lake::{Lake, Lease};
use salesmart_land::{Fence, LandRequest, Outcome, land, saved_cursor};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::task::JoinSet;

use crate::observe::{Observer, Progress};
use crate::spool;
use crate::workspace::{ConnectedStream, Connection};

/// Streams of all connections that are read at the same time: each holds a few batches and an
/// index. A connection may allow fewer of its own.
const STREAMS_AT_ONCE: usize = 4;
/// Rows of raw tables that all indexes together cover.
const INDEXED_ROWS: u64 = 12_000_000;
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
    pub(crate) on_retyped: OnRetyped,
    pub(crate) lease: Arc<Lease>,
    pub(crate) observer: Arc<dyn Observer>,
}

/// What became of one stream.
pub(crate) struct Taken<T> {
    pub(crate) receipt: T,
    /// Why it failed, when it did.
    pub(crate) error: Option<Error>,
    /// Whether it failed because the source has rows that were not landed.
    pub(crate) lost_rows: bool,
}

impl StreamStage {
    /// Reads every stream and lands it as it comes.
    pub(crate) async fn extract_and_land(
        &self,
        streams: Vec<ConnectedStream>,
    ) -> Vec<Taken<LandedStream>> {
        self.each(streams, |stage, connected| async move {
            let (sender, receiver) = tokio::sync::mpsc::channel(CHANNEL);
            let read = stage.read(&connected, sender);
            let land = stage.land(&connected.connection.name, &connected.stream, receiver);
            let (read, outcome) = tokio::join!(read, land);
            stage.done(both(read, outcome))
        })
        .await
    }

    /// Reads every stream into its spool.
    pub(crate) async fn extract(
        &self,
        streams: Vec<ConnectedStream>,
    ) -> Vec<Taken<ExtractedStream>> {
        self.each(streams, |stage, connected| async move {
            let connection = connected.connection.name.clone();
            let stream = &connected.stream;
            let folder = spool::stream_folder(&stage.run_id, &connection, &stream.name);
            let (sender, receiver) = tokio::sync::mpsc::channel(CHANNEL);
            let read = stage.read(&connected, sender);
            let write = spool::write(&stage.lake, &folder, stream, receiver);
            let (read, (rows_read, written)) = tokio::join!(read, write);
            let error = first_error(read, written.err());
            let receipt = ExtractedStream {
                connection,
                stream: stream.name.clone(),
                spool: folder,
                rows_read,
                failure: error.as_ref().map(Failure::from),
            };
            let lost_rows = error.as_ref().is_some_and(|e| e.kind() == ErrorKind::CheckFailed);
            Taken { receipt, error, lost_rows }
        })
        .await
    }

    /// Lands what an earlier run spooled. A stream whose reading failed stays failed.
    pub(crate) async fn land_spooled(
        &self,
        extracted: &Extracted,
        connections: &[Connection],
    ) -> Vec<Taken<LandedStream>> {
        let entries = extracted.streams.iter().map(|entry| {
            let connection = connections.iter().find(|c| c.name == entry.connection);
            (entry.clone(), connection.cloned())
        });
        let landings = entries.map(|(entry, connection)| self.land_spool(entry, connection));
        futures::stream::iter(landings).buffered(STREAMS_AT_ONCE).collect().await
    }

    async fn land_spool(
        &self,
        entry: ExtractedStream,
        connection: Option<Connection>,
    ) -> Taken<LandedStream> {
        let nothing = |error| Taken {
            receipt: LandedStream::nothing(entry.connection.clone(), entry.stream.clone()),
            error: Some(error),
            lost_rows: false,
        };
        let spool = match spool::open(&self.lake, &entry.spool).await {
            Ok(spool) => spool,
            Err(error) => return self.done(nothing(error)),
        };
        let mut stream = spool.stream().clone();
        // What the pipeline file says about the landing of it may have changed since.
        if let Some(declared) = connection
            .iter()
            .flat_map(Connection::declared)
            .find(|declared| declared.stream.name == stream.name)
        {
            stream.max_rejected = declared.stream.max_rejected;
            stream.location = declared.stream.location;
        }
        let (sender, receiver) = tokio::sync::mpsc::channel(CHANNEL);
        let (replayed, outcome) =
            tokio::join!(spool.replay(sender), self.land(&entry.connection, &stream, receiver));
        let mut taken = both(replayed, outcome);
        if let (None, Some(failure)) = (&taken.error, &entry.failure) {
            taken.error = Some(of_record(failure).wrap(format!(
                "stream `{}` of connection `{}` was not read to its end",
                entry.stream, entry.connection
            )));
            taken.lost_rows = failure.kind == ErrorKind::CheckFailed.as_str();
        }
        self.done(taken)
    }

    /// Writes the failure into the receipt, and tells of success.
    fn done(&self, mut taken: Taken<LandedStream>) -> Taken<LandedStream> {
        match &taken.error {
            None => self.observer.observe(Progress::StreamDone(&taken.receipt)),
            Some(error) => {
                tracing::info!(
                    target: "land",
                    connection = %taken.receipt.connection,
                    stream = %taken.receipt.stream,
                    kind = error.kind().as_str(),
                    "stream failed"
                );
                taken.receipt.failure = Some(Failure::from(error));
            }
        }
        taken
    }

    /// Takes the streams a few at a time, those of several connections side by side; one that fails
    /// does not stop the others. The results are in the order of the streams.
    async fn each<T, F, W>(&self, streams: Vec<ConnectedStream>, work: F) -> Vec<T>
    where
        F: Fn(StreamStage, ConnectedStream) -> W,
        W: Future<Output = T>,
    {
        let mut connections: Vec<(ConnectionName, Vec<(usize, ConnectedStream)>)> = Vec::new();
        for (at, connected) in streams.into_iter().enumerate() {
            let name = &connected.connection.name;
            match connections.iter_mut().find(|(of, _)| of == name) {
                Some((_, all)) => all.push((at, connected)),
                None => connections.push((name.clone(), vec![(at, connected)])),
            }
        }
        let all_at_once = Semaphore::new(STREAMS_AT_ONCE);
        let (all_at_once, work) = (&all_at_once, &work);
        let walks = connections.into_iter().map(|(_, streams)| {
            let at_once = streams
                .first()
                .map_or(1, |(_, connected)| connected.connection.connector.streams_at_once());
            futures::stream::iter(streams)
                .map(move |(at, connected)| async move {
                    // Nobody closes the semaphore; without a permit it would only be busier here.
                    let _permit = all_at_once.acquire().await.ok();
                    (at, work(self.clone(), connected).await)
                })
                .buffer_unordered(at_once.max(1))
                .collect::<Vec<(usize, T)>>()
        });
        let mut results: Vec<(usize, T)> =
            futures::future::join_all(walks).await.into_iter().flatten().collect();
        results.sort_by_key(|(at, _)| *at);
        results.into_iter().map(|(_, result)| result).collect()
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
        let request = ReadRequest { stream: connected.stream.clone(), cursor };
        // A task of its own, so that reading and landing each have a core; dropped, it is aborted.
        let connector = Arc::clone(&connected.connection.connector);
        let mut reading = JoinSet::new();
        reading.spawn(async move { connector.read(request, outlet).await });
        let forward = async {
            let mut rows = 0;
            while let Some(event) = from_connector.recv().await {
                rows += spool::rows_of(&event);
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

    async fn land(
        &self,
        connection: &ConnectionName,
        stream: &StreamSpec,
        events: Receiver<Event>,
    ) -> Outcome {
        let lease = Arc::clone(&self.lease);
        let fence: Fence = Arc::new(move || {
            let lease = Arc::clone(&lease);
            Box::pin(async move { lease.check().await })
        });
        let request = LandRequest {
            on_retyped: self.on_retyped,
            partition_rows: INDEXED_ROWS / STREAMS_AT_ONCE as u64,
            ..LandRequest::new(
                self.lake.clone(),
                connection.clone(),
                stream.clone(),
                self.run_id.clone(),
                self.started_at,
                stream.max_rejected.unwrap_or(self.max_rejected),
                fence,
            )
        };
        // A task of its own: several streams share the cores. Dropped, it is aborted.
        let mut landing = JoinSet::new();
        landing.spawn(land(request, events));
        let failed = |error| Outcome {
            landed: LandedStream::nothing(connection.clone(), stream.name.clone()),
            error: Some(error),
            lost_rows: false,
        };
        match landing.join_next().await {
            Some(Ok(outcome)) => outcome,
            Some(Err(panic)) => failed(Error::bug("landing panicked").with_source(panic)),
            None => failed(Error::bug("landing was never started")),
        }
    }
}

/// The outcome of a sender and a receiver that ran side by side.
fn both(sent: Result<()>, received: Outcome) -> Taken<LandedStream> {
    let refused = sent.as_ref().err().is_some_and(|e| e.kind() == ErrorKind::CheckFailed);
    let lost_rows = received.lost_rows || refused;
    let error = first_error(sent, received.error);
    // Rows that were lost are no excuse for another failure beside them.
    let lost_rows = lost_rows && error.as_ref().is_some_and(|e| e.kind() == ErrorKind::CheckFailed);
    Taken { receipt: received.landed, error, lost_rows }
}

/// When a sender or its receiver stops, the other one ends as interrupted: the error that came
/// first is the one that says something.
fn first_error(sent: Result<()>, received: Option<Error>) -> Option<Error> {
    match (sent, received) {
        (Ok(()), Some(received)) if received.kind() == ErrorKind::Interrupted => {
            Some(Error::bug("the connector ended without a checkpoint").with_source(received))
        }
        (Ok(()), received) => received,
        (Err(sent), Some(received)) if sent.kind() == ErrorKind::Interrupted => Some(received),
        (Err(sent), _) => Some(sent),
    }
}

/// The error that a run record keeps.
fn of_record(failure: &Failure) -> Error {
    let kind = ErrorKind::ALL.into_iter().find(|kind| kind.as_str() == failure.kind);
    let error = Error::new(kind.unwrap_or(ErrorKind::Bug), failure.message.clone());
    match &failure.hint {
        Some(hint) => error.with_hint(hint.clone()),
        None => error,
    }
}

/// What a failed stream of which nothing else is known leaves in the record.
pub(crate) fn untouched(
    connection: &ConnectionName,
    stream: &StreamName,
    error: &Error,
) -> LandedStream {
    LandedStream {
        failure: Some(Failure::from(error)),
        ..LandedStream::nothing(connection.clone(), stream.clone())
    }
}
