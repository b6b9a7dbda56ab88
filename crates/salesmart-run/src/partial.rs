//! Whether a run in which streams failed goes on, and how it ends.
//!
//! Streams fail alone. What the source did not give tonight, it may give tomorrow: such a run goes
//! on with what has landed, is marked partial, and says so with its exit code. A failure that a
//! person must look at first (rows that do not fit, a defect) ends it before anything is built.

use salesmart_core::{ConnectionName, Error, ErrorKind, StreamName};

/// One stream, or one connection, that failed.
pub(crate) struct StreamFailure {
    pub(crate) connection: ConnectionName,
    /// `None`: all of them.
    pub(crate) stream: Option<StreamName>,
    pub(crate) error: Error,
    /// Whether it failed because the source has rows that were not landed.
    pub(crate) lost_rows: bool,
}

impl StreamFailure {
    /// Whether the other streams may be modelled and published without this one.
    fn is_excused(&self) -> bool {
        match self.error.kind() {
            ErrorKind::SourceUnavailable
            | ErrorKind::Permission
            | ErrorKind::SchemaChanged
            | ErrorKind::QuotaExhausted => true,
            ErrorKind::CheckFailed => self.lost_rows,
            ErrorKind::Configuration
            | ErrorKind::TargetRefused
            | ErrorKind::LeaseHeld
            | ErrorKind::Partial
            | ErrorKind::Interrupted
            | ErrorKind::Bug => false,
        }
    }
}

/// What the failures of a stage come to.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// There are none.
    Whole,
    /// The run goes on; this is what it ends with.
    Partial(Error),
    /// The run ends here.
    Failed(Error),
}

/// Judges the failures of a stage in which `succeeded` streams did not fail. `verb` is what
/// happened to those, such as `landed`; `readers` is what readers see if the run ends here.
pub(crate) fn judge(
    failures: Vec<StreamFailure>,
    succeeded: usize,
    verb: &str,
    readers: &str,
) -> Verdict {
    if failures.is_empty() {
        return Verdict::Whole;
    }
    let excused = failures.iter().all(StreamFailure::is_excused);
    if !excused || succeeded == 0 {
        let state = match succeeded {
            0 => readers.to_owned(),
            1 => format!("1 other stream {verb} and keeps its rows; {readers}"),
            many => format!("{many} other streams {verb} and keep their rows; {readers}"),
        };
        // What keeps the run from going on comes first: it gives the exit code.
        let (last, first): (Vec<_>, Vec<_>) =
            failures.into_iter().partition(StreamFailure::is_excused);
        let errors =
            first.into_iter().chain(last).map(|failure| failure.error.with_state(state.clone()));
        return match Error::many(errors.collect()) {
            Some(error) => Verdict::Failed(error),
            None => Verdict::Whole,
        };
    }
    let quota = failures.iter().all(|f| f.error.kind() == ErrorKind::QuotaExhausted);
    let failed = failures.len();
    let what = match failures.as_slice() {
        [only] => match &only.stream {
            Some(stream) => format!("stream `{stream}` of connection `{}`", only.connection),
            None => format!("connection `{}`", only.connection),
        },
        _ => {
            let connections = failures.iter().filter(|f| f.stream.is_none()).count();
            let streams = failed - connections;
            let count = |n: usize, one: &str| match n {
                0 => None,
                1 => Some(format!("1 {one}")),
                n => Some(format!("{n} {one}s")),
            };
            let parts = [count(streams, "stream"), count(connections, "connection")];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" and ")
        }
    };
    let rest = match succeeded {
        1 => format!("the other one {verb}"),
        many => format!("the other {many} {verb}"),
    };
    let (kind, message, hint) = if quota {
        (
            ErrorKind::QuotaExhausted,
            format!("the source's quota is used up for {what}, {rest}"),
            "run again when the quota is there again: the run goes on where this one stopped",
        )
    } else {
        (
            ErrorKind::Partial,
            format!("{what} failed, {rest}"),
            "each failure below says what to do; the next run goes on where each stream stopped",
        )
    };
    let summary = Error::new(kind, message).with_hint(hint);
    let errors = std::iter::once(summary).chain(failures.into_iter().map(|f| f.error)).collect();
    match Error::many(errors) {
        Some(error) => Verdict::Partial(error),
        None => Verdict::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(stream: &str, kind: ErrorKind) -> StreamFailure {
        StreamFailure {
            connection: ConnectionName::new("crm").unwrap(),
            stream: (!stream.is_empty()).then(|| StreamName::new(stream).unwrap()),
            error: Error::new(kind, "it failed"),
            lost_rows: false,
        }
    }

    fn told(failures: Vec<StreamFailure>, succeeded: usize) -> (u8, String) {
        match judge(failures, succeeded, "landed", "nothing was published") {
            Verdict::Whole => (0, String::new()),
            Verdict::Partial(error) => (error.kind().exit_code(), error.message().to_owned()),
            Verdict::Failed(error) => {
                (error.kind().exit_code(), error.state().unwrap_or_default().to_owned())
            }
        }
    }

    #[test]
    fn what_a_source_withholds_makes_a_run_partial() {
        assert_eq!(told(Vec::new(), 3), (0, String::new()));
        for kind in [ErrorKind::SourceUnavailable, ErrorKind::Permission, ErrorKind::SchemaChanged]
        {
            let (code, message) = told(vec![failure("deals", kind)], 2);
            assert_eq!(code, 10);
            assert_eq!(message, "stream `deals` of connection `crm` failed, the other 2 landed");
        }
        let mixed = vec![
            failure("deals", ErrorKind::QuotaExhausted),
            failure("leads", ErrorKind::Permission),
            failure("", ErrorKind::SourceUnavailable),
        ];
        assert_eq!(
            told(mixed, 1),
            (10, "2 streams and 1 connection failed, the other one landed".to_owned())
        );
    }

    #[test]
    fn a_quota_that_is_used_up_has_an_exit_code_of_its_own() {
        let quota = || failure("deals", ErrorKind::QuotaExhausted);
        assert_eq!(told(vec![quota(), quota()], 1).0, 11);
        assert_eq!(told(vec![quota()], 0).0, 11, "with nothing landed the run fails by it");
    }

    #[test]
    fn what_a_person_must_look_at_ends_the_run_and_comes_first() {
        for kind in [ErrorKind::CheckFailed, ErrorKind::Configuration, ErrorKind::Bug] {
            let failures = vec![failure("deals", ErrorKind::Permission), failure("leads", kind)];
            let (code, state) = told(failures, 4);
            assert_eq!(code, kind.exit_code());
            assert_eq!(state, "4 other streams landed and keep their rows; nothing was published");
        }
    }

    #[test]
    fn rows_that_were_lost_make_a_run_partial_and_never_green() {
        let lost = StreamFailure { lost_rows: true, ..failure("deals", ErrorKind::CheckFailed) };
        assert_eq!(told(vec![lost], 1).0, 10);
    }
}
