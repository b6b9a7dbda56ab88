//! Pages of REST queries.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use salesmart_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Decoded, Emitter, Seen, Shape};

/// A page as it came.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    done: bool,
    #[serde(default)]
    next_records_url: Option<String>,
    #[serde(borrow, default)]
    records: Vec<&'a RawValue>,
}

/// A page's records: the text of every field of the shape, in its order.
#[derive(Debug)]
pub(in crate::salesforce) struct Records<'a> {
    /// The link to the next page; none behind the last one. `done` decides, not the link or the
    /// number of records.
    pub(in crate::salesforce) next: Option<String>,
    records: Vec<(Slots<'a>, &'a RawValue)>,
}

type Slots<'a> = Vec<Option<Cow<'a, str>>>;

/// Reads a page that has some of the shape's fields.
pub(in crate::salesforce) fn page<'a>(shape: &Shape, page: &'a [u8]) -> Result<Records<'a>> {
    let broken = |error: serde_json::Error| {
        // The text of the error may quote a value, which belongs to no log.
        Error::new(ErrorKind::SourceUnavailable, "a page of records cannot be read as JSON")
            .with("at", format!("line {}, column {}", error.line(), error.column()))
            .with_retryable(true)
            .with_hint("run again; if it stays, report it with what is at that place")
    };
    let envelope: Envelope<'a> = serde_json::from_slice(page).map_err(broken)?;
    let places: HashMap<&str, usize> = shape.names().into_iter().zip(0..).collect();
    let mut records = Vec::with_capacity(envelope.records.len());
    for raw in envelope.records {
        let mut deserializer = serde_json::Deserializer::from_str(raw.get());
        let slots = Record { places: &places }.deserialize(&mut deserializer).map_err(broken)?;
        records.push((slots, raw));
    }
    let next = envelope.next_records_url.filter(|_| !envelope.done);
    Ok(Records { next, records })
}

impl<'a> Records<'a> {
    /// How many there are.
    pub(in crate::salesforce) fn len(&self) -> usize {
        self.records.len()
    }

    /// The id and stamp of each record, which identify it between the parts of a split query.
    fn key(shape: &Shape, slots: &Slots<'a>) -> (Option<String>, Option<String>) {
        let text = |place: usize| slots.get(place).cloned().flatten().map(Cow::into_owned);
        (text(shape.id), shape.stamp.and_then(text))
    }

    /// The last record's place, to fetch the other fields up to it.
    pub(in crate::salesforce) fn last(&self, shape: &Shape) -> Option<super::Place> {
        let (id, stamp) = Self::key(shape, &self.records.last()?.0);
        let stamp = stamp.as_deref().and_then(super::read_instant);
        Some(super::Place { stamp: stamp.map(super::instant).unwrap_or_default(), id: id? })
    }

    /// Fills in the fields of a further part of the query, whose pages these are. Records that it
    /// does not have, or has in another version, changed while they were read: they are left out,
    /// and come again with their new stamp.
    pub(in crate::salesforce) fn join(&mut self, shape: &Shape, pages: &[Records<'a>]) {
        let others = pages.iter().flat_map(|page| &page.records);
        let others: HashMap<_, &Slots<'a>> =
            others.map(|(slots, _)| (Self::key(shape, slots), slots)).collect();
        self.records.retain_mut(|(slots, _)| {
            let Some(other) = others.get(&Self::key(shape, slots)) else { return false };
            for (slot, value) in slots.iter_mut().zip(other.iter()) {
                if slot.is_none() {
                    slot.clone_from(value);
                }
            }
            true
        });
    }

    /// Makes batches of them.
    pub(in crate::salesforce) fn decode(&self, shape: &Shape, seen: &mut Seen) -> Decoded {
        let mut emitter = Emitter::new(shape, seen, self.records.len());
        for (slots, raw) in &self.records {
            let field = |place: usize| {
                slots.get(place)?.as_deref().filter(|text| !text.is_empty()).map(Cow::Borrowed)
            };
            emitter.record(field, || raw.get().to_owned());
        }
        emitter.finish()
    }
}

/// Reads one record into slots.
struct Record<'p> {
    places: &'p HashMap<&'p str, usize>,
}

impl<'de> DeserializeSeed<'de> for Record<'_> {
    type Value = Slots<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Slots<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Record<'_> {
    type Value = Slots<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Slots<'de>, A::Error> {
        let mut slots: Slots<'de> = vec![None; self.places.len()];
        while let Some(place) = map.next_key_seed(Key { places: self.places })? {
            let Some(slot) = place.and_then(|place| slots.get_mut(place)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            *slot = text(map.next_value::<&'de RawValue>()?);
        }
        Ok(slots)
    }
}

/// Finds a field's place without keeping its name.
struct Key<'p> {
    places: &'p HashMap<&'p str, usize>,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.places.get(name).copied())
    }
}

/// A value's text: numbers as they are spelled, so that none passes through a float.
fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'n') => None,
        Some(b'"') => {
            // Without escapes it can stay where it is.
            let inner = text.get(1..text.len().saturating_sub(1))?;
            if !inner.contains('\\') {
                return Some(Cow::Borrowed(inner));
            }
            let mut text: String = serde_json::from_str(text).ok()?;
            text.retain(|character| character != '\0');
            Some(Cow::Owned(text))
        }
        _ => Some(Cow::Borrowed(text)),
    }
}
