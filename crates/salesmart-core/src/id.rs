//! Names and identifiers, validated once where they enter.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Checks a name that becomes part of object store paths, SQL and tables: lower-case letters,
/// digits and `_`, a letter first, at most 63 characters (PostgreSQL's limit for identifiers).
fn check_name(what: &str, name: &str) -> Result<()> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    let consists_well =
        name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if starts_well && consists_well && name.len() <= 63 {
        return Ok(());
    }
    let suggestion: String = name
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let suggestion = suggestion.trim_start_matches(|c: char| !c.is_ascii_lowercase());
    let error = Error::configuration(format!("`{name}` is not a usable {what} name")).with(
        "expected",
        "lower-case letters, digits and `_`, a letter first, at most 63 characters",
    );
    Err(if suggestion.is_empty() || suggestion.len() > 63 {
        error
    } else {
        error.with_hint(format!("`{suggestion}` would do"))
    })
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $type(String);

        impl $type {
            /// Checks and takes a name.
            ///
            /// # Errors
            /// Says what a usable name looks like, and suggests one.
            pub fn new(name: impl Into<String>) -> Result<Self> {
                let name = name.into();
                check_name($what, &name)?;
                Ok(Self(name))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                Self::new(name).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// The name a project gives to one connected source, such as `hubspot_prod`.
    ConnectionName,
    "connection"
);
name!(
    /// The name of one stream of a connection, such as `deals`.
    StreamName,
    "stream"
);

name!(
    /// The name of the system a connection reads, such as `salesforce`: the schema of its raw
    /// tables and the folder of its staging models.
    SystemName,
    "system"
);

name!(
    /// The name a project gives to one target of releases, such as `warehouse`.
    TargetName,
    "target"
);

/// One run of a pipeline: `20261123T050000123Z_1a2b3c4d`, sortable by start time to the millisecond.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// A new id for a run that starts at `started_at`.
    #[must_use]
    pub fn new(started_at: DateTime<Utc>) -> Self {
        let random = uuid::Uuid::new_v4().simple().to_string();
        Self(format!("{}_{}", started_at.format("%Y%m%dT%H%M%S%3fZ"), &random[..8]))
    }

    /// Takes an id that a person typed or a document holds.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One release of the warehouse: `r000042`, counted from 1 without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ReleaseId(pub u64);

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{:06}", self.0)
    }
}

impl From<ReleaseId> for String {
    fn from(id: ReleaseId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for ReleaseId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl std::str::FromStr for ReleaseId {
    type Err = Error;

    /// Reads `r000042`, `r42` or `42`.
    fn from_str(text: &str) -> Result<Self> {
        text.strip_prefix('r').unwrap_or(text).parse().map(Self).map_err(|_| {
            Error::configuration(format!("`{text}` is not a release id"))
                .with("expected", "`r000042` or `42`")
                .with_hint("`salesmart releases` lists them")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_cannot_be_used_suggests_one_that_can() {
        let error = ConnectionName::new("HubSpot Prod").expect_err("has upper case and a space");
        assert_eq!(error.hint(), Some("`hubspot_prod` would do"));
        assert!(StreamName::new("2deals").is_err());
        assert!(StreamName::new("").is_err());
        assert!(StreamName::new("deals_2").is_ok());
    }

    #[test]
    fn release_ids_are_read_as_they_are_written() {
        let id = ReleaseId(42);
        assert_eq!(id.to_string(), "r000042");
        assert_eq!("r000042".parse::<ReleaseId>().ok(), Some(id));
        assert_eq!("42".parse::<ReleaseId>().ok(), Some(id));
        assert!("latest".parse::<ReleaseId>().is_err());
    }
}
