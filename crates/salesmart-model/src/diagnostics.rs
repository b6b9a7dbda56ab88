//! From the engine's errors to ours: the place in the file, what was expected, what was meant.

use datafusion::common::{Column, DataFusionError, Diagnostic, SchemaError, Span};
use salesmart_core::{Error, ErrorKind, Location};

use crate::nearest::did_you_mean;

/// What is said where the engine needs more memory than it may take.
const OUT_OF_MEMORY: &str = "the memory that models may use is not enough";

/// Whether an error comes from too little memory.
pub(crate) fn is_out_of_memory(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<Error>().is_some_and(|own| own.message() == OUT_OF_MEMORY) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// A syntax error, whose text ends with ` at Line: 3, Column: 5`.
pub(crate) fn syntax(file: &str, message: &str) -> Error {
    let message = message
        .trim_start_matches("sql parser error: ")
        .trim_start_matches("TokenizerError: ")
        .trim_start_matches("SQL error: ");
    let (what, line, column) = split_place(message);
    let error =
        Error::configuration("the SQL has a syntax error").at(Location::new(file, line, column));
    match what.strip_prefix("Expected: ").and_then(|rest| rest.split_once(", found: ")) {
        Some((expected, found)) => {
            let found = if found == "EOF" {
                "the end of the file".to_owned()
            } else {
                format!("`{found}`")
            };
            error.with("expected", expected.trim_end_matches(',')).with("found", found)
        }
        None => error.with("parser", what),
    }
}

fn split_place(message: &str) -> (&str, usize, usize) {
    let Some(at) = message.rfind(" at Line: ") else { return (message, 0, 0) };
    let place = &message[at + " at Line: ".len()..];
    let mut numbers = place.split(", Column: ").map(|n| n.trim().parse().unwrap_or(0));
    (&message[..at], numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// The file that an engine error is about.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// Its name, as a person knows it.
    pub(crate) file: &'a str,
    /// What is in it.
    pub(crate) text: &'a str,
}

impl Source<'_> {
    fn at(&self, span: Option<Span>, word: Option<&str>) -> Location {
        let number = |n: u64| usize::try_from(n).unwrap_or(0);
        if let Some(span) = span {
            return Location::new(self.file, number(span.start.line), number(span.start.column));
        }
        word.and_then(|word| self.find(word))
            .unwrap_or_else(|| Location::line(self.file, self.first_line()))
    }

    /// The line below the header.
    fn first_line(&self) -> usize {
        let body = self.text.find("*/").map_or(0, |at| at + 2);
        let blank = self.text[body..].len() - self.text[body..].trim_start().len();
        1 + self.text[..body + blank].matches('\n').count()
    }

    /// The first place below the header where a word stands by itself.
    fn find(&self, word: &str) -> Option<Location> {
        if word.is_empty() {
            return None;
        }
        let first = self.first_line();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        for (number, line) in self.text.lines().enumerate().skip(first - 1) {
            for (at, _) in line.match_indices(word) {
                let before = line[..at].chars().next_back();
                let after = line[at + word.len()..].chars().next();
                if !before.is_some_and(is_word) && !after.is_some_and(is_word) {
                    let column = line[..at].chars().count() + 1;
                    return Some(Location::new(self.file, number + 1, column));
                }
            }
        }
        None
    }

    /// What is wrong with the query, everything the engine reports.
    pub(crate) fn plan_error(&self, error: &DataFusionError) -> Error {
        let mut found = Vec::new();
        self.collect(error, None, &mut found);
        Error::many(found).unwrap_or_else(|| Error::bug("the engine failed without a reason"))
    }

    fn collect(
        &self,
        error: &DataFusionError,
        diagnostic: Option<&Diagnostic>,
        found: &mut Vec<Error>,
    ) {
        let span = diagnostic.and_then(|diagnostic| diagnostic.span);
        match error {
            DataFusionError::Collection(errors) => {
                for error in errors {
                    self.collect(error, diagnostic, found);
                }
            }
            DataFusionError::Shared(error) => self.collect(error, diagnostic, found),
            DataFusionError::Context(_, error) => self.collect(error, diagnostic, found),
            DataFusionError::Diagnostic(diagnostic, error) => {
                self.collect(error, Some(diagnostic), found);
            }
            DataFusionError::SQL(error, _) => found.push(syntax(self.file, &error.to_string())),
            DataFusionError::SchemaError(error, _) => found.push(self.schema(error, span)),
            other => {
                let text = other.strip_backtrace();
                let mut lines = text.lines();
                let first = lines.next().unwrap_or_default();
                let first = [
                    "Error during planning: ",
                    "This feature is not implemented: ",
                    "type_coercion\ncaused by\n",
                ]
                .iter()
                .fold(first, |text, prefix| text.trim_start_matches(prefix));
                let (what, line, column) = split_place(first);
                let place = if line > 0 {
                    Location::new(self.file, line, column)
                } else {
                    self.at(span, quoted(what))
                };
                if what.starts_with("Projections require unique expression names") {
                    found.push(
                        Error::configuration("two columns of one select have the same name")
                            .at(place)
                            .with("engine", backticks(what))
                            .with_hint("give one of them another name, or select it only once"),
                    );
                    return;
                }
                let rest: Vec<&str> =
                    lines.map(str::trim).filter(|line| !line.is_empty()).collect();
                let mut error = Error::configuration(lower_first(&backticks(what))).at(place);
                if let Some(hint) = rest.iter().find(|line| line.starts_with("Did you mean")) {
                    error = error.with_hint(lower_first(&backticks(hint)));
                } else if !rest.is_empty() {
                    error = error.with("because", rest.join("; "));
                }
                found.push(error);
            }
        }
    }

    fn schema(&self, error: &SchemaError, span: Option<Span>) -> Error {
        match error {
            SchemaError::FieldNotFound { field, valid_fields } => {
                let of = |column: &Column| column.relation.as_ref().map(ToString::to_string);
                let relation = of(field);
                let same: Vec<&str> = valid_fields
                    .iter()
                    .filter(|valid| relation.is_none() || of(valid) == relation)
                    .map(|valid| valid.name.as_str())
                    .collect();
                let message = match &relation {
                    Some(relation) => format!("`{relation}` has no column `{}`", field.name),
                    None => format!("no column is called `{}` here", field.name),
                };
                let known = if same.is_empty() {
                    valid_fields.iter().map(|valid| valid.name.as_str()).collect()
                } else {
                    same
                };
                let error = Error::configuration(message).at(self.at(span, Some(&field.name)));
                match did_you_mean(&field.name, known, "columns there are") {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                }
            }
            SchemaError::AmbiguousReference { field } => Error::configuration(format!(
                "column `{}` could be of more than one table",
                field.name
            ))
            .at(self.at(span, Some(&field.name)))
            .with_hint(format!("write the table before it: `<table>.{}`", field.name)),
            SchemaError::DuplicateQualifiedField { name, .. }
            | SchemaError::DuplicateUnqualifiedField { name } => {
                Error::configuration(format!("two columns are called `{name}`"))
                    .at(self.at(span, Some(name)))
                    .with_hint(format!("give one of them another name: `… as another_{name}`"))
            }
        }
    }

    /// What went wrong while rows flowed.
    pub(crate) fn running(&self, error: &DataFusionError) -> Error {
        let text = error.strip_backtrace();
        let place = Location::line(self.file, self.first_line());
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => {
                Error::new(ErrorKind::Configuration, OUT_OF_MEMORY)
                    .at(place)
                    .with("engine", text.lines().map(str::trim).collect::<Vec<_>>().join(" "))
                    .with_hint("give the run more memory, or let the model read less at once")
            }
            DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => {
                Error::new(ErrorKind::SourceUnavailable, "the store failed while rows were read")
                    .at(place)
                    .with_retryable(true)
                    .with("engine", text)
                    .with_hint("run again when the store answers")
            }
            DataFusionError::ArrowError(_, _)
            | DataFusionError::Execution(_)
            | DataFusionError::Plan(_)
            | DataFusionError::Diagnostic(_, _)
            | DataFusionError::NotImplemented(_) => {
                Error::configuration(lower_first(&backticks(&strip_kind(&text)))).at(place)
            }
            _ => Error::bug("the engine failed").at(place).with("engine", text),
        }
    }
}

fn strip_kind(text: &str) -> String {
    let mut text = text.trim();
    for prefix in [
        "Execution error: ",
        "Arrow error: ",
        "Optimizer rule ",
        "Error during planning: ",
        "Compute error: ",
        "Cast error: ",
    ] {
        text = text.strip_prefix(prefix).unwrap_or(text);
    }
    text.to_owned()
}

/// The engine puts names in single quotes; we put them in backticks.
fn backticks(text: &str) -> String {
    text.trim_end_matches('.').replace('\'', "`")
}

/// The first quoted name in a message.
fn quoted(text: &str) -> Option<&str> {
    text.split(['\'', '"', '`']).nth(1)
}

/// Messages are fragments: they begin in lower case, unless the first word is a name.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), text.chars().nth(1)) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_below_the_header() {
        let text = "/* @model\ncolumns: {amount: 1}\n*/\nselect total_amount,\n  amount from x";
        let source = Source { file: "m.sql", text };
        assert_eq!(source.at(None, Some("amount")).to_string(), "m.sql:5:3");
        assert_eq!(source.at(None, Some("nowhere")).to_string(), "m.sql:4");
    }

    #[test]
    fn the_parsers_place_is_taken_out_of_its_text() {
        let error = syntax(
            "m.sql",
            "sql parser error: Expected: an expression, found: from at Line: 7, Column: 3",
        );
        assert_eq!(error.location().unwrap().to_string(), "m.sql:7:3");
        assert_eq!(
            error.context(),
            [("expected", "an expression".to_owned()), ("found", "`from`".to_owned())]
        );
    }
}
