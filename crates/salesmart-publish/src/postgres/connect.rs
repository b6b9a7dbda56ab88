//! Connections: made with TLS where the configuration says so, with the session set up.

use std::time::Duration;

use salesmart_core::{Error, Result};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::config::{Settings, SslMode};
use super::failure::failed;
use super::tls;

/// How long to wait for an answer to the first packet.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A network that swallows packets is noticed after about a minute.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;
const UNACKNOWLEDGED: Duration = Duration::from_secs(60);

/// A connection, closed when it goes.
pub(super) struct Connection {
    pub(super) client: Client,
    task: JoinHandle<()>,
    settings: Settings,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connection {
    pub(super) async fn open(settings: &Settings) -> Result<Self> {
        let what = format!("failed to connect to PostgreSQL as `{}`", settings.user);
        let mut config = Config::new();
        config
            .host(&settings.host)
            .port(settings.port)
            .dbname(&settings.database)
            .user(&settings.user)
            .application_name("salesmart")
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives(true)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES)
            .tcp_user_timeout(UNACKNOWLEDGED);
        if let Some(password) = &settings.password {
            config.password(password.read()?.expose());
        }
        let (client, task) = if settings.sslmode == SslMode::Disable || settings.is_socket() {
            config.ssl_mode(tokio_postgres::config::SslMode::Disable);
            let (client, connection) =
                config.connect(NoTls).await.map_err(|e| failed(settings, &what, e))?;
            (client, tokio::spawn(async move { drop(connection.await) }))
        } else {
            config.ssl_mode(tokio_postgres::config::SslMode::Require);
            let tls = MakeRustlsConnect::new(tls::client(settings)?);
            let (client, connection) =
                config.connect(tls).await.map_err(|e| failed(settings, &what, e))?;
            (client, tokio::spawn(async move { drop(connection.await) }))
        };
        let connection = Self { client, task, settings: settings.clone() };
        let session = format!(
            "set statement_timeout = {}; set lock_timeout = {}; \
             set standard_conforming_strings = on; set client_min_messages = warning; \
             set search_path = pg_catalog; set timezone = 'UTC'; \
             set idle_in_transaction_session_timeout = 0",
            settings.statement_timeout.as_millis(),
            settings.lock_wait.as_millis(),
        );
        connection.run("failed to set up the session", &session).await?;
        Ok(connection)
    }

    /// Runs statements.
    pub(super) async fn run(&self, what: &str, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).await.map_err(|e| failed(&self.settings, what, e))
    }

    /// Runs one statement and returns how many rows it touched.
    pub(super) async fn touch(&self, what: &str, sql: &str) -> Result<u64> {
        self.client.execute(sql, &[]).await.map_err(|e| failed(&self.settings, what, e))
    }

    /// Asks.
    pub(super) async fn rows(
        &self,
        what: &str,
        sql: &str,
        parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<Vec<tokio_postgres::Row>> {
        self.client.query(sql, parameters).await.map_err(|e| failed(&self.settings, what, e))
    }

    /// An error of the server, with what was being done.
    pub(super) fn failed(&self, what: &str, error: tokio_postgres::Error) -> Error {
        failed(&self.settings, what, error)
    }
}
