//! From a tree of nodes to structs: a serde deserializer that knows places.
//!
//! Serde stops at its first error, and a person wants all of them. So every failure is recorded
//! the moment it is known, in a list the whole decoding shares, and what travels outwards is only
//! the fact that something failed. A step that can go on (unknown keys, [`Pairs`](super::Pairs))
//! goes on.

use std::cell::RefCell;
use std::fmt::Display;
use std::str::FromStr;

use serde::de::{DeserializeOwned, Deserializer, Visitor};

use super::access::{Enumeration, Items, Mapping, Pieces};
use super::fault::{Fault, Role, error_of, quoted, unknown_key};
use super::origin::Origin;
use super::wrap;
use super::{Entry, Node, Value};
use crate::suggest::{list, nearest};
use crate::{Error, Location, Result};

pub(super) fn decode<T: DeserializeOwned>(node: &Node) -> Result<T> {
    let problems = RefCell::new(Vec::new());
    let outcome = T::deserialize(Reader::new(node, Role::Root, &problems));
    let mut problems = problems.into_inner();
    match outcome {
        Ok(value) => Ok(value),
        Err(fault) => {
            problems.extend(error_of(fault, Role::Root, &node.location));
            problems.sort_by(|a, b| a.location().cmp(&b.location()));
            Err(Error::many(problems)
                .unwrap_or_else(|| Error::bug("failed to decode YAML without a reason")))
        }
    }
}

/// What a reader reads: a node's value, or a key, which is a text too.
#[derive(Clone, Copy)]
pub(super) enum Shape<'a> {
    Null,
    Text(&'a str, bool),
    Sequence(&'a [Node]),
    Mapping(&'a [Entry]),
}

/// Decodes one value.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) shape: Shape<'a>,
    pub(super) place: &'a Location,
    /// The text as written, where variables were replaced in it.
    pub(super) written: Option<&'a str>,
    pub(super) role: Role<'a>,
    pub(super) problems: &'a RefCell<Vec<Error>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(node: &'a Node, role: Role<'a>, problems: &'a RefCell<Vec<Error>>) -> Self {
        let shape = match &node.value {
            Value::Null => Shape::Null,
            Value::Scalar(text, quoted) => Shape::Text(text, *quoted),
            Value::Sequence(items) => Shape::Sequence(items),
            Value::Mapping(entries) => Shape::Mapping(entries),
        };
        Self { shape, place: &node.location, written: node.written.as_deref(), role, problems }
    }

    pub(super) fn of_key(entry: &'a Entry, problems: &'a RefCell<Vec<Error>>) -> Self {
        Self {
            shape: Shape::Text(&entry.key, true),
            place: &entry.location,
            written: None,
            role: Role::Key,
            problems,
        }
    }

    /// Records a failure with its place, and passes success on.
    pub(super) fn settle<T>(&self, outcome: Result<T, Fault>) -> Result<T, Fault> {
        outcome.map_err(|fault| {
            if let Some(error) = error_of(fault, self.role, self.place) {
                let error = match (self.shape, self.written) {
                    // The value came from outside the file and may be a secret.
                    (Shape::Text(value, _), Some(written)) => {
                        error.hiding(value, written).with_hint(format!(
                            "`{written}` is replaced by a value that does not fit: set another"
                        ))
                    }
                    _ => error,
                };
                self.problems.borrow_mut().push(error);
            }
            Fault::Recorded
        })
    }

    /// Reads a secret. What is wrong with one is told without its text.
    fn secret<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Fault> {
        let form = "`${NAME}` or `file:PATH`";
        let Shape::Text(text, _) = self.shape else {
            return self.settle(Err(self.unfit(form, None)));
        };
        match Origin::of(text, self.written) {
            Ok(origin) => self.settle(visitor.visit_seq(Pieces::of_secret(origin, text))),
            Err(error) => {
                let error = match self.role {
                    Role::Value(key) => error.with("key", format!("`{key}`")),
                    _ => error,
                };
                let error = error.with("expected", form).at(self.place.clone());
                self.problems.borrow_mut().push(error);
                Err(Fault::Recorded)
            }
        }
    }

    fn found(&self) -> String {
        match self.shape {
            Shape::Null => "empty".to_owned(),
            Shape::Text(text, _) => quoted(text),
            Shape::Sequence(_) => "a list".to_owned(),
            Shape::Mapping(_) => "a mapping".to_owned(),
        }
    }

    fn unfit(&self, expected: impl Display, hint: Option<String>) -> Fault {
        Fault::Unfit { found: self.found(), expected: expected.to_string(), hint }
    }

    fn text(&self, expected: impl Display) -> Result<&'a str, Fault> {
        match self.shape {
            Shape::Text(text, _) => Ok(text),
            _ => Err(self.unfit(expected, None)),
        }
    }

    fn whole<T: FromStr>(&self, least: impl Display, most: impl Display) -> Result<T, Fault> {
        let expected = format!("a whole number from {least} to {most}");
        let text = self.text(&expected)?;
        text.parse().map_err(|_| self.unfit(expected, None))
    }

    fn number(&self) -> Result<f64, Fault> {
        let expected = "a number such as `1.5`";
        match self.text(expected)?.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.unfit(expected, None)),
        }
    }

    fn boolean(&self) -> Result<bool, Fault> {
        let expected = "`true` or `false`";
        let text = self.text(expected)?;
        let meant = match text.to_ascii_lowercase().as_str() {
            _ if text == "true" => return Ok(true),
            _ if text == "false" => return Ok(false),
            "true" | "yes" | "y" | "on" | "1" => "true",
            "false" | "no" | "n" | "off" | "0" => "false",
            other => match nearest(other, ["true", "false"]) {
                Some(near) => near,
                None => return Err(self.unfit(expected, None)),
            },
        };
        Err(self.unfit(expected, Some(format!("write `{meant}`"))))
    }

    /// The entries of a mapping. An empty value is a mapping without keys, as `publish:` is.
    fn mapping(&self, expected: impl Display) -> Result<&'a [Entry], Fault> {
        match self.shape {
            Shape::Mapping(entries) => Ok(entries),
            Shape::Null => Ok(&[]),
            _ => Err(self.unfit(expected, None)),
        }
    }

    /// Reads a struct: its unknown keys are all reported, and the fields are read nevertheless.
    pub(super) fn structure<V: Visitor<'a>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let form = format!("a mapping with the keys {}", list(fields.iter().copied()));
        let entries = match self.mapping(form) {
            Ok(entries) => entries,
            Err(fault) => return self.settle(Err(fault)),
        };
        let mut meant = Vec::new();
        let mut unknown = false;
        for entry in entries.iter().filter(|entry| !fields.contains(&entry.key.as_str())) {
            unknown = true;
            meant.extend(nearest(&entry.key, fields.iter().copied()));
            let error = unknown_key(&entry.key, fields).at(entry.location.clone());
            self.problems.borrow_mut().push(error);
        }
        match visitor.visit_map(Mapping::new(entries, Some(fields), self.problems)) {
            // It is there, with a slip in it, and that is reported already.
            Err(Fault::Missing(field)) if meant.contains(&field) => Err(Fault::Recorded),
            Ok(_) if unknown => Err(Fault::Recorded),
            outcome => self.settle(outcome),
        }
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $type:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let number = self.whole::<$type>($type::MIN, $type::MAX);
            self.settle(number.and_then(|number| visitor.$visit(number)))
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Fault;

    /// No type was asked for: a scalar is its text.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.settle(match self.shape {
            Shape::Null => visitor.visit_unit(),
            Shape::Text(text, _) => visitor.visit_borrowed_str(text),
            Shape::Sequence(items) => {
                visitor.visit_seq(Items::new(items, self.role, self.problems))
            }
            Shape::Mapping(entries) => {
                visitor.visit_map(Mapping::new(entries, None, self.problems))
            }
        })
    }

    whole_numbers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.settle(self.number().and_then(|number| visitor.visit_f64(number)))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.settle(self.boolean().and_then(|value| visitor.visit_bool(value)))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let expected = "one character";
        let character = self.text(expected).and_then(|text| {
            let mut characters = text.chars();
            match (characters.next(), characters.next()) {
                (Some(character), None) => Ok(character),
                _ => Err(self.unfit(expected, None)),
            }
        });
        self.settle(character.and_then(|character| visitor.visit_char(character)))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let hint = match self.shape {
            Shape::Null => Some(
                "write `\"\"` for a text without characters, `\"null\"` for that word".to_owned(),
            ),
            _ => None,
        };
        let text = match self.shape {
            Shape::Text(text, _) => Ok(text),
            _ => Err(self.unfit("text", hint)),
        };
        self.settle(text.and_then(|text| visitor.visit_borrowed_str(text)))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.settle(match self.shape {
            Shape::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.settle(match self.shape {
            Shape::Null => visitor.visit_unit(),
            _ => Err(self.unfit("nothing", None)),
        })
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.settle(match name {
            wrap::AT => visitor.visit_seq(Pieces::with_place(self)),
            wrap::NODE => visitor.visit_seq(Pieces::of_node(self)),
            wrap::PAIRS => return self.deserialize_map(visitor),
            wrap::SECRET => return self.secret(visitor),
            _ => visitor.visit_newtype_struct(self),
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.settle(match self.shape {
            Shape::Sequence(items) => {
                visitor.visit_seq(Items::new(items, self.role, self.problems))
            }
            Shape::Text(text, _) if !text.contains(['[', ']', '{', '}', ',']) => {
                Err(self.unfit("a list", Some(format!("write `[{text}]`"))))
            }
            Shape::Null => {
                Err(self.unfit("a list", Some("write `[]` for a list without items".to_owned())))
            }
            _ => Err(self.unfit("a list", None)),
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.shape {
            Shape::Sequence(items) if items.len() != length => {
                let found = format!("{} items long", items.len());
                self.settle(Err(Fault::Unfit {
                    found,
                    expected: format!("a list of {length} items"),
                    hint: None,
                }))
            }
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.settle(
            self.mapping("a mapping")
                .and_then(|entries| visitor.visit_map(Mapping::new(entries, None, self.problems))),
        )
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.structure(fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let names = list(variants.iter().copied());
        self.settle(match self.shape {
            Shape::Text(..) => visitor.visit_enum(Enumeration::name(self)),
            Shape::Mapping([entry]) => {
                visitor.visit_enum(Enumeration::tagged(entry, self.problems))
            }
            Shape::Mapping(entries) if entries.len() > 1 => Err(Fault::Unfit {
                found: format!("a mapping with {} keys", entries.len()),
                expected: format!("one of {names}"),
                hint: None,
            }),
            _ => Err(self.unfit(format!("one of {names}"), None)),
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}
