//! YAML with places: a tree whose every node knows its file, line and column, and a decoder from
//! that tree into structs whose errors say where, what was expected and which key was meant.
//!
//! A scalar keeps its text until a type asks for it, so `0123`, `1.10`, `yes` and `NULL` are never
//! guessed into numbers, booleans or nothing. Anchors, aliases and tags are refused: a
//! configuration is read by people, from top to bottom.
//!
//! ```
//! # use salesmart_core::yaml::{self, At};
//! #[derive(serde::Deserialize)]
//! struct Stream {
//!     path: At<String>,
//!     #[serde(default)]
//!     key: Vec<String>,
//! }
//! let node = yaml::parse("deals.yml", "path: deals.csv\nkey: [id]\n", 1)?;
//! let stream: Stream = node.decode()?;
//! assert_eq!(stream.path.location.to_string(), "deals.yml:1:7");
//!
//! let node = yaml::parse("deals.yml", "path: deals.csv\nkeys: [id]\n", 1)?;
//! let error = node.decode::<Stream>().err().expect("`keys` is not a key");
//! assert_eq!(error.hint(), Some("did you mean `key`?"));
//! # Ok::<(), salesmart_core::Error>(())
//! ```
//!
//! What structs can be made of: text, numbers, `bool` (`true` or `false`), `char`, `Option`,
//! `Vec`, maps with text keys (`BTreeMap` sorts, [`Pairs`] keeps the order of the file), enums
//! (a name, or a mapping with one key), [`At`] to remember a place, [`Node`] to leave a part for
//! later, [`SecretRef`](crate::SecretRef) for what must not stand in the file. Every key that no
//! field takes is an error, with or without `deny_unknown_fields`.
//! Not for `untagged`, `flatten` and internally tagged types: serde buffers what they hold, and
//! places and types get lost; decode a [`Node`] in two steps instead.
//! A `Deserialize` that fails with `D::Error::custom(error)`, `error` being a [`crate::Error`],
//! keeps its message, facts and hint, and gets the place of the value.

mod access;
mod decode;
mod expand;
mod fault;
mod origin;
mod parse;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod wrap;

use std::fmt;

use serde::de::DeserializeOwned;

use crate::{Location, Result};

pub(crate) use origin::Origin;
pub use parse::parse;
pub(crate) use wrap::SECRET;
pub use wrap::{At, Pairs};

/// A value in a YAML file and where it stands.
#[derive(Clone, PartialEq)]
pub struct Node {
    /// Where the value begins.
    pub location: Location,
    /// The value.
    pub value: Value,
    /// The text as written, where variables were replaced in it. Errors show this instead of the
    /// value, because the value may be a secret.
    written: Option<String>,
}

/// What a node holds. Scalars keep their text; the type that is asked for decides what they mean.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: `~`, `null`, or an empty value.
    Null,
    /// A scalar's text, and whether it was quoted.
    Scalar(String, bool),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping, in the order of the file.
    Mapping(Vec<Entry>),
}

/// One `key: value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub location: Location,
    /// The value.
    pub node: Node,
}

impl fmt::Debug for Node {
    /// Without values that were replaced, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value: &dyn fmt::Debug = match &self.written {
            Some(written) => written,
            None => &self.value,
        };
        f.debug_struct("Node").field("location", &self.location).field("value", value).finish()
    }
}

impl Node {
    /// A value at a place.
    #[must_use]
    pub fn new(location: Location, value: Value) -> Self {
        Self { location, value, written: None }
    }

    /// The value of a key of a mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The entries of a mapping, in the order of the file; none for anything else.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The text of a scalar; nothing for anything else.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// Decodes into a struct.
    ///
    /// # Errors
    /// With place, what was expected, and for an unknown key the nearest known one. All unknown
    /// keys are reported, not only the first.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T> {
        decode::decode(self)
    }
}
