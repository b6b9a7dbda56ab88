//! A hook for the tests that kill the process between any two durable steps.
//!
//! With `SALESMART_CRASH_AFTER_WRITES=n` in the environment the process aborts, as `kill -9`
//! would end it, right after its n-th durable write (a Delta commit or a document). Without the
//! variable this costs one atomic addition.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static WRITES: AtomicU64 = AtomicU64::new(0);

fn limit() -> Option<u64> {
    static LIMIT: OnceLock<Option<u64>> = OnceLock::new();
    *LIMIT.get_or_init(|| std::env::var("SALESMART_CRASH_AFTER_WRITES").ok()?.parse().ok())
}

/// Counts one durable write, and ends the process if a test asked for it here.
pub(crate) fn after_write(what: &str) {
    let count = WRITES.fetch_add(1, Ordering::SeqCst) + 1;
    if limit() == Some(count) {
        tracing::error!(target: "lake", "crash test: aborting after durable write {count} ({what})");
        std::process::abort();
    }
}

/// How many durable writes this process has made.
#[must_use]
pub fn writes() -> u64 {
    WRITES.load(Ordering::SeqCst)
}
