//! The port: connections are taken, answered message by message, and let go at the end.

use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use pgwire::api::{ClientInfo, NoopHandler, PgWireConnectionState};
use pgwire::error::{ErrorInfo, PgWireError};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use pgwire::tokio::server::{
    MaybeTls, PgWireMessageServerCodec, negotiate_tls, process_error, process_message,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_util::codec::Framed;

use super::extended::{Extended, Preparing};
use super::prepared::Prepared;
use super::simple::Simple;
use super::startup::LogIn;
use super::{Server, fatal};
use crate::engine::{Failure, code};

/// How long a log-in may take, encryption included.
const LOG_IN: Duration = Duration::from_secs(30);
/// Bytes that somebody may send who has not logged in.
const STRANGERS_BYTES: usize = 64 << 10;
/// Bytes that one message of a user may have.
const USERS_BYTES: usize = 16 << 20;

type Socket = Framed<MaybeTls, PgWireMessageServerCodec<Prepared>>;

/// Takes connections until `stop` changes, then lets those that are open finish what they do.
pub(crate) async fn serve(
    listener: TcpListener,
    server: Arc<Server>,
    places: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopping(&mut stop) => break,
            // Those that are over are forgotten.
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let socket = match accepted {
            Ok((socket, _)) => socket,
            Err(error) => {
                // No file handles left, most likely: others will be closed.
                tracing::warn!("failed to take a connection: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let place = Arc::clone(&places).try_acquire_owned().ok();
        let (server, stop) = (Arc::clone(&server), stop.clone());
        connections.spawn(async move {
            // Whoever breaks off hears nothing any more.
            if let Err(error) = connection(socket, server, place, stop).await {
                tracing::debug!("a connection broke off: {error}");
            }
        });
    }
    // From here on nobody is kept waiting for an answer that will not come.
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// Resolves when the server is asked to stop.
async fn stopping(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody can ask any more, because the server is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn connection(
    socket: TcpStream,
    server: Arc<Server>,
    place: Option<OwnedSemaphorePermit>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let by = tokio::time::Instant::now() + LOG_IN;
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the log-in took too long");
    let negotiated = tokio::time::timeout_at(by, negotiate_tls(socket, server.tls.clone())).await;
    let Some(mut socket) = negotiated.map_err(|_| late())?? else { return Ok(()) };
    if place.is_none() {
        let full = Failure::new(code::TOO_MANY_CONNECTIONS, "sorry, too many clients already");
        return farewell(&mut socket, full).await;
    }
    let log_in = Arc::new(LogIn::new(Arc::clone(&server)));
    let simple = Arc::new(Simple);
    let extended = Arc::new(Extended(Arc::new(Preparing)));
    loop {
        let stranger = matches!(
            socket.state(),
            PgWireConnectionState::AwaitingStartup
                | PgWireConnectionState::AuthenticationInProgress
        );
        let message = tokio::select! {
            biased;
            message = next(&mut socket, if stranger { STRANGERS_BYTES } else { USERS_BYTES }) => message,
            () = tokio::time::sleep_until(by), if stranger => return Err(late()),
            () = stopping(&mut stop) => {
                let over = Failure::new(
                    code::SHUTDOWN,
                    "terminating connection due to administrator command",
                );
                return farewell(&mut socket, over).await;
            }
        };
        let message = match message {
            None | Some(Ok(PgWireFrontendMessage::Terminate(_))) => return Ok(()),
            Some(Ok(message)) => message,
            // What cannot be read has no end either, so nothing after it can be.
            Some(Err(error)) => {
                let info: ErrorInfo = error.into();
                let broken = Failure::new(code::PROTOCOL_VIOLATION, info.message);
                return farewell(&mut socket, broken).await;
            }
        };
        let waits_for_sync = message.is_extended_query();
        let done = process_message(
            message,
            &mut socket,
            Arc::clone(&log_in),
            Arc::clone(&simple),
            Arc::clone(&extended),
            Arc::new(NoopHandler),
            Arc::clone(&server.registry),
        )
        .await;
        if let Err(error) = done {
            let mut info: ErrorInfo = error.into();
            if stranger {
                // pgwire would go on as if the log-in had succeeded.
                "FATAL".clone_into(&mut info.severity);
                info.severity_nonlocalized = Some("FATAL".to_owned());
            }
            let last = info.is_fatal();
            let error = PgWireError::UserError(Box::new(info));
            process_error(&mut socket, error, waits_for_sync).await?;
            if last {
                return Ok(());
            }
        }
    }
}

/// The next message. What is longer than allowed is not waited for.
async fn next(
    socket: &mut Socket,
    most: usize,
) -> Option<Result<PgWireFrontendMessage, PgWireError>> {
    std::future::poll_fn(|context| match socket.poll_next_unpin(context) {
        Poll::Pending if socket.read_buffer().len() > most => {
            Poll::Ready(Some(Err(PgWireError::MessageTooLarge(most, socket.read_buffer().len()))))
        }
        other => other,
    })
    .await
}

/// Says why a connection ends, and ends it.
async fn farewell(socket: &mut Socket, why: Failure) -> io::Result<()> {
    let PgWireError::UserError(info) = fatal(why) else { return Ok(()) };
    socket.send(PgWireBackendMessage::ErrorResponse((*info).into())).await?;
    socket.close().await
}
