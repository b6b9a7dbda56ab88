//! The engine of the server: releases that are open, who may see what of them, statements within
//! limits. It knows no wire protocol.

mod bounds;
mod description;
mod explained;
mod failure;
mod memory;
mod plan;
mod releases;
mod shape;
mod slots;
mod statement;
mod view;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use description::{COMMENT, Description, SchemaDescription, TableDescription};
pub(crate) use failure::{Failure, code};
use memory::Budget;
pub(crate) use plan::{PlanSettings, Planned, plan};
pub(crate) use releases::{OpenRelease, Releases};
use salesmart_config::serve::{Limits, Role, Serve};
use salesmart_lake::Lake;
use salesmart_model::{BusinessSettings, Catalog};
pub(crate) use shape::parse;
use slots::Slots;
pub(crate) use statement::{Allowance, Cancel, Rows, apart, run};
pub(crate) use view::{Database, View};

/// Who asks.
#[derive(Debug)]
pub(crate) struct Reader {
    /// The name that was proven.
    pub(crate) name: String,
    /// The role's name.
    pub(crate) role_name: String,
    /// What the role may see and use.
    pub(crate) role: Role,
    /// The places of this user's statements, over all connections.
    slots: Arc<Slots>,
    /// This user's open connections.
    connections: AtomicUsize,
}

/// A connection that counts against its user's limit as long as it lives.
pub(crate) struct Connection(Arc<Reader>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Reader {
    /// Takes one of the user's connections.
    ///
    /// # Errors
    /// 53300 when all are taken.
    pub(crate) fn connect(self: &Arc<Self>) -> Result<Connection, Failure> {
        let taken = self.connections.fetch_add(1, Ordering::SeqCst);
        let connection = Connection(Arc::clone(self));
        if taken < self.role.connections {
            return Ok(connection);
        }
        Err(Failure::new(
            code::TOO_MANY_CONNECTIONS,
            format!("too many connections for user \"{}\"", self.name),
        )
        .with_detail(format!(
            "The role \"{}\" has {} connections a user.",
            self.role_name, self.role.connections
        )))
    }
}

/// What all connections share.
pub(crate) struct Engine {
    pub(crate) releases: Releases,
    readers: Mutex<BTreeMap<String, Arc<Reader>>>,
    config: Serve,
    slots: Arc<Slots>,
    memory: Arc<Budget>,
    /// Where statements are planned and run, so that answering the network never waits for one.
    pub(crate) statements: tokio::runtime::Handle,
}

impl Engine {
    /// An engine over a lake. `statements` is the runtime on which statements run.
    pub(crate) fn new(
        lake: Lake,
        catalog: Arc<Catalog>,
        business: BusinessSettings,
        config: Serve,
        statements: tokio::runtime::Handle,
    ) -> Self {
        let Limits { statements: at_a_time, memory, .. } = config.limits;
        Self {
            releases: Releases::new(lake, catalog, business),
            readers: Mutex::default(),
            config,
            slots: Slots::new(at_a_time),
            memory: Budget::new(memory),
            statements,
        }
    }

    /// How the server was configured.
    pub(crate) fn config(&self) -> &Serve {
        &self.config
    }

    /// The user of that name, once it is proven that it is that user.
    ///
    /// # Errors
    /// 28000 when there is none.
    pub(crate) fn reader(&self, name: &str) -> Result<Arc<Reader>, Failure> {
        let trusting = self.config.authentication
            == salesmart_config::serve::Authentication::TrustEverybodyWhoReachesThePort;
        let role_name = match self.config.users.get(name) {
            Some(user) => user.role.as_str(),
            None if trusting => salesmart_config::serve::READER,
            None => {
                return Err(Failure::new(
                    code::INVALID_AUTHORIZATION,
                    format!("role \"{name}\" does not exist"),
                ));
            }
        };
        let role = self.config.roles.get(role_name).cloned().unwrap_or_default();
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        // Names that nobody has to prove must not fill the memory.
        if readers.len() > self.config.users.len() + self.config.limits.connections {
            readers.retain(|_, reader| reader.connections.load(Ordering::SeqCst) > 0);
        }
        let reader = readers.entry(name.to_owned()).or_insert_with(|| {
            Arc::new(Reader {
                name: name.to_owned(),
                role_name: role_name.to_owned(),
                slots: Slots::new(role.statements),
                connections: AtomicUsize::new(0),
                role,
            })
        });
        Ok(Arc::clone(reader))
    }
}
