//! Serde's views into lists, mappings, enums, and into the parts of a value with its place.

use std::cell::RefCell;

use serde::Deserializer;
use serde::de::value::{BorrowedStrDeserializer, U64Deserializer};
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::decode::{Reader, Shape};
use super::fault::{Fault, Role};
use super::origin::Origin;
use super::{Entry, Node};
use crate::Error;

/// The items of a list.
pub(super) struct Items<'a> {
    items: std::slice::Iter<'a, Node>,
    role: Role<'a>,
    problems: &'a RefCell<Vec<Error>>,
}

impl<'a> Items<'a> {
    pub(super) fn new(
        items: &'a [Node],
        list: Role<'a>,
        problems: &'a RefCell<Vec<Error>>,
    ) -> Self {
        Self { items: items.iter(), role: list.item(), problems }
    }
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let reader = Reader::new(item, self.role, self.problems);
        reader.settle(seed.deserialize(reader)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// The entries of a mapping; with `fields`, only those whose key is one of them.
pub(super) struct Mapping<'a> {
    entries: std::slice::Iter<'a, Entry>,
    fields: Option<&'static [&'static str]>,
    current: Option<&'a Entry>,
    problems: &'a RefCell<Vec<Error>>,
}

impl<'a> Mapping<'a> {
    pub(super) fn new(
        entries: &'a [Entry],
        fields: Option<&'static [&'static str]>,
        problems: &'a RefCell<Vec<Error>>,
    ) -> Self {
        Self { entries: entries.iter(), fields, current: None, problems }
    }
}

impl<'de> MapAccess<'de> for Mapping<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let fields = self.fields;
        let known =
            |entry: &&Entry| fields.is_none_or(|fields| fields.contains(&entry.key.as_str()));
        self.current = self.entries.find(known);
        let Some(entry) = self.current else { return Ok(None) };
        let reader = Reader::of_key(entry, self.problems);
        reader.settle(seed.deserialize(reader)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some(entry) = self.current else {
            return Err(Fault::Stated(Error::bug("a value was asked for before its key")));
        };
        let reader = Reader::new(&entry.node, Role::Value(&entry.key), self.problems);
        reader.settle(seed.deserialize(reader))
    }
}

/// A variant: its name, and the value that belongs to it.
pub(super) struct Enumeration<'a> {
    name: Reader<'a>,
    value: Option<Reader<'a>>,
}

impl<'a> Enumeration<'a> {
    /// A variant that is only its name.
    pub(super) fn name(name: Reader<'a>) -> Self {
        Self { name, value: None }
    }

    /// A variant that is the only key of a mapping.
    pub(super) fn tagged(entry: &'a Entry, problems: &'a RefCell<Vec<Error>>) -> Self {
        Self {
            name: Reader::of_key(entry, problems),
            value: Some(Reader::new(&entry.node, Role::Value(&entry.key), problems)),
        }
    }

    fn content(&self) -> Result<Reader<'a>, Fault> {
        self.value.ok_or_else(|| {
            let name = match self.name.shape {
                Shape::Text(name, _) => name,
                _ => "it",
            };
            Fault::Stated(
                Error::configuration(format!("`{name}` needs a value"))
                    .with_hint(format!("write `{name}: …`")),
            )
        })
    }
}

impl<'de> EnumAccess<'de> for Enumeration<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let variant = self.name.settle(seed.deserialize(self.name))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Enumeration<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.value {
            None => Ok(()),
            Some(value) => serde::Deserialize::deserialize(value),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let reader = self.content()?;
        reader.settle(seed.deserialize(reader))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.content()?.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.content()?.structure(fields, visitor)
    }
}

/// A list of parts of different kinds, by which [`At`](super::At) and [`Node`] get through serde,
/// which has no notion of places.
pub(super) struct Pieces<'a>(std::vec::IntoIter<Piece<'a>>);

enum Piece<'a> {
    Text(&'a str),
    Number(u64),
    Value(Reader<'a>),
}

impl<'a> Pieces<'a> {
    fn place(reader: &Reader<'a>) -> Vec<Piece<'a>> {
        let place = reader.place;
        vec![
            Piece::Text(&place.file),
            Piece::Number(place.line as u64),
            Piece::Number(place.column as u64),
        ]
    }

    /// File, line, column and the value.
    pub(super) fn with_place(reader: Reader<'a>) -> Self {
        let mut pieces = Self::place(&reader);
        pieces.push(Piece::Value(reader));
        Self(pieces.into_iter())
    }

    /// What [`SecretRef`](crate::SecretRef)'s `Deserialize` takes: where the text came from, and
    /// the text.
    pub(super) fn of_secret(origin: Origin, text: &'a str) -> Self {
        Self(vec![Piece::Text(origin.as_str()), Piece::Text(text)].into_iter())
    }

    /// File, line, column, and what [`Node`]'s `Deserialize` puts together again.
    pub(super) fn of_node(reader: Reader<'a>) -> Self {
        let mut pieces = Self::place(&reader);
        pieces.push(Piece::Number(u64::from(reader.written.is_some())));
        pieces.extend(reader.written.map(Piece::Text));
        match reader.shape {
            Shape::Null => pieces.push(Piece::Text("null")),
            Shape::Text(text, quoted) => {
                pieces.extend([
                    Piece::Text("scalar"),
                    Piece::Text(text),
                    Piece::Number(u64::from(quoted)),
                ]);
            }
            Shape::Sequence(items) => {
                pieces.push(Piece::Text("sequence"));
                let role = reader.role.item();
                pieces.extend(
                    items.iter().map(|item| Piece::Value(Reader::new(item, role, reader.problems))),
                );
            }
            Shape::Mapping(entries) => {
                pieces.push(Piece::Text("mapping"));
                for entry in entries {
                    let value = Reader::new(&entry.node, Role::Value(&entry.key), reader.problems);
                    pieces.push(Piece::Value(Reader::of_key(entry, reader.problems)));
                    pieces.push(Piece::Value(value));
                }
            }
        }
        Self(pieces.into_iter())
    }
}

impl<'de> SeqAccess<'de> for Pieces<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(piece) = self.0.next() else { return Ok(None) };
        match piece {
            Piece::Text(text) => seed.deserialize(BorrowedStrDeserializer::new(text)),
            Piece::Number(number) => seed.deserialize(U64Deserializer::new(number)),
            Piece::Value(reader) => reader.settle(seed.deserialize(reader)),
        }
        .map(Some)
    }
}
