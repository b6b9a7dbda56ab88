//! The server as a whole: ports, the runtime of statements, the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use salesmart_config::Serve;
use salesmart_config::serve::Authentication;
use salesmart_core::{Error, ErrorKind, Result};
use salesmart_lake::Lake;
use salesmart_model::{BusinessSettings, Catalog};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::auth::Passwords;
use crate::engine::Engine;
use crate::flight;
use crate::postgres::{self, Registry};
use crate::tls;
use crate::web::{self, Web};

/// How long statements that run may go on when the server is asked to stop.
const GRACE: Duration = Duration::from_secs(20);
/// Threads of statements beside those of the cores.
const MORE_THREADS: usize = 16;
/// How long connections may take to hear that their statement was cancelled.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A server whose ports are open.
pub struct Server {
    postgres: Option<TcpListener>,
    flight: Option<TcpListener>,
    web: Option<TcpListener>,
    site: Arc<Web>,
    shared: Arc<postgres::Server>,
    config: Serve,
    /// Dropped in the background at the end: statements must not keep the program alive.
    statements: Option<tokio::runtime::Runtime>,
}

/// Where the ports are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// PostgreSQL's wire protocol.
    pub postgres: Option<SocketAddr>,
    /// Arrow Flight SQL.
    pub flight: Option<SocketAddr>,
    /// The documentation site.
    pub web: Option<SocketAddr>,
}

impl Server {
    /// Opens the ports and checks everything that can be known before somebody connects.
    ///
    /// # Errors
    /// When a port is taken, a certificate or a password's verifier cannot be read, or the lake
    /// does not answer. Not when there is no release yet: clients are told so.
    pub async fn open(
        lake: Lake,
        catalog: Arc<Catalog>,
        business: BusinessSettings,
        config: Serve,
    ) -> Result<Self> {
        let passwords = Passwords::new(&config)?;
        secret_on_the_way(&config)?;
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
        // Statements have threads of their own: however long they compute, log-ins, cancellations
        // and the rows of others do not wait.
        let statements = tokio::runtime::Builder::new_multi_thread()
            .thread_name("statement")
            // More than there are cores: one that computes for long in one step keeps a core for a
            // while, and the threads of others share what is left.
            .worker_threads(threads())
            // Plans are trees on which the engine recurses.
            .thread_stack_size(64 << 20)
            .enable_all()
            .build()
            .map_err(|e| Error::configuration("failed to start threads").with_source(e))?;
        let site = Web::new(
            lake.clone(),
            Arc::clone(&catalog),
            business.clone(),
            statements.handle().clone(),
        );
        let engine =
            Engine::new(lake, catalog, business, config.clone(), statements.handle().clone());
        let postgres = listen(config.postgres).await?;
        let flight = listen(config.flight).await?;
        let web = listen(config.web).await?;
        let shared = Arc::new(postgres::Server {
            engine: Arc::new(engine),
            passwords: Arc::new(passwords),
            registry: Arc::default(),
            tls,
        });
        Ok(Self { postgres, flight, web, site, shared, config, statements: Some(statements) })
    }

    /// Where the ports are, with the numbers that were free where 0 was asked for.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        let of = |listener: &Option<TcpListener>| listener.as_ref()?.local_addr().ok();
        Addresses { postgres: of(&self.postgres), flight: of(&self.flight), web: of(&self.web) }
    }

    /// Serves until `stop` resolves. Then no connection is taken any more, statements that run may
    /// finish for a while, and what still runs is cancelled.
    ///
    /// # Errors
    /// None as yet: a connection that fails is its own.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<()> {
        let (sender, receiver) = watch::channel(false);
        let places =
            Arc::new(Semaphore::new(self.config.limits.connections.min(Semaphore::MAX_PERMITS)));
        let mut ports = JoinSet::new();
        if let Some(listener) = self.postgres.take() {
            ports.spawn(postgres::serve(
                listener,
                Arc::clone(&self.shared),
                places,
                receiver.clone(),
            ));
        }
        if let Some(listener) = self.flight.take() {
            let shared = &self.shared;
            let (engine, passwords) = (Arc::clone(&shared.engine), Arc::clone(&shared.passwords));
            let stopping = receiver.clone();
            ports.spawn(async move {
                if let Err(error) = flight::serve(listener, engine, passwords, stopping).await {
                    tracing::error!("{error:#}");
                }
            });
        }
        if let Some(listener) = self.web.take() {
            let (site, tls) = (Arc::clone(&self.site), self.shared.tls.clone());
            let stopping = receiver.clone();
            ports.spawn(async move {
                if let Err(error) = web::serve(listener, site, tls, stopping).await {
                    tracing::error!("the web pages are served no more: {error}");
                }
            });
        }
        stop.await;
        let registry: &Registry = &self.shared.registry;
        tracing::info!("stopping; {} connections are open", registry.count());
        // Nobody listens only where no port was configured.
        let _ = sender.send(true);
        let finished = async { while ports.join_next().await.is_some() {} };
        tokio::pin!(finished);
        if tokio::time::timeout(GRACE, &mut finished).await.is_err() {
            tracing::warn!("cancelling the statements of {} connections", registry.count());
            registry.cancel_all();
            if tokio::time::timeout(LAST_WORDS, &mut finished).await.is_err() {
                tracing::warn!(
                    "ending although {} connections have statements that do not stop",
                    registry.count()
                );
            }
        }
        Ok(())
    }
}

/// How many threads statements have.
fn threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZeroUsize::get);
    cores + MORE_THREADS
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(statements) = self.statements.take() {
            statements.shutdown_background();
        }
    }
}

/// PostgreSQL's clients prove that they know a password; those of Flight SQL send it.
fn secret_on_the_way(config: &Serve) -> Result<()> {
    let open = config.flight.filter(|address| !address.ip().is_loopback());
    match (open, &config.tls, config.authentication) {
        (Some(address), None, Authentication::Scram) => Err(Error::configuration(format!(
            "passwords would cross the network in clear to Arrow Flight SQL at {address}"
        ))
        .with("expected", "`tls:` in `config/serve.yml`, or an address of this machine only")
        .with_hint("add a certificate and its key under `tls`")),
        _ => Ok(()),
    }
}

async fn listen(address: Option<SocketAddr>) -> Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::PermissionDenied => ErrorKind::Permission,
            _ => ErrorKind::Configuration,
        };
        Error::new(kind, format!("failed to listen at {address}: {error}")).with_hint(
            "another program may be there: choose another port with `--listen` or in `config/serve.yml`",
        )
    })?;
    Ok(Some(listener))
}
