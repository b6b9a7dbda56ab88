//! `salesmart serve`: releases for those who ask over the network.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;

use clap::{Args, Subcommand};
use salesmart_config::Serve as Settings;
use salesmart_config::serve::{Authentication, READER, Tls, User};
use salesmart_core::yaml::At;
use salesmart_core::{Error, Location, Result, Secret};
use salesmart_model::Catalog;
use salesmart_serve::{Addresses, Server};

use crate::builtin;
use crate::context::{Context, serve_on};
use crate::style::Style;

/// The user that is there when no configuration names one.
const GUEST: &str = "salesmart";

/// Serves releases as a PostgreSQL server, so that psql and BI tools read them.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_long_help = "\
Examples:
  salesmart serve                                  on this machine, with a password for this once
  salesmart serve --listen 0.0.0.0:5433            for others, with users of config/serve.yml
  salesmart serve hash-password < password.txt     what may lie in a file instead of a password
  psql 'postgres://ada@bi.example.com:5433/warehouse'

Database `warehouse` follows the current release; each release is a database of its own, such as
`r000041`, and so is a session after `set salesmart.release = 'r000041'`. A statement, and a
transaction, is answered from one release, whichever becomes current meanwhile.

config/serve.yml names users, roles and limits; `salesmart schema serve` says how. SIGTERM and
Ctrl-C let statements that run finish."
)]
pub struct Serve {
    #[command(subcommand)]
    command: Option<ServeCommand>,
    /// Where PostgreSQL's clients connect [default: of config/serve.yml, or 127.0.0.1:5433]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

#[derive(Subcommand, Debug)]
enum ServeCommand {
    /// Make what may lie in a file instead of a password, of the password on standard input
    ///
    /// The line has the form that PostgreSQL keeps in `pg_authid`: it can check the password, and
    /// nobody can log in with it.
    HashPassword,
}

impl Serve {
    /// Serves until it is asked to stop.
    ///
    /// # Errors
    /// When the configuration is wrong or a port is taken.
    pub fn run(&self, context: &Context) -> Result<()> {
        if let Some(ServeCommand::HashPassword) = self.command {
            return hash_password(context);
        }
        let workspace = context.workspace()?;
        let (settings, guest) = settings(workspace.project().serve()?, self.listen)?;
        let own = workspace.project().root().join("sql");
        let catalog = Catalog::load(&builtin::models(), own.is_dir().then_some(own.as_path()))?;
        serve_on(async {
            let lake = context.lake(&workspace).await?;
            let open = settings.authentication == Authentication::TrustEverybodyWhoReachesThePort;
            if open {
                tracing::warn!(
                    "EVERYBODY who reaches the port reads everything, without a password: \
                     config/serve.yml says `trust_everybody_who_reaches_the_port`"
                );
            }
            let tls = settings.tls.clone();
            let server =
                Server::open(lake, Arc::new(catalog), workspace.business(), settings).await?;
            let style = context.style();
            context.print(&greeting(server.addresses(), guest.as_ref(), tls.as_ref(), style))?;
            server.run(asked_to_stop()).await
        })
    }
}

/// The settings of the project; without any user, one with a password for this once.
fn settings(
    project: Option<Settings>,
    listen: Option<SocketAddr>,
) -> Result<(Settings, Option<Secret>)> {
    let mut settings = project.unwrap_or_default();
    settings.postgres = listen.or(settings.postgres);
    let scram = settings.authentication == Authentication::Scram;
    if !settings.users.is_empty() || !scram {
        return Ok((settings, None));
    }
    let ports = [settings.postgres, settings.flight];
    if ports.iter().flatten().any(|address| !address.ip().is_loopback()) {
        return Err(Error::configuration("nobody can log in: there are no users")
            .with("expected", "`users:` in `config/serve.yml`")
            .with_hint("add `users: {ada: {password: \"${ADA_PASSWORD}\"}}`, or serve this machine only: `--listen 127.0.0.1:5433`"));
    }
    let password = salesmart_serve::one_time_password()?;
    let nowhere = Location::new("salesmart serve", 0, 0);
    let guest =
        User { role: READER.to_owned(), password: Some(At::new(password.clone(), nowhere)) };
    settings.users.insert(GUEST.to_owned(), guest);
    Ok((settings, Some(password)))
}

/// What is printed when the ports are open.
fn greeting(
    addresses: Addresses,
    guest: Option<&Secret>,
    tls: Option<&Tls>,
    style: Style,
) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        text.push_str(&format!("{}  {value}\n", style.bold(&format!("{name:<10}"))));
    };
    if let Some(address) = addresses.postgres {
        // A server of all networks is reached on this machine as `localhost`.
        let host = match address.ip() {
            ip if ip.is_unspecified() => "localhost".to_owned(),
            ip if ip.is_ipv6() => format!("[{ip}]"),
            ip => ip.to_string(),
        };
        let port = address.port();
        let mode = if tls.is_some() { "?sslmode=require" } else { "" };
        line("listening", &format!("PostgreSQL at {address}"));
        match guest {
            Some(password) => line(
                "connect",
                &format!(
                    "psql 'postgres://{GUEST}:{}@{host}:{port}/warehouse{mode}'",
                    password.expose()
                ),
            ),
            None => {
                line("connect", &format!("psql 'postgres://USER@{host}:{port}/warehouse{mode}'"));
            }
        }
    }
    if let Some(address) = addresses.flight {
        let scheme = if tls.is_some() { "grpc+tls" } else { "grpc+tcp" };
        line("flight sql", &format!("{scheme}://{address}"));
    }
    if let Some(address) = addresses.web {
        let scheme = if tls.is_some() { "https" } else { "http" };
        line("web", &format!("{scheme}://{address}"));
    }
    if guest.is_some() {
        line("password", "for this once; `config/serve.yml` names users that stay");
    }
    text
}

/// Resolves on SIGTERM or Ctrl-C.
async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    // A machine that cannot tell of an interruption is stopped by other means.
    if interrupted.await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn hash_password(context: &Context) -> Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| {
        Error::configuration("failed to read the password from standard input").with_source(e)
    })?;
    let password = text.trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        return Err(Error::configuration("there is no password on standard input")
            .with_hint("`salesmart serve hash-password < password.txt`"));
    }
    let line = salesmart_serve::hash_password(&Secret::new(password))?;
    context.print(&format!("{line}\n"))
}
