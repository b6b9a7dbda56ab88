//! The port that browsers connect to, encrypted where there is a certificate.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{Web, router};

/// Handshakes that wait to be answered.
const WAITING: usize = 64;
/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers browsers until `stop` says so; requests that are being answered are finished.
///
/// # Errors
/// When the port cannot be listened to any more.
pub(crate) async fn serve(
    listener: TcpListener,
    web: Arc<Web>,
    tls: Option<TlsAcceptor>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let stopped = async move {
        // A sender that is gone stops as well.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let router = router(web);
    match tls {
        None => axum::serve(listener, router).with_graceful_shutdown(stopped).await,
        Some(tls) => {
            // The same certificate, and another protocol within: browsers ask for theirs by name.
            let mut config = tls.config().as_ref().clone();
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            let listener = Encrypted::new(listener, TlsAcceptor::from(Arc::new(config)))?;
            axum::serve(listener, router).with_graceful_shutdown(stopped).await
        }
    }
}

/// Connections whose handshake is done. A client that does not finish its own holds up nobody.
struct Encrypted {
    done: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
    accepting: tokio::task::JoinHandle<()>,
}

impl Encrypted {
    fn new(listener: TcpListener, tls: TlsAcceptor) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (sender, done) = mpsc::channel(WAITING);
        let accepting = tokio::spawn(async move {
            loop {
                let Ok((stream, peer)) = listener.accept().await else {
                    // Out of handles, most likely: some are given back in a moment.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                };
                let Ok(place) = sender.clone().reserve_owned().await else { return };
                let tls = tls.clone();
                tokio::spawn(async move {
                    if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, tls.accept(stream)).await
                    {
                        place.send((stream, peer));
                    }
                });
            }
        });
        Ok(Self { done, address, accepting })
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl axum::serve::Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.done.recv().await {
            Some(connection) => connection,
            // The task that accepts ends with this value only.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}
