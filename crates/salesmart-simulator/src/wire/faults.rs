//! What goes wrong, seeded: the same plan and the same calls give the same faults.
//!
//! Every rule counts the calls that match it for itself. Whether its nth call is hit depends on
//! the seed, the rule's place and n only, so that calls in parallel change who is hit, and never
//! how often.

use std::collections::BTreeSet;
use std::mem::discriminant;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// What goes wrong in a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// Decides which calls the probabilities hit.
    #[serde(default)]
    pub seed: u64,
    /// The rules, the first that hits wins.
    #[serde(default)]
    pub rules: Vec<FaultRule>,
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// A pattern on the path without the query; `*` is any text, slashes included.
    pub path: String,
    /// The method; none: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Which of the calls.
    pub when: When,
    /// How often at most; none: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// What happens.
    pub fault: Fault,
}

/// Which of the calls that match a rule are hit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The nth, counted from 1.
    Nth(u32),
    /// Every nth: `Every(1)` is all of them.
    Every(u32),
    /// Each with this probability.
    Probability(f64),
    /// The first call of each different path.
    FirstPerPath,
}

/// How a server tells when to come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// In so many seconds.
    Seconds(u64),
    /// At an instant so many seconds ahead of the server's clock, as an HTTP date.
    Date(u64),
    /// Not at all.
    None,
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 401: the session ended.
    Unauthorized,
    /// 403 or 429 of the system: the quota of the day is used up.
    QuotaExhausted,
    /// 429.
    TooManyRequests {
        /// How it says when to come again.
        retry_after: RetryAfter,
    },
    /// A 5xx with an HTML body.
    ServerError {
        /// The status.
        status: u16,
    },
    /// The answer stops in the middle of its body for a while.
    Slow {
        /// For how long.
        millis: u64,
    },
    /// The connection breaks within the body.
    Cut {
        /// After how much of it, in thousandths.
        after_bytes_permille: u16,
    },
    /// A cursor, locator or offset is no longer valid. Asked for by the servers, as are all below.
    ExpiredCursor,
    /// A job ends as failed.
    JobFailed,
    /// A job never ends.
    JobStuck,
    /// Rows become visible so long after their stamp.
    LateCommit {
        /// How long.
        minutes: u32,
    },
    /// A page repeats a row.
    DuplicateRows,
    /// A custom field was added.
    NewField,
    /// A custom field was removed.
    RemovedField,
    /// A custom field changed its type.
    RetypedField,
    /// A field is hidden from the user.
    HiddenField,
    /// A text holds a NUL.
    NulBytes,
    /// The server's clock is off by so much; positive: it is ahead.
    ClockSkew {
        /// By how much.
        seconds: i64,
    },
}

impl Fault {
    /// Whether the layer applies it to an answer, rather than a server to its data.
    #[must_use]
    pub fn is_transport(&self) -> bool {
        matches!(
            self,
            Fault::Unauthorized
                | Fault::QuotaExhausted
                | Fault::TooManyRequests { .. }
                | Fault::ServerError { .. }
                | Fault::Slow { .. }
                | Fault::Cut { .. }
        )
    }

    /// Its name as the plan spells it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Fault::Unauthorized => "unauthorized",
            Fault::QuotaExhausted => "quota_exhausted",
            Fault::TooManyRequests { .. } => "too_many_requests",
            Fault::ServerError { .. } => "server_error",
            Fault::Slow { .. } => "slow",
            Fault::Cut { .. } => "cut",
            Fault::ExpiredCursor => "expired_cursor",
            Fault::JobFailed => "job_failed",
            Fault::JobStuck => "job_stuck",
            Fault::LateCommit { .. } => "late_commit",
            Fault::DuplicateRows => "duplicate_rows",
            Fault::NewField => "new_field",
            Fault::RemovedField => "removed_field",
            Fault::RetypedField => "retyped_field",
            Fault::HiddenField => "hidden_field",
            Fault::NulBytes => "nul_bytes",
            Fault::ClockSkew { .. } => "clock_skew",
        }
    }
}

impl FaultPlan {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// A good mix of everything that passes: a client that retries as it should gets through.
    #[must_use]
    pub fn chaos(seed: u64) -> Self {
        let on = |path: &str, when, max, fault| FaultRule {
            path: path.to_owned(),
            method: None,
            when,
            max,
            fault,
        };
        let rule = |when, max, fault| on("*", when, max, fault);
        let retry = |retry_after| Fault::TooManyRequests { retry_after };
        // Waits are short, since a test sits through them.
        Self {
            seed,
            rules: vec![
                rule(When::Nth(7), Some(1), retry(RetryAfter::Seconds(1))),
                rule(When::Nth(12), Some(1), retry(RetryAfter::Date(1))),
                // Not where tokens come from: there a 401 means the secret is wrong.
                on("/services/data/*", When::Probability(0.01), Some(6), Fault::Unauthorized),
                on("/crm/*", When::Probability(0.01), Some(6), Fault::Unauthorized),
                rule(When::Probability(0.01), Some(4), retry(RetryAfter::None)),
                rule(When::Probability(0.015), None, Fault::ServerError { status: 503 }),
                rule(When::Probability(0.01), None, Fault::ServerError { status: 502 }),
                rule(When::Probability(0.005), None, Fault::ServerError { status: 500 }),
                rule(When::Probability(0.02), None, Fault::Cut { after_bytes_permille: 500 }),
                rule(When::Probability(0.01), None, Fault::Cut { after_bytes_permille: 990 }),
                rule(When::Probability(0.02), None, Fault::Slow { millis: 50 }),
                rule(When::Probability(0.02), Some(5), Fault::ExpiredCursor),
                rule(When::Probability(0.1), None, Fault::DuplicateRows),
            ],
        }
    }

    /// The plan with one more rule: every call of `path`, for ever.
    #[must_use]
    pub fn always(self, path: &str, fault: Fault) -> Self {
        self.with(path, When::Every(1), None, fault)
    }

    /// The plan with one more rule.
    #[must_use]
    pub fn with(mut self, path: &str, when: When, max: Option<u32>, fault: Fault) -> Self {
        self.rules.push(FaultRule { path: path.to_owned(), method: None, when, max, fault });
        self
    }
}

/// The plan that holds, with its counters. Clones are the same state.
#[derive(Clone, Debug)]
pub struct FaultState(Arc<Mutex<Counted>>);

#[derive(Debug)]
struct Counted {
    seed: u64,
    rules: Vec<CountedRule>,
}

#[derive(Debug)]
struct CountedRule {
    rule: FaultRule,
    matched: u64,
    hits: u32,
    paths: BTreeSet<String>,
}

impl From<FaultPlan> for FaultState {
    fn from(plan: FaultPlan) -> Self {
        Self(Arc::new(Mutex::new(Counted::from(plan))))
    }
}

impl From<FaultPlan> for Counted {
    fn from(plan: FaultPlan) -> Self {
        let counted = |rule| CountedRule { rule, matched: 0, hits: 0, paths: BTreeSet::new() };
        Self { seed: plan.seed, rules: plan.rules.into_iter().map(counted).collect() }
    }
}

impl FaultState {
    /// Replaces the plan; counting begins anew.
    pub fn set(&self, plan: FaultPlan) {
        *self.lock() = Counted::from(plan);
    }

    /// The plan that holds.
    #[must_use]
    pub fn plan(&self) -> FaultPlan {
        let state = self.lock();
        FaultPlan {
            seed: state.seed,
            rules: state.rules.iter().map(|counted| counted.rule.clone()).collect(),
        }
    }

    /// Whether there is a rule with a fault of this kind, whatever it says of calls. For faults
    /// that are a state of the system rather than of a call, such as [`Fault::NewField`].
    #[must_use]
    pub fn is_on(&self, kind: &Fault) -> bool {
        self.find(kind).is_some()
    }

    /// The fault of this kind with its figures, as [`FaultState::is_on`].
    #[must_use]
    pub fn find(&self, kind: &Fault) -> Option<Fault> {
        let state = self.lock();
        let mut faults = state.rules.iter().map(|counted| counted.rule.fault);
        faults.find(|fault| discriminant(fault) == discriminant(kind))
    }

    /// Whether this call has a fault of this kind; counts the call. For the faults in data that
    /// hit single calls, such as [`Fault::ExpiredCursor`].
    #[must_use]
    pub fn asked(&self, method: &str, path: &str, kind: &Fault) -> bool {
        self.hit(method, path, |fault| discriminant(fault) == discriminant(kind)).is_some()
    }

    /// The transport fault of this call, if it has one; counts the call.
    pub(super) fn transport(&self, method: &str, path: &str) -> Option<Fault> {
        self.hit(method, path, Fault::is_transport)
    }

    fn hit(&self, method: &str, path: &str, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut state = self.lock();
        let seed = state.seed;
        let mut found = None;
        // Every rule counts every call, hit already or not: so rules do not disturb each other.
        for (place, counted) in (0_u64..).zip(state.rules.iter_mut()) {
            if wanted(&counted.rule.fault) && counted.matches(method, path) {
                let hit = counted.count(seed, place, path);
                if hit && found.is_none() {
                    counted.hits += 1;
                    found = Some(counted.rule.fault);
                }
            }
        }
        found
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CountedRule {
    fn matches(&self, method: &str, path: &str) -> bool {
        self.rule.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && glob(self.rule.path.as_bytes(), path.as_bytes())
    }

    /// Counts a matching call and tells whether it is hit.
    fn count(&mut self, seed: u64, place: u64, path: &str) -> bool {
        self.matched += 1;
        let hit = match self.rule.when {
            When::Nth(n) => self.matched == u64::from(n),
            When::Every(n) => n > 0 && self.matched.is_multiple_of(u64::from(n)),
            When::Probability(p) => draw(seed, place, self.matched) < p,
            When::FirstPerPath => self.paths.insert(path.to_owned()),
        };
        hit && self.rule.max.is_none_or(|max| self.hits < max)
    }
}

/// A number between 0 and 1 for the nth call of a rule.
fn draw(seed: u64, place: u64, n: u64) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(place << 40 | n);
    rng.random()
}

/// Whether a pattern with `*` matches the whole text.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skip| glob(rest, &text[skip..])),
        Some((first, rest)) => {
            text.split_first().is_some_and(|(byte, tail)| byte == first && glob(rest, tail))
        }
    }
}
