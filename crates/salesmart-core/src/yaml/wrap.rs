//! Types that carry through serde what serde does not know: places, the order of a mapping, and
//! parts that stay undecoded.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Entry, Node, Value};
use crate::Location;

/// Newtype names by which these types ask our decoder for more than serde offers.
pub(super) const AT: &str = "$salesmart_core::yaml::At";
pub(super) const NODE: &str = "$salesmart_core::yaml::Node";
pub(super) const PAIRS: &str = "$salesmart_core::yaml::Pairs";
/// The same for [`SecretRef`](crate::SecretRef), which asks where a text came from.
pub(crate) const SECRET: &str = "$salesmart_core::SecretRef";

/// A decoded value that remembers its place. It works as a field, a list item, a map key and
/// inside `Option`. In schemas it is its value: `#[schemars(with = "T")]`.
///
/// Decoded from anything but a [`Node`] it has an unknown place (no file, line 0).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub location: Location,
}

impl<T> At<T> {
    /// A value at a place.
    pub fn new(value: T, location: Location) -> Self {
        Self { value, location }
    }

    /// Another value at the same place.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> At<U> {
        At { value: change(self.value), location: self.location }
    }
}

/// A mapping in the order of the file, with text keys. Unlike a map of the standard library it
/// reports what is wrong with each of its values, not only with the first. In schemas it is a
/// map: `#[schemars(with = "std::collections::BTreeMap<String, V>")]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs<K, V>(pub Vec<(K, V)>);

impl<K, V> Default for Pairs<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K, V> IntoIterator for Pairs<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, K, V> IntoIterator for &'a Pairs<K, V> {
    type Item = &'a (K, V);
    type IntoIter = std::slice::Iter<'a, (K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Collects pairs. `patient`: goes on after a failure to find what else is wrong, which only our own
/// decoder allows (another may fail for ever at the same place).
struct PairsVisitor<K, V> {
    patient: bool,
    types: PhantomData<(K, V)>,
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for PairsVisitor<K, V> {
    type Value = Pairs<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        let mut failure = None;
        while let Some(outcome) = map.next_entry().transpose() {
            match outcome {
                Ok(pair) => pairs.push(pair),
                Err(error) if !self.patient => return Err(error),
                // Our decoder has recorded it.
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(Pairs(pairs)),
        }
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, other: D) -> Result<Self::Value, D::Error> {
        other.deserialize_map(Self { patient: false, ..self })
    }
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Pairs<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_newtype_struct(PAIRS, PairsVisitor { patient: true, types: PhantomData })
    }
}

/// The next part of what our decoder sends for [`AT`] and [`NODE`].
fn part<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(parts: &mut A) -> Result<T, A::Error> {
    parts
        .next_element()?
        .ok_or_else(|| A::Error::custom("the decoder sent too few parts of a value"))
}

fn place<'de, A: SeqAccess<'de>>(parts: &mut A) -> Result<Location, A::Error> {
    let file: String = part(parts)?;
    Ok(Location::new(file, part(parts)?, part(parts)?))
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AtVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for AtVisitor<T> {
            type Value = At<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<At<T>, A::Error> {
                let location = place(&mut parts)?;
                Ok(At { value: part(&mut parts)?, location })
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                other: D,
            ) -> Result<At<T>, D::Error> {
                Ok(At { value: T::deserialize(other)?, location: Location::new("", 0, 0) })
            }
        }

        deserializer.deserialize_newtype_struct(AT, AtVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Node {
    /// Only from another node: other formats have no places to keep.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NodeVisitor;

        impl<'de> Visitor<'de> for NodeVisitor {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a part of a YAML file")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Node, A::Error> {
                let location = place(&mut parts)?;
                let written = match part::<u64, _>(&mut parts)? {
                    0 => None,
                    _ => Some(part(&mut parts)?),
                };
                let value = match part::<String, _>(&mut parts)?.as_str() {
                    "scalar" => Value::Scalar(part(&mut parts)?, part::<u64, _>(&mut parts)? != 0),
                    "sequence" => {
                        let mut items = Vec::new();
                        while let Some(item) = parts.next_element()? {
                            items.push(item);
                        }
                        Value::Sequence(items)
                    }
                    "mapping" => {
                        let mut entries = Vec::new();
                        while let Some(At { value: key, location }) = parts.next_element()? {
                            entries.push(Entry { key, location, node: part(&mut parts)? });
                        }
                        Value::Mapping(entries)
                    }
                    _ => Value::Null,
                };
                Ok(Node { location, value, written })
            }
        }

        deserializer.deserialize_newtype_struct(NODE, NodeVisitor)
    }
}
