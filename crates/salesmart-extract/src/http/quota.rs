//! Our share of a source's daily quota.

use std::sync::{Mutex, PoisonError};

use salesmart_core::{Error, ErrorKind, Result};

/// How much of a source's daily quota may be used before we stop, so that its other users keep
/// theirs.
#[derive(Debug)]
pub struct QuotaBudget {
    share: f64,
    seen: Mutex<Option<(u64, u64)>>,
}

impl QuotaBudget {
    /// A budget of a share of the quota, from 0 to 1.
    #[must_use]
    pub fn new(share: f64) -> Self {
        Self {
            share: if share.is_nan() { 1.0 } else { share.clamp(0.0, 1.0) },
            seen: Mutex::new(None),
        }
    }

    /// Takes what a reply says: how much everybody has used of how much.
    pub fn observe(&self, used: u64, limit: u64) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some((used, limit));
    }

    /// What was seen last: used, and the limit.
    #[must_use]
    pub fn seen(&self) -> Option<(u64, u64)> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether to go on. Yes as long as nothing was seen.
    ///
    /// # Errors
    /// [`ErrorKind::QuotaExhausted`] when the budget is used up, with what was used of what.
    #[expect(
        clippy::cast_precision_loss,
        reason = "quotas are far below 2^52, and a share is not exact anyway"
    )]
    pub fn check(&self) -> Result<()> {
        match self.seen() {
            Some((used, limit)) if limit > 0 && used as f64 >= self.share * limit as f64 => {
                Err(self.exhausted(used, limit))
            }
            _ => Ok(()),
        }
    }

    fn exhausted(&self, used: u64, limit: u64) -> Error {
        let percent = (self.share * 100.0).round();
        Error::new(
            ErrorKind::QuotaExhausted,
            "the source's requests for the day are used up as far as we may",
        )
        .with("used", format!("{used} of {limit} requests, by everybody"))
        .with("share", format!("{percent} %"))
        .with_state("what was read so far is kept")
        .with_hint(
            "the next run goes on from here once the quota is free again; \
             allow a larger share in the connection, or run less often",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_ends_at_its_share() {
        let budget = QuotaBudget::new(0.8);
        assert!(budget.check().is_ok());
        budget.observe(3_999, 5_000);
        assert!(budget.check().is_ok());
        budget.observe(4_000, 5_000);
        let error = budget.check().expect_err("the share is used");
        assert_eq!(error.kind(), ErrorKind::QuotaExhausted);
        assert!(format!("{error:#}").contains("4000 of 5000"), "{error:#}");
        // The day is over.
        budget.observe(0, 5_000);
        assert!(budget.check().is_ok());
        budget.observe(7, 0);
        assert!(budget.check().is_ok(), "a limit of nothing is no limit");
    }
}
