//! The channel between a connector and what takes its rows.

use salesmart_core::{Error, ErrorKind, Result};
use tokio::sync::mpsc;

use crate::Event;

/// The sending end: waits while the receiver is busy, so that memory stays bounded by a few
/// batches.
#[derive(Clone, Debug)]
pub struct Outlet(mpsc::Sender<Event>);

/// A channel that holds at most `capacity` events.
#[must_use]
pub fn channel(capacity: usize) -> (Outlet, mpsc::Receiver<Event>) {
    let (sender, receiver) = mpsc::channel(capacity);
    (Outlet(sender), receiver)
}

/// The receiver stopped first; its own error says why, so this one only ends the reading.
fn receiver_gone() -> Error {
    Error::new(ErrorKind::Interrupted, "the receiving stage stopped")
}

impl Outlet {
    /// Sends one event.
    ///
    /// # Errors
    /// When the receiver is gone, because landing failed or the run was stopped.
    pub async fn send(&self, event: Event) -> Result<()> {
        self.0.send(event).await.map_err(|_| receiver_gone())
    }

    /// Sends one event from a thread that may block.
    ///
    /// # Errors
    /// When the receiver is gone.
    pub fn blocking_send(&self, event: Event) -> Result<()> {
        self.0.blocking_send(event).map_err(|_| receiver_gone())
    }
}
