//! A page of JSON, walked once: records are handed on as they are read, their values borrowed from
//! the page. No tree of JSON is built for them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

use super::client::Body;
use salesmart_core::Result;

/// One record of a page.
#[derive(Debug, Default)]
pub(super) struct Record<'de> {
    pub(super) id: Cow<'de, str>,
    pub(super) created_at: Text<'de>,
    pub(super) updated_at: Text<'de>,
    pub(super) archived: bool,
    pub(super) archived_at: Text<'de>,
    /// The values of the wanted properties, in the order in which they were asked for. "" and null
    /// both mean that a property is not set.
    pub(super) values: Vec<Text<'de>>,
    /// Former values of properties, as they stand in the answer.
    pub(super) history: Vec<Former<'de>>,
}

/// A text that may be missing.
pub(super) type Text<'de> = Option<Cow<'de, str>>;

/// A value that a property had from an instant on.
#[derive(Debug, Default)]
pub(super) struct Former<'de> {
    pub(super) property: Cow<'de, str>,
    pub(super) value: Text<'de>,
    pub(super) timestamp: Text<'de>,
    pub(super) source_type: Text<'de>,
    pub(super) source_id: Text<'de>,
    pub(super) source_label: Text<'de>,
    pub(super) updated_by_user_id: Text<'de>,
}

impl Record<'_> {
    /// The number that its id is, by which HubSpot sorts.
    pub(super) fn number(&self) -> Option<u64> {
        self.id.parse().ok()
    }

    /// How it came, for those who look at rejected rows.
    pub(super) fn to_json(&self, names: &[String]) -> String {
        let text = |text: &Text<'_>| text.as_deref().map_or(Value::Null, Value::from);
        let properties: Map<String, Value> =
            names.iter().cloned().zip(self.values.iter().map(text)).collect();
        serde_json::json!({
            "id": self.id,
            "properties": properties,
            "createdAt": text(&self.created_at),
            "updatedAt": text(&self.updated_at),
            "archived": self.archived,
        })
        .to_string()
    }
}

/// What a page says besides its records.
#[derive(Debug, Default, PartialEq)]
pub(super) struct PageEnd {
    /// How many records it had.
    pub(super) records: usize,
    /// Where the next page begins.
    pub(super) after: Option<String>,
    /// How many records a search found in all.
    pub(super) total: Option<u64>,
    /// What a batch could not read, by category, with what it said.
    pub(super) problems: Vec<(String, String)>,
}

/// Reads pages of one kind of record.
#[derive(Debug)]
pub(super) struct Pages {
    /// The wanted properties.
    pub(super) names: Vec<String>,
    places: HashMap<String, usize>,
}

impl Pages {
    pub(super) fn new<S: AsRef<str>>(names: &[S]) -> Self {
        let names: Vec<String> = names.iter().map(|name| name.as_ref().to_owned()).collect();
        let places = names.iter().enumerate().map(|(place, name)| (name.clone(), place)).collect();
        Self { names, places }
    }

    /// Walks through a page.
    ///
    /// # Errors
    /// When it is not a page of records.
    pub(super) fn read(&self, body: &Body, each: impl FnMut(&Record<'_>)) -> Result<PageEnd> {
        self.walk(&body.bytes, each).map_err(|error| body.unreadable(&error))
    }

    pub(super) fn walk(
        &self,
        bytes: &[u8],
        each: impl FnMut(&Record<'_>),
    ) -> serde_json::Result<PageEnd> {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let walk = Walk { pages: self, order: Vec::new(), record: Record::default(), each };
        let end = deserializer.deserialize_map(walk)?;
        deserializer.end()?;
        Ok(end)
    }
}

/// The walk through one page.
struct Walk<'a, 'de, F> {
    pages: &'a Pages,
    /// Names of the properties as the record before had them, and their places: HubSpot gives all
    /// records of a page the same order, so a comparison mostly replaces the look-up.
    order: Vec<(Cow<'de, str>, Option<usize>)>,
    record: Record<'de>,
    each: F,
}

impl<'de, F: FnMut(&Record<'_>)> Visitor<'de> for Walk<'_, 'de, F> {
    type Value = PageEnd;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of records")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<PageEnd, A::Error> {
        let mut end = PageEnd::default();
        let mut has_results = false;
        while let Some(key) = map.next_key_seed(Word)? {
            match &*key {
                "results" => {
                    has_results = true;
                    end.records = map.next_value_seed(Records(&mut self))?;
                }
                "paging" => {
                    let paging: Option<Paging> = map.next_value()?;
                    end.after = paging.and_then(|paging| paging.next).map(|next| next.after);
                }
                "total" => end.total = map.next_value()?,
                "errors" => {
                    let errors: Option<Vec<BatchError>> = map.next_value()?;
                    end.problems = errors.unwrap_or_default().into_iter().map(told).collect();
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match has_results {
            true => Ok(end),
            false => Err(A::Error::missing_field("results")),
        }
    }
}

#[derive(serde::Deserialize)]
struct Paging {
    next: Option<Next>,
}

#[derive(serde::Deserialize)]
struct Next {
    after: String,
}

/// Why a batch lacks some of its records.
#[derive(serde::Deserialize)]
pub(super) struct BatchError {
    #[serde(default)]
    category: Option<String>,
    #[serde(default, rename = "subCategory")]
    sub_category: Option<Value>,
    #[serde(default)]
    message: Option<String>,
}

/// The category that says most, and the message.
pub(super) fn told(error: BatchError) -> (String, String) {
    let sub = error.sub_category.as_ref().and_then(Value::as_str);
    let category = sub.map(str::to_owned).or(error.category).unwrap_or_default();
    (category, error.message.unwrap_or_default())
}

struct Records<'w, 'a, 'de, F>(&'w mut Walk<'a, 'de, F>);

impl<'de, F: FnMut(&Record<'_>)> DeserializeSeed<'de> for Records<'_, '_, 'de, F> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&Record<'_>)> Visitor<'de> for Records<'_, '_, 'de, F> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while records.next_element_seed(OneRecord(self.0))?.is_some() {
            count += 1;
            (self.0.each)(&self.0.record);
        }
        Ok(count)
    }
}

struct OneRecord<'w, 'a, 'de, F>(&'w mut Walk<'a, 'de, F>);

impl<'de, F> DeserializeSeed<'de> for OneRecord<'_, '_, 'de, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F> Visitor<'de> for OneRecord<'_, '_, 'de, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Walk { pages, order, record, .. } = self.0;
        let mut values = std::mem::take(&mut record.values);
        values.clear();
        values.resize(pages.names.len(), None);
        *record = Record { values, ..Record::default() };
        let mut has_id = false;
        while let Some(key) = map.next_key_seed(Word)? {
            match &*key {
                "id" => {
                    let id = map.next_value_seed(AnyValue)?;
                    has_id = id.as_deref().is_some_and(|id| !id.is_empty());
                    record.id = id.unwrap_or_default();
                }
                "properties" => {
                    let values = &mut record.values;
                    map.next_value_seed(Properties { pages, order, values })?;
                }
                "propertiesWithHistory" => {
                    map.next_value_seed(Histories(&mut record.history))?;
                }
                "createdAt" => record.created_at = map.next_value_seed(AnyValue)?,
                "updatedAt" => record.updated_at = map.next_value_seed(AnyValue)?,
                "archived" => {
                    record.archived = map.next_value_seed(AnyValue)?.as_deref() == Some("true");
                }
                "archivedAt" => record.archived_at = map.next_value_seed(AnyValue)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match has_id {
            true => Ok(()),
            false => Err(A::Error::missing_field("id")),
        }
    }
}

struct Properties<'w, 'de> {
    pages: &'w Pages,
    order: &'w mut Vec<(Cow<'de, str>, Option<usize>)>,
    values: &'w mut Vec<Text<'de>>,
}

impl<'de> DeserializeSeed<'de> for Properties<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Properties<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("properties")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut position = 0;
        while let Some(key) = map.next_key_seed(Word)? {
            let place = match self.order.get(position) {
                Some((known, place)) if *known == key => *place,
                _ => {
                    let place = self.pages.places.get(&*key).copied();
                    self.order.truncate(position);
                    self.order.push((key, place));
                    place
                }
            };
            position += 1;
            match place {
                Some(place) => {
                    let value = map.next_value_seed(AnyValue)?;
                    self.values[place] = value.filter(|value| !value.is_empty());
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Histories<'w, 'de>(&'w mut Vec<Former<'de>>);

impl<'de> DeserializeSeed<'de> for Histories<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Histories<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("former values by property")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(property) = map.next_key_seed(Word)? {
            map.next_value_seed(FormerValues { property, into: &mut *self.0 })?;
        }
        Ok(())
    }
}

struct FormerValues<'w, 'de> {
    property: Cow<'de, str>,
    into: &'w mut Vec<Former<'de>>,
}

impl<'de> DeserializeSeed<'de> for FormerValues<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FormerValues<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("former values")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while let Some(mut former) = values.next_element_seed(OneFormer)? {
            former.property.clone_from(&self.property);
            self.into.push(former);
        }
        Ok(())
    }
}

struct OneFormer;

impl<'de> DeserializeSeed<'de> for OneFormer {
    type Value = Former<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Former<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneFormer {
    type Value = Former<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a former value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Former<'de>, A::Error> {
        let mut former = Former::default();
        while let Some(key) = map.next_key_seed(Word)? {
            let field = match &*key {
                "value" => &mut former.value,
                "timestamp" => &mut former.timestamp,
                "sourceType" => &mut former.source_type,
                "sourceId" => &mut former.source_id,
                "sourceLabel" => &mut former.source_label,
                "updatedByUserId" => &mut former.updated_by_user_id,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = map.next_value_seed(AnyValue)?.filter(|value| !value.is_empty());
        }
        Ok(former)
    }
}

/// A text that must be there, such as a key; borrowed unless it has escapes.
pub(super) struct Word;

impl<'de> DeserializeSeed<'de> for Word {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Word {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text))
    }
}

/// A value: a text or null, by the contract. Whatever else comes is kept as its JSON text, so that
/// its column says whether it fits.
pub(super) struct AnyValue;

impl<'de> DeserializeSeed<'de> for AnyValue {
    type Value = Text<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Text<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Text<'de>, E> {
        Ok(Some(Cow::Owned(text)))
    }

    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Text<'de>, E> {
        Ok(Some(Cow::Borrowed(if value { "true" } else { "false" })))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Text<'de>, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Text<'de>, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Text<'de>, E> {
        Ok(Some(Cow::Owned(value.to_string())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Text<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Value>()? {
            list.push(item);
        }
        Ok(Some(Cow::Owned(Value::Array(list).to_string())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Text<'de>, A::Error> {
        let mut map = Map::new();
        while let Some((key, value)) = items.next_entry::<String, Value>()? {
            map.insert(key, value);
        }
        Ok(Some(Cow::Owned(Value::Object(map).to_string())))
    }
}
