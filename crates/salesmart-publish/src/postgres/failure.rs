//! What PostgreSQL's errors mean for the person who runs this.

use salesmart_core::{Error, ErrorKind};
use tokio_postgres::error::SqlState;

use super::config::Settings;

/// An error of the server or of the connection to it.
pub(super) fn failed(settings: &Settings, what: &str, error: tokio_postgres::Error) -> Error {
    let server = settings.server();
    let Some(refused) = error.as_db_error() else {
        return connection_failed(&server, what, error);
    };
    let code = refused.code().clone();
    let user = &settings.user;
    let (kind, retryable, hint) = match &code {
        c if *c == SqlState::INVALID_PASSWORD || *c == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => (
            ErrorKind::Permission,
            false,
            format!("check `user` and `password` of the target, and the server's `pg_hba.conf` for `{user}`"),
        ),
        c if *c == SqlState::INSUFFICIENT_PRIVILEGE => (
            ErrorKind::Permission,
            false,
            format!(
                "as the owner of the database: `grant create on database {} to {user}`; tables and schemas that are to be loaded must belong to `{user}`",
                settings.database
            ),
        ),
        c if *c == SqlState::INVALID_CATALOG_NAME => (
            ErrorKind::Configuration,
            false,
            format!("make it: `create database {} owner {user}`", settings.database),
        ),
        c if *c == SqlState::DISK_FULL => (
            ErrorKind::TargetRefused,
            false,
            "make room on the server's disk, then publish again: what was staged is gone, and nothing else changed".to_owned(),
        ),
        c if *c == SqlState::OUT_OF_MEMORY => {
            (ErrorKind::TargetRefused, false, "give the server memory, then publish again".to_owned())
        }
        c if *c == SqlState::LOCK_NOT_AVAILABLE => (
            ErrorKind::TargetRefused,
            false,
            "let them finish, or end them with `select pg_terminate_backend(PID)`, then publish again; `lock_wait_seconds` says how long to wait".to_owned(),
        ),
        c if *c == SqlState::QUERY_CANCELED => (
            ErrorKind::TargetRefused,
            false,
            "somebody cancelled it, or it took longer than `statement_timeout_seconds`".to_owned(),
        ),
        c if *c == SqlState::T_R_DEADLOCK_DETECTED || *c == SqlState::T_R_SERIALIZATION_FAILURE => {
            (ErrorKind::SourceUnavailable, true, "publish again".to_owned())
        }
        c if is_away(c) => (
            ErrorKind::SourceUnavailable,
            true,
            "publish again when the server is there: what was staged is kept".to_owned(),
        ),
        _ => (ErrorKind::TargetRefused, false, "publish again when this is mended".to_owned()),
    };
    let mut told = Error::new(kind, what.to_owned())
        .with_retryable(retryable)
        .with("server", server)
        .with("it said", format!("{} ({})", refused.message(), code.code()));
    if let Some(detail) = refused.detail() {
        told = told.with("detail", detail);
    }
    told.with_hint(hint).with_source(Said(format!("{} ({})", refused.message(), code.code())))
}

/// The server is there and asks to come again, or it is going away.
fn is_away(code: &SqlState) -> bool {
    code.code().starts_with("08")
        || [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ]
        .contains(code)
}

fn connection_failed(server: &str, what: &str, error: tokio_postgres::Error) -> Error {
    // Drivers say "error connecting to server" and keep the reason in the causes.
    let mut causes = Vec::new();
    let mut next: Option<&dyn std::error::Error> = Some(&error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if !causes.iter().any(|known: &String| known.contains(&text)) {
            causes.push(text);
        }
        next = cause.source();
    }
    let said = causes.join(": ");
    let lower = said.to_lowercase();
    let (kind, retryable, hint) = if lower.contains("certificate")
        || lower.contains("tls handshake")
    {
        (
            ErrorKind::Permission,
            false,
            "name the authority that signed the server's certificate with `root_certificate`, and the host as the certificate has it; `sslmode` says what is verified",
        )
    } else if lower.contains("server does not support tls") {
        (
            ErrorKind::Configuration,
            false,
            "turn on `ssl` on the server; in a network that is yours, `sslmode: disable` sends in clear",
        )
    } else if lower.contains("password missing") || lower.contains("invalid configuration") {
        (ErrorKind::Configuration, false, "the server asks for a password: set `password: ${NAME}`")
    } else {
        (
            ErrorKind::SourceUnavailable,
            true,
            "publish again when the server can be reached: what was staged is kept",
        )
    };
    Error::new(kind, what.to_owned())
        .with_retryable(retryable)
        .with("server", server)
        .with_hint(hint)
        .with_source(Said(said))
}

/// What the server or the driver said.
#[derive(Debug)]
struct Said(String);

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Said {}

/// Whether an error says that the server has no room left.
pub(super) fn is_full(error: &Error) -> bool {
    error.context().iter().any(|(_, fact)| fact.ends_with("(53100)"))
        || error.causes().iter().any(|cause| cause.ends_with("(53100)"))
}

/// Whether an error says that a key is too long for an index.
pub(super) fn is_too_long(error: &Error) -> bool {
    error.context().iter().any(|(_, fact)| fact.ends_with("(54000)"))
}
