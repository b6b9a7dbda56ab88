//! What is kept for clients between two of their calls: queries that were planned and not fetched,
//! statements that were prepared.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use datafusion::scalar::ScalarValue;

use crate::auth::random_text;
use crate::engine::Planned;

/// How long a query waits to be fetched.
const PATIENCE: Duration = Duration::from_secs(600);
/// How long a statement is kept that nobody closes.
const STATEMENTS: Duration = Duration::from_secs(3_600);
/// Queries, and statements, that are kept for all users together.
const MOST: usize = 10_000;

/// A statement that a client prepared, with the values bound last.
#[derive(Clone)]
pub(super) struct Prepared(Arc<(String, Mutex<Vec<ScalarValue>>)>);

impl Prepared {
    pub(super) fn new(sql: String) -> Self {
        Self(Arc::new((sql, Mutex::default())))
    }

    pub(super) fn sql(&self) -> &str {
        &self.0.0
    }

    pub(super) fn values(&self) -> Vec<ScalarValue> {
        self.0.1.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Something of one user, since when.
struct Of<T> {
    user: String,
    since: Instant,
    what: T,
}

struct Shelf<T>(Mutex<HashMap<String, Of<T>>>, Duration);

impl<T> Shelf<T> {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Of<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, user: &str, what: T) -> String {
        // A machine without random numbers could not have let anybody in.
        let handle = random_text().unwrap_or_default();
        let mut all = self.all();
        all.retain(|_, of| of.since.elapsed() < self.1);
        if all.len() >= MOST
            && let Some(oldest) = all.iter().min_by_key(|(_, of)| of.since).map(|(h, _)| h.clone())
        {
            all.remove(&oldest);
        }
        all.insert(handle.clone(), Of { user: user.to_owned(), since: Instant::now(), what });
        handle
    }

    fn take(&self, user: &str, handle: &[u8]) -> Option<T> {
        let handle = std::str::from_utf8(handle).ok()?;
        let mut all = self.all();
        if all.get(handle)?.user != user {
            return None;
        }
        all.remove(handle).map(|of| of.what)
    }
}

/// What is kept between two calls.
pub(super) struct Kept {
    queries: Shelf<Planned>,
    statements: Shelf<Prepared>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            queries: Shelf(Mutex::default(), PATIENCE),
            statements: Shelf(Mutex::default(), STATEMENTS),
        }
    }
}

impl Kept {
    pub(super) fn keep_query(&self, user: &str, planned: Planned) -> String {
        self.queries.put(user, planned)
    }

    /// A query is fetched once.
    pub(super) fn take_query(&self, user: &str, handle: &[u8]) -> Option<Planned> {
        self.queries.take(user, handle)
    }

    pub(super) fn prepare(&self, user: &str, prepared: Prepared) -> String {
        self.statements.put(user, prepared)
    }

    pub(super) fn prepared(&self, user: &str, handle: &[u8]) -> Option<Prepared> {
        let handle = std::str::from_utf8(handle).ok()?;
        let all = self.statements.all();
        all.get(handle).filter(|of| of.user == user).map(|of| of.what.clone())
    }

    /// Binds values; says whether there is such a statement.
    pub(super) fn bind(&self, user: &str, handle: &[u8], values: Vec<ScalarValue>) -> bool {
        match self.prepared(user, handle) {
            Some(prepared) => {
                *prepared.0.1.lock().unwrap_or_else(PoisonError::into_inner) = values;
                true
            }
            None => false,
        }
    }

    pub(super) fn close(&self, user: &str, handle: &[u8]) {
        self.statements.take(user, handle);
    }
}
