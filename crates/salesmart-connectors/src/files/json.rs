//! JSON objects, a line each or in one array, straight from their text into columns.
//!
//! Every value is taken as the text it has in the file, so a number is never a float in between.
//! A missing key is null, a nested value goes into a text column as its JSON text.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufReader, Read};

use salesmart_core::{Error, ErrorKind, Result};
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::batch::{Batcher, Field, lossy};
use super::declaration::Stream;
use super::elements::{self, Element, Elements, Lines};
use super::failure;
use super::transport::Bytes;

/// How many names of undeclared keys are remembered for the log.
const EXTRA_NAMES: usize = 100;

/// Reads a file with one object a line.
pub(super) fn read_lines(
    source: Bytes,
    stream: &Stream,
    file: &str,
    batcher: &mut Batcher<'_>,
) -> Result<()> {
    let mut lines = Lines::new(BufReader::with_capacity(elements::CHUNK, source));
    let mut objects = Objects::new(stream);
    while let Some(element) = lines.next().map_err(|error| failure::io(error, file))? {
        objects.take(&element, batcher)?;
    }
    objects.log(stream, file);
    Ok(())
}

/// Reads a file that is one array of objects.
pub(super) fn read_array(
    source: Bytes,
    stream: &Stream,
    file: &str,
    batcher: &mut Batcher<'_>,
) -> Result<()> {
    let mut objects = Objects::new(stream);
    let mut array = Elements::new(BufReader::with_capacity(elements::CHUNK, source));
    loop {
        match array.next() {
            Ok(Some(element)) => objects.take(&element, batcher)?,
            Ok(None) => break,
            Err(elements::Failure::Io(error)) => return Err(failure::io(error, file)),
            Err(elements::Failure::Shape { line, message }) => {
                return Err(Error::new(
                    ErrorKind::SchemaChanged,
                    format!("`{file}` is not one JSON array: {message}"),
                )
                .with("line", line)
                .at(stream.path_location.clone())
                .with_hint(
                    "export it again if it is cut off; an object a line is `format: json_lines`",
                ));
            }
        }
    }
    objects.log(stream, file);
    Ok(())
}

/// Turns objects into rows.
struct Objects {
    /// The slot of each key that is declared.
    slots: HashMap<String, usize>,
    /// The slot that each column reads: two columns may read one key.
    slot_of_column: Vec<usize>,
    /// Keys that are not declared, and how often they came.
    extra: BTreeMap<String, u64>,
}

impl Objects {
    fn new(stream: &Stream) -> Self {
        let mut slots = HashMap::new();
        let mut slot_of_column = Vec::new();
        for rule in &stream.columns {
            let next = slots.len();
            slot_of_column.push(*slots.entry(rule.source.clone()).or_insert(next));
        }
        Self { slots, slot_of_column, extra: BTreeMap::new() }
    }

    /// Takes one element: a row, or a rejected row.
    fn take(&mut self, element: &Element<'_>, batcher: &mut Batcher<'_>) -> Result<()> {
        let Element { line, text, too_long } = *element;
        if too_long {
            let reason = format!("longer than {} MiB", elements::LONGEST / 1024 / 1024);
            return batcher.reject(line, None, None, reason, lossy(text));
        }
        let mut values = vec![None; self.slots.len()];
        let seed = ObjectSeed { slots: &self.slots, extra: &mut self.extra, values: &mut values };
        let mut json = serde_json::Deserializer::from_slice(text);
        match seed.deserialize(&mut json).and_then(|()| json.end()) {
            Ok(()) => batcher.row(
                line,
                text.len(),
                |column| values[self.slot_of_column[column]].map_or(Field::Null, field),
                || lossy(text),
            ),
            Err(error) => batcher.reject(line, None, None, reason(&error), lossy(text)),
        }
    }

    fn log(&self, stream: &Stream, file: &str) {
        let names: Vec<String> =
            self.extra.iter().map(|(name, rows)| format!("{name} ({rows} rows)")).collect();
        failure::log_extra(stream, file, &names);
    }
}

/// The parser's words, without its place inside the element: the position has the line.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let words = text.split(" at line ").next().unwrap_or(&text);
    format!("not a JSON object: {words} (character {})", error.column())
}

/// What a value is, by its first character.
fn field(value: &RawValue) -> Field<'_> {
    let text = value.get();
    match text.as_bytes() {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => Field::Text(Cow::Borrowed(inner)),
        [b'"', ..] => Field::Text(Cow::Owned(match serde_json::from_str::<String>(text) {
            Ok(text) => text.into_bytes(),
            // Half a surrogate pair: bytes that are no text, so that the row says so.
            Err(_) => vec![0xFF],
        })),
        [b'n', ..] => Field::Null,
        [b't', ..] => Field::Boolean(true),
        [b'f', ..] => Field::Boolean(false),
        [b'{' | b'[', ..] => Field::Nested(text.as_bytes()),
        _ => Field::Number(text.as_bytes()),
    }
}

/// Puts the values of declared keys into their slots.
struct ObjectSeed<'s, 'de> {
    slots: &'s HashMap<String, usize>,
    extra: &'s mut BTreeMap<String, u64>,
    values: &'s mut [Option<&'de RawValue>],
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        loop {
            let key = map.next_key_seed(KeySeed { slots: self.slots, extra: &mut *self.extra })?;
            match key {
                None => return Ok(()),
                Some(None) => {
                    map.next_value::<IgnoredAny>()?;
                }
                Some(Some(slot)) => {
                    if self.values[slot].replace(map.next_value()?).is_some() {
                        let name = self.slots.iter().find(|(_, index)| **index == slot);
                        let name = name.map_or("", |(name, _)| name);
                        return Err(A::Error::custom(format!("the key `{name}` occurs twice")));
                    }
                }
            }
        }
    }
}

/// Looks a key up without keeping it.
struct KeySeed<'s> {
    slots: &'s HashMap<String, usize>,
    extra: &'s mut BTreeMap<String, u64>,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        let slot = self.slots.get(key).copied();
        if slot.is_none() {
            let is_room = self.extra.len() < EXTRA_NAMES;
            match self.extra.get_mut(key) {
                Some(count) => *count += 1,
                None if is_room => {
                    self.extra.insert(key.to_owned(), 1);
                }
                None => {}
            }
        }
        Ok(slot)
    }
}

/// Whether a file begins as its format says, for `check`.
pub(super) fn starts_well(mut source: Bytes, is_array: bool) -> std::io::Result<bool> {
    let mut start = [0; 4096];
    let length = source.read(&mut start)?;
    let first = start[..length].iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(match first {
        None => !is_array,
        Some(byte) => *byte == if is_array { b'[' } else { b'{' },
    })
}
