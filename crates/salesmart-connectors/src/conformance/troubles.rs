//! What every connector does with a source that fails: waits out what passes, inside a budget, and
//! stops at once where waiting does not help.

use salesmart_core::ErrorKind;

use super::behaviours::{compare, described, good};
use super::fold::{State, apply};
use super::{Account, Trouble, read};

/// What passes if one waits or asks again.
pub(super) const TRANSIENT: [Trouble; 7] = [
    Trouble::Throttled,
    Trouble::ThrottledUntil,
    Trouble::ServerErrors,
    Trouble::TokenExpires,
    Trouble::CutBodies,
    Trouble::Duplicates,
    Trouble::CursorExpires,
];

/// How many calls are few enough not to be hammering: signing in, its second try, and discovering.
const FEW: usize = 8;

pub(super) async fn what_passes_is_waited_out<A: Account>(account: &A, trouble: Trouble) {
    if !account.make(trouble).await {
        return;
    }
    let reading = good(account, None).await;
    account.make(Trouble::None).await;
    let mut state = State::new();
    apply(&mut state, &described(account).await, &reading.events);
    compare(account, &state, &format!("{trouble:?}")).await;
}

pub(super) async fn a_quota_is_respected_and_the_next_run_goes_on<A: Account>(account: &A) {
    if !account.make(Trouble::Quota).await {
        return;
    }
    let (result, reading) = read(&account.connector(), &account.stream(), None).await;
    let error = result.expect_err("the quota is used up");
    assert_eq!(error.kind(), ErrorKind::QuotaExhausted, "{error:?}");
    account.make(Trouble::None).await;
    let spec = described(account).await;
    let mut state = State::new();
    apply(&mut state, &spec, &reading.events);
    let rest = good(account, reading.cursor()).await;
    apply(&mut state, &spec, &rest.events);
    compare(account, &state, "after the quota came back").await;
}

pub(super) async fn a_refusal_is_not_hammered<A: Account>(account: &A) {
    if !account.make(Trouble::Refused).await {
        return;
    }
    let before = account.calls();
    let (result, _) = read(&account.connector(), &account.stream(), None).await;
    let error = result.expect_err("nobody is let in");
    assert_eq!(error.kind(), ErrorKind::Permission, "{error:?}");
    assert!(error.hint().is_some(), "says what to grant: {error:?}");
    let calls = account.calls() - before;
    assert!(calls <= FEW, "{calls} calls");
}

pub(super) async fn waiting_has_an_end<A: Account>(account: &A) {
    if !account.make(Trouble::Down).await {
        return;
    }
    let (result, _) = read(&account.connector(), &account.stream(), None).await;
    let error = result.expect_err("it is down");
    assert_eq!(error.kind(), ErrorKind::SourceUnavailable, "{error:?}");
    assert!(error.is_retryable(), "trying later may help: {error:?}");
}
