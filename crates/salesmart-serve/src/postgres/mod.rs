//! PostgreSQL's wire protocol: connections, log-in, statements.
//!
//! pgwire reads and writes the messages; what a connection may do, and what it is told, is here.

mod answer;
mod cancel;
mod connection;
mod copy;
mod cursor;
mod encode;
mod extended;
mod prepared;
mod session;
mod settings;
mod simple;
mod startup;
mod text;

use std::sync::Arc;

use pgwire::error::{ErrorInfo, PgWireError};

use crate::auth::Passwords;
use crate::engine::{Engine, Failure};
pub(crate) use cancel::Registry;
pub(crate) use connection::serve;

/// What all connections share.
pub(crate) struct Server {
    pub(crate) engine: Arc<Engine>,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) tls: Option<tokio_rustls::TlsAcceptor>,
}

/// A failure as pgwire sends it.
fn wire(failure: Failure, severity: &str) -> PgWireError {
    let mut info = ErrorInfo::new(severity.to_owned(), failure.code.to_owned(), failure.message);
    info.severity_nonlocalized = Some(severity.to_owned());
    info.detail = failure.detail;
    info.hint = failure.hint;
    info.position = failure.position.map(|position| position.to_string());
    PgWireError::UserError(Box::new(info))
}

fn error(failure: Failure) -> PgWireError {
    wire(failure, "ERROR")
}

fn fatal(failure: Failure) -> PgWireError {
    wire(failure, "FATAL")
}
