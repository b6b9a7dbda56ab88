//! Secrets: texts that no error, log or table may show, and that stand in no configuration file.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::Result;
use crate::yaml::{Origin, SECRET};

/// A text that is shown to nobody: `Debug` writes `***`, there is no `Display` and no
/// `Serialize`, and its memory is overwritten when it is dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A secret as a configuration file refers to it: `${NAME}`, the whole text from a variable, or
/// `file:PATH`, the content of a file. A text in clear, whole or in part, is an error with place
/// and hint; so is a default (`${NAME:-…}`), which would stand in clear too.
///
/// This crate opens no file, so the value comes in a second step: [`SecretRef::resolve_with`].
/// Decodes from a [`yaml::Node`](crate::yaml::Node) only.
#[derive(Clone)]
pub struct SecretRef(Reference);

#[derive(Clone)]
enum Reference {
    Value(Secret),
    File(String),
}

impl SecretRef {
    /// The secret; `read` gives the content of a file, by its path as it is written.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn resolve_with(&self, read: impl FnOnce(&str) -> Result<String>) -> Result<Secret> {
        match &self.0 {
            Reference::Value(secret) => Ok(secret.clone()),
            Reference::File(path) => read(path).map(Secret::new),
        }
    }
}

impl From<Secret> for SecretRef {
    /// A reference to a value that is there already.
    fn from(secret: Secret) -> Self {
        Self(Reference::Value(secret))
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reference::Value(secret) => secret.fmt(f),
            Reference::File(path) => write!(f, "file:{path}"),
        }
    }
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SecretVisitor;

        impl<'de> Visitor<'de> for SecretVisitor {
            type Value = SecretRef;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`${NAME}` or `file:PATH`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<SecretRef, A::Error> {
                let short = || A::Error::custom("the decoder sent too few parts of a secret");
                let origin: Cow<'_, str> = parts.next_element()?.ok_or_else(short)?;
                let text: String = parts.next_element()?.ok_or_else(short)?;
                Ok(SecretRef(match Origin::path(&origin, &text) {
                    Some(path) => Reference::File(path.to_owned()),
                    None => Reference::Value(Secret::new(text)),
                }))
            }
        }

        deserializer.deserialize_newtype_struct(SECRET, SecretVisitor)
    }
}

impl JsonSchema for SecretRef {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "SecretRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^(\$\{[A-Za-z_][A-Za-z0-9_]*\}|file:.+)$",
            "description": "A secret: `${NAME}` for a variable, or `file:PATH` for the content of a file. Never the text itself.",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::yaml::{self, At};
    use crate::{Error, ErrorKind};

    #[derive(Debug, Deserialize)]
    struct Config {
        token: SecretRef,
        #[serde(default)]
        key: Option<At<SecretRef>>,
    }

    fn decode(text: &str) -> Result<Config> {
        let variables = |name: &str| match name {
            "TOKEN" => Some("pat-hush-hush".to_owned()),
            "EMPTY" => Some(String::new()),
            "KEY" => Some("file:keys/crm.pem".to_owned()),
            _ => None,
        };
        yaml::parse("p.yml", text, 1)?.expand(&variables)?.decode()
    }

    fn value(secret: &SecretRef) -> String {
        let read = |path: &str| Ok(format!("content of {path}"));
        secret.resolve_with(read).expect("can be read").expose().to_owned()
    }

    #[test]
    fn a_secret_comes_whole_from_a_variable_or_from_a_file() {
        let config = decode("token: ${TOKEN}\nkey: file:keys/crm.pem\n").unwrap();
        assert_eq!(value(&config.token), "pat-hush-hush");
        let key = config.key.expect("is there");
        assert_eq!(key.location.to_string(), "p.yml:2:6");
        assert_eq!(value(&key.value), "content of keys/crm.pem");
        let config = decode("token: \"${TOKEN}\"\nkey: ${KEY}\n").unwrap();
        assert_eq!(value(&config.token), "pat-hush-hush");
        assert_eq!(value(&config.key.expect("is there").value), "content of keys/crm.pem");
    }

    #[test]
    fn a_file_that_was_read_already_is_a_value() {
        let node = yaml::parse("p.yml", "token: file:/run/token\n", 1).unwrap();
        let read = |text: &str| Ok(text.strip_prefix("file:/").map(|_| "pat-read".to_owned()));
        let config: Config = node.replace_text(&read).unwrap().decode().unwrap();
        assert_eq!(value(&config.token), "pat-read");
    }

    #[test]
    fn a_secret_in_clear_is_an_error_that_does_not_show_it() {
        let tell = |error: Error| {
            assert_eq!(error.kind(), ErrorKind::Configuration);
            format!("{error:#}\n{error:?}")
        };
        for (text, message, hint) in [
            ("token: pat-hush-hush", "written in clear in the file", "`${NAME}`"),
            ("token: Bearer ${TOKEN}", "in clear in part", "the whole text"),
            ("token: ${TOKEN}${TOKEN}", "in clear in part", "the whole text"),
            ("token: ${TOKEN:-pat-hush-hush}", "a default", "without `:-`"),
            ("token: ${NOT_SET:-pat-hush-hush}", "a default", "without `:-`"),
            ("token: ${EMPTY}", "a secret is empty", "set what `${EMPTY}` stands for"),
            ("token: 'file:'", "names no file", "file:secrets/token"),
            ("token: [pat-hush-hush]", "`token` cannot be a list", ""),
            ("token:", "`token` cannot be empty", ""),
        ] {
            let told = tell(decode(text).expect_err(text));
            assert!(told.contains(message) && told.contains(hint), "{text}: {told}");
            assert!(told.contains("p.yml:1:"), "{text}: {told}");
            assert!(told.contains("`${NAME}` or `file:PATH`"), "{text}: {told}");
            assert!(!told.contains("hush"), "{text}: {told}");
        }
    }

    #[test]
    fn the_errors_say_what_to_write() {
        let told = |text: &str| format!("{:#}", decode(text).expect_err(text));
        insta::assert_snapshot!(told("token: pat-hush-hush"), @"
        a secret is written in clear in the file
          at: p.yml:1:8
          key: `token`
          expected: `${NAME}` or `file:PATH`
          hint: write `${NAME}` and set that variable, or `file:PATH` with the path of a file that holds it; then replace the secret, since it was in a file
        ");
        insta::assert_snapshot!(told("token: ${TOKEN:-pat-hush-hush}"), @"
        a secret has a default that stands in the file
          at: p.yml:1:8
          key: `token`
          expected: `${NAME}` or `file:PATH`
          hint: write `${NAME}` without `:-`, and set the variable
        ");
        insta::assert_snapshot!(told("token: ${EMPTY}"), @"
        a secret is empty
          at: p.yml:1:8
          key: `token`
          expected: `${NAME}` or `file:PATH`
          hint: set what `${EMPTY}` stands for
        ");
    }

    #[test]
    fn nothing_shows_a_secret() {
        let config = decode("token: ${TOKEN}\nkey: file:keys/crm.pem\n").unwrap();
        let shown = format!("{config:?}");
        assert!(shown.contains("***") && !shown.contains("hush"), "{shown}");
        assert_eq!(format!("{:?}", Secret::new("hush")), "***");
    }

    #[test]
    fn only_nodes_hold_secrets() {
        assert!(serde_json::from_str::<SecretRef>("\"pat-hush-hush\"").is_err());
    }

    #[test]
    fn the_schema_tells_how_to_refer_to_one() {
        let schema = schemars::schema_for!(SecretRef);
        let pattern = schema.get("pattern").and_then(|pattern| pattern.as_str());
        assert_eq!(pattern, Some(r"^(\$\{[A-Za-z_][A-Za-z0-9_]*\}|file:.+)$"));
    }
}
