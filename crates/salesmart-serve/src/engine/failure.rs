//! What a statement failed at, with PostgreSQL's code for it.

use arrow::error::ArrowError;
use datafusion::common::{DataFusionError, SchemaError};
use salesmart_core::{Error, ErrorKind};

/// PostgreSQL's codes for what happens here.
pub(crate) mod code {
    pub(crate) const FEATURE_NOT_SUPPORTED: &str = "0A000";
    pub(crate) const PROTOCOL_VIOLATION: &str = "08P01";
    pub(crate) const DATA_EXCEPTION: &str = "22000";
    pub(crate) const NUMERIC_OUT_OF_RANGE: &str = "22003";
    pub(crate) const DIVISION_BY_ZERO: &str = "22012";
    pub(crate) const INVALID_PARAMETER: &str = "22023";
    pub(crate) const INVALID_TEXT: &str = "22P02";
    pub(crate) const READ_ONLY: &str = "25006";
    pub(crate) const NO_ACTIVE_TRANSACTION: &str = "25P01";
    pub(crate) const FAILED_TRANSACTION: &str = "25P02";
    pub(crate) const INVALID_STATEMENT_NAME: &str = "26000";
    pub(crate) const INVALID_AUTHORIZATION: &str = "28000";
    pub(crate) const INVALID_PASSWORD: &str = "28P01";
    pub(crate) const INVALID_CURSOR_NAME: &str = "34000";
    pub(crate) const INVALID_CATALOG: &str = "3D000";
    pub(crate) const ACCESS_RULE: &str = "42000";
    pub(crate) const PRIVILEGE: &str = "42501";
    pub(crate) const SYNTAX: &str = "42601";
    pub(crate) const DUPLICATE_COLUMN: &str = "42701";
    pub(crate) const AMBIGUOUS_COLUMN: &str = "42702";
    pub(crate) const UNDEFINED_COLUMN: &str = "42703";
    pub(crate) const UNDEFINED_OBJECT: &str = "42704";
    pub(crate) const DATATYPE_MISMATCH: &str = "42804";
    pub(crate) const UNDEFINED_FUNCTION: &str = "42883";
    pub(crate) const UNDEFINED_TABLE: &str = "42P01";
    pub(crate) const DUPLICATE_CURSOR: &str = "42P03";
    pub(crate) const DUPLICATE_STATEMENT: &str = "42P05";
    pub(crate) const OUT_OF_MEMORY: &str = "53200";
    pub(crate) const TOO_MANY_CONNECTIONS: &str = "53300";
    pub(crate) const LIMIT_EXCEEDED: &str = "54000";
    pub(crate) const TOO_COMPLEX: &str = "54001";
    pub(crate) const CANCELED: &str = "57014";
    pub(crate) const SHUTDOWN: &str = "57P01";
    pub(crate) const CANNOT_CONNECT_NOW: &str = "57P03";
    pub(crate) const IO: &str = "58030";
    pub(crate) const INTERNAL: &str = "XX000";
}

/// What a statement failed at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
    pub(crate) hint: Option<String>,
    /// The character of the statement at which it is, from 1.
    pub(crate) position: Option<usize>,
}

impl Failure {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), detail: None, hint: None, position: None }
    }

    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn read_only(what: &str) -> Self {
        Self::new(code::READ_ONLY, format!("cannot execute {what} in a read-only transaction"))
            .with_hint("Releases are only read; models change tables.")
    }

    pub(crate) fn canceled(why: &str) -> Self {
        Self::new(code::CANCELED, format!("canceling statement due to {why}"))
    }

    /// What the engine failed at. `sql` is the statement's text.
    pub(crate) fn of_engine(sql: &str, error: &DataFusionError) -> Self {
        // A failure that came through the engine from one of our own parts.
        if let DataFusionError::External(inner) = error.find_root()
            && let Some(own) = inner.downcast_ref::<OwnFailure>()
        {
            return own.0.clone();
        }
        let code = code_of(error);
        match code {
            code::SYNTAX | code::UNDEFINED_COLUMN | code::UNDEFINED_TABLE => {
                Self::of_problem(code, sql, &salesmart_model::problem(sql, error))
            }
            code::OUT_OF_MEMORY => Self::new(code, "out of memory")
                .with_detail(first_line(&error.find_root().strip_backtrace()))
                .with_hint("Ask for fewer rows, or group and sort less at once."),
            code::DIVISION_BY_ZERO => Self::new(code, "division by zero"),
            code::UNDEFINED_FUNCTION => {
                let text = plain(&error.find_root().strip_backtrace());
                // Every signature that did not fit follows, one longer than the other.
                let text = text.split(", errors:").next().unwrap_or_default();
                Self::new(code, text.trim_start_matches("Internal error: "))
            }
            _ => match error.find_root() {
                DataFusionError::External(inner) if inner.is::<Error>() => {
                    Self::from(&salesmart_model::problem(sql, error))
                }
                root => Self::new(code, plain(&root.strip_backtrace())),
            },
        }
    }

    fn of_problem(code: &'static str, sql: &str, problem: &Error) -> Self {
        let details: Vec<String> =
            problem.context().iter().map(|(key, value)| format!("{key}: {value}")).collect();
        let mut failure = Self::new(code, problem.message());
        if !details.is_empty() {
            failure.detail = Some(details.join("; "));
        }
        failure.hint = problem.hint().map(ToOwned::to_owned);
        failure.position = problem.location().and_then(|at| position(sql, at.line, at.column));
        failure
    }
}

impl From<&Error> for Failure {
    /// What one of our own rooms failed at.
    fn from(error: &Error) -> Self {
        let code = match error.kind() {
            ErrorKind::SourceUnavailable | ErrorKind::Permission => code::IO,
            ErrorKind::Configuration => code::INVALID_PARAMETER,
            _ => code::INTERNAL,
        };
        let mut failure = Self::new(code, error.message());
        failure.hint = error.hint().map(ToOwned::to_owned);
        failure
    }
}

/// A failure that passes through the engine as it is.
#[derive(Debug)]
pub(crate) struct OwnFailure(pub(crate) Failure);

impl std::fmt::Display for OwnFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for OwnFailure {}

/// PostgreSQL counts the characters of a statement, we count lines and columns.
fn position(sql: &str, line: usize, column: usize) -> Option<usize> {
    if line == 0 || column == 0 {
        return None;
    }
    let before: usize = sql.split('\n').take(line - 1).map(|line| line.chars().count() + 1).sum();
    Some(before + column).filter(|at| *at <= sql.chars().count() + 1)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// The engine's words without the name of its kind of error.
fn plain(text: &str) -> String {
    let text = text.trim();
    for prefix in [
        "Error during planning: ",
        "Execution error: ",
        "This feature is not implemented: ",
        "Arrow error: ",
        "Schema error: ",
        "External error: ",
        "Invalid or Unsupported Configuration: ",
        "Optimizer rule ",
    ] {
        if let Some(rest) = text.strip_prefix(prefix) {
            return plain(rest);
        }
    }
    first_line(text)
}

fn code_of(error: &DataFusionError) -> &'static str {
    let root = error.find_root();
    match root {
        DataFusionError::Collection(all) => all.first().map_or(code::INTERNAL, code_of),
        DataFusionError::Diagnostic(_, inner) | DataFusionError::Context(_, inner) => {
            code_of(inner)
        }
        DataFusionError::SQL(..) => code::SYNTAX,
        DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
            SchemaError::AmbiguousReference { .. } => code::AMBIGUOUS_COLUMN,
            SchemaError::FieldNotFound { .. } => code::UNDEFINED_COLUMN,
            _ => code::DUPLICATE_COLUMN,
        },
        DataFusionError::NotImplemented(_) => code::FEATURE_NOT_SUPPORTED,
        DataFusionError::ResourcesExhausted(_) => code::OUT_OF_MEMORY,
        DataFusionError::ArrowError(arrow, _) => match arrow.as_ref() {
            ArrowError::DivideByZero => code::DIVISION_BY_ZERO,
            ArrowError::ArithmeticOverflow(_) => code::NUMERIC_OUT_OF_RANGE,
            ArrowError::CastError(_) | ArrowError::ParseError(_) => code::INVALID_TEXT,
            ArrowError::IoError(..) => code::IO,
            _ => code::DATA_EXCEPTION,
        },
        DataFusionError::ParquetError(_)
        | DataFusionError::ObjectStore(_)
        | DataFusionError::IoError(_) => code::IO,
        DataFusionError::Plan(text) => code_of_plan(text),
        DataFusionError::Execution(_) => code::DATA_EXCEPTION,
        DataFusionError::Configuration(_) => code::INVALID_PARAMETER,
        DataFusionError::Internal(text) if text.contains("match any signature") => {
            code::UNDEFINED_FUNCTION
        }
        _ => code::INTERNAL,
    }
}

/// The engine says in words only what a plan failed at.
fn code_of_plan(text: &str) -> &'static str {
    let lower = text.to_ascii_lowercase();
    let says = |word: &str| lower.contains(word);
    if says("table function")
        || says("invalid function")
        || says("no function matches")
        || says("match any signature")
    {
        code::UNDEFINED_FUNCTION
    } else if (says("table ") || says("schema ") || says("catalog ")) && says("not found")
        || says("failed to resolve schema")
        || says("failed to resolve catalog")
    {
        code::UNDEFINED_TABLE
    } else if says("column") && says("not found") || says("no field named") {
        code::UNDEFINED_COLUMN
    } else if says("cannot coerce") || says("cannot infer common") || says("coercion") {
        code::DATATYPE_MISMATCH
    } else {
        code::ACCESS_RULE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters() {
        assert_eq!(position("select é\nfrom x", 2, 6), Some(15));
        assert_eq!(position("select 1", 1, 1), Some(1));
        assert_eq!(position("select 1", 0, 0), None);
        assert_eq!(position("select 1", 9, 9), None, "nothing points beyond the statement");
    }

    #[test]
    fn the_engines_errors_have_postgresqls_codes() {
        let plan = |text: &str| DataFusionError::Plan(text.to_owned());
        for (error, code) in [
            (plan("table 'warehouse.kpi.nope' not found"), code::UNDEFINED_TABLE),
            (plan("Invalid function 'nope'.\nDid you mean 'now'?"), code::UNDEFINED_FUNCTION),
            (plan("table function 'read_csv' not found"), code::UNDEFINED_FUNCTION),
            (
                DataFusionError::ArrowError(Box::new(ArrowError::DivideByZero), None),
                code::DIVISION_BY_ZERO,
            ),
            (DataFusionError::ResourcesExhausted("no".to_owned()), code::OUT_OF_MEMORY),
            (DataFusionError::NotImplemented("x".to_owned()), code::FEATURE_NOT_SUPPORTED),
        ] {
            let shared = DataFusionError::Shared(std::sync::Arc::new(error)).context("outside");
            assert_eq!(code_of(&shared), code, "{shared}");
        }
    }
}
