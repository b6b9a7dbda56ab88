//! Which of many names are meant: globs to include and to exclude.

use std::fmt;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};
use salesmart_core::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names chosen by globs. Upper and lower case are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The names that are wanted. Without any, all are.
    #[serde(default)]
    pub include: Vec<Glob>,
    /// The names that are not wanted, even if they are included.
    #[serde(default)]
    pub exclude: Vec<Glob>,
}

impl Selection {
    /// A selection by globs that are written in the code.
    ///
    /// # Errors
    /// When one of them is no glob.
    pub fn new(include: &[&str], exclude: &[&str]) -> Result<Self, Error> {
        let globs = |texts: &[&str]| -> Result<Vec<Glob>, Error> {
            texts.iter().map(|text| text.parse()).collect()
        };
        Ok(Self { include: globs(include)?, exclude: globs(exclude)? })
    }

    /// Whether a name is wanted.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        let any = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(name));
        (self.include.is_empty() || any(&self.include)) && !any(&self.exclude)
    }

    /// The globs that match none of the names, which are slips more often than not.
    pub fn idle<'a>(&'a self, names: &[impl AsRef<str>]) -> Vec<&'a Glob> {
        self.include
            .iter()
            .chain(&self.exclude)
            .filter(|glob| !names.iter().any(|name| glob.matches(name.as_ref())))
            .collect()
    }
}

/// A name with wildcards: `*` for any characters, `?` for one, `[abc]` for one of some, `{a,b}`
/// for one of several texts.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String")]
pub struct Glob {
    text: String,
    matcher: GlobMatcher,
}

impl Glob {
    /// Whether the whole name fits.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.matcher.is_match(name)
    }

    /// The glob as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it can fit one name only.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !self.text.contains(['*', '?', '[', '{', '\\'])
    }
}

impl FromStr for Glob {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let glob = GlobBuilder::new(text).case_insensitive(true).build().map_err(|error| {
            Error::configuration(format!("`{text}` is not a glob: {}", error.kind()))
                .with("expected", "a name, with `*` for any characters and `?` for one")
        })?;
        if text.trim().is_empty() {
            return Err(Error::configuration("a glob is empty").with_hint("write `*` for all"));
        }
        Ok(Self { text: text.to_owned(), matcher: glob.compile_matcher() })
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> Self {
        glob.text
    }
}

impl TryFrom<String> for Glob {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Glob {}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use salesmart_core::yaml;

    use super::*;

    #[test]
    fn names_are_chosen_by_globs_in_any_case() {
        let all = Selection::default();
        assert!(all.contains("Opportunity"));
        let some =
            Selection::new(&["opp*", "Account", "*__c"], &["*history", "secret*__c"]).unwrap();
        for (name, wanted) in [
            ("Opportunity", true),
            ("OPPORTUNITY", true),
            ("OpportunityHistory", false),
            ("account", true),
            ("AccountContactRole", false),
            ("Invoice__c", true),
            ("SecretThing__c", false),
            ("Lead", false),
        ] {
            assert_eq!(some.contains(name), wanted, "{name}");
        }
        let idle: Vec<&str> = some
            .idle(&["Account", "OpportunityHistory"])
            .iter()
            .map(|glob| glob.as_str())
            .collect();
        assert_eq!(idle, ["*__c", "secret*__c"]);
    }

    #[test]
    fn a_broken_glob_is_told_with_its_place() {
        let node = yaml::parse("p.yml", "include: [Account, \"Opp[ortunity\"]\n", 1).unwrap();
        let error = node.decode::<Selection>().expect_err("an open bracket");
        assert_eq!(error.location().map(ToString::to_string), Some("p.yml:1:20".to_owned()));
        assert!(error.message().contains("`Opp[ortunity` is not a glob"), "{error}");
        assert!("".parse::<Glob>().is_err());
    }
}
