//! Who may cancel what: a connection's number and its secret.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::constant_time;
use pgwire::api::cancel::CancelHandler;
use pgwire::messages::ProtocolVersion;
use pgwire::messages::cancel::CancelRequest;
use pgwire::messages::startup::SecretKey;

use crate::engine::Cancel;

/// What a request to cancel has to know, and what it cancels; by the connection's number.
type Open = HashMap<i32, (Vec<u8>, Arc<Cancel>)>;

/// The connections whose statements can be cancelled.
#[derive(Default)]
pub(crate) struct Registry {
    next: AtomicI32,
    open: Mutex<Open>,
}

/// A connection's entry, as long as it lives.
pub(super) struct Entry {
    registry: Arc<Registry>,
    pid: i32,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.registry.open().remove(&self.pid);
    }
}

impl Registry {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a connection in.
    pub(super) fn register(
        self: &Arc<Self>,
        version: ProtocolVersion,
        cancel: Arc<Cancel>,
    ) -> (i32, SecretKey, Entry) {
        let pid = self.next.fetch_add(1, Ordering::Relaxed) & i32::MAX;
        let secret = match version {
            ProtocolVersion::PROTOCOL3_0 => SecretKey::I32(rand_i32()),
            _ => SecretKey::Bytes(random::<32>().to_vec().into()),
        };
        self.open().insert(pid, (secret.to_bytes().to_vec(), cancel));
        (pid, secret, Entry { registry: Arc::clone(self), pid })
    }

    /// Cancels whatever runs.
    pub(crate) fn cancel_all(&self) {
        for (_, cancel) in self.open().values() {
            cancel.cancel();
        }
    }

    /// Open connections.
    pub(crate) fn count(&self) -> usize {
        self.open().len()
    }
}

/// Random bytes. Where the machine has none, a secret that was never told fits nobody's request.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        tracing::error!("the machine gives no random numbers: cancelling may not work");
    }
    bytes
}

fn rand_i32() -> i32 {
    i32::from_be_bytes(random::<4>())
}

#[async_trait]
impl CancelHandler for Registry {
    async fn on_cancel_request(&self, request: CancelRequest) {
        let secret = request.secret_key.to_bytes();
        if let Some((expected, cancel)) = self.open().get(&request.pid)
            && constant_time::verify_slices_are_equal(expected, &secret).is_ok()
        {
            cancel.cancel();
        }
    }
}
