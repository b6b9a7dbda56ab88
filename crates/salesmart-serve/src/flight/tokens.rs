//! Who has logged in: a token stands for user and password, for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::auth::random_text;
use crate::engine::{Connection, Failure, Reader, code};

/// How long a token is good that nobody uses.
const IDLE: Duration = Duration::from_secs(3_600);

/// Somebody who has logged in.
pub(super) struct Session {
    pub(super) reader: Arc<Reader>,
    used: Mutex<Instant>,
    _connection: Connection,
}

impl Session {
    fn used(&self) -> MutexGuard<'_, Instant> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tokens that are good.
#[derive(Default)]
pub(super) struct Tokens(Mutex<HashMap<String, Arc<Session>>>);

impl Tokens {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token for somebody who has proven who it is. It takes one of the user's connections;
    /// where none is left, the one that was not used for the longest time.
    ///
    /// # Errors
    /// 53300 when all are in use.
    pub(super) fn begin(&self, reader: Arc<Reader>) -> Result<String, Failure> {
        let token = random_text()
            .map_err(|_| Failure::new(code::INTERNAL, "the machine gives no random numbers"))?;
        let mut all = self.all();
        all.retain(|_, session| session.used().elapsed() < IDLE);
        let connection = match reader.connect() {
            Ok(connection) => connection,
            Err(failure) => {
                let idle = all
                    .iter()
                    .filter(|(_, session)| session.reader.name == reader.name)
                    .filter(|(_, session)| Arc::strong_count(session) == 1)
                    .max_by_key(|(_, session)| session.used().elapsed())
                    .map(|(token, _)| token.clone());
                match idle {
                    Some(token) => all.remove(&token),
                    None => return Err(failure),
                };
                reader.connect()?
            }
        };
        let session = Session { reader, used: Mutex::new(Instant::now()), _connection: connection };
        all.insert(token.clone(), Arc::new(session));
        Ok(token)
    }

    /// Whose token it is.
    pub(super) fn find(&self, token: &str) -> Option<Arc<Session>> {
        let session = self.all().get(token).cloned()?;
        let mut used = session.used();
        if used.elapsed() >= IDLE {
            return None;
        }
        *used = Instant::now();
        drop(used);
        Some(session)
    }
}
