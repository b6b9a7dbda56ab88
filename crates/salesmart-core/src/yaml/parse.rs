//! From text to a tree of [`Node`]s.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{
    self, ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput,
};

use super::{Entry, Node, Value};
use crate::{Error, Location, Result};

/// Reads a YAML document. `first_line` is the line of the file on which `text` starts (1 for a
/// whole file; more for a header inside another file). A text with nothing in it is
/// [`Value::Null`].
///
/// # Errors
/// With file, line and column, when the text is not YAML, has a key twice, uses anchors, aliases
/// or tags, or holds more than one document.
pub fn parse(file: &str, text: &str, first_line: usize) -> Result<Node> {
    let options = granit_parser::options! {
        emit_comments: false,
        // So that `path: *.csv` gets an answer better than "unknown anchor".
        emit_unresolved_aliases: true,
    };
    let mut builder = Builder {
        file,
        text,
        first_line,
        parser: Parser::new_from_str_with_options(text, options),
        problems: Vec::new(),
    };
    let node = match builder.document() {
        Ok(node) => Some(node),
        Err(error) => {
            builder.problems.push(error);
            None
        }
    };
    match (node, Error::many(builder.problems)) {
        (_, Some(error)) => Err(error),
        (Some(node), None) => Ok(node),
        (None, None) => Err(Error::bug("failed to parse YAML without a reason")),
    }
}

/// Builds nodes from the parser's events. What is wrong but leaves the structure clear is
/// collected in `problems`; what does not ends the parse.
struct Builder<'t> {
    file: &'t str,
    text: &'t str,
    first_line: usize,
    parser: Parser<'t, StrInput<'t>>,
    problems: Vec<Error>,
}

impl<'t> Builder<'t> {
    fn document(&mut self) -> Result<Node> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(Error::configuration("a second YAML document begins here")
                        .with("expected", "one document a file")
                        .at(self.place(&span.start))
                        .with_hint(
                            "remove the line `---`, or move what follows into a file of its own",
                        ));
                }
                Event::DocumentStart(..) => {}
                event => root = Some(self.node(event, &span)?),
            }
        }
        Ok(root.unwrap_or_else(|| {
            Node::new(Location::new(self.file, self.first_line, 1), Value::Null)
        }))
    }

    fn next(&mut self) -> Result<(Event<'t>, Span)> {
        match self.parser.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.explain(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// The node that begins with `event`. The parser refuses nesting deeper than 255 block and
    /// 255 flow levels, which bounds this recursion.
    fn node(&mut self, event: Event<'t>, span: &Span) -> Result<Node> {
        let location = self.place(&span.start);
        self.refuse_properties(&event, span);
        let value = match event {
            Event::Scalar(text, style, ..) => scalar(text.into_owned(), style),
            Event::SequenceStart(..) => self.sequence()?,
            Event::MappingStart(..) => self.mapping()?,
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let written = span.slice(self.text).unwrap_or("*").to_owned();
                self.problems.push(
                    Error::configuration(format!(
                        "`{written}` is a YAML alias, which has no meaning here"
                    ))
                    .at(location.clone())
                    .with_hint(
                        "put a text that begins with `*` in quotes; write a repeated value out",
                    ),
                );
                Value::Null
            }
            // Other events close something that was opened, and `sequence` and `mapping` take them.
            _ => return Err(Error::bug("the YAML parser sent an event out of order").at(location)),
        };
        Ok(Node::new(location, value))
    }

    fn sequence(&mut self) -> Result<Value> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::SequenceEnd => return Ok(Value::Sequence(items)),
                event => items.push(self.node(event, &span)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Value> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: HashMap<String, Location> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Value::Mapping(entries));
            }
            let location = self.place(&span.start);
            let key = self.key(event, &span)?;
            let (event, span) = self.next()?;
            let node = self.node(event, &span)?;
            let Some(key) = key else { continue };
            if let Some(first) = seen.get(&key) {
                self.problems.push(
                    Error::configuration(format!("the key `{key}` is written twice"))
                        .with("first", format!("line {}", first.line))
                        .at(location)
                        .with_hint("keep one of the two"),
                );
                continue;
            }
            seen.insert(key.clone(), location.clone());
            entries.push(Entry { key, location, node });
        }
    }

    /// The text of a key; `None` when it is not usable, which is then among the problems.
    fn key(&mut self, event: Event<'t>, span: &Span) -> Result<Option<String>> {
        let location = self.place(&span.start);
        let problem = match event {
            // The parser sends a key that is not there as `~` without extent.
            Event::Scalar(text, style, 0, None)
                if style != ScalarStyle::Plain || !span.is_empty() =>
            {
                return Ok(Some(text.into_owned()));
            }
            Event::Scalar(_, _, 0, None) => Error::configuration("a key is missing before `:`"),
            event => {
                self.node(event, span)?;
                Error::configuration("a key must be text").with_hint(
                    "put a text that begins with `{`, `[`, `&`, `*`, `!` or `?` in quotes",
                )
            }
        };
        self.problems.push(problem.at(location));
        Ok(None)
    }

    /// Anchors and tags change what a value is out of the reader's sight.
    fn refuse_properties(&mut self, event: &Event<'t>, span: &Span) {
        if event.anchor_id().is_some() {
            self.problems.push(
                Error::configuration("a YAML anchor has no meaning here")
                    .at(self.place(&span.start))
                    .with_hint(
                        "put a text that begins with `&` in quotes; write a repeated value out",
                    ),
            );
        }
        if let Some(tag) = event.tag() {
            self.problems.push(
                Error::configuration(format!("the YAML tag `{tag}` has no meaning here"))
                    .at(self.place(&span.tag_start().unwrap_or(span.start)))
                    .with_hint("put a text that begins with `!` in quotes"),
            );
        }
    }

    fn place(&self, mark: &Marker) -> Location {
        let line = self.first_line + mark.line().saturating_sub(1);
        Location::new(self.file, line, mark.col() + 1)
    }

    fn explain(&self, error: &ScanError) -> Error {
        let explained = Error::configuration(format!("failed to read YAML: {}", error.kind()))
            .at(self.place(error.marker()));
        match hint(error.kind()) {
            Some(hint) => explained.with_hint(hint),
            None => explained,
        }
    }
}

fn scalar(text: String, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Scalar(text, true);
    }
    // `NULL` and `Null` stay text: exports spell missing values that way, and a list of such
    // spellings must be able to name them.
    match text.as_str() {
        "" | "~" | "null" => Value::Null,
        _ => Value::Scalar(text, false),
    }
}

/// What to do about the mistakes that people make most.
fn hint(kind: &ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => "indent with spaces instead of tabs",
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::ExpectedDocumentStart
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::SimpleKeyExpected
        | ErrorKind::InvalidSimpleKey => {
            "look at the indentation here and just above: the keys of one mapping begin in one column, \
             and each has a `:` with a space behind it"
        }
        ErrorKind::MappingValueNotAllowed
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::InvalidMappingValueWhitespace => {
            "put a text that holds `: ` in quotes, and look at the indentation here and just above"
        }
        ErrorKind::UnexpectedCharacter { .. } | ErrorKind::InvalidDirectiveName => {
            "put a text that begins with `%`, `@`, `,` or a backtick in quotes"
        }
        ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::MisplacedFlowCollectionEnd
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofFlowSequence => {
            "close every `{` and `[`; inside them, put a text that holds `{`, `}`, `[`, `]` or `,` in quotes"
        }
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            "close the quote where the text ends; inside single quotes, write a quote twice"
        }
        ErrorKind::UnknownQuotedScalarEscape => {
            "inside double quotes write `\\\\` for a backslash, or use single quotes"
        }
        _ => return None,
    })
}
