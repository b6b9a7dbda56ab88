//! Variables in values: `${NAME}` and `${NAME:-default}`.

use super::{Entry, Node, Value};
use crate::{Error, Result};

impl Node {
    /// Replaces `${NAME}` and `${NAME:-default}` in every scalar by what `lookup` gives; `$${` is
    /// a literal `${`. As in a shell, the default also stands in for an empty value. Keys are
    /// left as they are.
    ///
    /// # Errors
    /// With place, for every name without a default that is not set.
    pub fn expand(&self, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Node> {
        self.try_expand(&|name| Ok(lookup(name)))
    }

    /// As [`Node::expand`], with a lookup that can fail (a secret's file cannot be read).
    ///
    /// # Errors
    /// With place, for every name that fails or has neither value nor default.
    pub fn try_expand(&self, lookup: &dyn Fn(&str) -> Result<Option<String>>) -> Result<Node> {
        self.replace_text(&|text| {
            if text.contains("${") { substitute(text, lookup).map(Some) } else { Ok(None) }
        })
    }

    /// A copy in which `replace` has given some scalars another text. Errors about such a scalar
    /// show the text as it was written, because the new one may be a secret.
    ///
    /// # Errors
    /// Whatever `replace` failed with, for every scalar, with its place.
    pub fn replace_text(&self, replace: &dyn Fn(&str) -> Result<Option<String>>) -> Result<Node> {
        let mut problems = Vec::new();
        let node = self.replaced(replace, &mut problems);
        match Error::many(problems) {
            Some(error) => Err(error),
            None => Ok(node),
        }
    }

    fn replaced(
        &self,
        replace: &dyn Fn(&str) -> Result<Option<String>>,
        problems: &mut Vec<Error>,
    ) -> Node {
        let mut copy = Node {
            location: self.location.clone(),
            value: Value::Null,
            written: self.written.clone(),
        };
        copy.value = match &self.value {
            Value::Null => Value::Null,
            Value::Scalar(text, quoted) => match replace(text) {
                Ok(None) => Value::Scalar(text.clone(), *quoted),
                Ok(Some(new)) => {
                    copy.written.get_or_insert_with(|| text.clone());
                    Value::Scalar(new, *quoted)
                }
                Err(error) => {
                    problems.extend(
                        error.split().into_iter().map(|error| error.at_if_nowhere(&self.location)),
                    );
                    Value::Null
                }
            },
            Value::Sequence(items) => {
                Value::Sequence(items.iter().map(|item| item.replaced(replace, problems)).collect())
            }
            Value::Mapping(entries) => Value::Mapping(
                entries
                    .iter()
                    .map(|entry| Entry {
                        key: entry.key.clone(),
                        location: entry.location.clone(),
                        node: entry.node.replaced(replace, problems),
                    })
                    .collect(),
            ),
        };
        copy
    }
}

/// `text` with its variables replaced.
fn substitute(text: &str, lookup: &dyn Fn(&str) -> Result<Option<String>>) -> Result<String> {
    let mut result = String::with_capacity(text.len());
    let mut problems = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        if let Some(before) = rest[..start].strip_suffix('$') {
            result.push_str(before);
            result.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        result.push_str(&rest[..start]);
        let reference = &rest[start + 2..];
        let Some(end) = reference.find('}') else {
            problems.push(
                Error::configuration("a `${` has no `}`")
                    .with_hint("close it, or write `$${` where the text itself holds `${`"),
            );
            break;
        };
        match value_of(&reference[..end], lookup) {
            Ok(value) => result.push_str(&value),
            Err(error) => problems.push(error),
        }
        rest = &reference[end + 1..];
    }
    result.push_str(rest);
    match Error::many(problems) {
        Some(error) => Err(error),
        None => Ok(result),
    }
}

/// The value of `NAME` or `NAME:-default`.
fn value_of(reference: &str, lookup: &dyn Fn(&str) -> Result<Option<String>>) -> Result<String> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    let named_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !named_well {
        return Err(Error::configuration(format!("`${{{reference}}}` does not name a variable"))
            .with(
                "expected",
                "`${NAME}` or `${NAME:-default}`, the name in letters, digits and `_`",
            )
            .with_hint("write `$${` where the text itself holds `${`"));
    }
    if default.is_some_and(|default| default.contains("${")) {
        return Err(Error::configuration(format!(
            "the default of `${{{name}}}` holds another variable"
        ))
        .with_hint("a default is plain text"));
    }
    match (lookup(name)?, default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Error::configuration(format!("the variable `{name}` is not set")).with_hint(format!(
            "set `{name}` in the environment, pass `--set {name}=…`, or write a default: `${{{name}:-…}}`"
        ))),
    }
}
