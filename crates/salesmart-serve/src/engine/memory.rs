//! How much memory a statement may take, alone and beside the others.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool, MemoryReservation};

/// An amount of memory and what is taken of it.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    taken: AtomicUsize,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, taken: AtomicUsize::new(0) })
    }

    fn try_take(&self, bytes: usize) -> bool {
        let fits = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    fn take(&self, bytes: usize) {
        self.taken.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&self, bytes: usize) {
        let rest = |taken: usize| Some(taken.saturating_sub(bytes));
        // The closure never refuses.
        let _ = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, rest);
    }

    fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

/// The memory of one statement: its own budget, and its share of that of all.
#[derive(Debug)]
pub(super) struct StatementMemory {
    own: Budget,
    all: Arc<Budget>,
}

impl StatementMemory {
    pub(super) fn new(limit: usize, all: &Arc<Budget>) -> Arc<Self> {
        Arc::new(Self { own: Budget { limit, taken: AtomicUsize::new(0) }, all: Arc::clone(all) })
    }
}

impl Drop for StatementMemory {
    /// What a statement that was stopped in the middle did not give back itself.
    fn drop(&mut self) {
        self.all.give_back(self.own.taken());
    }
}

impl fmt::Display for StatementMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.own.taken(), self.own.limit)
    }
}

impl MemoryPool for StatementMemory {
    fn name(&self) -> &str {
        "statement"
    }

    fn grow(&self, _: &MemoryReservation, additional: usize) {
        self.own.take(additional);
        self.all.take(additional);
    }

    fn shrink(&self, _: &MemoryReservation, shrink: usize) {
        self.own.give_back(shrink);
        self.all.give_back(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let refused = |whose: &str, limit: usize| {
            DataFusionError::ResourcesExhausted(format!(
                "{} asked for {additional} bytes more; {whose} {limit} bytes",
                reservation.consumer().name(),
            ))
        };
        if !self.own.try_take(additional) {
            return Err(refused("a statement of this role has", self.own.limit));
        }
        if !self.all.try_take(additional) {
            self.own.give_back(additional);
            return Err(refused("all statements together have", self.all.limit));
        }
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.own.taken()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.own.limit)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::execution::memory_pool::MemoryConsumer;

    use super::*;

    #[test]
    fn a_statement_stays_within_its_own_limit_and_within_that_of_all() {
        let all = Budget::new(150);
        let one: Arc<dyn MemoryPool> = StatementMemory::new(100, &all);
        let two: Arc<dyn MemoryPool> = StatementMemory::new(100, &all);
        let first = MemoryConsumer::new("first").register(&one);
        let second = MemoryConsumer::new("second").register(&two);
        first.try_grow(100).unwrap();
        assert!(first.try_grow(1).is_err(), "its own limit");
        assert!(second.try_grow(51).is_err(), "the limit of all");
        second.try_grow(50).unwrap();
        drop(first);
        drop(one);
        second.try_grow(50).unwrap();
        drop(second);
        drop(two);
        assert_eq!(all.taken(), 0, "everything is given back");
    }
}
