//! What looking at a connected system says, without reading from it or writing to it.

use serde::Serialize;

use crate::{Error, ErrorKind};

/// One thing that `check --connections` found out about a connection or a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was looked at, such as ``stream `deals`: 3 files, 1.2 MB``.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// What kind of failure it is, where it is one.
    pub kind: Option<ErrorKind>,
}

impl Finding {
    /// Something that is as it should be.
    #[must_use]
    pub fn good(message: impl Into<String>) -> Self {
        Self { ok: true, message: message.into(), hint: None, kind: None }
    }

    /// Something that works, and that a person may want to change.
    #[must_use]
    pub fn note(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..Self::good(message) }
    }

    /// Something that is missing or refused: a run would fail by it, or lack something.
    #[must_use]
    pub fn unmet(kind: ErrorKind, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { ok: false, message: message.into(), hint: Some(hint.into()), kind: Some(kind) }
    }

    /// An error about `subject`, with the facts that it carries.
    #[must_use]
    pub fn bad(subject: &str, error: &Error) -> Self {
        let mut message = format!("{subject}: {}", error.message());
        for (key, value) in error.context() {
            message.push_str(&format!("; {key}: {value}"));
        }
        for cause in error.causes() {
            message.push_str(&format!(": {cause}"));
        }
        let hint = error.hint().map(str::to_owned);
        Self { ok: false, message, hint, kind: Some(error.kind()) }
    }
}
