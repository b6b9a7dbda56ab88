//! What a decoding step reports to the step around it.

use std::fmt::Display;

use serde::de::{self, Expected, Unexpected};

use crate::suggest::{list, nearest};
use crate::{Error, Location};

/// A failure on its way out of a decoding step. Serde makes most of these without knowing where;
/// the [`Reader`](super::decode::Reader) around them adds key and place and records them.
#[derive(Debug)]
pub(super) enum Fault {
    /// A complete message.
    Stated(Error),
    /// A value of the wrong form.
    Unfit {
        /// The value, as a message shows it.
        found: String,
        /// What would fit.
        expected: String,
        /// What was probably meant.
        hint: Option<String>,
    },
    /// A key that a mapping lacks.
    Missing(&'static str),
    /// Already among the problems of the decoding.
    Recorded,
}

/// The error for a key that nothing takes.
pub(super) fn unknown_key(key: &str, known: &[&str]) -> Error {
    let error = Error::configuration(format!("`{key}` is not a known key"));
    let error = error.with(
        "expected",
        if known.is_empty() { "no keys".to_owned() } else { list(known.iter().copied()) },
    );
    match nearest(key, known.iter().copied()) {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error,
    }
}

/// A scalar as a message shows it.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("`{}`", shown.replace('\n', "\\n"))
}

fn described(unexpected: &Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Str(text) => quoted(text),
        Unexpected::Char(character) => quoted(&character.to_string()),
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(value) => format!("`{value}`"),
        Unexpected::Signed(value) => format!("`{value}`"),
        Unexpected::Float(value) => format!("`{value}`"),
        Unexpected::Unit | Unexpected::Option => "empty".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a mapping".to_owned(),
        other => other.to_string(),
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Stated(error) => error.fmt(f),
            Fault::Unfit { found, expected, .. } => write!(f, "found {found}, expected {expected}"),
            Fault::Missing(field) => write!(f, "the key `{field}` is missing"),
            Fault::Recorded => f.write_str("already reported"),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        // Our own errors write all they know into the alternate form; others write their message.
        Fault::Stated(Error::from_detailed(&format!("{message:#}")))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Fault::Unfit { found: described(&unexpected), expected: expected.to_string(), hint: None }
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Fault::Unfit {
            found: format!("{length} items long"),
            expected: expected.to_string(),
            hint: None,
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Fault::Unfit {
            found: quoted(variant),
            expected: list(expected.iter().copied()),
            hint: nearest(variant, expected.iter().copied())
                .map(|near| format!("did you mean `{near}`?")),
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Fault::Stated(unknown_key(field, expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Fault::Missing(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Fault::Stated(
            Error::configuration(format!(
                "the key `{field}` is written twice, under two of its names"
            ))
            .with_hint("keep one of the two"),
        )
    }
}

/// Where in the tree a value is, as messages name it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role<'a> {
    /// The value that was asked to decode.
    Root,
    /// A key itself.
    Key,
    /// The value of a key.
    Value(&'a str),
    /// An item of the list that is the value of a key.
    Item(&'a str),
}

impl<'a> Role<'a> {
    /// The role of the items of a list in this role.
    pub(super) fn item(self) -> Self {
        match self {
            Role::Value(key) => Role::Item(key),
            other => other,
        }
    }

    pub(super) fn unfit(self, found: &str) -> String {
        match self {
            Role::Root | Role::Key => format!("{found} does not fit here"),
            Role::Value(key) => format!("`{key}` cannot be {found}"),
            Role::Item(key) => format!("an item of `{key}` cannot be {found}"),
        }
    }

    pub(super) fn lacks(self, field: &str) -> String {
        match self {
            Role::Root | Role::Key => format!("the key `{field}` is missing"),
            Role::Value(key) => format!("`{key}` lacks the key `{field}`"),
            Role::Item(key) => format!("an item of `{key}` lacks the key `{field}`"),
        }
    }
}

/// The complete error for a fault, except those that are recorded already.
pub(super) fn error_of(fault: Fault, role: Role<'_>, place: &Location) -> Option<Error> {
    let error = match fault {
        Fault::Recorded => return None,
        Fault::Stated(error) => error,
        Fault::Missing(field) => {
            Error::configuration(role.lacks(field)).with_hint(format!("add `{field}: …`"))
        }
        Fault::Unfit { found, expected, hint } => {
            let error = Error::configuration(role.unfit(&found)).with("expected", expected);
            match hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
        }
    };
    Some(error.at_if_nowhere(place))
}
