//! Variables: what `${NAME}` in a configuration file stands for.
//!
//! `--set NAME=VALUE` comes before the environment. A value of the form `file:/path` is the
//! trimmed content of that file, so that a secret need not stand in a file or an environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use salesmart_core::yaml::Node;
use salesmart_core::{Error, ErrorKind, Result};

/// The variables of one call of the program.
#[derive(Clone, Default)]
pub struct Variables {
    set: BTreeMap<String, String>,
    environment: BTreeMap<String, OsString>,
}

impl Variables {
    /// The given assignments (`NAME=VALUE`, from `--set`) before the process environment.
    ///
    /// # Errors
    /// When an assignment has no `=` or no name, or names a variable twice.
    pub fn from_process(assignments: &[String]) -> Result<Self> {
        // A name that is not Unicode cannot be written in a file; a value is judged when used.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| name.into_string().ok().map(|name| (name, value)));
        Self::new(assignments, environment)
    }

    /// As [`Variables::from_process`], with an environment of its own.
    ///
    /// # Errors
    /// When an assignment has no `=` or no name, or names a variable twice.
    pub fn new(
        assignments: &[String],
        environment: impl IntoIterator<Item = (String, OsString)>,
    ) -> Result<Self> {
        let mut set = BTreeMap::new();
        for assignment in assignments {
            // The value may be a secret, so errors show the name at most.
            let Some((name, value)) =
                assignment.split_once('=').filter(|(name, _)| !name.is_empty())
            else {
                return Err(Error::configuration(
                    "an assignment of `--set` has no name or no value",
                )
                .with("expected", "`--set NAME=VALUE`"));
            };
            if set.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(Error::configuration(format!("`--set` names `{name}` twice"))
                    .with_hint("keep one of the two"));
            }
        }
        Ok(Self { set, environment: environment.into_iter().collect() })
    }

    /// The value of a variable; `None` when it is not set.
    ///
    /// # Errors
    /// When the value is not Unicode, or the file it names cannot be read.
    pub fn get(&self, name: &str) -> Result<Option<String>> {
        let value = match (self.set.get(name), self.environment.get(name)) {
            (Some(value), _) => value.clone(),
            (None, Some(value)) => value.clone().into_string().map_err(|_| {
                Error::configuration(format!(
                    "the value of the variable `{name}` is not Unicode text"
                ))
                .with_hint(format!("set `{name}` in UTF-8"))
            })?,
            (None, None) => return Ok(None),
        };
        match content(&value) {
            Ok(None) => Ok(Some(value)),
            Ok(Some(secret)) => Ok(Some(secret)),
            Err(error) => Err(error.wrap(format!("failed to read the variable `{name}`"))),
        }
    }

    /// A copy of a tree in which variables and `file:/path` values are replaced.
    ///
    /// # Errors
    /// With place, for every variable that is not set or cannot be read.
    pub(crate) fn fill(&self, node: &Node) -> Result<Node> {
        node.try_expand(&|name| self.get(name))?.replace_text(&content)
    }
}

/// The content of the file that a value of the form `file:/path` names; `None` for other values.
/// `file://…` is a URL and means itself.
fn content(value: &str) -> Result<Option<String>> {
    let path = match value.strip_prefix("file:") {
        Some(path) if path.starts_with('/') && !path.starts_with("//") => path,
        _ => return Ok(None),
    };
    let failed = |kind, why: String| {
        Error::new(kind, format!("failed to read a value from the file `{path}`: {why}")).with_hint(
            "`file:/path` stands for the content of a file; a location is written `file:///path`",
        )
    };
    let bytes = std::fs::read(path).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::PermissionDenied => ErrorKind::Permission,
            _ => ErrorKind::Configuration,
        };
        failed(kind, error.to_string())
    })?;
    let text = String::from_utf8(bytes)
        .map_err(|_| failed(ErrorKind::Configuration, "it is not UTF-8 text".to_owned()))?;
    match text.trim() {
        "" => Err(failed(ErrorKind::Configuration, "it is empty".to_owned())),
        secret => Ok(Some(secret.to_owned())),
    }
}

impl fmt::Debug for Variables {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.set.keys().chain(self.environment.keys()).collect();
        f.debug_struct("Variables").field("names", &names).finish_non_exhaustive()
    }
}
