//! Which part of the company is asked about.

use std::str::FromStr;

use salesmart_core::{Error, Result};

use super::Asked;
use crate::commands::query::ask_all;
use crate::output::texts;

/// A scope as it is written: `company`, `team:Blue`, `rep:crm:005A`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScopeName {
    /// `company`, `region`, `team` or `rep`.
    kind: String,
    /// Its id or its name.
    name: Option<String>,
}

impl FromStr for ScopeName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (kind, name) = match text.split_once(':') {
            Some((kind, name)) => (kind, Some(name)),
            None => (text, None),
        };
        let is_right = match kind {
            "company" => name.is_none(),
            "region" | "team" | "rep" => name.is_some_and(|name| !name.is_empty()),
            _ => false,
        };
        if !is_right {
            return Err(Error::configuration(format!("`{text}` is not a scope")).with(
                "expected",
                "`company`, `region:NAME`, `team:NAME` or `rep:NAME`, by name or id",
            ));
        }
        Ok(Self { kind: kind.to_owned(), name: name.map(str::to_owned) })
    }
}

/// A scope that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scope {
    /// `company`, `region`, `team` or `rep`.
    pub(super) kind: String,
    /// Its id.
    pub(super) id: String,
    /// Its name.
    pub(super) name: String,
}

impl Scope {
    /// Finds a scope in the release.
    pub(super) async fn find(asked: &Asked, scope: &ScopeName) -> Result<Self> {
        let named = match &scope.name {
            Some(name) => {
                let name = literal(name);
                format!("and (scope_id = {name} or lower(scope_name) = lower({name}))")
            }
            None => String::new(),
        };
        let sql = format!(
            "select distinct scope, scope_id, scope_name from mart.dim_scope \
             where scope = {} {named} order by scope_id",
            literal(&scope.kind)
        );
        let batches = ask_all(&asked.workspace, &asked.lake, &asked.release, &sql).await?;
        let mut found: Vec<Scope> = texts(&batches)?
            .into_iter()
            .map(|row| {
                let mut cells = row.into_iter().map(Option::unwrap_or_default);
                let mut next = || cells.next().unwrap_or_default();
                Scope { kind: next(), id: next(), name: next() }
            })
            .collect();
        let written = scope.name.as_deref().unwrap_or("company");
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(Error::configuration(format!("there is no {} `{written}`", scope.kind))
                .with_hint(format!(
                    "`salesmart query \"select scope_id, scope_name from mart.dim_scope where \
                     scope = '{}'\"` lists them",
                    scope.kind
                ))),
            _ => Err(Error::configuration(format!(
                "there are {} {}s called `{written}`",
                found.len(),
                scope.kind
            ))
            .with("ids", found.iter().map(|s| s.id.as_str()).collect::<Vec<_>>().join(", "))
            .with_hint("name one by its id")),
        }
    }

    /// `company`, `team Blue`.
    pub(super) fn label(&self) -> String {
        if self.kind == "company" {
            self.kind.clone()
        } else {
            format!("{} {}", self.kind, self.name)
        }
    }

    /// The condition that a row with the columns rep_id, team_id and region_id is in it.
    pub(super) fn holds(&self, table: &str) -> String {
        match self.kind.as_str() {
            "company" => "true".to_owned(),
            kind => format!("{table}.{kind}_id = {}", literal(&self.id)),
        }
    }

    /// Whether it has a row with these ids of a rep, his team and its region.
    pub(super) fn has(&self, units: &[Option<String>]) -> bool {
        let place = match self.kind.as_str() {
            "rep" => 0,
            "team" => 1,
            "region" => 2,
            _ => return true,
        };
        units.get(place).and_then(Option::as_deref) == Some(self.id.as_str())
    }

    /// The condition that a row with the columns scope and scope_id is about it.
    pub(super) fn is(&self, table: &str) -> String {
        format!(
            "{table}.scope = {} and ({table}.scope_id = {} or {table}.scope = 'company')",
            literal(&self.kind),
            literal(&self.id)
        )
    }
}

/// Text as SQL spells it.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_kind_and_a_name() {
        let scope: ScopeName = "rep:crm:005A".parse().unwrap();
        assert_eq!((scope.kind.as_str(), scope.name.as_deref()), ("rep", Some("crm:005A")));
        assert_eq!("company".parse::<ScopeName>().unwrap().name, None);
        for wrong in ["", "team", "team:", "company:x", "country:DE"] {
            let error = wrong.parse::<ScopeName>().unwrap_err();
            assert_eq!(error.message(), format!("`{wrong}` is not a scope"));
        }
    }

    #[test]
    fn a_name_cannot_end_its_own_quotes() {
        assert_eq!(literal("O'Hara' or true --"), "'O''Hara'' or true --'");
    }
}
