//! One connection after its log-in: who it is, what it has set, which release it reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use datafusion::sql::sqlparser::ast::Statement;
use pgwire::api::ClientInfo;
use pgwire::error::PgWireResult;

use super::cancel::Entry;
use super::cursor::Cursor;
use super::fatal;
use super::settings::Settings;
use crate::engine::{
    Allowance, Cancel, Connection, Database, Engine, Failure, OpenRelease, PlanSettings, Planned,
    Reader, Rows, View, apart, code, plan, run,
};

/// One connection after its log-in.
pub(super) struct Session {
    engine: Arc<Engine>,
    reader: Arc<Reader>,
    database: Database,
    cancel: Arc<Cancel>,
    state: Mutex<State>,
    _connection: Connection,
    _entry: Entry,
}

/// What changes while a connection lives.
#[derive(Default)]
pub(super) struct State {
    pub(super) settings: Settings,
    /// What `SET LOCAL` changed, with what it was before.
    pub(super) local: Vec<(String, Option<String>)>,
    /// The release of the transaction that is open, from its first statement on.
    pub(super) transaction: Option<Arc<OpenRelease>>,
    pub(super) cursors: HashMap<String, Arc<tokio::sync::Mutex<Cursor>>>,
    /// What `PREPARE` named.
    pub(super) prepared: HashMap<String, (Arc<str>, Statement)>,
}

impl Session {
    pub(super) fn new(
        engine: &Arc<Engine>,
        reader: Arc<Reader>,
        database: Database,
        cancel: Arc<Cancel>,
        settings: Settings,
        connection: Connection,
        entry: Entry,
    ) -> Self {
        Self {
            engine: Arc::clone(engine),
            reader,
            database,
            cancel,
            state: Mutex::new(State { settings, ..State::default() }),
            _connection: connection,
            _entry: entry,
        }
    }

    /// The session of a client.
    ///
    /// # Errors
    /// When nobody has logged in: whatever was sent, it is not answered.
    pub(super) fn of<C: ClientInfo + ?Sized>(client: &C) -> PgWireResult<Arc<Self>> {
        client.session_extensions().get::<Self>().ok_or_else(|| {
            fatal(Failure::new(code::INVALID_AUTHORIZATION, "nobody has logged in here"))
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The release that a statement reads which begins now, as this user sees it. In a
    /// transaction it stays the same.
    pub(super) async fn view(&self, in_transaction: bool) -> Result<View, Failure> {
        let (held, wanted) = {
            let state = self.state();
            (state.transaction.clone(), state.settings.release().unwrap_or(self.database))
        };
        let release = match held {
            Some(release) => release,
            None => {
                let release = self.engine.releases.get(wanted).await?;
                if in_transaction {
                    self.state().transaction = Some(Arc::clone(&release));
                }
                release
            }
        };
        release.view(&self.reader, self.database)
    }

    /// What statements of this session may use: the shorter of what the role and what the session
    /// itself says.
    fn allowance(&self) -> Allowance {
        Allowance { timeout: self.timeout(), cancel: self.cancel.watch() }
    }

    fn timeout(&self) -> Option<Duration> {
        let own = self.state().settings.statement_timeout();
        match (own, self.reader.role.statement_timeout) {
            (Some(own), Some(role)) => Some(own.min(role)),
            (own, role) => own.or(role),
        }
    }

    /// Plans a statement over a view.
    pub(super) async fn plan(
        &self,
        view: View,
        sql: Arc<str>,
        statement: Statement,
    ) -> Result<Planned, Failure> {
        let path = self.state().settings.search_path();
        let visible = |name: &String| view.description.schemas.iter().any(|s| s.name == *name);
        let settings = PlanSettings { schema: path.into_iter().find(visible) };
        apart(&self.engine, self.allowance(), plan(view, settings, sql, statement)).await
    }

    /// Runs a planned statement.
    pub(super) fn run(&self, planned: Planned) -> Rows {
        run(&self.engine, planned, self.allowance())
    }

    /// The end of a transaction: its release, its cursors and what was set for it are over.
    pub(super) fn end_transaction(&self) -> Vec<(String, String)> {
        let mut state = self.state();
        state.transaction = None;
        state.cursors.retain(|_, cursor| match cursor.try_lock() {
            Ok(cursor) => cursor.hold,
            Err(_) => true,
        });
        let local = std::mem::take(&mut state.local);
        let mut told = Vec::new();
        for (name, before) in local.into_iter().rev() {
            told.extend(state.settings.set(&name, before.as_deref()).ok().flatten());
        }
        told
    }
}
