//! Which tables of a release a target takes.

use salesmart_core::yaml::At;
use salesmart_core::{Error, Result};
use salesmart_lake::{Release, ReleasedTable};

/// Patterns such as `kpi.*` and `mart.dim_rep`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection(Vec<At<String>>);

impl Selection {
    /// Takes patterns; none takes every table.
    pub(crate) fn new(patterns: Vec<At<String>>) -> Result<Self> {
        let mut problems = Vec::new();
        for pattern in &patterns {
            let part = |text: &str| {
                text == "*"
                    || !text.is_empty()
                        && text
                            .chars()
                            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            };
            let usable = pattern.value.split_once('.').is_some_and(|(s, t)| part(s) && part(t));
            if !usable {
                problems.push(
                    Error::configuration(format!("`{}` names no table", pattern.value))
                        .at(pattern.location.clone())
                        .with(
                            "expected",
                            "`schema.table`, or `schema.*` for all tables of a schema",
                        ),
                );
            }
        }
        Error::many(problems).map_or(Ok(Self(patterns)), Err)
    }

    /// The tables of a release that are taken, in the order of their names.
    ///
    /// A pattern that takes no table is an error: it is more often a slip than a wish.
    pub(crate) fn of<'a>(&self, release: &'a Release) -> Result<Vec<(&'a str, &'a ReleasedTable)>> {
        let mut problems = Vec::new();
        for pattern in &self.0 {
            if !release.tables.keys().any(|name| matches(&pattern.value, name)) {
                let schema = pattern.value.split('.').next().unwrap_or_default();
                let near: Vec<&str> = release
                    .tables
                    .keys()
                    .map(String::as_str)
                    .filter(|name| name.split('.').next() == Some(schema))
                    .collect();
                let error = Error::configuration(format!(
                    "release {} has no table `{}`",
                    release.id, pattern.value
                ))
                .at(pattern.location.clone());
                let near = salesmart_core::suggest::nearest(&pattern.value, near);
                problems.push(match near {
                    Some(near) => error.with_hint(format!("did you mean `{near}`?")),
                    None => error.with_hint(format!(
                        "`salesmart releases show {}` lists its tables",
                        release.id
                    )),
                });
            }
        }
        if let Some(error) = Error::many(problems) {
            return Err(error);
        }
        let taken = |name: &str| {
            self.0.is_empty() || self.0.iter().any(|pattern| matches(&pattern.value, name))
        };
        Ok(release
            .tables
            .iter()
            .filter(|(name, _)| taken(name))
            .map(|(name, table)| (name.as_str(), table))
            .collect())
    }

    /// The patterns, for what depends on them.
    pub(crate) fn patterns(&self) -> Vec<&str> {
        self.0.iter().map(|pattern| pattern.value.as_str()).collect()
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    let (Some((schema, table)), Some((of, named))) =
        (pattern.split_once('.'), name.split_once('.'))
    else {
        return false;
    };
    (schema == "*" || schema == of) && (table == "*" || table == named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_schemas_and_tables() {
        for (pattern, name, taken) in [
            ("kpi.*", "kpi.win_rate", true),
            ("kpi.*", "kpis.win_rate", false),
            ("mart.dim_rep", "mart.dim_rep", true),
            ("mart.dim_rep", "mart.dim_rep_tenure", false),
            ("*.*", "ops.run", true),
        ] {
            assert_eq!(matches(pattern, name), taken, "{pattern} {name}");
        }
        let place = salesmart_core::Location::line("p.yml", 3);
        for wrong in ["kpi", "kpi.", "KPI.x", "a b.c", "kpi.win%"] {
            let error = Selection::new(vec![At::new(wrong.to_owned(), place.clone())]).unwrap_err();
            assert_eq!(error.location(), Some(&place), "{wrong}");
        }
    }
}
