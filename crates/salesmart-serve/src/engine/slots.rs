//! Whose turn it is: so many statements run at a time, so many of each user.
//!
//! A user who asks much waits in the user's own queue and takes no place in that of all, so the
//! others go on. A statement whose client does not fetch gives its place to one whose client does.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places for statements.
#[derive(Debug)]
pub(super) struct Slots(Arc<Semaphore>);

/// A place of the user's and one of all.
pub(super) struct Place {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Slots {
    pub(super) fn new(places: usize) -> Arc<Self> {
        Arc::new(Self(Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)))))
    }

    async fn one(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.0).acquire_owned().await.expect("the semaphore is never closed")
    }
}

/// Waits for a turn, first among the user's statements, then among all.
pub(super) async fn turn(own: &Slots, all: &Slots) -> Place {
    let own = own.one().await;
    Place { _own: own, _all: all.one().await }
}
