//! The error type every room returns.
//!
//! An error says what failed, why (the chain of causes), where (a file and line, or a connection,
//! stream and record), what state the data is in, and what to do next. The CLI renders these parts
//! (`salesmart-cli/src/report.rs`); nothing else formats errors for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The result of anything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure this is; decides the exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// What a person wrote (YAML, SQL, arguments, environment) cannot be used as it is.
    Configuration,
    /// The source, store or target refused who we are or what we may do.
    Permission,
    /// The source or store did not answer, or not in time; trying again may help.
    SourceUnavailable,
    /// What the source delivers no longer has the declared shape.
    SchemaChanged,
    /// Rows were rejected beyond the threshold, or a data check with severity `error` failed.
    CheckFailed,
    /// A publish target did not take the release.
    TargetRefused,
    /// Another run holds the pipeline's lease.
    LeaseHeld,
    /// Some streams failed, the rest landed.
    Partial,
    /// The source's quota for the day, or our share of it, is used up; the next run goes on.
    QuotaExhausted,
    /// The person or the system asked the run to stop.
    Interrupted,
    /// Something that cannot happen did: rows do not add up, an invariant is broken.
    Bug,
}

impl ErrorKind {
    /// Every kind, in the order of their exit codes.
    pub const ALL: [ErrorKind; 11] = [
        ErrorKind::Bug,
        ErrorKind::Configuration,
        ErrorKind::Permission,
        ErrorKind::SourceUnavailable,
        ErrorKind::SchemaChanged,
        ErrorKind::CheckFailed,
        ErrorKind::TargetRefused,
        ErrorKind::LeaseHeld,
        ErrorKind::Partial,
        ErrorKind::QuotaExhausted,
        ErrorKind::Interrupted,
    ];

    /// The exit code of a process that ends with this kind of error. 0 is success; 2 is left to
    /// the argument parser, which uses it for a command line it cannot read.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Bug => 1,
            ErrorKind::Configuration => 3,
            ErrorKind::Permission => 4,
            ErrorKind::SourceUnavailable => 5,
            ErrorKind::SchemaChanged => 6,
            ErrorKind::CheckFailed => 7,
            ErrorKind::TargetRefused => 8,
            ErrorKind::LeaseHeld => 9,
            ErrorKind::Partial => 10,
            ErrorKind::QuotaExhausted => 11,
            ErrorKind::Interrupted => 130,
        }
    }

    /// The kind in two or three words, as run records and tables spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Configuration => "configuration",
            ErrorKind::Permission => "permission",
            ErrorKind::SourceUnavailable => "source_unavailable",
            ErrorKind::SchemaChanged => "schema_changed",
            ErrorKind::CheckFailed => "check_failed",
            ErrorKind::TargetRefused => "target_refused",
            ErrorKind::LeaseHeld => "lease_held",
            ErrorKind::Partial => "partial",
            ErrorKind::QuotaExhausted => "quota_exhausted",
            ErrorKind::Interrupted => "interrupted",
            ErrorKind::Bug => "bug",
        }
    }
}

/// A place in a text file that a person can open. Lines and columns count from 1; 0 is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// The file, as the person would name it (relative to the project where possible).
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Location {
    /// A place known to the line.
    #[must_use]
    pub fn line(file: impl Into<String>, line: usize) -> Self {
        Self { file: file.into(), line, column: 0 }
    }

    /// A place known to the column.
    #[must_use]
    pub fn new(file: impl Into<String>, line: usize, column: usize) -> Self {
        Self { file: file.into(), line, column }
    }

    /// Reads what `Display` writes.
    fn from_text(text: &str) -> Self {
        let number = |part: Option<&str>| part.and_then(|part| part.parse::<usize>().ok());
        let mut parts = text.rsplitn(3, ':');
        let (last, middle, first) = (parts.next(), parts.next(), parts.next());
        match (number(last), number(middle), first) {
            (Some(column), Some(line), Some(file)) => Self::new(file, line, column),
            (Some(line), None, _) => {
                Self::line(text.rsplit_once(':').map_or(text, |(file, _)| file), line)
            }
            _ => Self::new(text, 0, 0),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        Ok(())
    }
}

/// What failed, why, where, in which state the data is, and what to do next.
///
/// The message is a lowercase fragment without a full stop, literals in backticks:
/// ``failed to land stream `deals` of connection `crm` ``.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    location: Option<Location>,
    context: Vec<(&'static str, String)>,
    state: Option<String>,
    hint: Option<String>,
    retryable: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    also: Vec<Error>,
}

impl Error {
    /// A new error of `kind`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            location: None,
            context: Vec::new(),
            state: None,
            hint: None,
            retryable: false,
            source: None,
            also: Vec::new(),
        }))
    }

    /// Shorthand for a [`ErrorKind::Configuration`] error.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Configuration, message)
    }

    /// Shorthand for a [`ErrorKind::Bug`] error.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Bug, message)
            .with_hint("this is a defect in Salesmart: please report it with this message")
    }

    /// Several independent errors as one. The first gives the kind; an empty list gives `None`.
    /// What the errors carry beside them comes beside the first, so that none is hidden in another.
    #[must_use]
    pub fn many(errors: Vec<Error>) -> Option<Self> {
        let mut errors = errors.into_iter().flat_map(Error::split);
        let mut first = errors.next()?;
        first.0.also = errors.collect();
        Some(first)
    }

    /// Wraps this error as the cause of a new one, which keeps its kind and retryability, and the
    /// errors beside it.
    #[must_use]
    pub fn wrap(mut self, message: impl Into<String>) -> Self {
        let mut outer = Self::new(self.kind(), message);
        outer.0.also = std::mem::take(&mut self.0.also);
        outer.0.retryable = self.0.retryable;
        // What the inner error knows and the outer does not is still the best answer there is.
        outer.0.hint.clone_from(&self.0.hint);
        outer.0.state.clone_from(&self.0.state);
        outer.0.location.clone_from(&self.0.location);
        outer.0.source = Some(Box::new(self));
        outer
    }

    /// Adds the place in a file.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.0.location = Some(location);
        self
    }

    /// Adds a fact: `connection`, `stream`, `record`, `column`, `expected` …
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((key, value.to_string()));
        self
    }

    /// Says what state the data is in, such as "nothing was landed".
    #[must_use]
    pub fn with_state(mut self, state: impl Into<String>) -> Self {
        self.0.state = Some(state.into());
        self
    }

    /// Says what to do next, in words that can be typed or followed.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Says that the same call may succeed later.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// Keeps the underlying error.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message alone.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The place in a file, where there is one.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.0.location.as_ref()
    }

    /// The facts, in the order they were added.
    #[must_use]
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.0.context
    }

    /// What state the data is in.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.0.state.as_deref()
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// The errors found beside this one.
    #[must_use]
    pub fn also(&self) -> &[Error] {
        &self.0.also
    }

    /// This error and those beside it, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Error> {
        std::iter::once(self).chain(self.0.also.iter())
    }

    /// The messages of the causes, outermost first, without repeating a text that the one before
    /// already contains.
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        let mut causes: Vec<String> = Vec::new();
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            // Walk our own errors by message only: their facts are collected by the renderer.
            let text = cause
                .downcast_ref::<Error>()
                .map_or_else(|| cause.to_string(), |e| e.message().to_owned());
            if !causes.last().is_some_and(|last| last.contains(&text))
                && !self.message().contains(&text)
            {
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }
}

impl fmt::Display for Error {
    /// `{}` is the message. `{:#}` is everything but the causes: place, facts, state and hint one
    /// a line below the message, then the errors beside it. Errors pass through serde in this form,
    /// which takes nothing but text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if !f.alternate() {
            return Ok(());
        }
        if let Some(location) = &self.0.location {
            write!(f, "{FACT}at: {location}")?;
        }
        for (key, value) in &self.0.context {
            write!(f, "{FACT}{key}: {value}")?;
        }
        if let Some(state) = &self.0.state {
            write!(f, "{FACT}state: {state}")?;
        }
        if let Some(hint) = &self.0.hint {
            write!(f, "{FACT}hint: {hint}")?;
        }
        for other in &self.0.also {
            write!(f, "{BESIDE}{other:#}")?;
        }
        Ok(())
    }
}

/// What stands before a fact in the `{:#}` form.
const FACT: &str = "\n  ";
/// What stands before an error beside the first. The record separator keeps an empty line in a
/// message from being taken for one.
const BESIDE: &str = "\n\u{1e}";

/// What the YAML decoder needs of errors on their way through serde.
impl Error {
    /// Reads the `{:#}` form back; any other text is a message.
    pub(crate) fn from_detailed(text: &str) -> Self {
        let errors: Vec<Error> = text.split(BESIDE).map(Self::one_from_detailed).collect();
        Self::many(errors).unwrap_or_else(|| Self::configuration(text))
    }

    fn one_from_detailed(text: &str) -> Self {
        let mut lines = text.split(FACT);
        let mut error = Self::configuration(lines.next().unwrap_or_default());
        for line in lines {
            error = match line.split_once(": ") {
                Some(("at", place)) => error.at(Location::from_text(place)),
                Some(("state", state)) => error.with_state(state),
                Some(("hint", hint)) => error.with_hint(hint),
                Some(("expected", value)) => error.with("expected", value),
                Some(("found", value)) => error.with("found", value),
                Some(("first", value)) => error.with("first", value),
                // Keys of facts are static; the rarer ones keep theirs inside the value.
                _ => error.with("detail", line),
            };
        }
        error
    }

    /// Adds a place if the error has none.
    pub(crate) fn at_if_nowhere(self, location: &Location) -> Self {
        if self.0.location.is_some() { self } else { self.at(location.clone()) }
    }

    /// This error and those beside it, apart.
    pub(crate) fn split(mut self) -> Vec<Error> {
        let also = std::mem::take(&mut self.0.also);
        std::iter::once(self).chain(also).collect()
    }

    /// Shows `written` wherever the texts of this error show `value`. Short values are replaced
    /// only where they are quoted: they are part of too many words, and no secret.
    pub(crate) fn hiding(mut self, value: &str, written: &str) -> Self {
        const SHORTEST_SECRET: usize = 4;
        let hide = |text: &str| {
            let text = text.replace(&format!("`{value}`"), &format!("`{written}`"));
            if value.len() < SHORTEST_SECRET { text } else { text.replace(value, written) }
        };
        self.0.message = hide(&self.0.message);
        for (_, fact) in &mut self.0.context {
            *fact = hide(fact);
        }
        self.0.hint = self.0.hint.as_deref().map(hide);
        self
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("location", &self.0.location)
            .field("context", &self.0.context)
            .field("state", &self.0.state)
            .field("hint", &self.0.hint)
            .field("retryable", &self.0.retryable)
            .field("source", &self.0.source)
            .field("also", &self.0.also)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_an_exit_code_of_its_own() {
        let mut codes: Vec<u8> = ErrorKind::ALL.iter().map(|kind| kind.exit_code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ErrorKind::ALL.len());
        assert!(!codes.contains(&0) && !codes.contains(&2));
    }

    #[test]
    fn errors_of_errors_are_all_seen() {
        let pair = |a, b| Error::many(vec![Error::configuration(a), Error::configuration(b)]);
        let all = Error::many([pair("1", "2"), pair("3", "4")].into_iter().flatten().collect());
        let messages: Vec<String> =
            all.expect("four errors").iter().map(|error| error.message().to_owned()).collect();
        assert_eq!(messages, ["1", "2", "3", "4"]);
        assert!(Error::many(Vec::new()).is_none());
    }

    #[test]
    fn a_wrapped_error_keeps_what_it_knew() {
        let error = Error::new(ErrorKind::Permission, "the store answered 403")
            .with_hint("grant `s3:PutObject`")
            .wrap("failed to land stream `deals`");
        assert_eq!(error.kind(), ErrorKind::Permission);
        assert_eq!(error.hint(), Some("grant `s3:PutObject`"));
        assert_eq!(error.causes(), ["the store answered 403"]);
    }
}
