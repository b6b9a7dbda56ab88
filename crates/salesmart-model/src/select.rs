//! Selectors: `name`, `+name` (with what it reads), `name+` (with what reads it), `+name+`,
//! `tag:x`, `path:sql/kpis`.

use std::collections::BTreeSet;

use salesmart_core::{Error, Result};

use crate::catalog::Catalog;
use crate::graph;
use crate::name::TableName;
use crate::nearest::did_you_mean;

impl Catalog {
    /// The models that any of the selectors names; all of them where there are no selectors.
    ///
    /// # Errors
    /// When a selector names nothing, with the nearest name there is.
    pub fn select<S: AsRef<str>>(&self, selectors: &[S]) -> Result<BTreeSet<TableName>> {
        if selectors.is_empty() {
            return Ok(self.models().map(|model| model.name.clone()).collect());
        }
        let mut selected = BTreeSet::new();
        let mut problems = Vec::new();
        for selector in selectors {
            match self.select_one(selector.as_ref()) {
                Ok(some) => selected.extend(some),
                Err(e) => problems.push(e),
            }
        }
        match Error::many(problems) {
            Some(error) => Err(error),
            None => Ok(selected),
        }
    }

    fn select_one(&self, selector: &str) -> Result<BTreeSet<TableName>> {
        let before = selector.strip_prefix('+');
        let core = before.unwrap_or(selector);
        let after = core.strip_suffix('+');
        let core = after.unwrap_or(core);

        let named: BTreeSet<TableName> = if let Some(tag) = core.strip_prefix("tag:") {
            let tagged: BTreeSet<TableName> = self
                .models()
                .filter(|model| model.header.tags.iter().any(|own| own == tag))
                .map(|model| model.name.clone())
                .collect();
            if tagged.is_empty() {
                let tags: BTreeSet<&str> = self
                    .models()
                    .flat_map(|model| model.header.tags.iter().map(String::as_str))
                    .collect();
                return Err(unknown(
                    &format!("no model has the tag `{tag}`"),
                    tag,
                    tags,
                    "tags there are",
                ));
            }
            tagged
        } else if let Some(path) = core.strip_prefix("path:") {
            let prefix =
                path.trim_start_matches("./").trim_end_matches("...").trim_end_matches('/');
            let below: BTreeSet<TableName> = self
                .models()
                .filter(|model| {
                    model.path.strip_prefix(prefix).is_some_and(|rest| {
                        prefix.is_empty() || rest.is_empty() || rest.starts_with('/')
                    })
                })
                .map(|model| model.name.clone())
                .collect();
            if below.is_empty() {
                let folders: BTreeSet<&str> = self
                    .models()
                    .flat_map(|model| {
                        model
                            .path
                            .match_indices('/')
                            .map(|(at, _)| &model.path[..at])
                            .chain([model.path.as_str()])
                    })
                    .collect();
                return Err(unknown(
                    &format!("no model is below `{path}`"),
                    prefix,
                    folders,
                    "paths there are",
                ));
            }
            below
        } else {
            BTreeSet::from([self.named(core)?.clone()])
        };

        let mut selected = named.clone();
        if before.is_some() {
            self.add_upstream(&mut selected);
        }
        if after.is_some() {
            let mut downstream = named;
            // In dependency order one pass finds everything.
            for name in self.order() {
                let Some(model) = self.model(name) else { continue };
                if graph::upstream(model).any(|read| downstream.contains(read)) {
                    downstream.insert(name.clone());
                }
            }
            selected.extend(downstream);
        }
        Ok(selected)
    }

    /// Adds everything that the models in the set read.
    pub(crate) fn add_upstream(&self, selected: &mut BTreeSet<TableName>) {
        for name in self.order().iter().rev() {
            if selected.contains(name)
                && let Some(model) = self.model(name)
            {
                selected.extend(graph::upstream(model).cloned());
            }
        }
    }

    /// A model by `schema.table`, by its table alone, or by its file's name.
    ///
    /// # Errors
    /// When there is none, with the nearest there is, or more than one.
    pub fn named(&self, text: &str) -> Result<&TableName> {
        let matches: Vec<&TableName> = self
            .models()
            .filter(|model| {
                model.name.to_string() == text || model.name.table == text || model.stem() == text
            })
            .map(|model| &model.name)
            .collect();
        match matches.as_slice() {
            [one] => Ok(one),
            [] => {
                let names: Vec<String> = self
                    .models()
                    .flat_map(|model| [model.name.to_string(), model.stem().to_owned()])
                    .collect();
                let hint = match crate::nearest::nearest(text, names.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`salesmart models` lists them".to_owned(),
                };
                Err(Error::configuration(format!("no model is called `{text}`")).with_hint(hint))
            }
            [first, ..] => {
                let shown: Vec<String> = matches.iter().map(|name| format!("`{name}`")).collect();
                Err(Error::configuration(format!(
                    "more than one model is called `{text}`: {}",
                    shown.join(", ")
                ))
                .with_hint(format!("name it with its schema, as `{first}`")))
            }
        }
    }
}

fn unknown(message: &str, typed: &str, known: BTreeSet<&str>, there_are: &str) -> Error {
    let error = Error::configuration(message);
    match did_you_mean(typed, known, there_are) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}
